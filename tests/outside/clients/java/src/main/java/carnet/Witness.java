package carnet;

import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Unmodified Microsoft clients for Java against a running Carnet: MSAL4J and azure-identity get tokens and are
 * refused with the right codes.
 *
 * <pre>carnet.Witness READY_FILE FACTS_FILE    (the outside issuer's port is a listening socket on standard input)</pre>
 *
 * It prints one line for each case, {@code PASS name} or {@code FAIL name: why}, and exits with 1 when a case failed.
 */
public final class Witness {
    private Witness() {}

    /** One thing that a client must be able to do, or must be refused. */
    record Case(String name, Body body) {}

    /** The steps of a case. */
    interface Body {
        void run() throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        var facts = Facts.read(Path.of(arguments[0]), Path.of(arguments[1]));
        trust(facts);
        var issuer = Issuer.serve(facts);
        var cases = new Cases("msal", new Msal(facts, issuer), facts).all("left");
        var identity = new Identity(facts, issuer);
        var more = new Cases("azure_identity", identity, facts);
        more.credential("workload", more.application("federated", "2"), at -> identity.workload(at, "workload"));
        cases.addAll(more.all("leaving"));
        cases.add(new Case("azure_identity_is_refused_the_file_of_another_workload",
                () -> Tokens.refused("700213", () -> identity.workload(facts.tenant(), "another"))));
        cases.add(new Case("azure_core_answers_a_claims_challenge", identity::challengedByGraph));
        var failed = run(cases);
        // Libraries may have left threads behind.
        System.exit(failed == 0 ? 0 : 1);
    }

    private static int run(List<Case> cases) throws InterruptedException {
        // A client that waits for a device leaves the processor to others.
        var pool = Executors.newFixedThreadPool(6);
        var started = new ArrayList<Future<?>>();
        for (var it : cases) {
            started.add(pool.submit((Callable<Void>) () -> {
                it.body().run();
                return null;
            }));
        }
        var failed = 0;
        for (var at = 0; at < cases.size(); at++) {
            try {
                started.get(at).get(2, TimeUnit.MINUTES);
                System.out.println("PASS " + cases.get(at).name());
            } catch (ExecutionException error) {
                failed++;
                System.out.println("FAIL " + cases.get(at).name() + ": " + error.getCause());
            } catch (java.util.concurrent.TimeoutException error) {
                failed++;
                System.out.println("FAIL " + cases.get(at).name() + ": it does not end");
            }
        }
        return failed;
    }

    /** Makes every client of this process trust the server's CA and nothing else, by the usual system properties. */
    private static void trust(Facts facts) throws Exception {
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (var file = new FileInputStream(facts.caFile())) {
            var number = 0;
            for (var certificate : CertificateFactory.getInstance("X.509").generateCertificates(file)) {
                store.setCertificateEntry("ca-" + number++, certificate);
            }
        }
        var file = Files.createTempFile(facts.folder(), "trust", ".p12");
        var password = "changeit";
        try (var out = new FileOutputStream(file.toFile())) {
            store.store(out, password.toCharArray());
        }
        System.setProperty("javax.net.ssl.trustStore", file.toString());
        System.setProperty("javax.net.ssl.trustStorePassword", password);
    }
}
