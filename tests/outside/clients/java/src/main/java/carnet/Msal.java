package carnet;

import static carnet.Facts.CHALLENGE;
import static carnet.Facts.GRAPH;
import static carnet.Facts.MIDDLE;
import static carnet.Facts.SCOPE;
import static carnet.Facts.WRONG_PASSWORD;
import static carnet.Tokens.equal;
import static carnet.Tokens.refused;

import carnet.Witness.Case;
import com.microsoft.aad.msal4j.AbstractClientApplicationBase;
import com.microsoft.aad.msal4j.ClaimsRequest;
import com.microsoft.aad.msal4j.ClientCredentialFactory;
import com.microsoft.aad.msal4j.ClientCredentialParameters;
import com.microsoft.aad.msal4j.ConfidentialClientApplication;
import com.microsoft.aad.msal4j.DeviceCode;
import com.microsoft.aad.msal4j.DeviceCodeFlowParameters;
import com.microsoft.aad.msal4j.IAuthenticationResult;
import com.microsoft.aad.msal4j.IClientCredential;
import com.microsoft.aad.msal4j.OnBehalfOfParameters;
import com.microsoft.aad.msal4j.PublicClientApplication;
import com.microsoft.aad.msal4j.SilentParameters;
import com.microsoft.aad.msal4j.UserAssertion;
import com.microsoft.aad.msal4j.UserNamePasswordParameters;
import java.io.ByteArrayInputStream;
import java.net.MalformedURLException;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The cases of MSAL4J. */
final class Msal {
    private final Facts facts;
    private final Issuer issuer;
    private final Tokens tokens;
    private final ExecutorService threads = Executors.newCachedThreadPool();

    Msal(Facts facts, Issuer issuer) {
        this.facts = facts;
        this.issuer = issuer;
        this.tokens = new Tokens(facts);
    }

    List<Case> cases() {
        var tenant = facts.tenant();
        var user = Map.of("upn", facts.of("user"), "tid", tenant);
        var cases = new ArrayList<Case>();
        for (var name : List.of(tenant, facts.of("domain"))) {
            cases.add(new Case("msal_gets_a_token_by_secret_at_" + name, () -> tokens.holds(
                    bySecret(name, facts.of("value")),
                    Map.of("appid", facts.of("secret"), "idtyp", "app", "tid", tenant))));
            cases.add(new Case("msal_gets_a_token_by_password_at_" + name, () -> tokens.holds(
                    byPassword(name, "public", facts.of("user"), facts.of("password")), user)));
            cases.add(new Case("msal_lets_a_device_in_at_" + name,
                    () -> tokens.holds(byDevice(name, "public", "yes"), user)));
        }
        // Without the tenant's name an application can't be found, and a person is found by the name's domain.
        for (var name : List.of("common", "organizations")) {
            cases.add(new Case("msal_is_refused_an_application_token_at_" + name,
                    () -> refused("50059", () -> bySecret(name, facts.of("value")))));
            cases.add(new Case("msal_lets_a_device_in_at_" + name,
                    () -> tokens.holds(byDevice(name, "multiple", "yes"), user)));
            cases.add(new Case("msal_is_refused_a_device_of_a_single_tenant_at_" + name,
                    () -> refused("50194", () -> byDevice(name, "public", "yes"))));
        }
        cases.addAll(List.of(
                new Case("msal_gets_a_token_by_password_at_organizations", () -> tokens.holds(
                        byPassword("organizations", "multiple", facts.of("user"), facts.of("password")), user)),
                new Case("msal_is_refused_a_password_of_a_single_tenant_at_organizations", () -> refused("50194",
                        () -> byPassword("organizations", "public", facts.of("user"), facts.of("password")))),
                new Case("msal_is_refused_a_password_at_common", () -> refused("9001023",
                        () -> byPassword("common", "multiple", facts.of("user"), facts.of("password")))),
                new Case("msal_is_refused_a_wrong_secret",
                        () -> refused("7000215", () -> bySecret(tenant, "wrong"))),
                new Case("msal_is_refused_an_expired_secret",
                        () -> refused("7000222", () -> bySecret(tenant, facts.of("expired")))),
                new Case("msal_gets_a_token_by_certificate", () -> tokens.holds(
                        byCertificate("certificate", "key"), Map.of("appid", facts.of("cert"), "appidacr", "2"))),
                new Case("msal_is_refused_a_foreign_certificate",
                        () -> refused("700027", () -> byCertificate("other_certificate", "other_key"))),
                new Case("msal_gets_a_token_for_a_workload", () -> tokens.holds(
                        byAssertion("workload"), Map.of("appid", facts.of("federated"), "appidacr", "2"))),
                new Case("msal_is_refused_another_workload", () -> refused("700213", () -> byAssertion("another"))),
                new Case("msal_is_refused_a_wrong_password", () -> refused("50126",
                        () -> byPassword(tenant, "public", facts.of("user"), WRONG_PASSWORD))),
                new Case("msal_is_refused_a_password_where_a_second_factor_is_registered", () -> refused("50076",
                        () -> byPassword(tenant, "public", facts.of("mfa"), facts.of("password")))),
                new Case("msal_is_refused_a_password_while_the_public_client_is_off", () -> refused("7000218",
                        () -> byPassword(tenant, "secret", facts.of("user"), facts.of("password")))),
                new Case("msal_is_told_that_a_device_was_declined",
                        () -> refused("65004", () -> byDevice(tenant, "public", "no"))),
                new Case("msal_acts_on_behalf_of_a_user", () -> tokens.holds(onBehalf(MIDDLE),
                        Map.of("upn", facts.of("user"), "appid", facts.of("middle")))),
                new Case("msal_is_refused_to_act_with_a_token_for_another_api",
                        () -> refused("500131", () -> onBehalf(SCOPE))),
                new Case("msal_gets_another_resource_and_a_new_token_silently", this::silently),
                new Case("msal_is_refused_a_resource_that_was_not_consented_to", this::notConsented),
                new Case("msal_is_refused_a_refresh_after_a_revocation", this::revoked),
                new Case("msal_answers_a_claims_challenge", this::challenged)));
        if (facts.twoTenants()) {
            cases.addAll(foreign());
        }
        return cases;
    }

