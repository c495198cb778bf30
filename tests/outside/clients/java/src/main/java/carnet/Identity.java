package carnet;

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
import reactor.core.publisher.Mono;

/** azure-identity, the credentials of the Azure SDK for Java. */
final class Identity implements Library {
    private final Facts facts;
    private final Issuer issuer;
    private final HttpClient http = new NettyAsyncHttpClientBuilder().configuration(Configuration.NONE).build();

    Identity(Facts facts, Issuer issuer) {
        this.facts = facts;
        this.issuer = issuer;
    }

    private <T extends AadCredentialBuilderBase<T>> T at(String tenant, String client, T builder) {
        return builder.authorityHost(facts.base()).tenantId(tenant).clientId(facts.of(client))
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

    private static String token(TokenCredential credential) {
        return credential.getTokenSync(new TokenRequestContext().addScopes(Facts.SCOPE)).getToken();
    }

    @Override
    public String secret(String at, String value) {
        return token(at(at, "secret", new ClientSecretCredentialBuilder()).clientSecret(value).build());
    }

    @Override
    public String certificate(String at, String certificate, String key) {
        var pem = new ByteArrayInputStream((facts.of(key) + facts.of(certificate)).getBytes(StandardCharsets.US_ASCII));
        return token(at(at, "cert", new ClientCertificateCredentialBuilder()).pemCertificate(pem).build());
    }

    @Override
    public String assertion(String at, String subject) {
        return token(at(at, "federated", new ClientAssertionCredentialBuilder()).clientAssertion(() -> {
            try {
                return issuer.token(subject);
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
        }).build());
    }

    /** Reads the workload's token from a file, as in a Kubernetes pod. */
    String workload(String at, String subject) throws Exception {
        var file = Files.createTempFile(facts.folder(), subject, ".jwt");
        Files.writeString(file, issuer.token(subject));
        return token(at(at, "federated", new WorkloadIdentityCredentialBuilder())
                .tokenFilePath(file.toString()).build());
    }

    @Override
    public String onBehalf(String at, String token) {
        return token(at(at, "middle", new OnBehalfOfCredentialBuilder())
                .clientSecret(facts.of("value")).userAssertion(token).build());
    }

    @Override
    public Session signIn(SignIn who) {
        var wire = new Wire();
        var credential = credential(who, wire);
        return new SignedIn(credential, who, wire, credential.getTokenSync(request(who.scope())).getToken());
    }

    @SuppressWarnings("deprecation") // People still use passwords for accounts without a second factor.
    private TokenCredential credential(SignIn who, HttpPipelinePolicy wire) {
        if (who.password() != null) {
            return at(who.at(), who.client(), new com.azure.identity.UsernamePasswordCredentialBuilder())
                    .username(who.user()).password(who.password()).addPolicy(wire).build();
        }
        var person = new Device(facts, who);
        return at(who.at(), who.client(), new DeviceCodeCredentialBuilder()).addPolicy(wire)
                .challengeConsumer(code -> person.answer(code.getVerificationUrl(), code.getUserCode())).build();
    }

    /** It heeds claims only where continuous access evaluation is on, and has no other way past its cache. */
    private static TokenRequestContext request(String scope) {
        return new TokenRequestContext().addScopes(scope).setCaeEnabled(true);
    }

    /** The grants that a credential asked for, and the last refusal, both of which it hides. */
    private static final class Wire implements HttpPipelinePolicy {
        private final List<String> grants = new ArrayList<>();
        private String refusal = "";

        @Override
        public Mono<HttpResponse> process(HttpPipelineCallContext context, HttpPipelineNextPolicy next) {
            var sent = context.getHttpRequest().getBodyAsBinaryData();
            if (sent != null) {
                for (var field : sent.toString().split("&")) {
                    if (field.startsWith("grant_type=")) {
                        grants.add(field.substring("grant_type=".length()));
                    }
                }
            }
            return next.process().map(HttpResponse::buffer).flatMap(response -> response.getBodyAsString()
                    .doOnNext(body -> refusal = response.getStatusCode() < 400 ? refusal : body).thenReturn(response));
        }
    }

    private record SignedIn(TokenCredential credential, SignIn who, Wire wire, String token) implements Session {
        /** A credential whose refresh token is refused signs the person in again without a word. */
        private String again(TokenRequestContext request) {
            wire.grants.clear();
            var token = credential.getTokenSync(request).getToken();
            if (!wire.grants.isEmpty() && !wire.grants.equals(List.of("refresh_token"))) {
                throw new IllegalStateException("asked for " + wire.grants + " after " + wire.refusal);
            }
            return token;
        }

        @Override
        public String silent(String scope) {
            return again(request(scope));
        }

        @Override
        public String challenged(String claims) {
            return again(request(who.scope()).setClaims(claims));
        }

        @Override
        public String refresh() {
            return challenged(Facts.CHALLENGE);
        }
    }

    /** After a revocation Microsoft Graph sends a challenge, and the policy of azure-core brings a new token. */
    void challengedByGraph() throws Exception {
        var who = SignIn.password(facts.tenant(), "azure_cli", facts.of("revoked"), facts.of("password"));
        var credential = credential(who, (context, next) -> next.process());
        var seen = new ArrayList<Integer>();
        HttpPipelinePolicy statuses = (context, next) -> next.process().doOnNext(it -> seen.add(it.getStatusCode()));
        var scope = "https://graph.microsoft.com/.default";
        var pipeline = new HttpPipelineBuilder().httpClient(http)
                .policies(new BearerTokenAuthenticationPolicy(credential, scope), statuses).build();
        var me = facts.graph() + "/me";
        for (var request : List.of(new HttpRequest(HttpMethod.GET, me),
                new HttpRequest(HttpMethod.POST, me + "/revokeSignInSessions"), new HttpRequest(HttpMethod.GET, me))) {
            try (var response = pipeline.send(request).block()) {
                Tokens.equal("the status of " + request.getUrl(), response.getStatusCode(), 200);
            }
        }
        Tokens.equal("the statuses before the policy", seen, List.of(200, 200, 401, 200));
    }
}
