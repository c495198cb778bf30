// Every page that people see, in Chromium, with script and without: what it shows is complete, nothing is cut,
// axe finds nothing, and a picture of it is kept.
//
//     pages.mjs READY_FILE FACTS_FILE        (the port of an application is a listening socket on standard input)
import { createHash, randomBytes } from "node:crypto";
import { AUTHORITY, BASE, FACTS, READY, SCOPE, check, chromium, run, same, site, totp } from "./kit.mjs";
import { look, person } from "./look.mjs";
import { account, heading, password, press, shows, signIn } from "./steps.mjs";

const { browser, end } = await chromium(FACTS.site.file);
const heard = [];
const SITE = await site(url => {
  if (url.pathname === "/heard") heard.push(Object.fromEntries(url.searchParams));
  return ["text/html", "<!doctype html><html lang=en><title>Application</title><main><h1>The application</h1></main></html>"];
});

// Where an application sends somebody to sign in.
function authorize({ app }, client, more = {}) {
  const verifier = randomBytes(32).toString("base64url");
  const asked = {
    client_id: FACTS[client], response_type: "code", redirect_uri: app.uri, scope: `openid ${SCOPE}`, state: "st-1",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256", ...more,
  };
  return `${AUTHORITY}/oauth2/v2.0/authorize?${new URLSearchParams(asked)}`;
}

async function answered({ app }, number) {
  const answer = await app.next();
  same(answer.state, "st-1", "state");
  if (number) check(answer.error_description?.startsWith(`AADSTS${number}:`), `wanted AADSTS${number}, got ${JSON.stringify(answer)}`);
  else check(answer.code, `no code: ${JSON.stringify(answer)}`);
  return answer;
}

// Changes something of the directory, as an administrator does.
async function changed(path, change) {
  const asked = { client_id: FACTS.operator, grant_type: "password", scope: "https://graph.microsoft.com/.default", username: FACTS.admin, password: FACTS.password };
  const { access_token } = await (await fetch(`${AUTHORITY}/oauth2/v2.0/token`, { method: "POST", body: new URLSearchParams(asked) })).json();
  const answer = await fetch(`${READY.endpoints.graph}/v1.0/${path}`, {
    method: "PATCH", headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
    body: JSON.stringify(change),
  });
  check(answer.status === 204, `Graph answered ${answer.status}: ${await answer.text()}`);
}

// What a device asks for.
async function device() {
  const answer = await fetch(`${AUTHORITY}/oauth2/v2.0/devicecode`, {
    method: "POST", body: new URLSearchParams({ client_id: FACTS.known, scope: SCOPE }),
  });
  return answer.json();
}

