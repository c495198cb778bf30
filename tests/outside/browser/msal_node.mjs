// MSAL Node, unmodified: code, device code, secret, certificate and silent refresh, each with its nearest no. What
// people do on the pages is done in Chromium.
//
//     msal_node.mjs READY_FILE FACTS_FILE        (the web application's port is a listening socket on standard input)
import { createHash, createPublicKey, verify } from "node:crypto";
import { AUTHORITY, BASE, FACTS, PATIENCE, SCOPE, application, check, chromium, claims, need, run, same, thumbprint, within } from "./kit.mjs";
import { press, shows, signIn } from "./steps.mjs";

const msal = need("@azure/msal-node");
const { browser, end } = await chromium();
const SCOPES = { scopes: [SCOPE] };
const settings = (client, more) => ({
  auth: { clientId: FACTS[client], authority: AUTHORITY, knownAuthorities: [new URL(BASE).host], ...more },
  system: { loggerOptions: { loggerCallback() {}, logLevel: msal.LogLevel.Error } },
});
const open = () => new msal.PublicClientApplication(settings("public"));
const secret = text => new msal.ConfidentialClientApplication(settings("secret", { clientSecret: text }));
const certified = which => new msal.ConfidentialClientApplication(settings("cert", {
  clientCertificate: { thumbprintSha256: thumbprint(which.certificate), privateKey: which.key, x5c: which.certificate },
}));

// The claims, when the signature is right by the tenant's published keys.
async function verified(token) {
  const [head, body, signature] = token.split(".");
  const { keys } = await (await fetch(`${AUTHORITY}/discovery/v2.0/keys`)).json();
  const { kid } = JSON.parse(Buffer.from(head, "base64url"));
  const key = createPublicKey({ key: keys.find(it => it.kid === kid), format: "jwk" });
  check(verify("sha256", `${head}.${body}`, key, Buffer.from(signature, "base64url")), "the signature is wrong");
  return claims(token);
}

async function forUser(answer) {
  const told = await verified(answer.accessToken);
  same([told.aud, told.upn, told.scp], ["https://api.powerplatform.com", FACTS.user, "AppManagement.ApplicationPackages.Read"], "claims");
  same(answer.account.homeAccountId, `${told.oid}.${told.tid}`, "account");
  return answer;
}

async function forApplication(answer, client, proof) {
  const told = await verified(answer.accessToken);
  same([told.aud, told.appid, told.appidacr, told.idtyp, told.scp], ["https://api.powerplatform.com", FACTS[client], proof, "app", undefined], "claims");
  return answer;
}

async function refused(asked, number, name) {
  const error = await asked.then(() => ({ message: "a token was issued" }), error => error);
  check(error.message.includes(`AADSTS${number}`), `wanted AADSTS${number}, got ${error.message.slice(0, 160)}`);
  if (name) same(error.name, name, "the kind of error");
}

// Somebody's browser for a while.
async function window(act) {
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE);
  try {
    return await act(await context.newPage());
  } finally {
    await context.close();
  }
}

const web = await application({ fd: 0 });

// Signs in for a client; what it needs to redeem the code.
async function code(client, back) {
  const { verifier, challenge } = await new msal.CryptoProvider().generatePkceCodes();
  const state = createHash("sha256").update(verifier).digest("hex");
  const redirectUri = `${back.uri}/`;
  const url = await client.getAuthCodeUrl({ ...SCOPES, redirectUri, codeChallenge: challenge, codeChallengeMethod: "S256", state, nonce: "no-1", responseMode: "query" });
  const answer = await window(async page => {
    await page.goto(url);
    await signIn(page, FACTS.user);
    return back.next();
  });
  const { method, ...sent } = answer;
  same(method, "GET", "method");
  return [{ ...SCOPES, code: sent.code, redirectUri, codeVerifier: verifier, state, nonce: "no-1" }, sent];
}

