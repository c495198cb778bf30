//! Sessions of a browser: several accounts, for how long, and a password that is over.

use super::{
    contoso, contoso_with,
    second_factor::{code_at, code_of, key_of, recovery_codes, somebody},
};
use carnet_tests::{
    Contoso, PASSWORD, PUBLIC, Reply, TENANT, UNCONSENTED,
    browser::{Browser, back, number, query},
    part, percent,
};
use serde_json::json;

const HOUR: i64 = 3600;
const SILENT: &[(&str, &str)] = &[("prompt", "none")];

async fn who(t: &Contoso, reply: &Reply) -> String {
    let fields = back(reply);
    t.redeem(&fields["code"]).await.claims()["upn"].as_str().unwrap().to_owned()
}

/// The value of the button for an account.
fn button(page: &Reply, name: &str) -> String {
    let text = page.text();
    let each = text.split("name=\"account\" value=\"").skip(1);
    let it = each.into_iter().find(|it| it.split("</button>").next().unwrap().contains(name));
    it.unwrap_or_else(|| panic!("no {name}: {text}")).split('"').next().unwrap().to_owned()
}

/// A browser in which ada and then an administrator signed in.
async fn two(t: &Contoso) -> Browser<'_> {
    let browser = Browser::new(t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[("prompt", "login")]), "admin", PASSWORD).await);
    browser
}

#[tokio::test]
async fn of_several_accounts_one_is_chosen_or_named() {
    let t = contoso("").await;
    let browser = two(&t).await;
    let page = browser.open(&query(PUBLIC, &[])).await;
    assert!(page.text().contains("Choose an account"));
    for name in ["ada", "admin"] {
        let mail = format!("{name}@contoso.example");
        let page = browser.open(&query(PUBLIC, &[])).await;
        let account = button(&page, &mail);
        assert_eq!(who(&t, &browser.submit(&page, &[("account", &account)]).await).await, mail);
        let hinted = query(PUBLIC, &[("login_hint", &mail), ("prompt", "none")]);
        assert_eq!(who(&t, &browser.open(&hinted).await).await, mail);
    }
    // A session of nobody here, or of another browser, is none.
    let strange = browser.submit(&page, &[("account", "b7a1c0de-0000-4000-8000-0000000000ff")]).await;
    assert!(strange.text().contains("name=\"username\""));
    let other = Browser::new(&t);
    let own = other.open(&query(PUBLIC, &[])).await;
    let taken = other.submit(&own, &[("account", &button(&page, "ada"))]).await;
    assert!(taken.text().contains("name=\"username\""));
    // Silently nobody can choose; a third account may always come.
    assert_eq!(number(&browser.open(&query(PUBLIC, SILENT)).await), 16_000);
    let asked = browser.submit(&page, &[("again", "1")]).await;
    assert!(asked.text().contains("name=\"username\""));
}

#[tokio::test]
async fn a_session_is_named_by_the_sid_of_its_tokens() {
    let t = contoso("").await;
    let browser = Browser::new(&t);
    let fields = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    let sid = fields["session_state"].clone();
    let _ = back(&browser.sign_in(&query(PUBLIC, &[("prompt", "login")]), "admin", PASSWORD).await);
    let named = query(PUBLIC, &[("sid", &sid), ("prompt", "none")]);
    assert_eq!(who(&t, &browser.open(&named).await).await, "ada@contoso.example");
    let nobody = "b7a1c0de-0000-4000-8000-0000000000ff";
    assert_eq!(number(&browser.open(&query(PUBLIC, &[("sid", nobody), ("prompt", "none")])).await), 50_058);
}

#[tokio::test]
async fn an_account_that_signs_in_again_has_one_session() {
    let t = contoso("").await;
    let browser = two(&t).await;
    let _ = back(&browser.sign_in(&query(PUBLIC, &[("prompt", "login")]), "ada", PASSWORD).await);
    let page = browser.open(&query(PUBLIC, &[])).await;
    assert_eq!(page.text().matches("name=\"account\"").count(), 2);
}

