package carnet;

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
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** MSAL4J. */
record Msal(Facts facts, Issuer issuer, ExecutorService threads) implements Library {
    Msal(Facts facts, Issuer issuer) {
        this(facts, issuer, Executors.newCachedThreadPool());
    }

    private String authority(String name) {
        return facts.base() + "/" + name + "/";
    }

    private <T extends AbstractClientApplicationBase.Builder<T>> T at(String authority, T builder) throws Exception {
        return builder.authority(authority(authority)).instanceDiscovery(false).executorService(threads);
    }

    private ConfidentialClientApplication confidential(String at, String client, IClientCredential credential)
            throws Exception {
        return at(at, ConfidentialClientApplication.builder(facts.of(client), credential)).build();
    }

    private String applicationToken(String at, String client, IClientCredential credential) throws Exception {
        var parameters = ClientCredentialParameters.builder(Set.of(Facts.SCOPE)).build();
        return confidential(at, client, credential).acquireToken(parameters).get().accessToken();
    }

    @Override
    public String secret(String at, String value) throws Exception {
        return applicationToken(at, "secret", ClientCredentialFactory.createFromSecret(value));
    }

    @Override
    public String certificate(String at, String certificate, String key) throws Exception {
        var pem = new ByteArrayInputStream(facts.of(certificate).getBytes(StandardCharsets.US_ASCII));
        var read = (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(pem);
        return applicationToken(at, "cert", ClientCredentialFactory.createFromCertificate(facts.key(key), read));
    }

    @Override
    public String assertion(String at, String subject) throws Exception {
        var credential = ClientCredentialFactory.createFromCallback(() -> issuer.token(subject));
        return applicationToken(at, "federated", credential);
    }

    @Override
    public String onBehalf(String at, String token) throws Exception {
        var client = confidential(at, "middle", ClientCredentialFactory.createFromSecret(facts.of("value")));
        var parameters = OnBehalfOfParameters.builder(Set.of(Facts.SCOPE), new UserAssertion(token)).build();
        return client.acquireToken(parameters).get().accessToken();
    }

    @Override
    public Session signIn(SignIn who) throws Exception {
        var builder = PublicClientApplication.builder(facts.of(who.client()));
        if (who.capable()) {
            builder.clientCapabilities(Set.of("cp1"));
        }
        var client = at(who.at(), builder).build();
        return new SignedIn(client, who, authority(who.at()), first(client, who));
    }

    @SuppressWarnings("deprecation") // People still use it for accounts without a second factor.
    private IAuthenticationResult first(PublicClientApplication client, SignIn who) throws Exception {
        var scopes = Set.of(who.scope());
        if (who.password() != null) {
            return client.acquireToken(UserNamePasswordParameters.builder(
                    scopes, who.user(), who.password().toCharArray()).build()).get();
        }
        var answered = new Device(facts, who);
        var pending = client.acquireToken(DeviceCodeFlowParameters.builder(scopes, (DeviceCode device) ->
                answered.start(device.verificationUri(), device.userCode())).build());
        return answered.after(pending::get);
    }

    private record SignedIn(PublicClientApplication client, SignIn who, String authority, IAuthenticationResult first)
            implements Session {
        /** Without the authority MSAL4J drops the server's port when it refreshes. */
        private SilentParameters.SilentParametersBuilder parameters(String scope) throws Exception {
            return SilentParameters.builder(Set.of(scope), first.account()).authorityUrl(authority);
        }

        private String token(SilentParameters.SilentParametersBuilder parameters) throws Exception {
            return client.acquireTokenSilently(parameters.build()).get().accessToken();
        }

        @Override
        public String token() {
            return first.accessToken();
        }

        @Override
        public String silent(String scope) throws Exception {
            return token(parameters(scope));
        }

        @Override
        public String challenged(String claims) throws Exception {
            return token(parameters(who.scope()).claims(ClaimsRequest.formatAsClaimsRequest(claims)));
        }

        @Override
        public String refresh() throws Exception {
            return token(parameters(who.scope()).forceRefresh(true));
        }
    }
}
