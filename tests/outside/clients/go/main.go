// Unmodified Microsoft clients for Go against a running Carnet: MSAL and azidentity get tokens and are refused
// with the right codes.
//
//	witness READY_FILE FACTS_FILE    (the outside issuer's port is a listening socket on standard input)
//
// It prints one line for each case, `PASS name` or `FAIL name: why`, and exits with 1 when a case failed.
package main

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"
	"github.com/golang-jwt/jwt/v5"
)

const (
	scope = "https://api.powerplatform.com/.default"
	graph = "https://graph.microsoft.com/User.Read"
	// middle is the scope of an API that calls others for its users.
	middle = "api://middle/act"
	// challenge demands a token that is new, as a challenge of Microsoft Graph does.
	challenge = `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`
)

var (
	ready struct {
		CAFile    string            `json:"ca_file"`
		Endpoints map[string]string `json:"endpoints"`
	}
	facts  map[string]string
	client *http.Client
	base   string
	tenant string
	domain string
)

// testCase is one thing that a client must be able to do, or must be refused.
type testCase struct {
	name string
	run  func(context.Context) error
}

func main() {
	must(read(os.Args[1], &ready))
	must(read(os.Args[2], &facts))
	base, tenant, domain = ready.Endpoints["login"], facts["tenant"], facts["domain"]
	// The Azure CLI may act for a person at Microsoft Graph in every tenant.
	facts["azure_cli"] = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	client = newClient()
	outside, err := newIssuer()
	must(err)
	failed := 0
	identity := identityLibrary{outside}
	workload := func(subject string) func(context.Context, string) (string, error) {
		return func(ctx context.Context, at string) (string, error) { return identity.workload(ctx, at, subject) }
	}
	for _, it := range slices.Concat(
		libraryCases("msal", msalLibrary{outside}, "left"),
		libraryCases("azidentity", identity, "leaving",
			credential{"workload", application("federated", "2"), workload("workload")}),
		[]testCase{{"azidentity_is_refused_the_file_of_another_workload",
			without("700213", func(ctx context.Context) (string, error) { return workload("another")(ctx, tenant) })}},
	) {
		ctx, cancel := context.WithTimeout(withWire(context.Background()), time.Minute)
		err := it.run(ctx)
		cancel()
		if err != nil {
			failed++
			fmt.Printf("FAIL %s: %v\n", it.name, err)
			continue
		}
		fmt.Printf("PASS %s\n", it.name)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func read(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// newClient trusts the CA of the server under test and nothing else, and asks no proxy.
func newClient() *http.Client {
	text, err := os.ReadFile(ready.CAFile)
	must(err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		must(errors.New("the CA file holds no certificate"))
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	return &http.Client{Timeout: 20 * time.Second, Transport: recorder{transport}}
}

func getJSON(url string, into any) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(into)
}

// verified reads the claims of a token whose signature is right by the published keys of a tenant.
func verified(token, tenant string) (jwt.MapClaims, error) {
	var metadata struct {
		Keys string `json:"jwks_uri"`
	}
	if err := getJSON(fmt.Sprintf("%s/%s/v2.0/.well-known/openid-configuration", base, tenant), &metadata); err != nil {
		return nil, err
	}
	var set struct {
		Keys []struct{ Kid, N, E string } `json:"keys"`
	}
	if err := getJSON(metadata.Keys, &set); err != nil {
		return nil, err
	}
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, func(token *jwt.Token) (any, error) {
		for _, key := range set.Keys {
			if key.Kid == token.Header["kid"] {
				n, err := base64.RawURLEncoding.DecodeString(key.N)
				e, other := base64.RawURLEncoding.DecodeString(key.E)
				public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
				return public, errors.Join(err, other)
			}
		}
		return nil, errors.New("no key with this id is published")
	}, jwt.WithValidMethods([]string{"RS256"}))
	return claims, err
}

// holds verifies a token and compares some of its claims.
func holds(token string, err error, wanted map[string]string) error {
	if err != nil {
		return err
	}
	of := tenant
	if wanted["tid"] != "" {
		of = wanted["tid"]
	}
	claims, err := verified(token, of)
	if err != nil {
		return err
	}
	for name, value := range wanted {
		if got := fmt.Sprint(claims[name]); got != value {
			return fmt.Errorf("%s is %q, not %q", name, got, value)
		}
	}
	return nil
}

// gives makes a case of a call that gives a token with these claims.
func gives(wanted map[string]string, call func(context.Context) (string, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		token, err := call(ctx)
		return holds(token, err, wanted)
	}
}

// without makes a case of a refusal from a call that would give a token.
func without(code string, call func(context.Context) (string, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := call(ctx)
		return refused(err, code)
	}
}

// refused demands an error with this AADSTS code.
func refused(err error, code string) error {
	if err == nil {
		return errors.New("a token was issued")
	}
	text := err.Error()
	var call msal.CallErr
	if errors.As(err, &call) && call.Resp != nil {
		body, _ := io.ReadAll(call.Resp.Body)
		text += string(body)
	}
	var failed *azidentity.AuthenticationFailedError
	if errors.As(err, &failed) && failed.RawResponse != nil {
		body, _ := io.ReadAll(failed.RawResponse.Body)
		text += string(body)
	}
	if !strings.Contains(text, "AADSTS"+code+":") {
		return fmt.Errorf("wanted AADSTS%s, got %.300s", code, text)
	}
	return nil
}
