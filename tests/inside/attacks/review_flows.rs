//! 6.9, row 151: a page of a sign-in works once. Each page that does something is posted again: from the browser
//! itself, from a copy of the browser with the cookies from before, at the same time, after a sign-out, and after
//! what it gave was taken back.

use super::{
    redirects::{DEVICE_PAGE, SESSION, contoso, stays},
    *,
};
use crate::login::second_factor::{code_at, code_of, key_of, recovery_codes, somebody};
use carnet_tests::{
    PASSWORD, UNCONSENTED,
    browser::{Browser, back, number, query},
};
use futures_util::future::join_all;

const BROWSER: &str = "__Host-carnet-browser";
const LOGOUT: &str = "oauth2/v2.0/logout";
const MAIL: [(&str, &str); 1] = [("username", "ada@contoso.example")];
const YES: [(&str, &str); 1] = [("answer", "yes")];
const NO: [(&str, &str); 1] = [("answer", "no")];
const RIGHT: [(&str, &str); 1] = [("passwd", PASSWORD)];
/// A rule under which an account has to register an authenticator.
const ENROL: &str = "require_mfa = [\"user:ada@contoso.example\"]";

/// Another browser with the cookies that this one has now.
fn copy<'a>(t: &'a Contoso, browser: &Browser<'_>) -> Browser<'a> {
    let other = Browser::new(t);
    for name in [BROWSER, SESSION] {
        if let Some(value) = browser.cookie(name) {
            other.plant(name, &value);
        }
    }
    other
}

/// The page was used: told on a page, with a way to start again, and without a session.
fn is_used(reply: &Reply) {
    assert_eq!((reply.status, number(reply)), (400, 50_089), "{}", reply.text());
    assert!(reply.text().contains("This page was already used"), "{}", reply.text());
    ends(reply);
}

/// The page does not belong to this browser any more.
fn is_lost(reply: &Reply) {
    assert_eq!((reply.status, number(reply)), (403, 90_004), "{}", reply.text());
    ends(reply);
}

fn ends(reply: &Reply) {
    stays(reply);
    assert!(reply.text().contains(">Start again</a>"), "{}", reply.text());
    let cookies = reply.headers.get_all("set-cookie").iter();
    assert_eq!(cookies.count(), 0, "{:?}", reply.headers);
}

/// Where "Start again" leads.
fn again(reply: &Reply) -> String {
    let text = reply.text();
    let link = text.split("<a href=\"").nth(1).unwrap().split('"').next().unwrap();
    link.replace("&amp;", "&").replace("&#39;", "'")
}

/// The password page of a sign-in.
async fn password_page(browser: &Browser<'_>, client: &str, user: &str) -> Reply {
    let account = browser.open(&query(client, &[("prompt", "login")])).await;
    browser.submit(&account, &[("username", &format!("{user}@contoso.example"))]).await
}

async fn signed_in<'a>(t: &'a Contoso, user: &str) -> Browser<'a> {
    let browser = Browser::new(t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), user, PASSWORD).await);
    browser
}

/// Whether a browser has a session that answers without a page.
async fn has_session(browser: &Browser<'_>) -> bool {
    back(&browser.open(&query(PUBLIC, &[("prompt", "none")])).await).contains_key("code")
}

