package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// identityCases are the cases of azidentity, the credentials of the Azure SDK for Go.
func identityCases(outside *issuer) []testCase {
	cases := []testCase{
		{"azidentity_is_refused_a_wrong_secret", func(ctx context.Context) error {
			_, err := secretCredential(ctx, tenant, "wrong")
			return refused(err, "7000215")
		}},
		{"azidentity_gets_a_token_by_certificate", func(ctx context.Context) error {
			token, err := certificateCredential(ctx, facts["certificate"]+facts["key"])
			return holds(token, err, map[string]string{"appid": facts["cert"]})
		}},
		{"azidentity_is_refused_a_foreign_certificate", func(ctx context.Context) error {
			_, err := certificateCredential(ctx, facts["other_certificate"]+facts["other_key"])
			return refused(err, "700027")
		}},
		{"azidentity_gets_a_token_for_a_workload", func(ctx context.Context) error {
			token, err := workloadCredential(ctx, outside, "workload")
			return holds(token, err, map[string]string{"appid": facts["federated"]})
		}},
		{"azidentity_is_refused_another_workload", func(ctx context.Context) error {
			_, err := workloadCredential(ctx, outside, "another")
			return refused(err, "700213")
		}},
		{"azidentity_is_refused_an_expired_secret", func(ctx context.Context) error {
			_, err := secretCredential(ctx, tenant, facts["expired"])
			return refused(err, "7000222")
		}},
		{"azidentity_gets_a_token_by_assertion", func(ctx context.Context) error {
			token, err := assertionCredential(ctx, outside, "workload")
			return holds(token, err, map[string]string{"appid": facts["federated"]})
		}},
		{"azidentity_is_refused_another_assertion", func(ctx context.Context) error {
			_, err := assertionCredential(ctx, outside, "another")
			return refused(err, "700213")
		}},
		{"azidentity_gets_a_token_by_password_at_organizations", func(ctx context.Context) error {
			token, err := passwordToken(ctx, "organizations", "multiple", facts["user"], facts["password"])
			return holds(token, err, map[string]string{"upn": facts["user"], "tid": tenant})
		}},
		{"azidentity_is_refused_a_password_of_a_single_tenant_at_organizations", func(ctx context.Context) error {
			_, err := passwordToken(ctx, "organizations", "public", facts["user"], facts["password"])
			return refused(err, "50194")
		}},
		{"azidentity_is_refused_a_password_at_common", func(ctx context.Context) error {
			_, err := passwordToken(ctx, "common", "multiple", facts["user"], facts["password"])
			return refused(err, "9001023")
		}},
		{"azidentity_is_refused_a_wrong_password", func(ctx context.Context) error {
			_, err := passwordToken(ctx, tenant, "public", facts["user"], "Wrong-horse-9")
			return refused(err, "50126")
		}},
		{"azidentity_is_refused_a_password_where_a_second_factor_is_registered", func(ctx context.Context) error {
			_, err := passwordToken(ctx, tenant, "public", facts["mfa"], facts["password"])
			return refused(err, "50076")
		}},
		{"azidentity_is_told_that_a_device_was_declined", func(ctx context.Context) error {
			_, err := deviceToken(ctx, tenant, "public", "no")
			// MSAL has read the answer's body before azidentity makes an error of it.
			var failed *azidentity.AuthenticationFailedError
			if !errors.As(err, &failed) || failed.RawResponse.StatusCode != http.StatusBadRequest {
				return fmt.Errorf("wanted a refusal with 400, got %v", err)
			}
			return nil
		}},
		{"azidentity_acts_on_behalf_of_a_user", func(ctx context.Context) error {
			token, err := onBehalfCredential(ctx, middle)
			return holds(token, err, map[string]string{"upn": facts["user"], "appid": facts["middle"]})
		}},
		{"azidentity_is_refused_to_act_with_a_token_for_another_api", func(ctx context.Context) error {
			_, err := onBehalfCredential(ctx, scope)
			return refused(err, "500131")
		}},
		{"azidentity_gets_another_resource_silently", identitySilently},
		{"azidentity_answers_a_claims_challenge", identityChallenged},
	}
	for _, name := range []string{tenant, domain} {
		cases = append(cases, testCase{"azidentity_gets_a_token_by_secret_at_" + name, func(ctx context.Context) error {
			token, err := secretCredential(ctx, name, facts["value"])
			return holds(token, err, map[string]string{"appid": facts["secret"], "idtyp": "app", "tid": tenant})
		}}, testCase{"azidentity_gets_a_token_by_password_at_" + name, func(ctx context.Context) error {
			token, err := passwordToken(ctx, name, "public", facts["user"], facts["password"])
			return holds(token, err, map[string]string{"upn": facts["user"], "tid": tenant})
		}}, testCase{"azidentity_lets_a_device_in_at_" + name, func(ctx context.Context) error {
			token, err := deviceToken(ctx, name, "public", "yes")
			return holds(token, err, map[string]string{"upn": facts["user"], "tid": tenant})
		}})
	}
	for _, name := range []string{"common", "organizations"} {
		cases = append(cases, testCase{"azidentity_is_refused_an_application_token_at_" + name,
			without("50059", func(ctx context.Context) (string, error) {
				return secretCredential(ctx, name, facts["value"])
			}),
		}, testCase{"azidentity_lets_a_device_in_at_" + name, func(ctx context.Context) error {
			token, err := deviceToken(ctx, name, "multiple", "yes")
			return holds(token, err, map[string]string{"upn": facts["user"], "tid": tenant})
		}}, testCase{"azidentity_is_refused_a_device_of_a_single_tenant_at_" + name,
			without("50194", func(ctx context.Context) (string, error) {
				return deviceToken(ctx, name, "public", "yes")
			})})
	}
	if twoTenants() {
		cases = append(cases, foreignIdentityCases()...)
	}
	return cases
}

