package carnet;

import static carnet.Facts.CHALLENGE;
import static carnet.Facts.GRAPH;
import static carnet.Facts.MIDDLE;
import static carnet.Facts.SCOPE;
import static carnet.Facts.WRONG_PASSWORD;
import static carnet.Library.SignIn.device;
import static carnet.Library.SignIn.password;
import static carnet.Tokens.equal;
import static carnet.Tokens.refused;

import carnet.Library.Session;
import carnet.Library.SignIn;
import carnet.Witness.Body;
import carnet.Witness.Case;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What every library must do, and must be refused. */
final class Cases {
    private static final List<String> ALIASES = List.of("common", "organizations");

    private final String prefix;
    private final Library library;
    private final Facts facts;
    private final Tokens tokens;
    private final List<Case> cases = new ArrayList<>();

    Cases(String prefix, Library library, Facts facts) {
        this.prefix = prefix;
        this.library = library;
        this.facts = facts;
        this.tokens = new Tokens(facts);
    }

    /** A call that gives a token at an authority. */
    interface Credential {
        String token(String at) throws Exception;
    }

    /** All cases; the person of this fact loses the sessions of all clients. */
    List<Case> all(String leaves) {
        credentials();
        for (var at : List.of(facts.tenant(), facts.of("domain"), "organizations", "common")) {
            people(at);
        }
        refusals();
        add("finds_short_names_of_scopes_in_the_cache", this::shortNames);
        add("is_refused_a_refresh_after_a_revocation", () -> revoked(facts.of(leaves)));
        if (facts.values().containsKey("foreign_tenant")) {
            foreign();
        }
        return cases;
    }

    private void add(String name, Body body) {
        cases.add(new Case(prefix + "_" + name, body));
    }

    private void credentials() {
        credential("secret", application("secret", "1"), at -> library.secret(at, facts.of("value")));
        credential("certificate", application("cert", "2"), at -> library.certificate(at, "certificate", "key"));
        credential("assertion", application("federated", "2"), at -> library.assertion(at, "workload"));
        credential("a_users_token", Map.of("appid", facts.of("middle"), "upn", facts.of("user"), "tid", facts.tenant()),
                at -> actFor(at, MIDDLE));
    }

    /** What the token of an application says; {@code appidacr} tells how it proved itself. */
    Map<String, String> application(String client, String appidacr) {
        return Map.of("appid", facts.of(client), "appidacr", appidacr, "idtyp", "app", "tid", facts.tenant());
    }

    /** A credential with each kind of authority: nothing in its request tells the tenant, so an alias is refused. */
    void credential(String name, Map<String, String> claims, Credential by) {
        for (var at : List.of(facts.tenant(), facts.of("domain"))) {
            add("gets_a_token_by_" + name + "_at_" + at, () -> tokens.holds(by.token(at), claims));
        }
        for (var at : ALIASES) {
            add("is_refused_a_token_by_" + name + "_at_" + at, () -> refused("50059", () -> by.token(at)));
        }
    }

    /** Each way to sign a person in at an authority, and what follows it. */
    private void people(String at) {
        var user = Map.of("upn", facts.of("user"), "tid", facts.tenant());
        var alias = ALIASES.contains(at);
        var device = device(at, alias ? "multiple" : "public", facts.of("user"), "yes");
        var password = password(at, device.client(), facts.of("user"), facts.of("password"));
        var common = at.equals("common");
        add("lets_a_device_in_at_" + at, () -> tokens.holds(token(device), user));
        if (alias) {
            add("is_refused_a_device_of_a_single_tenant_at_" + at,
                    () -> refused("50194", () -> token(device(at, "public", facts.of("user"), "yes"))));
        }
        if (common) {
            add("is_refused_a_password_at_common", () -> refused("9001023", () -> token(password)));
        } else {
            add("gets_a_token_by_password_at_" + at, () -> tokens.holds(token(password), user));
        }
        add("gets_another_resource_and_a_new_token_silently_at_" + at, () -> silently(common ? device : password));
        add("answers_a_claims_challenge_at_" + at, () -> challenged(common ? device : password));
    }