    /** Nothing of one tenant is of use in the other. */
    private List<Case> foreign() {
        var other = facts.of("foreign_tenant");
        return List.of(
                new Case("msal_is_refused_an_application_in_another_tenant",
                        () -> refused("700016", () -> bySecret(other, facts.of("value")))),
                new Case("msal_is_refused_an_application_in_another_domain",
                        () -> refused("700016", () -> bySecret(facts.of("foreign_domain"), facts.of("value")))),
                new Case("msal_is_refused_a_person_of_another_tenant", () -> refused("50020",
                        () -> byPassword(facts.tenant(), "public", facts.of("foreign_user"), facts.of("password")))),
                new Case("msal_is_refused_a_device_in_another_tenant",
                        () -> refused("700016", () -> byDevice(other, "public", "yes"))),
                new Case("msal_is_refused_to_act_with_a_token_of_another_tenant", () -> {
                    var client = open(other, "foreign_public");
                    var sent = byPassword(client, MIDDLE, facts.of("foreign_user"), facts.of("password")).accessToken();
                    refused("1000014", () -> onBehalfWith(sent));
                }));
    }

    private String authority(String name) {
        return facts.base() + "/" + name + "/";
    }

    private <T extends AbstractClientApplicationBase.Builder<T>> T at(String authority, T builder) throws Exception {
        return builder.authority(authority(authority)).instanceDiscovery(false).executorService(threads);
    }

    private PublicClientApplication open(String authority, String client) throws Exception {
        return at(authority, PublicClientApplication.builder(facts.of(client))).build();
    }

    private ConfidentialClientApplication confidential(String authority, String client, IClientCredential credential)
            throws Exception {
        return at(authority, ConfidentialClientApplication.builder(facts.of(client), credential)).build();
    }

    private static String applicationToken(ConfidentialClientApplication client) throws Exception {
        return client.acquireToken(ClientCredentialParameters.builder(Set.of(SCOPE)).build()).get().accessToken();
    }

    private String bySecret(String authority, String secret) throws Exception {
        return applicationToken(
                confidential(authority, "secret", ClientCredentialFactory.createFromSecret(secret)));
    }

