package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// library gets tokens with one of Microsoft's libraries. An authority (`at`) is a tenant's id or domain, or an alias.
type library interface {
	secret(ctx context.Context, at, value string) (string, error)
	certificate(ctx context.Context, at, certificate, key string) (string, error)
	assertion(ctx context.Context, at, subject string) (string, error)
	// onBehalf exchanges a user's token for one of the API behind the API in the middle.
	onBehalf(ctx context.Context, at, token string) (string, error)
	signIn(ctx context.Context, who signIn) (*session, error)
}

// signIn is how a person signs in.
type signIn struct {
	at, id, user, scope string
	// password is what the client sends. Without one it shows a device code.
	password string
	// answer is what the person says on the page of the device: yes or no.
	answer string
	// capable clients understand claims challenges.
	capable bool
}

// session is a person who has signed in.
type session struct {
	token string
	// silent gets a token without asking the person; claims lead past the cache.
	silent func(ctx context.Context, scope, claims string) (string, error)
	// refresh gets a token for the same scope when the one in the cache is of no use.
	refresh func(ctx context.Context) (string, error)
}

// credential is a way in which an application gets a token, and what the token says.
type credential struct {
	name   string
	claims map[string]string
	token  func(ctx context.Context, at string) (string, error)
}

// adder takes a case of a library.
type adder func(name string, run func(context.Context) error)

// device signs a person in with a device code, and password with a password.
func device(at, id, user, answer string) signIn {
	return signIn{at: at, id: id, user: user, scope: scope, answer: answer}
}

func password(at, id, user, password string) signIn {
	return signIn{at: at, id: id, user: user, scope: scope, password: password}
}

// tokenBy makes a call that gives a token of a sign-in.
func tokenBy(it library, who signIn) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		session, err := it.signIn(ctx, who)
		if err != nil {
			return "", err
		}
		return session.token, nil
	}
}

// libraryCases are what every library must do, and be refused; further credentials are those it has alone.
func libraryCases(prefix string, it library, leaves string, further ...credential) []testCase {
	var cases []testCase
	add := func(name string, run func(context.Context) error) {
		cases = append(cases, testCase{prefix + "_" + name, run})
	}
	applicationCases(it, add, further)
	personCases(it, add)
	refusalCases(it, add)
	add("finds_short_names_of_scopes_in_the_cache", func(ctx context.Context) error { return shortNames(ctx, it) })
	add("is_refused_a_refresh_after_a_revocation",
		func(ctx context.Context) error { return revoked(ctx, it, facts[leaves]) })
	if facts["foreign_tenant"] != "" {
		foreignCases(it, add)
	}
	return cases
}

// applicationCases: each credential with each kind of authority.
func applicationCases(it library, add adder, further []credential) {
	for _, by := range slices.Concat(applicationCredentials(it), further) {
		for _, at := range []string{tenant, domain} {
			add("gets_a_token_by_"+by.name+"_at_"+at,
				gives(by.claims, func(ctx context.Context) (string, error) { return by.token(ctx, at) }))
		}
		// Nothing in the request tells the tenant.
		for _, at := range []string{"common", "organizations"} {
			add("is_refused_a_token_by_"+by.name+"_at_"+at,
				without("50059", func(ctx context.Context) (string, error) { return by.token(ctx, at) }))
		}
	}
}

// personCases: each way to sign a person in with each kind of authority, and what follows it.
func personCases(it library, add adder) {
	user, right := facts["user"], facts["password"]
	claims := map[string]string{"upn": user, "tid": tenant}
	for _, at := range []string{tenant, domain, "organizations", "common"} {
		id, who := "public", password(at, "public", user, right)
		if at == "organizations" || at == "common" {
			id, who.id = "multiple", "multiple"
			add("is_refused_a_device_of_a_single_tenant_at_"+at,
				without("50194", tokenBy(it, device(at, "public", user, "yes"))))
		}
		add("lets_a_device_in_at_"+at, gives(claims, tokenBy(it, device(at, id, user, "yes"))))
		if at == "common" {
			add("is_refused_a_password_at_"+at, without("9001023", tokenBy(it, who)))
			who = device(at, id, user, "yes")
		} else {
			add("gets_a_token_by_password_at_"+at, gives(claims, tokenBy(it, who)))
		}
		add("gets_another_resource_and_a_new_token_silently_at_"+at,
			func(ctx context.Context) error { return silently(ctx, it, who) })
		add("answers_a_claims_challenge_at_"+at, func(ctx context.Context) error { return challenged(ctx, it, who) })
	}
}