/// Types the code of a device and signs in; the page that asks whether it is meant.
async fn confirm_page(browser: &Browser<'_>, begun: &Value) -> Reply {
    let page = browser.get(DEVICE_PAGE).await;
    let account = browser.submit(&page, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
    let asked = browser.submit(&account, &MAIL).await;
    browser.submit(&asked, &RIGHT).await
}

/// How many permission grants an application has.
async fn grants(t: &Contoso, app: &str) -> Vec<String> {
    let token = t.graph_token("admin").await;
    let principal = t.get(&format!("/v1.0/servicePrincipals(appId='{app}')"), &token).await.good();
    let id = principal["id"].as_str().unwrap();
    let all = t.get(&format!("/v1.0/servicePrincipals/{id}/oauth2PermissionGrants"), &token).await.good();
    all["value"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

/// Waits until both nodes see so many grants of an application: bounded by the second in which they do, and as much
/// again for a machine that is busy.
async fn come_to_be(t: &Contoso, app: &str, count: usize) {
    let (begun, mut seen) = (std::time::Instant::now(), 0);
    // A look takes three requests, so that two looks ask one node each.
    while seen < 2 {
        let right = grants(t, app).await.len() == count;
        seen = if right { seen + 1 } else { 0 };
        assert!(begun.elapsed().as_secs() < 4, "a node never saw {count} grants");
        tokio::task::yield_now().await;
    }
}

/// Takes every grant of an application back.
async fn take_back(t: &Contoso, app: &str) {
    let token = t.graph_token("admin").await;
    for id in grants(t, app).await {
        let gone = t.call("DELETE", &format!("/v1.0/oauth2PermissionGrants/{id}"), &token, Value::Null).await;
        assert_eq!(gone.status, 204);
    }
}

#[tokio::test]
async fn a_password_page_signs_in_once_row_151() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let page = password_page(&browser, PUBLIC, "ada").await;
    let before = copy(&t, &browser);
    // A wrong password uses nothing: people type again, on either page.
    let wrong = browser.submit(&page, &[("passwd", "Wrong-horse")]).await;
    assert!(wrong.text().contains("role=\"alert\""));
    assert!(back(&browser.submit(&page, &RIGHT).await).contains_key("code"));
    for old in [&page, &wrong] {
        // Whoever kept the cookie from before.
        is_used(&before.submit(old, &RIGHT).await);
        is_used(&before.submit(old, &[("passwd", "Wrong-horse")]).await);
        is_used(&before.submit(old, &[("again", "1")]).await);
        // The browser itself: Back, and the same form once more.
        is_lost(&browser.submit(old, &RIGHT).await);
    }
    assert!(!has_session(&before).await);
    // "Start again" is the request as it was.
    let lost = browser.submit(&page, &RIGHT).await;
    let anew = browser.get(&again(&lost)).await;
    let asked = browser.submit(&anew, &MAIL).await;
    assert_eq!(back(&browser.submit(&asked, &RIGHT).await)["state"], "a b&c");
}

#[tokio::test]
async fn a_first_page_leads_to_one_account_row_151() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let first = browser.open(&query(PUBLIC, &[])).await;
    let before = copy(&t, &browser);
    // Nothing is done by typing a name, as often as somebody likes.
    let other = browser.submit(&first, &[("username", "admin@contoso.example")]).await;
    let asked = browser.submit(&first, &MAIL).await;
    assert!(back(&browser.submit(&asked, &RIGHT).await).contains_key("code"));
    for page in [&first, &other] {
        is_used(&before.submit(page, &MAIL).await);
    }
}

#[tokio::test]
async fn the_browsers_cookie_is_new_after_signing_in_and_out_row_151() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let page = password_page(&browser, PUBLIC, "ada").await;
    let first = browser.cookie(BROWSER).unwrap();
    // Two tabs: what was begun before the sign-in does not go on in its session.
    let tab = password_page(&browser, PUBLIC, "admin").await;
    assert_eq!(browser.cookie(BROWSER).unwrap(), first);
    assert!(back(&browser.submit(&page, &RIGHT).await).contains_key("code"));
    let second = browser.cookie(BROWSER).unwrap();
    assert_ne!(first, second);
    is_lost(&browser.submit(&tab, &RIGHT).await);
    // Nothing is renewed by what needs no page.
    assert!(has_session(&browser).await);
    assert!(back(&browser.open(&query(PUBLIC, &[])).await).contains_key("code"));
    assert_eq!(browser.cookie(BROWSER).unwrap(), second);
    let tab = password_page(&browser, PUBLIC, "admin").await;
    let out = browser.get(&format!("/{TENANT}/{LOGOUT}")).await;
    assert_eq!(browser.submit(&out, &[]).await.status, 200);
    let third = browser.cookie(BROWSER).unwrap();
    assert!(third != second && third != first);
    is_lost(&browser.submit(&tab, &RIGHT).await);
    assert!(!has_session(&browser).await);
    // Where nobody is signed in, a link to the sign-out takes nothing from a sign-in that is under way.
    let tab = password_page(&browser, PUBLIC, "ada").await;
    assert_eq!(browser.get(&format!("/{TENANT}/{LOGOUT}")).await.status, 200);
    assert_eq!(browser.cookie(BROWSER).unwrap(), third);
    assert!(back(&browser.submit(&tab, &RIGHT).await).contains_key("code"));
}

