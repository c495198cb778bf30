package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// msalCases are the cases of MSAL for Go.
func msalCases(outside *issuer) []testCase {
	cases := []testCase{
		{"msal_is_refused_a_wrong_secret", func(ctx context.Context) error {
			_, err := bySecret(ctx, tenant, "wrong")
			return refused(err, "7000215")
		}},
		{"msal_is_refused_an_expired_secret", func(ctx context.Context) error {
			_, err := bySecret(ctx, tenant, facts["expired"])
			return refused(err, "7000222")
		}},
		{"msal_gets_a_token_by_certificate", func(ctx context.Context) error {
			token, err := byCertificate(ctx, facts["certificate"], facts["key"])
			return holds(token, err, map[string]string{"appid": facts["cert"], "appidacr": "2"})
		}},
		{"msal_is_refused_a_foreign_certificate", func(ctx context.Context) error {
			_, err := byCertificate(ctx, facts["other_certificate"], facts["other_key"])
			return refused(err, "700027")
		}},
		{"msal_gets_a_token_for_a_workload", func(ctx context.Context) error {
			token, err := byAssertion(ctx, outside, "workload")
			return holds(token, err, map[string]string{"appid": facts["federated"], "appidacr": "2"})
		}},
		{"msal_is_refused_another_workload", func(ctx context.Context) error {
			_, err := byAssertion(ctx, outside, "another")
			return refused(err, "700213")
		}},
		{"msal_is_refused_a_wrong_password", func(ctx context.Context) error {
			_, err := byPassword(ctx, tenant, "public", facts["user"], "Wrong-horse-9")
			return refused(err, "50126")
		}},
		{"msal_is_refused_a_password_where_a_second_factor_is_registered", func(ctx context.Context) error {
			_, err := byPassword(ctx, tenant, "public", facts["mfa"], facts["password"])
			return refused(err, "50076")
		}},
		{"msal_is_refused_a_password_while_the_public_client_is_off", func(ctx context.Context) error {
			_, err := byPassword(ctx, tenant, "secret", facts["user"], facts["password"])
			return refused(err, "7000218")
		}},
		{"msal_gets_a_token_by_password_at_organizations", func(ctx context.Context) error {
			token, err := byPassword(ctx, "organizations", "multiple", facts["user"], facts["password"])
			return holds(token, err, map[string]string{"upn": facts["user"], "tid": tenant})
		}},
		{"msal_is_refused_a_password_of_a_single_tenant_at_organizations", func(ctx context.Context) error {
			_, err := byPassword(ctx, "organizations", "public", facts["user"], facts["password"])
			return refused(err, "50194")
		}},
		{"msal_is_refused_a_password_at_common", func(ctx context.Context) error {
			_, err := byPassword(ctx, "common", "multiple", facts["user"], facts["password"])
			return refused(err, "9001023")
		}},
		{"msal_is_told_that_a_device_was_declined", func(ctx context.Context) error {
			_, err := byDevice(ctx, tenant, "public", "no")
			return refused(err, "65004")
		}},
		{"msal_acts_on_behalf_of_a_user", func(ctx context.Context) error {
			token, err := onBehalf(ctx, middle)
			return holds(token, err, map[string]string{"upn": facts["user"], "appid": facts["middle"]})
		}},
		{"msal_is_refused_to_act_with_a_token_for_another_api", func(ctx context.Context) error {
			_, err := onBehalf(ctx, scope)
			return refused(err, "500131")
		}},
		{"msal_is_refused_a_resource_that_was_not_consented_to", notConsented},
		{"msal_gets_another_resource_and_a_new_token_silently", silently},
		{"msal_answers_a_claims_challenge", challenged},
	}
	for _, name := range []string{tenant, domain} {
		cases = append(cases, testCase{"msal_gets_a_token_by_secret_at_" + name, func(ctx context.Context) error {
			token, err := bySecret(ctx, name, facts["value"])
			return holds(token, err, map[string]string{"appid": facts["secret"], "idtyp": "app", "tid": tenant})
		}}, testCase{"msal_gets_a_token_by_password_at_" + name, func(ctx context.Context) error {
			token, err := byPassword(ctx, name, "public", facts["user"], facts["password"])
			return holds(token, err, map[string]string{"upn": facts["user"], "tid": tenant})
		}}, testCase{"msal_lets_a_device_in_at_" + name, func(ctx context.Context) error {
			token, err := byDevice(ctx, name, "public", "yes")
			return holds(token, err, map[string]string{"upn": facts["user"], "tid": tenant})
		}})
	}
	// Without the tenant's name an application can't be found, and a person is found by the name's domain.
	for _, name := range []string{"common", "organizations"} {
		cases = append(cases, testCase{"msal_is_refused_an_application_token_at_" + name,
			without("50059", func(ctx context.Context) (string, error) { return bySecret(ctx, name, facts["value"]) }),
		}, testCase{"msal_lets_a_device_in_at_" + name, func(ctx context.Context) error {
			token, err := byDevice(ctx, name, "multiple", "yes")
			return holds(token, err, map[string]string{"upn": facts["user"], "tid": tenant})
		}}, testCase{"msal_is_refused_a_device_of_a_single_tenant_at_" + name,
			without("50194", func(ctx context.Context) (string, error) { return byDevice(ctx, name, "public", "yes") })})
	}
	if twoTenants() {
		cases = append(cases, foreignMSALCases()...)
	}
	return cases
}