#[tokio::test]
async fn a_session_lives_while_it_is_used_and_longer_for_those_who_stay() {
    let t = contoso("").await;
    let (short, long) = (Browser::new(&t), Browser::new(&t));
    let _ = back(&short.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    let account = long.open(&query(PUBLIC, &[])).await;
    let asked = long.submit(&account, &[("username", "ada@contoso.example")]).await;
    let reply = long.submit(&asked, &[("passwd", PASSWORD), ("stay", "1")]).await;
    let cookie = reply.headers.get_all("set-cookie").iter().find_map(|it| {
        let text = it.to_str().unwrap();
        text.starts_with("__Host-carnet-stay=").then(|| text.to_owned())
    });
    assert!(cookie.unwrap().contains("Max-Age=7776000"));
    assert!(short.cookie("__Host-carnet-stay").is_none());
    for _ in 0..3 {
        t.later(20 * HOUR);
        let _ = back(&short.open(&query(PUBLIC, SILENT)).await)["code"];
    }
    t.later(25 * HOUR);
    assert_eq!(number(&short.open(&query(PUBLIC, SILENT)).await), 50_058);
    t.later(80 * 24 * HOUR);
    let _ = back(&long.open(&query(PUBLIC, SILENT)).await)["code"];
    t.later(80 * 24 * HOUR);
    let _ = back(&long.open(&query(PUBLIC, SILENT)).await)["code"];
    t.later(91 * 24 * HOUR);
    assert_eq!(number(&long.open(&query(PUBLIC, SILENT)).await), 50_058);
}

#[tokio::test]
async fn signing_out_ends_the_session_of_every_account_of_the_browser() {
    let t = contoso("").await;
    let browser = two(&t).await;
    let asked = browser.get(&format!("/{TENANT}/oauth2/v2.0/logout")).await;
    let gone = browser.submit(&asked, &[]).await;
    assert_eq!(gone.status, 200);
    assert_eq!(number(&browser.open(&query(PUBLIC, SILENT)).await), 50_058);
}

/// The browser keeps its session when it ends.
fn stays(browser: &Browser<'_>) -> bool {
    browser.cookie("__Host-carnet-stay").is_some()
}

#[tokio::test]
async fn who_stays_signed_in_stays_after_wrong_inputs_and_a_second_factor() {
    let t = contoso_with("", &somebody()).await;
    let tick = [("stay", "1")];
    let ask = async |browser: &Browser<'_>, user: &str| {
        let account = browser.open(&query(PUBLIC, &[])).await;
        browser.submit(&account, &[("username", &format!("{user}@contoso.example"))]).await
    };
    let with = |password: &'static str| [&[("passwd", password)][..], &tick].concat();
    for ticked in [true, false] {
        let typed = |password: &'static str| if ticked { with(password) } else { vec![("passwd", password)] };
        // A wrong password keeps the tick on the page, from where it can be taken away.
        let browser = Browser::new(&t);
        let page = ask(&browser, "ada").await;
        let wrong = browser.submit(&page, &typed("Wrong-horse-7")).await;
        assert_eq!(wrong.text().contains("name=\"stay\" value=\"1\" checked"), ticked, "{}", wrong.text());
        let _ = back(&browser.submit(&wrong, &typed(PASSWORD)).await);
        assert_eq!(stays(&browser), ticked);
        let other = Browser::new(&t);
        let page = ask(&other, "ada").await;
        let wrong = other.submit(&page, &with("Wrong-horse-7")).await;
        let _ = back(&other.submit(&wrong, &[("passwd", PASSWORD)]).await);
        assert!(!stays(&other), "the tick was taken away");
        // A second factor, after a wrong code: nothing is asked again.
        t.later(30);
        let browser = Browser::new(&t);
        let page = ask(&browser, "mfa").await;
        let page = browser.submit(&page, &typed(PASSWORD)).await;
        assert!(page.text().contains("name=\"otc\"") && !page.text().contains("name=\"stay\""));
        let page = browser.submit(&page, &[("otc", "000000")]).await;
        let now = t.state().clock.now().seconds();
        let _ = back(&browser.submit(&page, &[("otc", &code_at(now))]).await);
        assert_eq!(stays(&browser), ticked);
    }
}

