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
	return []testCase{
		{"azidentity_gets_a_token_by_secret", func(ctx context.Context) error {
			token, err := secretCredential(ctx, facts["value"])
			return holds(token, err, map[string]string{"appid": facts["secret"], "idtyp": "app"})
		}},
		{"azidentity_is_refused_a_wrong_secret", func(ctx context.Context) error {
			_, err := secretCredential(ctx, "wrong")
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
		{"azidentity_gets_a_token_by_password", func(ctx context.Context) error {
			token, err := passwordCredential(ctx, facts["password"])
			return holds(token, err, map[string]string{"upn": facts["user"]})
		}},
		{"azidentity_is_refused_a_wrong_password", func(ctx context.Context) error {
			_, err := passwordCredential(ctx, "Wrong-horse-9")
			return refused(err, "50126")
		}},
		{"azidentity_lets_a_device_in", func(ctx context.Context) error {
			token, err := deviceCredential(ctx, "yes")
			return holds(token, err, map[string]string{"upn": facts["user"]})
		}},
		{"azidentity_is_told_that_a_device_was_declined", func(ctx context.Context) error {
			_, err := deviceCredential(ctx, "no")
			// MSAL has read the answer's body before azidentity makes an error of it.
			var failed *azidentity.AuthenticationFailedError
			if !errors.As(err, &failed) || failed.RawResponse.StatusCode != http.StatusBadRequest {
				return fmt.Errorf("wanted a refusal with 400, got %v", err)
			}
			return nil
		}},
		{"azidentity_acts_on_behalf_of_a_user", func(ctx context.Context) error {
			assertion, err := userTokenForMiddle(ctx)
			if err != nil {
				return err
			}
			options := &azidentity.OnBehalfOfCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true}
			it, err := azidentity.NewOnBehalfOfCredentialWithSecret(
				tenant, facts["middle"], assertion, facts["value"], options)
			token, err := tokenOf(ctx, it, err)
			return holds(token, err, map[string]string{"upn": facts["user"], "appid": facts["middle"]})
		}},
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
	if err != nil {
		return "", err
	}
	token, err := it.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	return token.Token, err
}

func secretCredential(ctx context.Context, secret string) (string, error) {
	it, err := azidentity.NewClientSecretCredential(tenant, facts["secret"], secret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true})
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

func passwordCredential(ctx context.Context, password string) (string, error) {
	//lint:ignore SA1019 people still use it for accounts without a second factor
	it, err := azidentity.NewUsernamePasswordCredential(tenant, facts["public"], facts["user"], password,
		&azidentity.UsernamePasswordCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true})
	return tokenOf(ctx, it, err)
}

func deviceCredential(ctx context.Context, answer string) (string, error) {
	answered := make(chan error, 1)
	it, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: options(), DisableInstanceDiscovery: true, ClientID: facts["public"], TenantID: tenant,
		UserPrompt: func(_ context.Context, message azidentity.DeviceCodeMessage) error {
			go func() { answered <- answerDevice(message.VerificationURL, message.UserCode, answer) }()
			return nil
		},
	})
	token, err := tokenOf(ctx, it, err)
	if wrong := <-answered; wrong != nil {
		return "", wrong
	}
	return token, err
}
