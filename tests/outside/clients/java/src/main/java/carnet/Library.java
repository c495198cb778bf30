package carnet;

/** One of Microsoft's libraries. An authority ({@code at}) is a tenant's id or domain, or an alias. */
interface Library {
    String secret(String at, String value) throws Exception;

    String certificate(String at, String certificate, String key) throws Exception;

    String assertion(String at, String subject) throws Exception;

    /** Exchanges a user's token for one of the API behind the API in the middle. */
    String onBehalf(String at, String token) throws Exception;

    Session signIn(SignIn who) throws Exception;

    /**
     * How a person signs in: the client sends the password, or without one shows a device code, and the person says
     * yes or no on its page. Capable clients understand claims challenges.
     */
    record SignIn(
            String at, String client, String user, String scope, String password, String answer, boolean capable) {
        static SignIn password(String at, String client, String user, String password) {
            return new SignIn(at, client, user, Facts.SCOPE, password, null, false);
        }

        static SignIn device(String at, String client, String user, String answer) {
            return new SignIn(at, client, user, Facts.SCOPE, null, answer, false);
        }

        SignIn scope(String scope) {
            return new SignIn(at, client, user, scope, password, answer, capable);
        }

        SignIn able() {
            return new SignIn(at, client, user, scope, password, answer, true);
        }
    }

    /** A person who has signed in. */
    interface Session {
        /** The token of the sign-in. */
        String token();

        /** A token without asking the person again, which would be an error. */
        String silent(String scope) throws Exception;

        /** One for the first scope that answers the claims of a challenge, past the cache. */
        String challenged(String claims) throws Exception;

        /** One for the first scope by the refresh token. */
        String refresh() throws Exception;
    }
}