#[tokio::test]
async fn the_last_page_of_a_sign_in_is_nothing_after_a_sign_out_row_151() {
    let t = Contoso::with("", &somebody()).await;
    t.registered(&[PUBLIC, UNCONSENTED]).await;
    let browser = Browser::new(&t);
    let password = password_page(&browser, PUBLIC, "mfa").await;
    let factor = browser.submit(&password, &RIGHT).await;
    let before = copy(&t, &browser);
    assert!(back(&browser.submit(&factor, &[("otc", &code_at(NOW.seconds()))]).await).contains_key("code"));
    // Half a sign-in that another tab left open.
    let half = browser.submit(&password_page(&browser, PUBLIC, "mfa").await, &RIGHT).await;
    assert!(half.text().contains("name=\"otc\""));
    let asked = browser.open(&query(UNCONSENTED, &[])).await;
    let out = browser.get(&format!("/{TENANT}/{LOGOUT}")).await;
    assert_eq!(browser.submit(&out, &[]).await.status, 200);
    t.later(60);
    let next = code_at(NOW.seconds() + 60);
    for (page, fields) in [
        (&password, &RIGHT[..]),
        (&factor, &[("otc", next.as_str())]),
        (&half, &[("otc", next.as_str())]),
        (&asked, &YES),
        (&out, &[]),
    ] {
        is_lost(&browser.submit(page, fields).await);
    }
    for (page, fields) in [(&password, &RIGHT[..]), (&factor, &[("otc", next.as_str())])] {
        is_used(&before.submit(page, fields).await);
    }
    assert!(!has_session(&browser).await && !has_session(&before).await);
    assert_eq!(grants(&t, UNCONSENTED).await.len(), 0);
    // The code was not used up by any of it.
    let page = browser.submit(&password_page(&browser, PUBLIC, "mfa").await, &RIGHT).await;
    assert!(back(&browser.submit(&page, &[("otc", &next)]).await).contains_key("code"));
}

#[tokio::test]
async fn a_page_that_registers_an_authenticator_does_so_once_row_151() {
    let t = Contoso::with(ENROL, "").await;
    t.registered(&[PUBLIC]).await;
    let browser = Browser::new(&t);
    let page = browser.submit(&password_page(&browser, PUBLIC, "ada").await, &RIGHT).await;
    let (key, before) = (key_of(&page), copy(&t, &browser));
    let shown = browser.submit(&page, &[("otc", &code_of(&key, NOW.seconds()))]).await;
    let codes = recovery_codes(&shown);
    // An administrator takes the authenticator away; the page would register it again.
    change_user(&t, ADA, |user| (user.totp, user.recovery_codes) = (None, Vec::new())).await;
    t.later(60);
    is_used(&browser.submit(&page, &[("otc", &code_of(&key, NOW.seconds() + 60))]).await);
    let user = t.store.user(TENANT.parse().unwrap(), ADA.parse().unwrap()).await.unwrap().unwrap();
    assert!(user.totp.is_none());
    // The page with the recovery codes goes on once too.
    let kept = browser.submit(&shown, &[("kept", "1")]).await;
    assert!(back(&kept).contains_key("code"));
    is_used(&before.submit(&shown, &[("kept", "1")]).await);
    is_lost(&browser.submit(&shown, &[("kept", "1")]).await);
    // A new sign-in registers a new one.
    let page = Browser::new(&t).sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await;
    assert!(key_of(&page) != key && codes.len() == 10);
}