// refusalCases: wrong inputs, each refused with its code.
func refusalCases(it library, add adder) {
	user, right := facts["user"], facts["password"]
	add("is_refused_a_password_of_a_single_tenant_at_organizations",
		without("50194", tokenBy(it, password("organizations", "public", user, right))))
	add("is_refused_a_wrong_password", without("50126", tokenBy(it, password(tenant, "public", user, "Wrong-horse-9"))))
	add("is_refused_a_password_where_a_second_factor_is_registered",
		without("50076", tokenBy(it, password(tenant, "public", facts["mfa"], right))))
	add("is_refused_a_password_while_the_public_client_is_off",
		without("7000218", tokenBy(it, password(tenant, "secret", user, right))))
	add("is_told_that_a_device_was_declined", without("65004", tokenBy(it, device(tenant, "public", user, "no"))))
	add("is_refused_a_wrong_secret",
		without("7000215", func(ctx context.Context) (string, error) { return it.secret(ctx, tenant, "wrong") }))
	add("is_refused_an_expired_secret",
		without("7000222", func(ctx context.Context) (string, error) { return it.secret(ctx, tenant, facts["expired"]) }))
	add("is_refused_a_foreign_certificate", without("700027", func(ctx context.Context) (string, error) {
		return it.certificate(ctx, tenant, facts["other_certificate"], facts["other_key"])
	}))
	add("is_refused_another_workload",
		without("700213", func(ctx context.Context) (string, error) { return it.assertion(ctx, tenant, "another") }))
	add("is_refused_to_act_with_a_token_for_another_api",
		without("500131", func(ctx context.Context) (string, error) { return actFor(ctx, it, tenant, scope) }))
	add("is_refused_a_resource_that_was_not_consented_to", without("65001", func(ctx context.Context) (string, error) {
		session, err := it.signIn(ctx, password(tenant, "public", user, right))
		if err != nil {
			return "", err
		}
		return session.silent(ctx, "https://graph.microsoft.com/Application.Read.All", "")
	}))
}

func applicationCredentials(it library) []credential {
	return []credential{
		{"secret", application("secret", "1"), func(ctx context.Context, at string) (string, error) {
			return it.secret(ctx, at, facts["value"])
		}},
		{"certificate", application("cert", "2"), func(ctx context.Context, at string) (string, error) {
			return it.certificate(ctx, at, facts["certificate"], facts["key"])
		}},
		{"assertion", application("federated", "2"), func(ctx context.Context, at string) (string, error) {
			return it.assertion(ctx, at, "workload")
		}},
		{"a_users_token", map[string]string{"appid": facts["middle"], "upn": facts["user"], "tid": tenant},
			func(ctx context.Context, at string) (string, error) { return actFor(ctx, it, at, middle) }},
	}
}

// application has the claims of an application's token; `appidacr` tells how it proved itself.
func application(id, appidacr string) map[string]string {
	return map[string]string{"appid": facts[id], "appidacr": appidacr, "idtyp": "app", "tid": tenant}
}

// foreignCases: nothing of one tenant is of use in the other, but for the application that every tenant may use.
func foreignCases(it library, add adder) {
	other, user, right := facts["foreign_tenant"], facts["foreign_user"], facts["password"]
	for _, at := range []string{other, facts["foreign_domain"]} {
		add("is_refused_an_application_at_"+at,
			without("700016", func(ctx context.Context) (string, error) { return it.secret(ctx, at, facts["value"]) }))
	}
	add("is_refused_a_person_of_another_tenant",
		without("50020", tokenBy(it, password(tenant, "public", user, right))))
	add("is_refused_to_act_with_a_token_of_another_tenant",
		without("1000014", func(ctx context.Context) (string, error) {
			who := password(other, "foreign_public", user, right)
			who.scope = middle
			sent, err := tokenBy(it, who)(ctx)
			if err != nil {
				return "", err
			}
			return it.onBehalf(ctx, tenant, sent)
		}))
	claims := map[string]string{"upn": user, "tid": other}
	for _, at := range []string{other, "organizations", "common"} {
		// Who shows a device code names no account, so there the alias alone is refused.
		refusal := "50194"
		if at == other {
			refusal = "700016"
		}
		add("signs_in_a_person_of_another_tenant_at_"+at, func(ctx context.Context) error {
			// The person consents on the pages of the device; a password can't ask for that.
			err := gives(claims, tokenBy(it, device(at, "multiple", user, "yes")))(ctx)
			if err == nil && at != "common" {
				err = gives(claims, tokenBy(it, password(at, "multiple", user, right)))(ctx)
			}
			return err
		})
		add("is_refused_a_person_of_another_tenant_at_"+at, func(ctx context.Context) error {
			err := without(refusal, tokenBy(it, device(at, "public", user, "yes")))(ctx)
			if err == nil && at != "common" {
				err = without("700016", tokenBy(it, password(at, "public", user, right)))(ctx)
			}
			return err
		})
	}
}

