package carnet;

import static carnet.Facts.CHALLENGE;
import static carnet.Facts.GRAPH;
import static carnet.Facts.MIDDLE;
import static carnet.Facts.SCOPE;
import static carnet.Facts.WRONG_PASSWORD;
import static carnet.Tokens.equal;
import static carnet.Tokens.refused;

import carnet.Witness.Case;
import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.core.http.HttpClient;
import com.azure.core.http.HttpMethod;
import com.azure.core.http.HttpPipelineBuilder;
import com.azure.core.http.HttpPipelineCallContext;
import com.azure.core.http.HttpPipelineNextPolicy;
import com.azure.core.http.HttpRequest;
import com.azure.core.http.HttpResponse;
import com.azure.core.http.netty.NettyAsyncHttpClientBuilder;
import com.azure.core.http.policy.BearerTokenAuthenticationPolicy;
import com.azure.core.http.policy.HttpPipelinePolicy;
import com.azure.core.util.Configuration;
import com.azure.identity.AadCredentialBuilderBase;
import com.azure.identity.ClientAssertionCredentialBuilder;
import com.azure.identity.ClientCertificateCredentialBuilder;
import com.azure.identity.ClientSecretCredentialBuilder;
import com.azure.identity.DeviceCodeCredentialBuilder;
import com.azure.identity.OnBehalfOfCredentialBuilder;
import com.azure.identity.WorkloadIdentityCredentialBuilder;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import reactor.core.publisher.Mono;

/** The cases of azure-identity, the credentials of the Azure SDK for Java. */
final class Identity {
    /** The Azure CLI, which may act for a person at Microsoft Graph in every tenant. */
    static final String AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

    private final Facts facts;
    private final Issuer issuer;
    private final Tokens tokens;
    private final HttpClient http = new NettyAsyncHttpClientBuilder().configuration(Configuration.NONE).build();

    Identity(Facts facts, Issuer issuer) {
        this.facts = facts;
        this.issuer = issuer;
        this.tokens = new Tokens(facts);
    }

    List<Case> cases() {
        var tenant = facts.tenant();
        var user = Map.of("upn", facts.of("user"), "tid", tenant);
        var federated = Map.of("appid", facts.of("federated"), "appidacr", "2");
        var cases = new ArrayList<Case>();
        for (var name : List.of(tenant, facts.of("domain"))) {
            cases.add(new Case("azure_identity_gets_a_token_by_secret_at_" + name, () -> tokens.holds(
                    token(secret(name, facts.of("value"))),
                    Map.of("appid", facts.of("secret"), "idtyp", "app", "tid", tenant))));
            cases.add(new Case("azure_identity_gets_a_token_by_password_at_" + name,
                    () -> tokens.holds(token(password(name, "public", facts.of("password"))), user)));
            cases.add(new Case("azure_identity_lets_a_device_in_at_" + name,
                    () -> tokens.holds(device(name, "public", "yes"), user)));
        }
        for (var name : List.of("common", "organizations")) {
            cases.add(new Case("azure_identity_is_refused_an_application_token_at_" + name,
                    () -> refused("50059", () -> token(secret(name, facts.of("value"))))));
            cases.add(new Case("azure_identity_lets_a_device_in_at_" + name,
                    () -> tokens.holds(device(name, "multiple", "yes"), user)));
            cases.add(new Case("azure_identity_is_refused_a_device_of_a_single_tenant_at_" + name,
                    () -> refused("50194", () -> device(name, "public", "yes"))));
        }
        cases.addAll(List.of(
                new Case("azure_identity_gets_a_token_by_password_at_organizations", () -> tokens.holds(
                        token(password("organizations", "multiple", facts.of("password"))), user)),
                new Case("azure_identity_is_refused_a_password_of_a_single_tenant_at_organizations", () -> refused(
                        "50194", () -> token(password("organizations", "public", facts.of("password"))))),
                new Case("azure_identity_is_refused_a_password_at_common", () -> refused(
                        "9001023", () -> token(password("common", "multiple", facts.of("password"))))),
                new Case("azure_identity_is_refused_a_wrong_secret",
                        () -> refused("7000215", () -> token(secret(tenant, "wrong")))),
                new Case("azure_identity_is_refused_an_expired_secret",
                        () -> refused("7000222", () -> token(secret(tenant, facts.of("expired"))))),
                new Case("azure_identity_gets_a_token_by_certificate", () -> tokens.holds(
                        token(certificate("certificate", "key")),
                        Map.of("appid", facts.of("cert"), "appidacr", "2"))),
                new Case("azure_identity_is_refused_a_foreign_certificate",
                        () -> refused("700027", () -> token(certificate("other_certificate", "other_key")))),
                new Case("azure_identity_gets_a_token_by_assertion",
                        () -> tokens.holds(token(assertion("workload")), federated)),
                new Case("azure_identity_is_refused_another_assertion",
                        () -> refused("700213", () -> token(assertion("another")))),
                new Case("azure_identity_gets_a_token_for_a_workload",
                        () -> tokens.holds(token(workload("workload")), federated)),
                new Case("azure_identity_is_refused_another_workload",
                        () -> refused("700213", () -> token(workload("another")))),
                new Case("azure_identity_is_refused_a_wrong_password",
                        () -> refused("50126", () -> token(password(tenant, "public", WRONG_PASSWORD)))),
                new Case("azure_identity_is_refused_a_password_where_a_second_factor_is_registered",
                        () -> refused("50076", () -> token(
                                password(tenant, facts.of("public"), facts.of("mfa"), facts.of("password"))))),
                new Case("azure_identity_is_told_that_a_device_was_declined",
                        () -> refused("65004", () -> device(tenant, "public", "no"))),
                new Case("azure_identity_acts_on_behalf_of_a_user", () -> tokens.holds(token(onBehalf(MIDDLE)),
                        Map.of("upn", facts.of("user"), "appid", facts.of("middle")))),
                new Case("azure_identity_is_refused_to_act_with_a_token_for_another_api",
                        () -> refused("500131", () -> token(onBehalf(SCOPE)))),
                new Case("azure_identity_gets_another_resource_silently", this::silently),
                new Case("azure_identity_answers_the_claims_of_a_challenge", this::challenged),
                new Case("azure_core_answers_a_claims_challenge", this::revoked)));
        if (facts.twoTenants()) {
            cases.addAll(foreign());
        }
        return cases;
    }

