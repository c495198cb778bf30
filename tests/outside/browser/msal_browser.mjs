// MSAL Browser, unmodified, in a single-page application of its own origin: sign-in, consent, silent renewal and
// sign-out. The application is served here, over TLS, since frames of another scheme get no session cookie.
//
//     msal_browser.mjs READY_FILE FACTS_FILE        (its port is a listening socket on standard input)
import fs from "node:fs";
import path from "node:path";
import { AUTHORITY, FACTS, MODULES, PATIENCE, SCOPE, check, chromium, claims, run, same, site } from "./kit.mjs";
import { press, shows, signIn } from "./steps.mjs";

const library = name => fs.readFileSync(path.join(MODULES, "@azure/msal-browser/lib", name));
const FILES = {
  "/msal.js": ["text/javascript", library("msal-browser.min.js")],
  "/bridge.js": ["text/javascript", library("redirect-bridge/msal-redirect-bridge.min.js")],
  "/redirect": ["text/html", "<!doctype html><title>Back</title><script src=/bridge.js></script><script>msalRedirectBridge.broadcastResponseToMainFrame()</script>"],
  "/": ["text/html", "<!doctype html><title>Application</title><script src=/msal.js></script><h1>Application</h1>"],
};
const ORIGIN = await site(url => FILES[url.pathname]);
// The same machine under another name: another site, and the origin of another application.
const ELSEWHERE = `https://127.0.0.1:${FACTS.site.port}`;
const { browser, end } = await chromium(FACTS.site.file);

// The application in a window of somebody. `begin` is what its script does whenever its page is there; `over`
// holds after a sign-out.
async function application(client = "known", origin = ORIGIN) {
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const config = {
    auth: {
      clientId: FACTS[client], authority: AUTHORITY, knownAuthorities: [new URL(AUTHORITY).host],
      redirectUri: `${origin}/redirect`, postLogoutRedirectUri: `${origin}/`,
    },
    cache: { cacheLocation: "sessionStorage" },
    system: { iframeBridgeTimeout: PATIENCE, popupBridgeTimeout: PATIENCE },
  };
  const begin = async () => {
    await page.waitForFunction(origin => location.origin === origin && location.pathname === "/" && globalThis.msal && !globalThis.leaving, origin);
    return page.evaluate(async config => {
      globalThis.pack = it => it && { token: it.accessToken, id: it.idToken, fromCache: it.fromCache, username: it.account?.username, scopes: it.scopes };
      globalThis.no = error => ({ error: error.errorCode, name: error.name, message: error.message, number: error.errorNo });
      globalThis.app = new globalThis.msal.PublicClientApplication(config);
      await globalThis.app.initialize();
      return globalThis.app.handleRedirectPromise().then(globalThis.pack, globalThis.no);
    }, config);
  };
  // Calls the library with one argument, and gives what came of it.
  const call = (what, argument) => page.evaluate(([what, argument]) => {
    const request = { account: globalThis.app.getAllAccounts()[0], ...argument };
    return globalThis.app[what](request).then(globalThis.pack, globalThis.no);
  }, [what, argument]);
  // What takes the whole window away; its promise ends with the page.
  const go = (what, argument) => page.evaluate(([what, argument]) => {
    globalThis.leaving = true;
    globalThis.app[what]({ account: globalThis.app.getAllAccounts()[0], ...argument }).catch(() => {});
  }, [what, argument]);
  await page.goto(`${origin}/`);
  same(await begin(), null, "before any sign-in");
  const over = async () => {
    same(await page.evaluate(() => globalThis.app.getAllAccounts().length), 0, "accounts");
    refused(await call("ssoSilent", { scopes: [SCOPE], loginHint: FACTS.user }), "InteractionRequiredAuthError", 50058);
    await context.close();
  };
  return { page, begin, call, go, over, end: () => context.close() };
}

async function signedIn(client, origin) {
  const it = await application(client, origin);
  await it.go("loginRedirect", { scopes: [SCOPE] });
  await signIn(it.page, FACTS.user);
  good(await it.begin());
  return it;
}

function good(answer) {
  check(answer?.token, `no token: ${JSON.stringify(answer)}`);
  const told = claims(answer.token);
  same([told.aud, told.upn, told.appidacr], ["https://api.powerplatform.com", FACTS.user, "0"], "claims");
  same(answer.username, FACTS.user, "account");
  return answer;
}

function refused(answer, name, number) {
  check(answer?.name === name && answer.message.includes(`AADSTS${number}`), `wanted ${name} AADSTS${number}, got ${JSON.stringify(answer)}`);
}