async function redeemed(code) {
  const answer = await fetch(`${AUTHORITY}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({ client_id: FACTS.known, grant_type: "device_code", device_code: code }),
  });
  return answer.json();
}

const walks = {
  async signs_in_after_a_wrong_password(who) {
    await who.page.goto(authorize(who, "known"));
    await shows(who.page, "Sign in");
    await look(who, "account");
    await account(who.page, FACTS.user);
    await shows(who.page, "Enter password");
    await look(who, "password");
    await password(who.page, "Wrong-horse-9");
    await who.page.getByRole("alert").waitFor();
    await look(who, "password-wrong");
    await password(who.page);
    await answered(who);
  },

  async goes_back_to_another_account_and_cancels(who) {
    await who.page.goto(authorize(who, "known"));
    await account(who.page, "nobody@contoso.example");
    await shows(who.page, "Enter password");
    await press(who.page, "Back");
    await shows(who.page, "Sign in");
    await press(who.page, "Cancel");
    same((await answered(who, 65004)).error, "access_denied", "error");
  },

  async proves_a_second_factor_after_a_wrong_one(who) {
    const user = FACTS[`mfa_${who.mode}`];
    await who.page.goto(authorize(who, "known"));
    await signIn(who.page, user.name);
    await shows(who.page, "Prove that it is you");
    await look(who, "second-factor");
    const code = () => who.page.getByLabel("Code of your authenticator");
    await code().fill("000000");
    await press(who.page, "Verify");
    await who.page.getByRole("alert").waitFor();
    await look(who, "second-factor-wrong");
    await code().fill(totp(user.totp));
    await press(who.page, "Verify");
    await answered(who);
  },

  async registers_a_second_factor_and_keeps_recovery_codes(who) {
    const { page } = who, user = `new-${who.mode}@contoso.example`;
    await page.goto(authorize(who, "known"));
    await signIn(page, user);
    await shows(page, "Add a second factor");
    // Whoever registers reads first: the focus stays where the page begins.
    await look(who, "enrol", false);
    const key = await page.locator(".key").innerText();
    const code = () => page.getByLabel("Code of your authenticator");
    await code().fill("000000");
    await press(page, "Verify");
    await page.getByRole("alert").waitFor();
    await look(who, "enrol-wrong", false);
    same(await page.locator(".key").innerText(), key, "the key after a wrong code");
    await code().fill(totp(key));
    await press(page, "Verify");
    await shows(page, "Your recovery codes");
    await look(who, "recovery-codes");
    const codes = await page.locator(".codes li").allInnerTexts();
    await press(page, "Continue");
    await answered(who);
    await page.goto(authorize(who, "known", { prompt: "login" }));
    await signIn(page, user);
    await press(page, "Use a recovery code");
    await shows(page, "Use a recovery code");
    await look(who, "recovery");
    await page.getByLabel("Recovery code", { exact: true }).fill("AAAA-AAAA-AAAA");
    await press(page, "Verify");
    await page.getByRole("alert").waitFor();
    await look(who, "recovery-wrong");
    await page.getByLabel("Recovery code", { exact: true }).fill(codes[0]);
    await press(page, "Verify");
    await answered(who);
  },

  async chooses_one_of_two_accounts(who) {
    const { page } = who;
    for (const user of [FACTS.user, FACTS.other]) {
      await page.goto(authorize(who, "known", { prompt: "login" }));
      await signIn(page, user);
      await answered(who);
    }
    await page.goto(authorize(who, "known"));
    await shows(page, "Choose an account");
    await look(who, "choose-account");
    await page.getByRole("button", { name: FACTS.other }).click();
    await answered(who);
    await page.goto(authorize(who, "known", { prompt: "select_account" }));
    await shows(page, "Choose an account");
    await press(page, "Use another account");
    await shows(page, "Sign in");
  },

  async takes_a_new_password_in_the_place_of_one_that_is_over(who) {
    const { page } = who, user = `old-${who.mode}@contoso.example`;
    await changed(`users/${user}`, { passwordProfile: { forceChangePasswordNextSignIn: true } });
    await page.goto(authorize(who, "known"));
    await signIn(page, user);
    await shows(page, "Choose a new password");
    await look(who, "new-password");
    const fill = async (now, next, again) => {
      await page.getByLabel("Current password", { exact: true }).fill(now);
      await page.getByLabel("New password", { exact: true }).fill(next);
      await page.getByLabel("New password again", { exact: true }).fill(again);
      await press(page, "Sign in");
    };
    await fill(FACTS.password, "Another-horse-8", "Another-horse-9");
    await page.getByRole("alert").waitFor();
    await look(who, "new-password-wrong");
    await fill(FACTS.password, "Another-horse-8", "Another-horse-8");
    await answered(who);
  },

  async consents_and_declines(who) {
    await who.page.goto(authorize(who, "asking", { prompt: "consent" }));
    await signIn(who.page, FACTS.user);
    await shows(who.page, "Permissions requested");
    same(await who.page.getByRole("checkbox").count(), 0, "questions to someone who is no administrator");
    await look(who, "consent");
    await press(who.page, "Cancel");
    same((await answered(who, 65004)).error, "access_denied", "error");
    await who.page.goto(authorize(who, "asking", { prompt: "consent" }));
    await shows(who.page, "Permissions requested");
    await press(who.page, "Accept");
    await answered(who);
  },

  async consents_as_an_administrator(who) {
    await who.page.goto(authorize(who, "asking", { prompt: "consent" }));
    await signIn(who.page, FACTS.admin);
    await shows(who.page, "Permissions requested");
    same(await who.page.getByRole("checkbox").count(), 1, "the question about everyone");
    await look(who, "consent-administrator");
    await press(who.page, "Accept");
    await answered(who);
  },

  async consents_for_the_whole_organisation(who) {
    const { page, app } = who, client_id = FACTS[`wide_${who.mode}`];
    const asked = new URLSearchParams({ client_id, redirect_uri: app.uri, scope: "https://graph.microsoft.com/.default", state: "st-1" });
    const address = `${AUTHORITY}/v2.0/adminconsent?${asked}`;
    await page.goto(address);
    await signIn(page, FACTS.user);
    await shows(page, "We couldn't sign you in");
    check((await page.locator("main").innerText()).includes("AADSTS90094"), "who may not consent is not told so");
    await page.context().clearCookies();
    await page.goto(address);
    await signIn(page, FACTS.admin);
    await shows(page, "Permissions requested for your organisation");
    await look(who, "consent-organisation");
    await press(page, "Cancel");
    same((await answered(who, 65004)).error, "consent_required", "error");
    await page.goto(address);
    await shows(page, "Permissions requested for your organisation");
    await press(page, "Accept");
    const answer = await app.next();
    same([answer.admin_consent, answer.state, answer.code], ["True", "st-1", undefined], "answer");
  },

  async lets_a_device_in(who) {
    const asked = await device();
    await who.page.goto(asked.verification_uri);
    await shows(who.page, "Sign in on another device");
    await look(who, "device-code");
    const code = who.page.getByLabel("Code", { exact: true });
    await code.fill("BBBBBBBBB");
    await press(who.page, "Next");
    await who.page.getByRole("alert").waitFor();
    await look(who, "device-code-wrong");
    await code.fill(asked.user_code);
    await press(who.page, "Next");
    await signIn(who.page, FACTS.user);
    await shows(who.page, "Is this you?");
    await look(who, "device-confirm");
    same((await redeemed(asked.device_code)).error, "authorization_pending", "before the answer");
    await press(who.page, "Continue");
    await shows(who.page, "You have signed in");
    await look(who, "device-done");
    check((await redeemed(asked.device_code)).access_token, "no token after yes");
  },

  async keeps_a_device_out(who) {
    const asked = await device();
    await who.page.goto(asked.verification_uri);
    await who.page.getByLabel("Code", { exact: true }).fill(asked.user_code);
    await press(who.page, "Next");
    await signIn(who.page, FACTS.user);
    await shows(who.page, "Is this you?");
    await press(who.page, "Cancel");
    await shows(who.page, "Nothing was allowed");
    await look(who, "device-declined");
    same((await redeemed(asked.device_code)).error, "authorization_declined", "after no");
  },

  async signs_out(who) {
    await who.page.goto(authorize(who, "known"));
    await signIn(who.page, FACTS.user);
    await answered(who);
    await who.page.goto(`${AUTHORITY}/oauth2/v2.0/logout`);
    await shows(who.page, "Sign out");
    await look(who, "sign-out");
    await press(who.page, "Sign out");
    await shows(who.page, "You have signed out");
    await look(who, "signed-out");
    await who.page.goto(authorize(who, "known"));
    await shows(who.page, "Sign in");
  },

  async tells_applications_of_a_sign_out(who) {
    const { page } = who;
    await page.goto(authorize(who, "listening"));
    await signIn(page, FACTS.user);
    const { session_state } = await answered(who);
    const asked = new URLSearchParams({ client_id: FACTS.listening, post_logout_redirect_uri: `${SITE}/back` });
    await page.goto(`${AUTHORITY}/oauth2/v2.0/logout?${asked}`);
    await shows(page, "Sign out");
    await press(page, "Sign out");
    if (!who.script) {
      await shows(page, "You have signed out");
      await look(who, "signed-out-telling");
      await page.getByRole("link", { name: "Continue to the application" }).click();
    }
    await shows(page, "The application");
    same(page.url(), `${SITE}/back`, "address");
    same(heard.filter(it => it.sid === session_state).map(it => it.iss), [`${AUTHORITY}/v2.0`], "what the application heard");
  },

  async says_why_it_does_not_go_on(who) {
    const answer = await who.page.goto(authorize(who, "known", { redirect_uri: `https://evil.example/${"callback".repeat(20)}` }));
    same(answer.status(), 400, "status");
    await shows(who.page, "We couldn't sign you in");
    const text = await who.page.locator("main").innerText();
    for (const part of ["AADSTS50011", "Trace id", "Correlation id", "Time"]) check(text.includes(part), `no ${part}: ${text}`);
    await look(who, "error");
  },

  async posts_the_answer(who) {
    await who.page.goto(authorize(who, "known", { response_mode: "form_post" }));
    await signIn(who.page, FACTS.user);
    if (!who.script) {
      await shows(who.page, "One moment");
      await look(who, "form-post");
      await press(who.page, "Continue");
    }
    same((await answered(who)).method, "POST", "method");
  },

  async is_signed_in_by_keyboard_alone(who) {
    const { page } = who;
    const key = it => page.keyboard.press(it);
    // Whoever moves by keyboard sees where they are.
    const at = async name => {
      const found = await page.evaluate(() => {
        const it = document.activeElement, style = getComputedStyle(it);
        return [it.labels?.[0]?.innerText ?? it.innerText, style.outlineStyle, parseInt(style.outlineWidth)];
      });
      same(found, [name, "solid", 3], "focus");
    };
    await page.goto(authorize(who, "known"));
    await shows(page, "Sign in");
    await at("User name");
    await page.keyboard.type(FACTS.user);
    await key("Enter");
    await shows(page, "Enter password");
    await at("Password");
    await page.keyboard.type(FACTS.password);
    await key("Tab");
    await at("Stay signed in");
    await key("Space");
    await key("Tab");
    await at("Sign in");
    await key("Tab");
    await at("Back");
    await key("Shift+Tab");
    await key("Enter");
    await answered(who);
    const [session] = (await page.context().cookies(BASE)).filter(it => it.name === "__Host-carnet-stay");
    check(session.expires > Date.now() / 1000 + 80 * 86400, "the box did not keep the session");
    check(session.httpOnly && session.secure && session.sameSite === "Lax", JSON.stringify({ ...session, value: "" }));
  },
};