    private String byCertificate(String certificate, String key) throws Exception {
        var pem = new ByteArrayInputStream(facts.of(certificate).getBytes(StandardCharsets.US_ASCII));
        var read = (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(pem);
        var credential = ClientCredentialFactory.createFromCertificate(facts.key(key), read);
        return applicationToken(confidential(facts.tenant(), "cert", credential));
    }

    private String byAssertion(String subject) throws Exception {
        var credential = ClientCredentialFactory.createFromCallback(() -> issuer.token(subject));
        return applicationToken(confidential(facts.tenant(), "federated", credential));
    }

    @SuppressWarnings("deprecation") // People still use it for accounts without a second factor.
    private static IAuthenticationResult byPassword(
            PublicClientApplication client, String scope, String user, String password) throws Exception {
        var parameters = UserNamePasswordParameters.builder(Set.of(scope), user, password.toCharArray()).build();
        return client.acquireToken(parameters).get();
    }

    private String byPassword(String authority, String client, String user, String password) throws Exception {
        return byPassword(open(authority, client), SCOPE, user, password).accessToken();
    }

    private String byDevice(String authority, String client, String answer) throws Exception {
        var answered = new Device(facts, answer);
        var parameters = DeviceCodeFlowParameters.builder(Set.of(SCOPE), (DeviceCode device) ->
                answered.start(device.verificationUri(), device.userCode())).build();
        var pending = open(authority, client).acquireToken(parameters);
        return answered.after(pending::get).accessToken();
    }

    private IAuthenticationResult userToken(PublicClientApplication client, String scope) throws Exception {
        return byPassword(client, scope, facts.of("user"), facts.of("password"));
    }

    /** The API in the middle exchanges what a user's client sent to it. */
    private String onBehalf(String sent) throws Exception {
        return onBehalfWith(userToken(open(facts.tenant(), "public"), sent).accessToken());
    }

    private String onBehalfWith(String token) throws Exception {
        var assertion = new UserAssertion(token);
        var credential = ClientCredentialFactory.createFromSecret(facts.of("value"));
        var client = confidential(facts.tenant(), "middle", credential);
        return client.acquireToken(OnBehalfOfParameters.builder(Set.of(SCOPE), assertion).build()).get().accessToken();
    }

    /** Without the authority MSAL4J drops the server's port when it refreshes. */
    private SilentParameters.SilentParametersBuilder silent(String scope, IAuthenticationResult first)
            throws MalformedURLException {
        return SilentParameters.builder(Set.of(scope), first.account()).authorityUrl(authority(facts.tenant()));
    }

    /** Gets a token for another resource by the refresh token, the first one from the cache, and then a new one. */
    private void silently() throws Exception {
        var client = open(facts.tenant(), "public");
        var first = userToken(client, SCOPE);
        var graph = silent(GRAPH, first);
        var second = client.acquireTokenSilently(graph.build()).get();
        tokens.holds(second.accessToken(), Map.of("upn", facts.of("user"), "tid", facts.tenant()));
        equal("the second resource's token from the cache",
                client.acquireTokenSilently(graph.build()).get().accessToken(), second.accessToken());
        var again = silent(SCOPE, first);
        equal("the token from the cache",
                client.acquireTokenSilently(again.build()).get().accessToken(), first.accessToken());
        var fresh = client.acquireTokenSilently(again.forceRefresh(true).build()).get().accessToken();
        tokens.holds(fresh, Map.of("upn", facts.of("user"), "tid", facts.tenant()));
        equal("the token after a refresh is the first one", fresh.equals(first.accessToken()), false);
    }

    private void notConsented() throws Exception {
        var client = open(facts.tenant(), "public");
        var mail = silent("https://graph.microsoft.com/Application.Read.All", userToken(client, SCOPE)).build();
        refused("65001", () -> client.acquireTokenSilently(mail).get());
    }

    private void revoked() throws Exception {
        var client = at(facts.tenant(), PublicClientApplication.builder(Identity.AZURE_CLI)).build();
        var scope = "https://graph.microsoft.com/.default";
        var first = byPassword(client, scope, facts.of("left"), facts.of("password"));
        var refresh = silent(scope, first).forceRefresh(true).build();
        var second = client.acquireTokenSilently(refresh).get();
        new Browser().post(facts.graph() + "/me/revokeSignInSessions", second.accessToken());
        refused("50173", () -> client.acquireTokenSilently(refresh).get());
    }

    /** Sends the claims of a challenge, which demand a token that is new, and gets one past the cache. */
    private void challenged() throws Exception {
        var builder = PublicClientApplication.builder(facts.of("public")).clientCapabilities(Set.of("cp1"));
        var client = at(facts.tenant(), builder).build();
        var first = userToken(client, SCOPE);
        var claims = ClaimsRequest.formatAsClaimsRequest(CHALLENGE);
        var parameters = silent(SCOPE, first).claims(claims).build();
        var second = client.acquireTokenSilently(parameters).get().accessToken();
        equal("the challenge was answered from the cache", second.equals(first.accessToken()), false);
        equal("xms_cc", tokens.verified(second).get("xms_cc"), List.of("cp1"));
    }
}
