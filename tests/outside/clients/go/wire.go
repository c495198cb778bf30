package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// wire is what a case asked the token endpoint for, and the last refusal. Libraries hide both.
type wire struct {
	grants  []string
	refusal string
}

type wireKey struct{}

// withWire records the requests of a context.
func withWire(ctx context.Context) context.Context {
	return context.WithValue(ctx, wireKey{}, &wire{})
}

func wireOf(ctx context.Context) *wire {
	return ctx.Value(wireKey{}).(*wire)
}

// asked demands that these grants were sent, and no others.
func (it *wire) asked(grants ...string) error {
	if !slices.Equal(it.grants, grants) {
		return fmt.Errorf("the token endpoint was asked for %v, not for %v", it.grants, grants)
	}
	return nil
}

// recorder fills in the wire of a request's context.
type recorder struct{ http.RoundTripper }

func (it recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	seen, found := request.Context().Value(wireKey{}).(*wire)
	if !found || !strings.HasSuffix(request.URL.Path, "/token") {
		return it.RoundTripper.RoundTrip(request)
	}
	sent, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(sent))
	if err != nil {
		return nil, err
	}
	seen.grants = append(seen.grants, form.Get("grant_type"))
	request = request.Clone(request.Context())
	request.Body = io.NopCloser(bytes.NewReader(sent))
	response, err := it.RoundTripper.RoundTrip(request)
	if err != nil || response.StatusCode < http.StatusBadRequest {
		return response, err
	}
	defer response.Body.Close()
	answered, err := io.ReadAll(response.Body)
	seen.refusal = string(answered)
	response.Body = io.NopCloser(bytes.NewReader(answered))
	return response, err
}
