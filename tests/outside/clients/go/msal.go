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
		{"msal_is_refused_an_application_token_without_a_tenant", func(ctx context.Context) error {
			_, err := bySecret(ctx, "organizations", facts["value"])
			return refused(err, "50059")
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
			_, err := byPassword(ctx, tenant, facts["user"], "Wrong-horse-9")
			return refused(err, "50126")
		}},
		{"msal_is_refused_a_password_where_a_second_factor_is_registered", func(ctx context.Context) error {
			_, err := byPassword(ctx, tenant, facts["mfa"], facts["password"])
			return refused(err, "50076")
		}},
		{"msal_lets_a_device_in", func(ctx context.Context) error {
			token, err := byDevice(ctx, "yes")
			return holds(token, err, map[string]string{"upn": facts["user"]})
		}},
		{"msal_is_told_that_a_device_was_declined", func(ctx context.Context) error {
			_, err := byDevice(ctx, "no")
			return refused(err, "65004")
		}},
		{"msal_acts_on_behalf_of_a_user", onBehalf},
		{"msal_gets_another_resource_and_a_new_token_silently", silently},
		{"msal_answers_a_claims_challenge", challenged},
	}
	for _, name := range []string{tenant, ready.Tenants[0].Domain} {
		cases = append(cases, testCase{"msal_gets_a_token_by_secret_at_" + name, func(ctx context.Context) error {
			token, err := bySecret(ctx, name, facts["value"])
			return holds(token, err, map[string]string{"appid": facts["secret"], "idtyp": "app", "tid": tenant})
		}})
	}
	// The application has one tenant, and only v1.0 serves passwords over common.
	for name, code := range map[string]string{"organizations": "50194", "common": "9001023"} {
		cases = append(cases, testCase{"msal_is_refused_a_password_at_" + name, func(ctx context.Context) error {
			_, err := byPassword(ctx, name, facts["user"], facts["password"])
			return refused(err, code)
		}})
	}
	for _, name := range []string{tenant, ready.Tenants[0].Domain} {
		cases = append(cases, testCase{"msal_gets_a_token_by_password_at_" + name, func(ctx context.Context) error {
			token, err := byPassword(ctx, name, facts["user"], facts["password"])
			return holds(token.AccessToken, err, map[string]string{"upn": facts["user"], "tid": tenant})
		}})
	}
	return cases
}

func confidentialClient(authority, id string, credential confidential.Credential) (confidential.Client, error) {
	return confidential.New(base+"/"+authority, facts[id], credential,
		confidential.WithHTTPClient(client), confidential.WithInstanceDiscovery(false))
}

func publicClient(authority string, options ...public.Option) (public.Client, error) {
	options = append(options, public.WithAuthority(base+"/"+authority), public.WithHTTPClient(client),
		public.WithInstanceDiscovery(false))
	return public.New(facts["public"], options...)
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

func byPassword(ctx context.Context, authority, user, password string) (public.AuthResult, error) {
	it, err := publicClient(authority)
	if err != nil {
		return public.AuthResult{}, err
	}
	return it.AcquireTokenByUsernamePassword(ctx, []string{scope}, user, password)
}

func byDevice(ctx context.Context, answer string) (string, error) {
	it, err := publicClient(tenant)
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

// userTokenForMiddle is what a user's client sends to the API in the middle.
func userTokenForMiddle(ctx context.Context) (string, error) {
	it, err := publicClient(tenant)
	if err != nil {
		return "", err
	}
	result, err := it.AcquireTokenByUsernamePassword(ctx, []string{"api://middle/act"}, facts["user"], facts["password"])
	return result.AccessToken, err
}

func onBehalf(ctx context.Context) error {
	assertion, err := userTokenForMiddle(ctx)
	if err != nil {
		return err
	}
	credential, err := confidential.NewCredFromSecret(facts["value"])
	if err != nil {
		return err
	}
	it, err := confidentialClient(tenant, "middle", credential)
	if err != nil {
		return err
	}
	result, err := it.AcquireTokenOnBehalfOf(ctx, assertion, []string{scope})
	return holds(result.AccessToken, err, map[string]string{"upn": facts["user"], "appid": facts["middle"]})
}

// silently gets a token for another resource by the refresh token, then the first one from the cache.
func silently(ctx context.Context) error {
	it, err := publicClient(tenant)
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
	it, err := publicClient(tenant, public.WithClientCapabilities([]string{"CP1"}))
	if err != nil {
		return err
	}
	first, err := it.AcquireTokenByUsernamePassword(ctx, []string{scope}, facts["user"], facts["password"])
	if err != nil {
		return err
	}
	second, err := it.AcquireTokenSilent(ctx, []string{scope}, public.WithSilentAccount(first.Account),
		public.WithClaims(`{"access_token":{"nbf":{"essential":true,"value":"1"}}}`))
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
