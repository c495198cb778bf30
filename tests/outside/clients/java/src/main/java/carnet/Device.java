package carnet;

import carnet.Library.SignIn;
import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;

/** A device that shows a code, and the person who answers it elsewhere while the client polls. */
final class Device {
    private final Facts facts;
    private final SignIn who;
    private final CountDownLatch waiting = new CountDownLatch(1);
    private volatile CompletableFuture<Void> answered = CompletableFuture.completedFuture(null);

    Device(Facts facts, SignIn who) {
        this.facts = facts;
        this.who = who;
    }

    /** Starts to answer; a refusal is there before the client polls, so that nobody waits for a second poll. */
    void start(String address, String code) {
        try {
            // MSAL4J fails when it polls before the caller of its method has the future.
            waiting.await();
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
        answered = CompletableFuture.runAsync(() -> answer(address, code));
        if (who.answer().equals("no")) {
            answered.join();
        }
    }

    /** Answers while the client waits. */
    void answer(String address, String code) {
        try {
            new Browser().answerDevice(facts, address, code, who);
        } catch (IOException | InterruptedException error) {
            throw new CompletionException(error);
        }
    }

    /** What the client got; or else what went wrong on the pages. */
    <T> T after(Callable<T> client) throws Exception {
        waiting.countDown();
        try {
            return client.call();
        } finally {
            answered.join();
        }
    }
}