async function answerDevice(asked, button) {
  await window(async page => {
    await page.goto(asked.verificationUri);
    await page.getByLabel("Code", { exact: true }).fill(asked.userCode);
    await press(page, "Next");
    await signIn(page, FACTS.user);
    await shows(page, "Is this you?");
    await press(page, button);
    await shows(page, button === "Continue" ? "You have signed in" : "Nothing was allowed");
  });
}

function device(button) {
  let answered;
  const deviceCodeCallback = asked => (answered = answerDevice(asked, button));
  const token = open().acquireTokenByDeviceCode({ ...SCOPES, deviceCodeCallback, timeout: 30 });
  return within(token.finally(() => answered), "the device's answer");
}

const cases = {
  async msal_node_redeems_a_code_once_as_a_public_client() {
    const client = open();
    const [request, answer] = await code(client, await application());
    const got = await forUser(await client.acquireTokenByCode(request, answer));
    const told = await verified(got.idToken);
    same([told.aud, told.nonce, told.preferred_username], [FACTS.public, "no-1", FACTS.user], "ID token");
    await refused(client.acquireTokenByCode(request, answer), 54005);
  },

  async msal_node_is_refused_a_code_with_another_verifier() {
    const client = open();
    const [request, answer] = await code(client, await application());
    await refused(client.acquireTokenByCode({ ...request, codeVerifier: "a".repeat(43) }, answer), 501481);
  },

  async msal_node_redeems_a_code_as_a_web_application_with_its_secret() {
    const client = secret(FACTS.value);
    const [request, answer] = await code(client, web);
    await refused(secret("wrong").acquireTokenByCode(request, answer), 7000215);
    await forUser(await client.acquireTokenByCode(request, answer));
  },

  async msal_node_refreshes_silently() {
    const client = open();
    const first = await client.acquireTokenByCode(...await code(client, await application()));
    const asked = { ...SCOPES, account: first.account };
    check((await client.acquireTokenSilent(asked)).fromCache, "the second answer did not come from the cache");
    const renewed = await forUser(await client.acquireTokenSilent({ ...asked, forceRefresh: true }));
    check(!renewed.fromCache && renewed.accessToken !== first.accessToken, "the renewed answer is the old one");
    const more = { account: first.account, scopes: ["https://graph.microsoft.com/Group.Read.All"] };
    await refused(client.acquireTokenSilent(more), 65001, "InteractionRequiredAuthError");
  },

  async msal_node_lets_a_device_in() {
    await forUser(await device("Continue"));
  },

  async msal_node_is_told_that_a_device_was_declined() {
    const error = await device("Cancel").catch(error => error);
    // It keeps the name of the error alone.
    check(error.message.includes("authorization_declined"), `wanted authorization_declined, got ${error.message}`);
  },

  async msal_node_gets_a_token_by_secret_and_the_next_from_its_cache() {
    const client = secret(FACTS.value);
    const first = await forApplication(await client.acquireTokenByClientCredential(SCOPES), "secret", "1");
    const second = await client.acquireTokenByClientCredential(SCOPES);
    check(second.fromCache && second.accessToken === first.accessToken, "the second answer is another");
    await refused(secret("wrong").acquireTokenByClientCredential(SCOPES), 7000215);
  },

  async msal_node_is_refused_an_expired_secret() {
    await refused(secret(FACTS.expired).acquireTokenByClientCredential(SCOPES), 7000222);
  },

  async msal_node_gets_a_token_by_certificate_and_is_refused_a_foreign_one() {
    await forApplication(await certified(FACTS.own).acquireTokenByClientCredential(SCOPES), "cert", "2");
    await refused(certified(FACTS.foreign).acquireTokenByClientCredential(SCOPES), 700027);
  },

  async msal_node_gets_a_token_by_password_and_is_told_of_a_second_factor() {
    const by = (username, password = FACTS.password) => open().acquireTokenByUsernamePassword({ ...SCOPES, username, password });
    await forUser(await by(FACTS.user));
    await refused(by(FACTS.user, "Wrong-horse-9"), 50126);
    await refused(by(FACTS.mfa), 50076, "InteractionRequiredAuthError");
  },
};
await run(cases, { lanes: 2, end });