#[tokio::test]
async fn a_page_for_a_recovery_code_takes_one_row_151() {
    let t = Contoso::with(ENROL, "").await;
    t.registered(&[PUBLIC]).await;
    let browser = Browser::new(&t);
    let page = browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await;
    let shown = browser.submit(&page, &[("otc", &code_of(&key_of(&page), NOW.seconds()))]).await;
    let codes = recovery_codes(&shown);
    let other = Browser::new(&t);
    let factor = other.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await;
    let asked = other.submit(&factor, &[("lost", "1")]).await;
    let before = copy(&t, &other);
    assert!(back(&other.submit(&asked, &[("recovery", &codes[0])]).await).contains_key("code"));
    for page in [&asked, &factor] {
        is_used(&before.submit(page, &[("recovery", &codes[1])]).await);
    }
    let left = t.store.user(TENANT.parse().unwrap(), ADA.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(left.recovery_codes.len(), 9);
}

#[tokio::test]
async fn a_page_for_a_new_password_changes_it_once_row_151() {
    let t = contoso().await;
    let old = "Over-and-out-9";
    let over = async || {
        let token = t.graph_token("admin").await;
        let body = json!({ "passwordProfile": { "password": old, "forceChangePasswordNextSignIn": true } });
        assert_eq!(t.call("PATCH", "/v1.0/users/ada@contoso.example", &token, body).await.status, 204);
    };
    over().await;
    let browser = Browser::new(&t);
    let password = password_page(&browser, PUBLIC, "ada").await;
    let page = browser.submit(&password, &[("passwd", old)]).await;
    let before = copy(&t, &browser);
    let fields = |new| [("passwd", old), ("new_passwd", new), ("new_passwd_again", new)];
    // What may not be set uses nothing.
    assert!(browser.submit(&page, &fields("short")).await.text().contains("role=\"alert\""));
    assert!(back(&browser.submit(&page, &fields("Quite-new-1")).await).contains_key("code"));
    // The administrator sets the same one again: the page would change it once more.
    over().await;
    is_used(&before.submit(&page, &fields("Quite-new-2")).await);
    is_used(&before.submit(&password, &[("passwd", old)]).await);
    let still = Browser::new(&t).sign_in(&query(PUBLIC, &[]), "ada", old).await;
    assert!(still.text().contains("name=\"new_passwd\""), "{}", still.text());
}

#[tokio::test]
async fn consent_that_was_taken_back_is_not_given_by_the_old_page_row_151() {
    let t = contoso().await;
    for user in ["ada", "admin"] {
        let browser = Browser::new(&t);
        let page = browser.sign_in(&query(UNCONSENTED, &[]), user, PASSWORD).await;
        let silent = query(UNCONSENTED, &[("prompt", "none")]);
        let fields = [YES[0], ("everyone", "1")];
        let fields = if user == "ada" { &fields[..1] } else { &fields };
        // A refusal uses nothing: nobody but an administrator consents for everyone.
        if user == "ada" {
            assert_eq!(browser.submit(&page, &[YES[0], ("everyone", "1")]).await.status, 403);
        }
        let before = copy(&t, &browser);
        assert!(back(&browser.submit(&page, fields).await).contains_key("code"));
        assert!(back(&browser.open(&silent).await).contains_key("code"));
        take_back(&t, UNCONSENTED).await;
        for answer in [&YES[..], fields, &NO] {
            is_used(&browser.submit(&page, answer).await);
            is_used(&before.submit(&page, answer).await);
        }
        assert_eq!(number(&browser.open(&silent).await), 65_001);
        assert_eq!(grants(&t, UNCONSENTED).await.len(), 0);
        // Whoever is asked anew may consent anew.
        let anew = browser.open(&query(UNCONSENTED, &[])).await;
        assert!(back(&browser.submit(&anew, &YES).await).contains_key("code"));
        take_back(&t, UNCONSENTED).await;
    }
}

#[tokio::test]
async fn a_declined_consent_is_declined_row_151() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let page = browser.sign_in(&query(UNCONSENTED, &[]), "ada", PASSWORD).await;
    assert_eq!(number(&browser.submit(&page, &NO).await), 65_004);
    is_used(&browser.submit(&page, &YES).await);
    is_used(&browser.submit(&page, &NO).await);
    assert_eq!(grants(&t, UNCONSENTED).await.len(), 0);
    // Consent that changes nothing is an answer as well.
    let again = query(PUBLIC, &[("prompt", "consent")]);
    let page = browser.open(&again).await;
    assert!(back(&browser.submit(&page, &YES).await).contains_key("code"));
    is_used(&browser.submit(&page, &YES).await);
}

#[tokio::test]
async fn consent_for_a_whole_tenant_is_given_once_row_151() {
    let t = contoso().await;
    let path = format!(
        "/{TENANT}/v2.0/adminconsent?client_id={UNCONSENTED}&redirect_uri=http%3A%2F%2Flocalhost%3A4711%2Fback&scope=https%3A%2F%2Fapi.powerplatform.com%2F.default&state=s"
    );
    let browser = Browser::new(&t);
    let account = browser.get(&path).await;
    let asked = browser.submit(&account, &[("username", "admin@contoso.example")]).await;
    let page = browser.submit(&asked, &RIGHT).await;
    assert_eq!(back(&browser.submit(&page, &YES).await)["admin_consent"], "True");
    take_back(&t, UNCONSENTED).await;
    let used = browser.submit(&page, &YES).await;
    is_used(&used);
    assert_eq!(grants(&t, UNCONSENTED).await.len(), 0);
    // The way on asks again.
    assert_eq!(again(&used), path);
    let page = browser.get(&again(&used)).await;
    assert_eq!(back(&browser.submit(&page, &YES).await)["admin_consent"], "True");
}