    /** Nothing of one tenant is of use in the other. */
    private List<Case> foreign() {
        var other = facts.of("foreign_tenant");
        return List.of(
                new Case("azure_identity_is_refused_an_application_in_another_tenant",
                        () -> refused("700016", () -> token(secret(other, facts.of("value"))))),
                new Case("azure_identity_is_refused_an_application_in_another_domain",
                        () -> refused("700016", () -> token(secret(facts.of("foreign_domain"), facts.of("value"))))),
                new Case("azure_identity_is_refused_a_person_of_another_tenant", () -> refused("50020",
                        () -> token(password(facts.tenant(), facts.of("public"), facts.of("foreign_user"),
                                facts.of("password"))))),
                new Case("azure_identity_is_refused_a_device_in_another_tenant",
                        () -> refused("700016", () -> device(other, "public", "yes"))));
    }

    private <T extends AadCredentialBuilderBase<T>> T at(String tenant, String client, T builder) {
        return builder.authorityHost(facts.base()).tenantId(tenant).clientId(client)
                .disableInstanceDiscovery().httpClient(http).addPolicy(this::samePort).maxRetry(0);
    }

    /** When it refreshes, MSAL4J drops the server's port, and azure-identity can't tell it the authority. */
    private Mono<HttpResponse> samePort(HttpPipelineCallContext context, HttpPipelineNextPolicy next) {
        var request = context.getHttpRequest();
        if (request.getUrl().getPort() == -1) {
            request.setUrl(facts.base() + request.getUrl().getFile());
        }
        return next.process();
    }

    private static String token(TokenCredential credential, String... scopes) {
        var wanted = scopes.length == 0 ? new String[] {SCOPE} : scopes;
        return credential.getTokenSync(new TokenRequestContext().addScopes(wanted)).getToken();
    }

    private TokenCredential secret(String tenant, String secret) {
        return at(tenant, facts.of("secret"), new ClientSecretCredentialBuilder()).clientSecret(secret).build();
    }

    private TokenCredential certificate(String certificate, String key) {
        var pem = new ByteArrayInputStream((facts.of(key) + facts.of(certificate)).getBytes(StandardCharsets.US_ASCII));
        return at(facts.tenant(), facts.of("cert"), new ClientCertificateCredentialBuilder()).pemCertificate(pem).build();
    }