// foreignMSALCases show that nothing of one tenant is of use in the other.
func foreignMSALCases() []testCase {
	return []testCase{
		{"msal_is_refused_an_application_in_another_tenant",
			without("700016", func(ctx context.Context) (string, error) {
				return bySecret(ctx, facts["foreign_tenant"], facts["value"])
			})},
		{"msal_is_refused_an_application_in_another_domain",
			without("700016", func(ctx context.Context) (string, error) {
				return bySecret(ctx, facts["foreign_domain"], facts["value"])
			})},
		{"msal_is_refused_a_person_of_another_tenant",
			without("50020", func(ctx context.Context) (string, error) {
				return byPassword(ctx, tenant, "public", facts["foreign_user"], facts["password"])
			})},
		{"msal_is_refused_a_device_in_another_tenant",
			without("700016", func(ctx context.Context) (string, error) {
				return byDevice(ctx, facts["foreign_tenant"], "public", "yes")
			})},
		{"msal_is_refused_to_act_with_a_token_of_another_tenant",
			without("1000014", func(ctx context.Context) (string, error) {
				it, err := publicClient(facts["foreign_tenant"], "foreign_public")
				if err != nil {
					return "", err
				}
				sent, err := it.AcquireTokenByUsernamePassword(
					ctx, []string{middle}, facts["foreign_user"], facts["password"])
				if err != nil {
					return "", err
				}
				return onBehalfWith(ctx, sent.AccessToken)
			})},
	}
}

func confidentialClient(authority, id string, credential confidential.Credential) (confidential.Client, error) {
	return confidential.New(base+"/"+authority, facts[id], credential,
		confidential.WithHTTPClient(client), confidential.WithInstanceDiscovery(false))
}

func publicClient(authority, id string, options ...public.Option) (public.Client, error) {
	options = append(options, public.WithAuthority(base+"/"+authority), public.WithHTTPClient(client),
		public.WithInstanceDiscovery(false))
	return public.New(facts[id], options...)
}

func applicationToken(ctx context.Context, it confidential.Client, err error) (string, error) {
	if err != nil {
		return "", err
	}
	result, err := it.AcquireTokenByCredential(ctx, []string{scope})
	return result.AccessToken, err
}

func bySecret(ctx context.Context, authority, secret string) (string, error) {
	credential, err := confidential.NewCredFromSecret(secret)
	if err != nil {
		return "", err
	}
	it, err := confidentialClient(authority, "secret", credential)
	return applicationToken(ctx, it, err)
}

func byCertificate(ctx context.Context, certificate, key string) (string, error) {
	certificates, private, err := confidential.CertFromPEM([]byte(certificate+key), "")
	if err != nil {
		return "", err
	}
	credential, err := confidential.NewCredFromCert(certificates, private)
	if err != nil {
		return "", err
	}
	it, err := confidentialClient(tenant, "cert", credential)
	return applicationToken(ctx, it, err)
}

func byAssertion(ctx context.Context, outside *issuer, subject string) (string, error) {
	credential := confidential.NewCredFromAssertionCallback(
		func(context.Context, confidential.AssertionRequestOptions) (string, error) {
			return outside.token(subject)
		})
	it, err := confidentialClient(tenant, "federated", credential)
	return applicationToken(ctx, it, err)
}