const cases = {
  async the_content_policy_stops_a_script_that_is_not_ours() {
    const who = await person(browser);
    const answer = await who.page.goto(authorize(who, "known"));
    const policy = answer.headers()["content-security-policy"];
    check(policy.startsWith("default-src 'none'") && policy.includes("frame-ancestors 'none'"), policy);
    const ran = await who.page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "globalThis.ran = true";
      document.body.append(script);
      return globalThis.ran === true;
    });
    check(!ran, "an inline script ran");
    check(who.said.some(it => it.includes("Content Security Policy")), "the browser did not name the policy");
    await who.page.context().close();
  },
};
for (const [name, walk] of Object.entries(walks)) {
  for (const script of [true, false]) {
    const who = name => (name ? "with" : "without");
    cases[`a_page_${name}_${who(script)}_script`] = async () => {
      const it = await person(browser, script);
      try {
        await walk(it);
      } catch (error) {
        const title = await heading(it.page).catch(() => "no page");
        error.message = `${error.message} (at “${title}”, ${new URL(it.page.url()).pathname})`;
        throw error;
      }
      await it.leave();
    };
  }
}
await changed(`applications(appId='${FACTS.listening}')`, { web: { logoutUrl: `${SITE}/heard` } });
await run(cases, { lanes: 3, end });