#[tokio::test]
async fn who_stays_signed_in_stays_through_a_recovery_a_registration_and_a_new_password() {
    let t = contoso("require_mfa = [\"user:ada@contoso.example\"]").await;
    let begin = async |browser: &Browser<'_>, user: &str, password: &str| {
        let account = browser.open(&query(PUBLIC, &[])).await;
        let page = browser.submit(&account, &[("username", &format!("{user}@contoso.example"))]).await;
        browser.submit(&page, &[("passwd", password), ("stay", "1")]).await
    };
    let browser = Browser::new(&t);
    let page = begin(&browser, "ada", PASSWORD).await;
    let code = code_of(&key_of(&page), t.state().clock.now().seconds());
    let shown = browser.submit(&page, &[("otc", &code)]).await;
    let codes = recovery_codes(&shown);
    let _ = back(&browser.submit(&shown, &[("kept", "1")]).await);
    assert!(stays(&browser), "a registration");
    let browser = Browser::new(&t);
    let page = begin(&browser, "ada", PASSWORD).await;
    let lost = browser.submit(&page, &[("lost", "1")]).await;
    let _ = browser.submit(&lost, &[("recovery", &codes[0])]).await;
    assert!(stays(&browser), "a recovery");
    let token = t.graph_token("admin").await;
    let over =
        json!({ "passwordProfile": { "password": "Over-and-out-9", "forceChangePasswordNextSignIn": true } });
    let path = "/v1.0/users/admin@contoso.example";
    assert_eq!(t.call("PATCH", path, &token, over).await.status, 204);
    let browser = Browser::new(&t);
    let page = begin(&browser, "admin", "Over-and-out-9").await;
    let fields = |new| [("passwd", "Over-and-out-9"), ("new_passwd", new), ("new_passwd_again", new)];
    let page = browser.submit(&page, &fields("short")).await;
    let _ = back(&browser.submit(&page, &fields("Quite-new-1")).await);
    assert!(stays(&browser), "a new password");
    // Another account begins without it.
    let other = Browser::new(&t);
    let account = other.open(&query(PUBLIC, &[])).await;
    let page = other.submit(&account, &[("username", "ada@contoso.example")]).await;
    let wrong = other.submit(&page, &[("passwd", "Wrong-horse-7"), ("stay", "1")]).await;
    let account = other.submit(&wrong, &[("again", "1")]).await;
    let page = other.submit(&account, &[("username", "admin@contoso.example")]).await;
    assert!(!page.text().contains(" checked"), "{}", page.text());
}

#[tokio::test]
async fn a_password_that_is_over_is_changed_on_a_page() {
    let t = contoso("").await;
    let token = t.graph_token("admin").await;
    let over =
        json!({ "passwordProfile": { "password": "Over-and-out-9", "forceChangePasswordNextSignIn": true } });
    assert_eq!(t.call("PATCH", "/v1.0/users/ada@contoso.example", &token, over).await.status, 204);
    let browser = Browser::new(&t);
    let page = browser.sign_in(&query(PUBLIC, &[]), "ada", "Over-and-out-9").await;
    assert!(page.text().contains("name=\"new_passwd\""), "{}", page.text());
    assert_eq!(number(&browser.open(&query(PUBLIC, SILENT)).await), 50_058);
    let typed = async |old: &str, new: &str, again: &str| {
        let fields = [("passwd", old), ("new_passwd", new), ("new_passwd_again", again)];
        browser.submit(&page, &fields).await
    };
    for (old, new, again, field) in [
        ("Wrong-and-out-9", "Quite-new-1", "Quite-new-1", "current-password"),
        ("Over-and-out-9", "Quite-new-1", "Quite-new-2", "new-password"),
        ("Over-and-out-9", "short", "short", "new-password"),
        ("Over-and-out-9", "Over-and-out-9", "Over-and-out-9", "new-password"),
        ("Wrong-and-out-9", "Wrong-and-out-9", "Wrong-and-out-9", "current-password"),
    ] {
        let wrong = typed(old, new, again).await;
        assert!(wrong.text().contains("role=\"alert\""), "{old} {new} {again}");
        let focus = format!("autocomplete=\"{field}\" required autofocus aria-invalid=\"true\"");
        assert!(wrong.text().contains(&focus), "{old} {new} {again}");
    }
    let fields = back(&typed("Over-and-out-9", "Quite-new-1", "Quite-new-1").await);
    assert!(t.redeem(&fields["code"]).await.good().get("access_token").is_some());
    let old = Browser::new(&t).sign_in(&query(PUBLIC, &[]), "ada", "Over-and-out-9").await;
    assert!(old.text().contains("role=\"alert\""));
    let _ = back(&Browser::new(&t).sign_in(&query(PUBLIC, &[]), "ada", "Quite-new-1").await);
}