const cases = {
  async msal_browser_signs_in_by_redirect_with_consent() {
    const it = await application("asking");
    await it.go("loginRedirect", { scopes: [SCOPE] });
    await signIn(it.page, FACTS.user);
    await shows(it.page, "Permissions requested");
    await press(it.page, "Accept");
    good(await it.begin());
    await it.end();
  },

  async msal_browser_is_told_that_consent_was_declined() {
    const it = await application("asking");
    await it.go("loginRedirect", { scopes: [SCOPE], prompt: "consent" });
    await signIn(it.page, FACTS.user);
    await shows(it.page, "Permissions requested");
    await press(it.page, "Cancel");
    refused(await it.begin(), "ServerError", 65004);
    await it.end();
  },

  async msal_browser_signs_in_by_popup() {
    const it = await application();
    const popup = it.page.waitForEvent("popup").then(popup => signIn(popup, FACTS.user));
    const [answer] = await Promise.all([it.call("loginPopup", { scopes: [SCOPE] }), popup]);
    good(answer);
    await it.end();
  },

  async msal_browser_answers_from_its_cache_and_renews_by_its_refresh_token() {
    const it = await signedIn();
    const first = good(await it.call("acquireTokenSilent", { scopes: [SCOPE] }));
    check(first.fromCache, "the first answer did not come from the cache");
    const asked = it.page.waitForResponse(answer => answer.url().includes("/oauth2/v2.0/token") && answer.request().method() === "POST");
    const second = good(await it.call("acquireTokenSilent", { scopes: [SCOPE], forceRefresh: true }));
    check(!second.fromCache && second.token !== first.token, "the renewed answer is the old one");
    const answer = await asked;
    check(answer.request().postData().includes("grant_type=refresh_token"), "it was not renewed by a refresh token");
    same(answer.headers()["access-control-allow-origin"], ORIGIN, "who may read the answer");
    same(answer.headers()["access-control-allow-credentials"], undefined, "credentials");
    await it.end();
  },

  async msal_browser_renews_in_a_hidden_frame() {
    const it = await signedIn();
    const renewed = good(await it.call("ssoSilent", { scopes: [SCOPE], loginHint: FACTS.user }));
    check(!renewed.fromCache, "it came from the cache");
    // And so it does when its refresh token is no longer there.
    await it.page.evaluate(() => Object.keys(sessionStorage).filter(it => it.includes("refreshtoken")).forEach(it => sessionStorage.removeItem(it)));
    const framed = it.page.waitForRequest(request => request.url().includes("prompt=none"));
    check(!good(await it.call("acquireTokenSilent", { scopes: [SCOPE], forceRefresh: true })).fromCache, "it came from the cache");
    await framed;
    await it.end();
  },

  async msal_browser_is_told_that_nobody_is_signed_in() {
    const it = await application();
    refused(await it.call("ssoSilent", { scopes: [SCOPE], loginHint: FACTS.user }), "InteractionRequiredAuthError", 50058);
    await it.end();
  },

  // A frame on a page of another site gets no session cookie (`docs/security.md`, S22): people see a page instead.
  async msal_browser_on_another_site_is_told_to_show_a_page() {
    const it = await signedIn("elsewhere", ELSEWHERE);
    refused(await it.call("ssoSilent", { scopes: [SCOPE], loginHint: FACTS.user }), "InteractionRequiredAuthError", 50058);
    await it.go("acquireTokenRedirect", { scopes: [SCOPE] });
    good(await it.begin());
    await it.end();
  },

  async msal_browser_is_told_that_consent_is_missing() {
    const it = await signedIn();
    const answer = await it.call("acquireTokenSilent", { scopes: ["https://graph.microsoft.com/Group.Read.All"] });
    refused(answer, "InteractionRequiredAuthError", 65001);
    await it.end();
  },

  async msal_browser_signs_out_of_the_session_and_comes_back() {
    const it = await signedIn();
    const idTokenHint = await it.page.evaluate(() => globalThis.app.getAllAccounts()[0].idToken);
    await it.go("logoutRedirect", { idTokenHint });
    same(await it.begin(), null, "after the sign-out");
    await it.over();
  },

  // Without a token of ours nobody knows who asks: a person confirms, and then returns to the application, which has
  // registered its address (`docs/security.md`, S20).
  async msal_browser_without_a_token_has_the_person_confirm_the_sign_out() {
    const it = await signedIn();
    await it.go("logoutRedirect", {});
    await shows(it.page, "Sign out");
    await press(it.page, "Sign out");
    await it.page.waitForURL(`${ORIGIN}/**`);
    same(await it.begin(), null, "after the sign-out");
    await it.over();
  },

  async a_script_of_another_applications_origin_reads_no_answer_of_the_token_endpoint() {
    const it = await application();
    const ask = () => it.page.evaluate(([url, id]) => {
      const body = new URLSearchParams({ client_id: id, grant_type: "refresh_token", refresh_token: "1.none" });
      return fetch(url, { method: "POST", body }).then(answer => answer.json(), error => ({ blocked: error.name }));
    }, [`${AUTHORITY}/oauth2/v2.0/token`, FACTS.known]);
    same((await ask()).error, "invalid_grant", "the application's own origin");
    await it.page.goto(`${ELSEWHERE}/`);
    same(await ask(), { blocked: "TypeError" }, "another origin");
    await it.end();
  },
};
await run(cases, { lanes: 2, end });
