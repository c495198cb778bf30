package carnet;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.RSAPublicKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** What a token must say, and what a refusal must say. */
final class Tokens {
    private final Facts facts;

    Tokens(Facts facts) {
        this.facts = facts;
    }

    /** The claims of a token whose signature is right by the published keys of a tenant. */
    private Map<?, ?> verified(String token, String tenant) throws Exception {
        var parts = token.split("\\.");
        var head = Facts.json(text(parts[0]));
        var metadata = page(facts.base() + "/" + tenant + "/v2.0/.well-known/openid-configuration");
        for (var it : (List<?>) page(metadata.get("jwks_uri").toString()).get("keys")) {
            var key = (Map<?, ?>) it;
            if (!head.get("kid").equals(key.get("kid")) || !head.get("alg").equals("RS256")) {
                continue;
            }
            var spec = new RSAPublicKeySpec(number(key.get("n")), number(key.get("e")));
            var signature = Signature.getInstance("SHA256withRSA");
            signature.initVerify(KeyFactory.getInstance("RSA").generatePublic(spec));
            signature.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
            if (!signature.verify(Base64.getUrlDecoder().decode(parts[2]))) {
                throw new AssertionError("the signature is wrong");
            }
            return Facts.json(text(parts[1]));
        }
        throw new AssertionError("no key with this id is published");
    }

    /** Verifies a token and compares some of its claims. */
    void holds(String token, Map<String, String> wanted) throws Exception {
        var claims = verified(token, wanted.getOrDefault("tid", facts.tenant()));
        for (var it : wanted.entrySet()) {
            equal(it.getKey(), String.valueOf(claims.get(it.getKey())), it.getValue());
        }
    }

    static void equal(String what, Object got, Object wanted) {
        if (!wanted.equals(got)) {
            throw new AssertionError(what + " is " + got + ", not " + wanted);
        }
    }

    /** Demands an error with this AADSTS code, in the words of the library. */
    static void refused(String code, Callable<?> call) throws Exception {
        try {
            call.call();
        } catch (Exception error) {
            var told = new StringBuilder();
            for (Throwable it = error; it != null; it = it.getCause()) {
                told.append(it).append('\n');
            }
            if (!told.toString().contains("AADSTS" + code + ":")) {
                throw new AssertionError("wanted AADSTS" + code + ", got " + told, error);
            }
            return;
        }
        throw new AssertionError("a token was issued");
    }

    private static Map<?, ?> page(String url) throws IOException, InterruptedException {
        return Facts.json(new Browser().get(url));
    }

    private static String text(String part) {
        return new String(Base64.getUrlDecoder().decode(part), StandardCharsets.UTF_8);
    }

    private static BigInteger number(Object value) {
        return new BigInteger(1, Base64.getUrlDecoder().decode(value.toString()));
    }
}