// foreignIdentityCases show that nothing of one tenant is of use in the other.
func foreignIdentityCases() []testCase {
	return []testCase{
		{"azidentity_is_refused_an_application_in_another_tenant",
			without("700016", func(ctx context.Context) (string, error) {
				return secretCredential(ctx, facts["foreign_tenant"], facts["value"])
			})},
		{"azidentity_is_refused_an_application_in_another_domain",
			without("700016", func(ctx context.Context) (string, error) {
				return secretCredential(ctx, facts["foreign_domain"], facts["value"])
			})},
		{"azidentity_is_refused_a_person_of_another_tenant",
			without("50020", func(ctx context.Context) (string, error) {
				return passwordToken(ctx, tenant, "public", facts["foreign_user"], facts["password"])
			})},
		{"azidentity_is_refused_a_device_in_another_tenant",
			without("700016", func(ctx context.Context) (string, error) {
				return deviceToken(ctx, facts["foreign_tenant"], "public", "yes")
			})},
	}
}

func options() azcore.ClientOptions {
	return azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: base},
		Transport: client,
		Retry:     policy.RetryOptions{MaxRetries: -1},
	}
}

func tokenOf(ctx context.Context, it azcore.TokenCredential, err error) (string, error) {
	return tokenFor(ctx, it, err, policy.TokenRequestOptions{Scopes: []string{scope}})
}

func tokenFor(
	ctx context.Context, it azcore.TokenCredential, err error, wanted policy.TokenRequestOptions,
) (string, error) {
	if err != nil {
		return "", err
	}
	token, err := it.GetToken(ctx, wanted)
	return token.Token, err
}

func secretCredential(ctx context.Context, at, secret string) (string, error) {
	it, err := azidentity.NewClientSecretCredential(at, facts["secret"], secret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true})
	return tokenOf(ctx, it, err)
}

func assertionCredential(ctx context.Context, outside *issuer, subject string) (string, error) {
	it, err := azidentity.NewClientAssertionCredential(tenant, facts["federated"],
		func(context.Context) (string, error) { return outside.token(subject) },
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true})
	return tokenOf(ctx, it, err)
}

func onBehalfCredential(ctx context.Context, sent string) (string, error) {
	assertion, err := userToken(ctx, sent)
	if err != nil {
		return "", err
	}
	it, err := azidentity.NewOnBehalfOfCredentialWithSecret(tenant, facts["middle"], assertion, facts["value"],
		&azidentity.OnBehalfOfCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true})
	return tokenOf(ctx, it, err)
}

