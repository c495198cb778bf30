package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// issuer is an outside issuer of tokens for workloads, on this machine.
type issuer struct {
	key *rsa.PrivateKey
}

// newIssuer serves on the listening socket that was handed over as standard input: its port is part of the
// issuer's name.
func newIssuer() (*issuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	encoded := base64.RawURLEncoding.EncodeToString
	pages := map[string]any{
		"/.well-known/openid-configuration": map[string]string{
			"issuer": facts["issuer"], "jwks_uri": facts["issuer"] + "/keys",
		},
		"/keys": map[string]any{"keys": []map[string]string{{
			"kty": "RSA", "use": "sig", "kid": "workload",
			"n": encoded(key.N.Bytes()), "e": encoded(big.NewInt(int64(key.E)).Bytes()),
		}}},
	}
	listener, err := net.FileListener(os.Stdin)
	if err != nil {
		return nil, err
	}
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			page, found := pages[r.URL.Path]
			if !found {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("content-type", "application/json")
			_ = json.NewEncoder(w).Encode(page)
		}))
	}()
	return &issuer{key: key}, nil
}

// token signs a workload's token for this subject.
func (it *issuer) token(subject string) (string, error) {
	now := time.Now().Unix()
	made := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": facts["issuer"], "sub": subject, "aud": "api://AzureADTokenExchange", "iat": now, "exp": now + 600,
	})
	made.Header["kid"] = "workload"
	return made.SignedString(it.key)
}