func byPassword(ctx context.Context, authority, id, user, password string) (string, error) {
	it, err := publicClient(authority, id)
	if err != nil {
		return "", err
	}
	result, err := it.AcquireTokenByUsernamePassword(ctx, []string{scope}, user, password)
	return result.AccessToken, err
}

func byDevice(ctx context.Context, authority, id, answer string) (string, error) {
	it, err := publicClient(authority, id)
	if err != nil {
		return "", err
	}
	device, err := it.AcquireTokenByDeviceCode(ctx, []string{scope})
	if err != nil {
		return "", err
	}
	if err := answerDevice(device.Result.VerificationURL, device.Result.UserCode, answer); err != nil {
		return "", err
	}
	result, err := device.AuthenticationResult(ctx)
	return result.AccessToken, err
}

// userToken is what a user's client sends to an API.
func userToken(ctx context.Context, scope string) (string, error) {
	it, err := publicClient(tenant, "public")
	if err != nil {
		return "", err
	}
	result, err := it.AcquireTokenByUsernamePassword(ctx, []string{scope}, facts["user"], facts["password"])
	return result.AccessToken, err
}

// onBehalf is a token that the API in the middle gets for a user's token for this scope.
func onBehalf(ctx context.Context, scope string) (string, error) {
	assertion, err := userToken(ctx, scope)
	if err != nil {
		return "", err
	}
	return onBehalfWith(ctx, assertion)
}

func onBehalfWith(ctx context.Context, assertion string) (string, error) {
	credential, err := confidential.NewCredFromSecret(facts["value"])
	if err != nil {
		return "", err
	}
	it, err := confidentialClient(tenant, "middle", credential)
	if err != nil {
		return "", err
	}
	result, err := it.AcquireTokenOnBehalfOf(ctx, assertion, []string{scope})
	return result.AccessToken, err
}

func notConsented(ctx context.Context) error {
	it, err := publicClient(tenant, "public")
	if err != nil {
		return err
	}
	first, err := it.AcquireTokenByUsernamePassword(ctx, []string{scope}, facts["user"], facts["password"])
	if err != nil {
		return err
	}
	wanted := []string{"https://graph.microsoft.com/Application.Read.All"}
	_, err = it.AcquireTokenSilent(ctx, wanted, public.WithSilentAccount(first.Account))
	return refused(err, "65001")
}

// silently gets a token for another resource by the refresh token, then the first one from the cache.
func silently(ctx context.Context) error {
	it, err := publicClient(tenant, "public")
	if err != nil {
		return err
	}
	first, err := it.AcquireTokenByUsernamePassword(ctx, []string{scope}, facts["user"], facts["password"])
	if err != nil {
		return err
	}
	account := public.WithSilentAccount(first.Account)
	second, err := it.AcquireTokenSilent(ctx, []string{graph}, account)
	if err := holds(second.AccessToken, err, map[string]string{"upn": facts["user"]}); err != nil {
		return err
	}
	if len(second.DeclinedScopes) > 0 {
		return fmt.Errorf("declined: %v", second.DeclinedScopes)
	}
	cached, err := it.AcquireTokenSilent(ctx, []string{scope}, account)
	if err == nil && cached.AccessToken != first.AccessToken {
		return errors.New("the token of the first resource is not in the cache")
	}
	return err
}

// challenged sends the claims of a challenge, which demand a token that is new, and gets one past the cache.
func challenged(ctx context.Context) error {
	it, err := publicClient(tenant, "public", public.WithClientCapabilities([]string{"CP1"}))
	if err != nil {
		return err
	}
	first, err := it.AcquireTokenByUsernamePassword(ctx, []string{scope}, facts["user"], facts["password"])
	if err != nil {
		return err
	}
	second, err := it.AcquireTokenSilent(ctx, []string{scope}, public.WithSilentAccount(first.Account),
		public.WithClaims(challenge))
	if err != nil {
		return err
	}
	if second.AccessToken == first.AccessToken {
		return errors.New("the challenge was answered from the cache")
	}
	claims, err := verified(second.AccessToken)
	if err == nil && !strings.Contains(fmt.Sprint(claims["xms_cc"]), "cp1") {
		return fmt.Errorf("xms_cc is %v", claims["xms_cc"])
	}
	return err
}