#[tokio::test]
async fn a_chosen_account_gives_one_answer_row_151() {
    let t = contoso().await;
    for kind in ["code", "id_token", "code id_token", "token", "id_token token"] {
        if kind == "id_token" {
            let both = json!({ "enableIdTokenIssuance": true, "enableAccessTokenIssuance": true });
            let on = json!({ "web": { "implicitGrantSettings": both } });
            assert_eq!(patch(&t, PUBLIC, on).await.status, 204);
        }
        let browser = signed_in(&t, "ada").await;
        let silent = browser.open(&query(PUBLIC, &[("prompt", "none")])).await;
        let sid = back(&silent)["session_state"].clone();
        let _ = back(&browser.submit(&password_page(&browser, PUBLIC, "admin").await, &RIGHT).await);
        let asked = query(PUBLIC, &[("prompt", "select_account"), ("response_type", kind)]);
        let page = browser.open(&asked).await;
        let account = [("account", sid.as_str())];
        let fields = back(&browser.submit(&page, &account).await);
        let field = |it| if it == "token" { "access_token" } else { it };
        assert!(kind.split(' ').all(|it| fields.contains_key(field(it))), "{fields:?}");
        is_used(&browser.submit(&page, &account).await);
        let page = browser.open(&asked).await;
        let told = join_all((0..10).map(|_| browser.submit(&page, &account))).await;
        assert_eq!(told.iter().filter(|it| it.status == 303).count(), 1, "{kind}");
        told.iter().filter(|it| it.status != 303).for_each(is_used);
    }
}

#[tokio::test]
async fn a_device_is_answered_once_by_a_page_row_151() {
    let t = contoso().await;
    for (first, second) in [(YES, NO), (NO, YES), (YES, YES)] {
        let begun = device(&t).await;
        let browser = Browser::new(&t);
        let page = confirm_page(&browser, &begun).await;
        let before = copy(&t, &browser);
        assert_eq!(browser.submit(&page, &first).await.status, 200);
        is_used(&browser.submit(&page, &second).await);
        is_used(&before.submit(&page, &second).await);
        // Nor does it take another device's code any more.
        let other = device(&t).await;
        is_used(&browser.submit(&page, &[("user_code", other["user_code"].as_str().unwrap())]).await);
        let told = t.token(&polling(PUBLIC, &begun)).await;
        assert_eq!(told.status == 200, first == YES, "{}", told.text());
    }
    // Another page's answer to the same device is told as what it is.
    let begun = device(&t).await;
    let (one, other) = (Browser::new(&t), Browser::new(&t));
    let pages = (confirm_page(&one, &begun).await, confirm_page(&other, &begun).await);
    assert_eq!(one.submit(&pages.0, &NO).await.status, 200);
    assert_eq!(number(&other.submit(&pages.1, &YES).await), 90_120);
}

#[tokio::test]
async fn a_sign_out_is_confirmed_once_row_151() {
    let t = contoso().await;
    let browser = signed_in(&t, "ada").await;
    let page = browser.get(&format!("/{TENANT}/{LOGOUT}")).await;
    let old = browser.cookie(BROWSER).unwrap();
    assert!(has_session(&browser).await);
    assert_eq!(browser.submit(&page, &[]).await.status, 200);
    assert!(!has_session(&browser).await);
    // Signed in again: the old page ends nothing, with whichever cookie.
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    is_lost(&browser.submit(&page, &[]).await);
    let thief = copy(&t, &browser);
    thief.plant(BROWSER, &old);
    is_used(&thief.submit(&page, &[]).await);
    assert!(has_session(&browser).await);
}

#[tokio::test]
async fn a_page_of_another_browser_does_nothing_row_151() {
    let t = contoso().await;
    let (ada, other) = (Browser::new(&t), signed_in(&t, "ada").await);
    let page = ada.sign_in(&query(UNCONSENTED, &[]), "ada", PASSWORD).await;
    is_lost(&other.submit(&page, &YES).await);
    // Not even with the session that was asked, and it uses nothing.
    other.plant(SESSION, &ada.cookie(SESSION).unwrap());
    is_lost(&other.submit(&page, &YES).await);
    assert_eq!(grants(&t, UNCONSENTED).await.len(), 0);
    assert!(back(&ada.submit(&page, &YES).await).contains_key("code"));
}