// actFor lets the API in the middle act for the user whose client sent it a token for this scope.
func actFor(ctx context.Context, it library, at, scope string) (string, error) {
	who := password(tenant, "public", facts["user"], facts["password"])
	who.scope = scope
	sent, err := tokenBy(it, who)(ctx)
	if err != nil {
		return "", err
	}
	return it.onBehalf(ctx, at, sent)
}

// cached demands that a scope's token comes from the cache.
func (it *session) cached(ctx context.Context, scope, wanted string) error {
	got, err := it.silent(ctx, scope, "")
	if err == nil && got != wanted {
		return fmt.Errorf("the token for %s is not in the cache", scope)
	}
	return err
}

// silently gets a token for another resource and a new one for the first, each by the refresh token.
func silently(ctx context.Context, it library, who signIn) error {
	session, err := it.signIn(ctx, who)
	if err != nil {
		return err
	}
	seen := wireOf(ctx)
	seen.grants = nil
	claims := map[string]string{"upn": who.user, "tid": tenant}
	second, err := session.silent(ctx, graph, "")
	if err := holds(second, err, claims); err != nil {
		return err
	}
	if err := errors.Join(session.cached(ctx, graph, second), session.cached(ctx, scope, session.token)); err != nil {
		return err
	}
	fresh, err := session.refresh(ctx)
	if err := holds(fresh, err, claims); err != nil {
		return err
	}
	if fresh == session.token {
		return errors.New("the token after the refresh is the first one")
	}
	return seen.asked("refresh_token", "refresh_token")
}

// challenged sends the claims of a challenge, which demand a token that is new, and gets one past the cache.
func challenged(ctx context.Context, it library, who signIn) error {
	who.capable = true
	session, err := it.signIn(ctx, who)
	if err != nil {
		return err
	}
	seen := wireOf(ctx)
	seen.grants = nil
	second, err := session.silent(ctx, scope, challenge)
	if err := holds(second, err, map[string]string{"xms_cc": "[cp1]", "upn": who.user}); err != nil {
		return err
	}
	if second == session.token {
		return errors.New("the challenge was answered from the cache")
	}
	return seen.asked("refresh_token")
}

// shortNames asks for a scope of Microsoft Graph by its short name and by its full one: each is answered as asked.
func shortNames(ctx context.Context, it library) error {
	who := password(tenant, "public", facts["user"], facts["password"])
	who.scope = "User.Read"
	session, err := it.signIn(ctx, who)
	if err != nil {
		return err
	}
	seen := wireOf(ctx)
	seen.grants = nil
	if err := errors.Join(session.cached(ctx, who.scope, session.token), seen.asked()); err != nil {
		return err
	}
	full, err := session.silent(ctx, graph, "")
	if err != nil {
		return err
	}
	return errors.Join(session.cached(ctx, graph, full), seen.asked("refresh_token"))
}

// revoked takes back a person's sessions. A client that keeps the password signs in with it again.
func revoked(ctx context.Context, it library, user string) error {
	who := password(tenant, "azure_cli", user, facts["password"])
	who.scope = "https://graph.microsoft.com/.default"
	session, err := it.signIn(ctx, who)
	if err != nil {
		return err
	}
	token, err := session.refresh(ctx)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost, ready.Endpoints["graph"]+"/v1.0/me/revokeSignInSessions", nil)
	if err != nil {
		return err
	}
	request.Header.Set("authorization", "Bearer "+token)
	if answer, err := text(client.Do(request)); err != nil {
		return fmt.Errorf("%s: %w", answer, err)
	}
	seen := wireOf(ctx)
	seen.grants = nil
	if _, err = session.refresh(ctx); err != nil {
		return refused(err, "50173")
	}
	return errors.Join(refused(errors.New(seen.refusal), "50173"), seen.asked("refresh_token", "password"))
}