func certificateCredential(ctx context.Context, pem string) (string, error) {
	certificates, key, err := azidentity.ParseCertificates([]byte(pem), nil)
	if err != nil {
		return "", err
	}
	it, err := azidentity.NewClientCertificateCredential(tenant, facts["cert"], certificates, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true})
	return tokenOf(ctx, it, err)
}

// workloadCredential reads the workload's token from a file, as in a Kubernetes pod.
func workloadCredential(ctx context.Context, outside *issuer, subject string) (string, error) {
	token, err := outside.token(subject)
	if err != nil {
		return "", err
	}
	file := filepath.Join(filepath.Dir(os.Args[2]), subject+".jwt")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		return "", err
	}
	it, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: options(), DisableInstanceDiscovery: true,
		ClientID: facts["federated"], TenantID: tenant, TokenFilePath: file,
	})
	return tokenOf(ctx, it, err)
}

func passwordCredential(at, id, user, password string) (azcore.TokenCredential, error) {
	//lint:ignore SA1019 people still use it for accounts without a second factor
	return azidentity.NewUsernamePasswordCredential(at, facts[id], user, password,
		&azidentity.UsernamePasswordCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true})
}

func passwordToken(ctx context.Context, at, id, user, password string) (string, error) {
	it, err := passwordCredential(at, id, user, password)
	return tokenOf(ctx, it, err)
}

// device is a credential whose codes a person answers elsewhere.
type device struct {
	credential *azidentity.DeviceCodeCredential
	// codes is how many were shown.
	codes int
	// answered has what went wrong on the pages, or nil, for each code.
	answered chan error
}

func newDevice(at, id, answer string) (*device, error) {
	it := &device{answered: make(chan error, 1)}
	credential, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: options(), DisableInstanceDiscovery: true, ClientID: facts[id], TenantID: at,
		UserPrompt: func(_ context.Context, message azidentity.DeviceCodeMessage) error {
			it.codes++
			go func() { it.answered <- answerDevice(message.VerificationURL, message.UserCode, answer) }()
			return nil
		},
	})
	it.credential = credential
	return it, err
}

func deviceToken(ctx context.Context, at, id, answer string) (string, error) {
	it, err := newDevice(at, id, answer)
	if err != nil {
		return "", err
	}
	return it.firstToken(ctx)
}

func (it *device) firstToken(ctx context.Context) (string, error) {
	token, err := tokenOf(ctx, it.credential, nil)
	if it.codes > 0 {
		err = errors.Join(<-it.answered, err)
	}
	return token, err
}

// identitySilently lets a device in for one resource; the person is not asked again for another one.
func identitySilently(ctx context.Context) error {
	it, err := newDevice(tenant, "public", "yes")
	if err != nil {
		return err
	}
	first, err := it.firstToken(ctx)
	if err != nil {
		return err
	}
	second, err := tokenFor(ctx, it.credential, nil, policy.TokenRequestOptions{Scopes: []string{graph}})
	if err := holds(second, err, map[string]string{"upn": facts["user"], "tid": tenant}); err != nil {
		return err
	}
	cached, err := tokenOf(ctx, it.credential, nil)
	if err == nil && cached != first {
		return errors.New("the token of the first resource is not in the cache")
	}
	if err == nil && it.codes != 1 {
		return fmt.Errorf("the person was shown %d codes", it.codes)
	}
	return err
}

// identityChallenged sends the claims of a challenge, and gets a token past the cache.
func identityChallenged(ctx context.Context) error {
	it, err := passwordCredential(tenant, "public", facts["user"], facts["password"])
	wanted := policy.TokenRequestOptions{Scopes: []string{scope}, EnableCAE: true}
	first, err := tokenFor(ctx, it, err, wanted)
	if err != nil {
		return err
	}
	wanted.Claims = challenge
	second, err := tokenFor(ctx, it, err, wanted)
	if err != nil {
		return err
	}
	if second == first {
		return errors.New("the challenge was answered from the cache")
	}
	return holds(second, nil, map[string]string{"xms_cc": "[cp1]", "upn": facts["user"]})
}
