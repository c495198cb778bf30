package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// identityLibrary is azidentity, the credentials of the Azure SDK for Go.
type identityLibrary struct{ outside *issuer }

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

func (identityLibrary) secret(ctx context.Context, at, value string) (string, error) {
	it, err := azidentity.NewClientSecretCredential(at, facts["secret"], value,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true})
	return tokenOf(ctx, it, err)
}

func (identityLibrary) certificate(ctx context.Context, at, certificate, key string) (string, error) {
	certificates, private, err := azidentity.ParseCertificates([]byte(certificate+key), nil)
	if err != nil {
		return "", err
	}
	it, err := azidentity.NewClientCertificateCredential(at, facts["cert"], certificates, private,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true})
	return tokenOf(ctx, it, err)
}

func (it identityLibrary) assertion(ctx context.Context, at, subject string) (string, error) {
	credential, err := azidentity.NewClientAssertionCredential(at, facts["federated"],
		func(context.Context) (string, error) { return it.outside.token(subject) },
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true})
	return tokenOf(ctx, credential, err)
}

// workload reads the workload's token from a file, as in a Kubernetes pod.
func (it identityLibrary) workload(ctx context.Context, at, subject string) (string, error) {
	token, err := it.outside.token(subject)
	if err != nil {
		return "", err
	}
	file := filepath.Join(filepath.Dir(os.Args[2]), subject+".jwt")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		return "", err
	}
	credential, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: options(), DisableInstanceDiscovery: true,
		ClientID: facts["federated"], TenantID: at, TokenFilePath: file,
	})
	return tokenOf(ctx, credential, err)
}

func (identityLibrary) onBehalf(ctx context.Context, at, token string) (string, error) {
	it, err := azidentity.NewOnBehalfOfCredentialWithSecret(at, facts["middle"], token, facts["value"],
		&azidentity.OnBehalfOfCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true})
	return tokenOf(ctx, it, err)
}

func (identityLibrary) signIn(ctx context.Context, who signIn) (*session, error) {
	credential, err := userCredential(who)
	silent := func(ctx context.Context, scope, claims string) (string, error) {
		return tokenFor(ctx, credential, err, policy.TokenRequestOptions{
			Scopes: []string{scope}, Claims: claims, EnableCAE: who.capable,
		})
	}
	token, err := silent(ctx, who.scope, "")
	if err != nil && who.password == "" {
		// MSAL has read the body of a refused poll before azidentity makes an error of it.
		err = fmt.Errorf("%w %s", err, wireOf(ctx).refusal)
	}
	// The credential has no other way past its cache than claims.
	return &session{token: token, silent: silent, refresh: func(ctx context.Context) (string, error) {
		return silent(ctx, who.scope, challenge)
	}}, err
}

func userCredential(who signIn) (azcore.TokenCredential, error) {
	if who.password != "" {
		//lint:ignore SA1019 people still use it for accounts without a second factor
		return azidentity.NewUsernamePasswordCredential(who.at, facts[who.id], who.user, who.password,
			&azidentity.UsernamePasswordCredentialOptions{ClientOptions: options(), DisableInstanceDiscovery: true})
	}
	return azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: options(), DisableInstanceDiscovery: true, ClientID: facts[who.id], TenantID: who.at,
		UserPrompt: func(_ context.Context, message azidentity.DeviceCodeMessage) error {
			return answerDevice(message.VerificationURL, message.UserCode, who)
		},
	})
}
