package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// msalLibrary is MSAL for Go.
type msalLibrary struct{ outside *issuer }

func confidentialClient(at, id string, proof confidential.Credential) (confidential.Client, error) {
	return confidential.New(base+"/"+at, facts[id], proof,
		confidential.WithHTTPClient(client), confidential.WithInstanceDiscovery(false))
}

func applicationToken(ctx context.Context, at, id string, proof confidential.Credential) (string, error) {
	it, err := confidentialClient(at, id, proof)
	if err != nil {
		return "", err
	}
	result, err := it.AcquireTokenByCredential(ctx, []string{scope})
	return result.AccessToken, err
}

func (msalLibrary) secret(ctx context.Context, at, value string) (string, error) {
	proof, err := confidential.NewCredFromSecret(value)
	if err != nil {
		return "", err
	}
	return applicationToken(ctx, at, "secret", proof)
}

func (msalLibrary) certificate(ctx context.Context, at, certificate, key string) (string, error) {
	certificates, private, err := confidential.CertFromPEM([]byte(certificate+key), "")
	if err != nil {
		return "", err
	}
	proof, err := confidential.NewCredFromCert(certificates, private)
	if err != nil {
		return "", err
	}
	return applicationToken(ctx, at, "cert", proof)
}

func (it msalLibrary) assertion(ctx context.Context, at, subject string) (string, error) {
	return applicationToken(ctx, at, "federated", confidential.NewCredFromAssertionCallback(
		func(context.Context, confidential.AssertionRequestOptions) (string, error) {
			return it.outside.token(subject)
		}))
}

func (msalLibrary) onBehalf(ctx context.Context, at, token string) (string, error) {
	proof, err := confidential.NewCredFromSecret(facts["value"])
	if err != nil {
		return "", err
	}
	it, err := confidentialClient(at, "middle", proof)
	if err != nil {
		return "", err
	}
	result, err := it.AcquireTokenOnBehalfOf(ctx, token, []string{scope})
	return result.AccessToken, err
}

func (msalLibrary) signIn(ctx context.Context, who signIn) (*session, error) {
	kept := &forgetful{}
	options := []public.Option{public.WithAuthority(base + "/" + who.at), public.WithHTTPClient(client),
		public.WithInstanceDiscovery(false), public.WithCache(kept)}
	if who.capable {
		options = append(options, public.WithClientCapabilities([]string{"CP1"}))
	}
	it, err := public.New(facts[who.id], options...)
	if err != nil {
		return nil, err
	}
	first, err := firstResult(ctx, it, who)
	token, err := whole(first, err)
	if err != nil {
		return nil, err
	}
	account := public.WithSilentAccount(first.Account)
	silent := func(ctx context.Context, scope, claims string) (string, error) {
		return whole(it.AcquireTokenSilent(ctx, []string{scope}, account, public.WithClaims(claims)))
	}
	return &session{token: token, silent: silent, refresh: func(ctx context.Context) (string, error) {
		if err := kept.forget(); err != nil {
			return "", err
		}
		return silent(ctx, who.scope, "")
	}}, nil
}

func firstResult(ctx context.Context, it public.Client, who signIn) (public.AuthResult, error) {
	if who.password != "" {
		return it.AcquireTokenByUsernamePassword(ctx, []string{who.scope}, who.user, who.password)
	}
	device, err := it.AcquireTokenByDeviceCode(ctx, []string{who.scope})
	if err != nil {
		return public.AuthResult{}, err
	}
	if err := answerDevice(device.Result.VerificationURL, device.Result.UserCode, who); err != nil {
		return public.AuthResult{}, err
	}
	return device.AuthenticationResult(ctx)
}

// whole is the token of a result that has all scopes that were asked for.
func whole(result public.AuthResult, err error) (string, error) {
	if err == nil && len(result.DeclinedScopes) > 0 {
		err = fmt.Errorf("declined: %v", result.DeclinedScopes)
	}
	return result.AccessToken, err
}

// forgetful is a cache that loses its access tokens on demand, as if they had expired.
type forgetful struct{ text []byte }

func (it *forgetful) Export(_ context.Context, from cache.Marshaler, _ cache.ExportHints) (err error) {
	it.text, err = from.Marshal()
	return err
}

func (it *forgetful) Replace(_ context.Context, into cache.Unmarshaler, _ cache.ReplaceHints) error {
	if it.text == nil {
		return nil
	}
	return into.Unmarshal(it.text)
}

func (it *forgetful) forget() error {
	var sections map[string]json.RawMessage
	err := json.Unmarshal(it.text, &sections)
	if err != nil {
		return err
	}
	sections["AccessToken"] = json.RawMessage("{}")
	it.text, err = json.Marshal(sections)
	return err
}