    private TokenCredential assertion(String subject) {
        return at(facts.tenant(), facts.of("federated"), new ClientAssertionCredentialBuilder()).clientAssertion(() -> {
            try {
                return issuer.token(subject);
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
        }).build();
    }

    /** Reads the workload's token from a file, as in a Kubernetes pod. */
    private TokenCredential workload(String subject) throws Exception {
        var file = Files.createTempFile(facts.folder(), subject, ".jwt");
        Files.writeString(file, issuer.token(subject));
        return at(facts.tenant(), facts.of("federated"), new WorkloadIdentityCredentialBuilder())
                .tokenFilePath(file.toString()).build();
    }

    private TokenCredential password(String tenant, String client, String password) {
        return password(tenant, facts.of(client), facts.of("user"), password);
    }

    @SuppressWarnings("deprecation") // People still use it for accounts without a second factor.
    private TokenCredential password(String tenant, String client, String user, String password) {
        return at(tenant, client, new com.azure.identity.UsernamePasswordCredentialBuilder())
                .username(user).password(password).build();
    }

    private String device(String tenant, String client, String answer) {
        var person = new Device(facts, answer);
        return token(at(tenant, facts.of(client), new DeviceCodeCredentialBuilder())
                .challengeConsumer(code -> person.answer(code.getVerificationUrl(), code.getUserCode())).build());
    }

    /** The API in the middle exchanges what a user's client sent to it. */
    private TokenCredential onBehalf(String sent) {
        var assertion = token(password(facts.tenant(), "public", facts.of("password")), sent);
        return at(facts.tenant(), facts.of("middle"), new OnBehalfOfCredentialBuilder())
                .clientSecret(facts.of("value")).userAssertion(assertion).build();
    }

    /** Lets a device in for one resource; the person is not asked again for another one. */
    private void silently() throws Exception {
        var person = new Device(facts, "yes");
        var times = new int[1];
        var credential = at(facts.tenant(), facts.of("public"), new DeviceCodeCredentialBuilder())
                .challengeConsumer(code -> {
                    times[0]++;
                    person.answer(code.getVerificationUrl(), code.getUserCode());
                }).build();
        var first = token(credential);
        tokens.holds(token(credential, GRAPH), Map.of("upn", facts.of("user"), "tid", facts.tenant()));
        equal("the token from the cache", token(credential), first);
        equal("the number of device codes", times[0], 1);
    }

    /** Sends the claims of a challenge, which demand a token that is new, and gets one past the cache. */
    private void challenged() throws Exception {
        var credential = password(facts.tenant(), "public", facts.of("password"));
        var request = new TokenRequestContext().addScopes(SCOPE).setCaeEnabled(true);
        var first = credential.getTokenSync(request).getToken();
        var second = credential.getTokenSync(request.setClaims(CHALLENGE)).getToken();
        equal("the challenge was answered from the cache", second.equals(first), false);
        equal("xms_cc", String.valueOf(tokens.verified(second).get("xms_cc")).toLowerCase(), "[cp1]");
    }

    /** After a revocation Microsoft Graph sends a challenge, and the policy of azure-core brings a new token. */
    private void revoked() throws Exception {
        var credential = password(facts.tenant(), AZURE_CLI, facts.of("revoked"), facts.of("password"));
        var seen = new ArrayList<Integer>();
        HttpPipelinePolicy statuses = (context, next) -> next.process().doOnNext(it -> seen.add(it.getStatusCode()));
        var scope = "https://graph.microsoft.com/.default";
        var pipeline = new HttpPipelineBuilder().httpClient(http)
                .policies(new BearerTokenAuthenticationPolicy(credential, scope), statuses).build();
        var me = facts.graph() + "/me";
        for (var request : List.of(new HttpRequest(HttpMethod.GET, me),
                new HttpRequest(HttpMethod.POST, me + "/revokeSignInSessions"), new HttpRequest(HttpMethod.GET, me))) {
            try (var response = pipeline.send(request).block()) {
                equal("the status of " + request.getUrl(), response.getStatusCode(), 200);
            }
        }
        equal("the statuses before the policy", seen, List.of(200, 200, 401, 200));
    }
}