/// Posts a page four times at once, from copies of its browser: of more passwords than that some would be put off.
async fn four(t: &Contoso, browser: &Browser<'_>, page: &Reply, fields: &[(&str, &str)]) -> Vec<Reply> {
    let copies: Vec<_> = (0..4).map(|_| copy(t, browser)).collect();
    join_all(copies.iter().map(|it| it.submit(page, fields))).await
}

/// One of them did something; the others were told that the page was used.
fn once(told: &[Reply]) -> &Reply {
    let done = |reply: &&Reply| reply.status == 303 || reply.status == 200;
    assert_eq!(
        told.iter().filter(done).count(),
        1,
        "{:?}",
        told.iter().map(|it| it.status).collect::<Vec<_>>()
    );
    told.iter().filter(|it| !done(it)).for_each(is_used);
    told.iter().find(done).unwrap()
}

/// A password and the consent after it, each posted four times at once.
async fn a_sign_in_and_its_consent_race_themselves(t: &Contoso) {
    let browser = Browser::new(t);
    let page = password_page(&browser, UNCONSENTED, "ada").await;
    let told = four(t, &browser, &page, &RIGHT).await;
    let consent = once(&told);
    assert_eq!(consent.status, 200, "{}", consent.header("location"));
    for cookie in consent.headers.get_all("set-cookie") {
        let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
        browser.plant(name, value);
    }
    let told = four(t, &browser, consent, &YES).await;
    assert!(back(once(&told)).contains_key("code"));
    come_to_be(t, UNCONSENTED, 1).await;
    // Yes and no to one question at the same time.
    take_back(t, UNCONSENTED).await;
    come_to_be(t, UNCONSENTED, 0).await;
    let page = browser.open(&query(UNCONSENTED, &[])).await;
    let answers = [YES, NO, YES, NO, YES, NO];
    let told = join_all(answers.iter().map(|it| browser.submit(&page, it))).await;
    let granted = back(once(&told)).contains_key("code");
    come_to_be(t, UNCONSENTED, usize::from(granted)).await;
}

/// A page for the second factor, posted at the same time with two codes that are both right.
async fn a_second_factor_races_itself(t: &Contoso) {
    let browser = Browser::new(t);
    let page = browser.submit(&password_page(&browser, PUBLIC, "mfa").await, &RIGHT).await;
    let codes = [0, 30].map(|it| code_at(NOW.seconds() + it));
    let copies: Vec<_> = (0..8).map(|_| copy(t, &browser)).collect();
    let posts = copies.iter().enumerate().map(|(number, it)| {
        let (code, page) = (&codes[number % 2], &page);
        async move { it.submit(page, &[("otc", code)]).await }
    });
    let told = join_all(posts).await;
    assert_eq!(told.iter().filter(|it| it.status == 303).count(), 1);
}

/// Every step of a sign-in, of a device and of a sign-out, each posted four times at once.
async fn each_page_races_itself(t: Contoso) {
    t.registered(&[PUBLIC, UNCONSENTED]).await;
    a_sign_in_and_its_consent_race_themselves(&t).await;
    a_second_factor_races_itself(&t).await;
    let begun = device(&t).await;
    let browser = Browser::new(&t);
    let page = confirm_page(&browser, &begun).await;
    let told = four(&t, &browser, &page, &YES).await;
    assert!(once(&told).text().contains("You have signed in"));
    assert_eq!(t.token(&polling(PUBLIC, &begun)).await.status, 200);
    let page = browser.get(&format!("/{TENANT}/{LOGOUT}")).await;
    assert!(once(&four(&t, &browser, &page, &[]).await).text().contains("You have signed out"));
}

#[tokio::test]
async fn each_page_races_itself_on_one_node_row_151() {
    each_page_races_itself(Setup::new("", &somebody()).start().await).await;
}

#[tokio::test]
async fn each_page_races_itself_on_two_nodes_row_151() {
    if let Some(setup) = Setup::new("", &somebody()).postgres(2).await {
        each_page_races_itself(setup.start().await).await;
    }
}
