package carnet;

import com.azure.json.JsonProviders;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Map;

/** What is known about the server and one of its tenants: the ready file and the file of facts. */
record Facts(Map<?, ?> ready, Map<?, ?> values, Path folder) {
    static final String SCOPE = "https://api.powerplatform.com/.default";
    static final String GRAPH = "https://graph.microsoft.com/User.Read";
    static final String MIDDLE = "api://middle/act";
    /** Claims that a token has to be new for, as a challenge of Microsoft Graph sends them. */
    static final String CHALLENGE = "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"1\"}}}";
    static final String WRONG_PASSWORD = "Wrong-horse-9";

    static Facts read(Path ready, Path facts) throws IOException {
        return new Facts(json(Files.readString(ready)), json(Files.readString(facts)), facts.getParent());
    }

    /** An object of JSON. */
    static Map<?, ?> json(String text) throws IOException {
        try (var reader = JsonProviders.createReader(new StringReader(text))) {
            return (Map<?, ?>) reader.readUntyped();
        }
    }

    /** A fact that has to be there. The Azure CLI may act for a person at Microsoft Graph in every tenant. */
    String of(String name) {
        if (name.equals("azure_cli")) {
            return "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
        }
        var value = values.get(name);
        if (value == null) {
            throw new IllegalStateException("no fact is called " + name);
        }
        return value.toString();
    }

    /** The origin of the sign-in host. */
    String base() {
        return endpoint("login");
    }

    /** The base address of Microsoft Graph. */
    String graph() {
        return endpoint("graph") + "/v1.0";
    }

    private String endpoint(String host) {
        return ((Map<?, ?>) ready.get("endpoints")).get(host).toString();
    }

    String caFile() {
        return ready.get("ca_file").toString();
    }

    String tenant() {
        return of("tenant");
    }

    /** A private key of the facts, PKCS #8 in PEM. */
    PrivateKey key(String name) throws Exception {
        var body = of(name).replaceAll("-----[^-]*-----|\\s", "");
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(body)));
    }
}