    /** Wrong inputs, each refused with its code. */
    private void refusals() {
        var tenant = facts.tenant();
        var user = facts.of("user");
        var right = facts.of("password");
        add("is_refused_a_password_of_a_single_tenant_at_organizations",
                () -> refused("50194", () -> token(password("organizations", "public", user, right))));
        add("is_refused_a_wrong_password",
                () -> refused("50126", () -> token(password(tenant, "public", user, WRONG_PASSWORD))));
        add("is_refused_a_password_where_a_second_factor_is_registered",
                () -> refused("50076", () -> token(password(tenant, "public", facts.of("mfa"), right))));
        add("is_refused_a_password_while_the_public_client_is_off",
                () -> refused("7000218", () -> token(password(tenant, "secret", user, right))));
        add("is_told_that_a_device_was_declined",
                () -> refused("65004", () -> token(device(tenant, "public", user, "no"))));
        add("is_refused_a_wrong_secret", () -> refused("7000215", () -> library.secret(tenant, "wrong")));
        add("is_refused_an_expired_secret",
                () -> refused("7000222", () -> library.secret(tenant, facts.of("expired"))));
        add("is_refused_a_foreign_certificate",
                () -> refused("700027", () -> library.certificate(tenant, "other_certificate", "other_key")));
        add("is_refused_another_workload", () -> refused("700213", () -> library.assertion(tenant, "another")));
        add("is_refused_to_act_with_a_token_for_another_api", () -> refused("500131", () -> actFor(tenant, SCOPE)));
        add("is_refused_a_resource_that_was_not_consented_to", () -> {
            var session = library.signIn(password(tenant, "public", user, right));
            refused("65001", () -> session.silent("https://graph.microsoft.com/Application.Read.All"));
        });
    }

    /** Nothing of one tenant is of use in the other, but for the application that every tenant may use. */
    private void foreign() {
        var other = facts.of("foreign_tenant");
        var user = facts.of("foreign_user");
        var right = facts.of("password");
        for (var at : List.of(other, facts.of("foreign_domain"))) {
            add("is_refused_an_application_at_" + at,
                    () -> refused("700016", () -> library.secret(at, facts.of("value"))));
        }
        add("is_refused_a_person_of_another_tenant",
                () -> refused("50020", () -> token(password(facts.tenant(), "public", user, right))));
        add("is_refused_to_act_with_a_token_of_another_tenant", () -> {
            var sent = token(password(other, "foreign_public", user, right).scope(MIDDLE));
            refused("1000014", () -> library.onBehalf(facts.tenant(), sent));
        });
        var claims = Map.of("upn", user, "tid", other);
        for (var at : List.of(other, "organizations", "common")) {
            var withPassword = !at.equals("common");
            add("signs_in_a_person_of_another_tenant_at_" + at, () -> {
                // The person consents on the pages of the device; a password can't ask for that.
                tokens.holds(token(device(at, "multiple", user, "yes")), claims);
                if (withPassword) {
                    tokens.holds(token(password(at, "multiple", user, right)), claims);
                }
            });
            add("is_refused_a_person_of_another_tenant_at_" + at, () -> {
                // Who shows a device code names no account, so there the alias alone is refused.
                refused(at.equals(other) ? "700016" : "50194", () -> token(device(at, "public", user, "yes")));
                if (withPassword) {
                    refused("700016", () -> token(password(at, "public", user, right)));
                }
            });
        }
    }

    private String token(SignIn who) throws Exception {
        return library.signIn(who).token();
    }

    /** The API in the middle acts for the user whose client sent it a token for this scope. */
    private String actFor(String at, String scope) throws Exception {
        var who = password(facts.tenant(), "public", facts.of("user"), facts.of("password")).scope(scope);
        return library.onBehalf(at, token(who));
    }

    private static void cached(Session session, String scope, String token) throws Exception {
        equal("the token for " + scope + " from the cache", session.silent(scope), token);
    }

    /** Gets a token for another resource and a new one for the first, each by the refresh token. */
    private void silently(SignIn who) throws Exception {
        var user = Map.of("upn", who.user(), "tid", facts.tenant());
        var session = library.signIn(who);
        var second = session.silent(GRAPH);
        tokens.holds(second, user);
        cached(session, GRAPH, second);
        cached(session, SCOPE, session.token());
        var fresh = session.refresh();
        tokens.holds(fresh, user);
        equal("the token after the refresh is the first one", fresh.equals(session.token()), false);
    }

    /** Sends the claims of a challenge, which demand a token that is new, and gets one past the cache. */
    private void challenged(SignIn who) throws Exception {
        var session = library.signIn(who.able());
        var second = session.challenged(CHALLENGE);
        equal("the challenge was answered from the cache", second.equals(session.token()), false);
        tokens.holds(second, Map.of("upn", who.user(), "xms_cc", "[cp1]"));
    }

    /** Asks for a scope of Microsoft Graph by its short name and by its full one: each is answered as asked. */
    private void shortNames() throws Exception {
        var who = password(facts.tenant(), "public", facts.of("user"), facts.of("password"));
        for (var scope : List.of("User.Read", GRAPH)) {
            var session = library.signIn(who.scope(scope));
            cached(session, scope, session.token());
        }
    }

    /** Takes back a person's sessions. */
    private void revoked(String user) throws Exception {
        var who = password(facts.tenant(), "azure_cli", user, facts.of("password"));
        var session = library.signIn(who.scope("https://graph.microsoft.com/.default"));
        new Browser().post(facts.graph() + "/me/revokeSignInSessions", session.refresh());
        refused("50173", session::refresh);
    }
}