#[tokio::test]
async fn applications_that_asked_hear_of_a_sign_out() {
    let t = contoso("").await;
    let token = t.graph_token("admin").await;
    let own = format!("/v1.0/applications(appId='{PUBLIC}')");
    let set = async |uri: &str| t.call("PATCH", &own, &token, json!({ "web": { "logoutUrl": uri } })).await;
    assert_eq!(set("http://app.example/out").await.status, 400);
    assert_eq!(set("https://app.example/out?a=b").await.status, 204);
    let browser = Browser::new(&t);
    let sid = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await)["session_state"].clone();
    let home = "post_logout_redirect_uri=http%3A%2F%2Flocalhost%2Fback";
    let path = format!("/{TENANT}/oauth2/v2.0/logout?client_id={PUBLIC}&{home}");
    let asked = browser.get(&path).await;
    let gone = browser.submit(&asked, &[]).await;
    let frame = format!(
        "src=\"https://app.example/out?a=b&amp;sid={sid}&amp;iss=https%3A%2F%2Flocalhost%3A8443%2F{TENANT}%2Fv2.0\""
    );
    assert_eq!(gone.status, 200);
    assert!(gone.text().contains(&frame), "{}", gone.text());
    assert!(gone.text().contains("href=\"http://localhost/back\""));
    assert!(gone.header("content-security-policy").contains("; frame-src https://app.example;"));
    // Whoever is signed out already is told nothing more.
    let again = browser.get(&path).await;
    assert_eq!((again.status, again.header("location")), (303, "http://localhost/back"));
}

#[tokio::test]
async fn a_hint_signs_one_account_out() {
    let t = contoso("").await;
    let browser = two(&t).await;
    let ada = query(PUBLIC, &[("login_hint", "ada@contoso.example"), ("scope", "openid profile")]);
    let page = browser.open(&ada).await;
    let fields = back(&page);
    let hint = t.redeem(&fields["code"]).await.good()["id_token"].as_str().unwrap().to_owned();
    let gone = browser.get(&format!("/{TENANT}/oauth2/v2.0/logout?id_token_hint={hint}")).await;
    assert_eq!(gone.status, 200);
    assert_eq!(who(&t, &browser.open(&query(PUBLIC, SILENT)).await).await, "admin@contoso.example");
}

#[tokio::test]
async fn a_hint_of_nobody_in_this_browser_is_no_reason_not_to_ask() {
    let t = contoso("").await;
    let id_token = async |user: &str| {
        let code = t.code(user).await;
        t.redeem(&code).await.good()["id_token"].as_str().unwrap().to_owned()
    };
    // Without `profile` they name their user only as the application knows them.
    let (ada, admin) = (id_token("ada").await, id_token("admin").await);
    assert_eq!(part(&ada, 1).get("oid"), None);
    let leave = |hint: &str| format!("/{TENANT}/oauth2/v2.0/logout?id_token_hint={hint}");
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    let asked = browser.get(&leave(&admin)).await;
    assert_eq!(who(&t, &browser.open(&query(PUBLIC, SILENT)).await).await, "ada@contoso.example");
    assert!(browser.submit(&asked, &[]).await.text().contains("You have signed out"));
    assert_eq!(number(&browser.open(&query(PUBLIC, SILENT)).await), 50_058);

    let browser = two(&t).await;
    assert!(browser.get(&leave(&ada)).await.text().contains("You have signed out"));
    assert_eq!(who(&t, &browser.open(&query(PUBLIC, SILENT)).await).await, "admin@contoso.example");
}

#[tokio::test]
async fn where_no_application_is_named_an_address_of_the_session_is_gone_to() {
    let t = contoso("").await;
    let token = t.graph_token("admin").await;
    let other = json!({ "publicClient": { "redirectUris": ["http://localhost/other"] } });
    let path = format!("/v1.0/applications(appId='{UNCONSENTED}')");
    assert_eq!(t.call("PATCH", &path, &token, other).await.status, 204);
    // An application's that got something of the session, and one's that did not.
    for (to, status, gone_to) in [
        ("http://localhost/back", 303, "http://localhost/back"),
        // On this machine under any port, as when signing in.
        ("http://localhost:5173/back", 303, "http://localhost:5173/back"),
        ("http://localhost:5173/other", 200, ""),
        ("http://localhost/other", 200, ""),
    ] {
        let browser = Browser::new(&t);
        let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
        let path = format!("/{TENANT}/oauth2/v2.0/logout?post_logout_redirect_uri={}", percent(to));
        let asked = browser.get(&path).await;
        let gone = browser.submit(&asked, &[]).await;
        assert_eq!((gone.status, gone.header("location")), (status, gone_to), "{to}");
        assert!(!gone.text().contains(to), "{to}");
    }
}
