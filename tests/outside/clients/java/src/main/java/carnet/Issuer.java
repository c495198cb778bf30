package carnet;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;

/** An outside issuer of tokens for workloads, on this machine. */
final class Issuer {
    private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

    private final String name;
    private final KeyPair keys;
    private final Map<String, String> pages;

    private Issuer(String name, KeyPair keys) {
        this.name = name;
        this.keys = keys;
        var key = (RSAPublicKey) keys.getPublic();
        this.pages = Map.of(
                "/.well-known/openid-configuration",
                "{\"issuer\":\"%s\",\"jwks_uri\":\"%s/keys\"}".formatted(name, name),
                "/keys",
                "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"kid\":\"workload\",\"n\":\"%s\",\"e\":\"%s\"}]}"
                        .formatted(number(key.getModulus()), number(key.getPublicExponent())));
    }

    /** Serves on the listening socket that was handed over as standard input: its port is part of the issuer's name. */
    static Issuer serve(Facts facts) throws Exception {
        var generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        var issuer = new Issuer(facts.of("issuer"), generator.generateKeyPair());
        var listener = (ServerSocketChannel) System.inheritedChannel();
        var thread = new Thread(() -> {
            while (true) {
                try (var socket = listener.accept().socket()) {
                    issuer.answer(socket);
                } catch (IOException error) {
                    System.err.println("the issuer: " + error);
                }
            }
        });
        thread.setDaemon(true);
        thread.start();
        return issuer;
    }

    private void answer(Socket socket) throws IOException {
        var reader = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
        var first = reader.readLine();
        for (var line = first; line != null && !line.isEmpty();) {
            line = reader.readLine();
        }
        var page = first == null ? null : pages.get(first.split(" ")[1]);
        var body = page == null ? "{}" : page;
        var answer = "HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
                .formatted(page == null ? "404 Not Found" : "200 OK", body.length(), body);
        socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
    }

    /** A workload's token for this subject. */
    String token(String subject) throws Exception {
        var now = Instant.now().getEpochSecond();
        var head = "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"workload\"}";
        var claims = "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"api://AzureADTokenExchange\",\"iat\":%d,\"exp\":%d}"
                .formatted(name, subject, now, now + 600);
        var signed = part(head) + "." + part(claims);
        var signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(keys.getPrivate());
        signature.update(signed.getBytes(StandardCharsets.US_ASCII));
        return signed + "." + BASE64.encodeToString(signature.sign());
    }

    private static String part(String json) {
        return BASE64.encodeToString(json.getBytes(StandardCharsets.UTF_8));
    }

    private static String number(BigInteger value) {
        var bytes = value.toByteArray();
        var from = bytes[0] == 0 ? 1 : 0;
        return BASE64.encodeToString(java.util.Arrays.copyOfRange(bytes, from, bytes.length));
    }
}
