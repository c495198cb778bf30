// An Express application with Auth.js and its provider for Microsoft Entra ID, as the guides of Auth.js for Express
// and for refresh token rotation set it up. The provider reads its own environment variables. The listening socket
// is standard input.
import { ExpressAuth, getSession } from "@auth/express";
import MicrosoftEntraID from "@auth/express/providers/microsoft-entra-id";
import express from "express";
import { EnvHttpProxyAgent, setGlobalDispatcher } from "undici";

// Node.js 20 ignores the proxy of the environment otherwise. The provider fetches the photo from graph.microsoft.com,
// which no setting of it changes.
setGlobalDispatcher(new EnvHttpProxyAgent());

const {
  AUTH_MICROSOFT_ENTRA_ID_ID: id,
  AUTH_MICROSOFT_ENTRA_ID_SECRET: secret,
  // The default of the provider.
  AUTH_MICROSOFT_ENTRA_ID_ISSUER: issuer = "https://login.microsoftonline.com/common/v2.0",
} = process.env;
const endpoints = issuer.replace(/v2\.0$/, "oauth2/v2.0");

async function refreshed(token) {
  const answer = await fetch(`${endpoints}/token`, {
    method: "POST",
    body: new URLSearchParams({
      client_id: id,
      client_secret: secret,
      grant_type: "refresh_token",
      refresh_token: token.refresh_token,
    }),
  });
  const tokens = await answer.json();
  if (!answer.ok) return { ...token, error: `RefreshTokenError ${tokens.error_codes}` };
  return {
    ...token,
    access_token: tokens.access_token,
    expires_at: Math.floor(Date.now() / 1000 + tokens.expires_in),
    refresh_token: tokens.refresh_token ?? token.refresh_token,
  };
}

const config = {
  // The error that it logs does not hold what the server said; its debug message does.
  logger: { debug: (message, details) => message === "OAuthCallbackError" && console.error(details) },
  providers: [MicrosoftEntraID({ authorization: { params: { scope: "openid profile email offline_access User.Read" } } })],
  callbacks: {
    jwt({ token, account, profile, trigger }) {
      if (account) {
        const { access_token, expires_at, refresh_token, id_token } = account;
        return { ...token, access_token, expires_at, refresh_token, id_token, names: profile._claim_names };
      }
      return trigger === "update" || Date.now() >= token.expires_at * 1000 ? refreshed(token) : token;
    },
    session({ session, token }) {
      const { access_token, id_token, names, error } = token;
      return { ...session, access_token, id_token, names, error };
    },
  },
};

const app = express();
app.set("trust proxy", true);
app.use("/auth/*", ExpressAuth(config));
app.get("/", async (request, response) => response.json(await getSession(request, config)));
// Leaves the account's session at the server too, which Auth.js leaves to the application.
app.get("/leave", async (request, response) => {
  const session = await getSession(request, config);
  const query = new URLSearchParams({
    id_token_hint: session.id_token,
    post_logout_redirect_uri: `http://${request.headers.host}/auth/signout`,
  });
  response.redirect(`${endpoints}/logout?${query}`);
});
app.listen({ fd: 0 });
