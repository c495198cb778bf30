//! The second factor on its pages: asked for, registered where a rule demands one, and recovered.

use super::{contoso, contoso_with};
use carnet_tests::{
    AZURE_CLI, Contoso, NOW, PASSWORD, PUBLIC, Reply, UNCONSENTED,
    browser::{Browser, back, number, query},
    part,
};
use serde_json::json;

/// "12345678901234567890", the key of RFC 6238's examples.
const TOTP: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Somebody with that authenticator.
pub(crate) fn somebody() -> String {
    format!("[[user]]\nname = \"mfa@contoso.example\"\npassword = \"{PASSWORD}\"\ntotp = \"{TOTP}\"\n")
}

/// What an authenticator with a key shows at a moment (RFC 6238).
fn code_of(key: &str, moment: i64) -> String {
    use aws_lc_rs::hmac;
    let bits = key.bytes().fold((Vec::new(), 0_u32, 0_u32), |(mut out, kept, count), c| {
        let value = if c.is_ascii_uppercase() { c - b'A' } else { c - b'2' + 26 };
        let (kept, count) = ((kept << 5) | u32::from(value), count + 5);
        if count < 8 {
            return (out, kept, count);
        }
        out.push((kept >> (count - 8)) as u8);
        (out, kept & ((1 << (count - 8)) - 1), count - 8)
    });
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bits.0);
    let tag = hmac::sign(&key, &(moment / 30).to_be_bytes());
    let bytes = tag.as_ref();
    let at = usize::from(bytes[19] & 15);
    let number = u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

pub(crate) fn code_at(moment: i64) -> String {
    code_of(TOTP, moment)
}

/// The key that the page for registration shows.
fn key_of(page: &Reply) -> String {
    let text = page.text();
    let shown = text.split("class=\"key\">").nth(1).unwrap_or_else(|| panic!("no key on the page"));
    shown.split('<').next().unwrap().replace(' ', "")
}

fn recovery_codes(page: &Reply) -> Vec<String> {
    let text = page.text();
    let list = text.split("class=\"codes\">").nth(1).unwrap_or_else(|| panic!("no codes on the page"));
    let list = list.split("</ul>").next().unwrap();
    list.split("<li>").skip(1).map(|it| it.split('<').next().unwrap().to_owned()).collect()
}

/// Registers an authenticator for ada: its key, its recovery codes and the answer.
async fn enrol(browser: &Browser<'_>, moment: i64) -> (String, Vec<String>, Reply) {
    let page = browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await;
    let key = key_of(&page);
    let shown = browser.submit(&page, &[("otc", &code_of(&key, moment))]).await;
    let codes = recovery_codes(&shown);
    let reply = browser.submit(&shown, &[("kept", "1")]).await;
    (key, codes, reply)
}

#[tokio::test]
async fn an_account_with_a_second_factor_is_asked_for_it_and_each_code_counts_once() {
    let t = contoso_with("", &somebody()).await;
    let now = NOW.seconds();
    let browser = Browser::new(&t);
    let page = browser.sign_in(&query(PUBLIC, &[]), "mfa", PASSWORD).await;
    assert!(page.text().contains("name=\"otc\""));
    // A right password alone is no session.
    assert_eq!(number(&browser.open(&query(PUBLIC, &[("prompt", "none")])).await), 50_058);
    for wrong in ["000000", &code_at(now + 90), ""] {
        let again = browser.submit(&page, &[("otc", wrong)]).await;
        assert!(again.text().contains("role=\"alert\""), "{wrong}");
    }
    let fields = back(&browser.submit(&page, &[("otc", &code_at(now))]).await);
    assert_eq!(t.redeem(&fields["code"]).await.claims()["amr"], json!(["pwd", "mfa"]));

    // Whoever looked over the shoulder comes too late.
    let other = Browser::new(&t);
    let page = other.sign_in(&query(PUBLIC, &[]), "mfa", PASSWORD).await;
    let seen = other.submit(&page, &[("otc", &code_at(now))]).await;
    assert!(seen.text().contains("used before"));
    let _ = back(&other.submit(&page, &[("otc", &code_at(now + 30))]).await);
}

#[tokio::test]
async fn codes_of_the_second_factor_cannot_be_tried_for_long() {
    let t = Contoso::with("", &somebody()).await;
    let browser = Browser::new(&t);
    let mine = query(AZURE_CLI, &[("redirect_uri", "http://localhost:4711"), ("scope", "openid")]);
    let page = browser.sign_in(&mine, "mfa", PASSWORD).await;
    for number in 0..10 {
        assert_eq!(browser.submit(&page, &[("otc", &format!("00000{number}"))]).await.status, 200);
    }
    let right = code_at(NOW.seconds());
    assert_eq!(browser.submit(&page, &[("otc", &right)]).await.status, 200);
    t.later(61);
    let right = code_at(NOW.seconds() + 61);
    assert_eq!(browser.submit(&page, &[("otc", &right)]).await.status, 303);
}

#[tokio::test]
async fn one_wrong_code_that_is_tried_for_long_is_many_guesses() {
    let t = contoso_with("", &somebody()).await;
    let browser = Browser::new(&t);
    let page = browser.sign_in(&query(PUBLIC, &[]), "mfa", PASSWORD).await;
    let right = async |later: i64| {
        let code = code_at(NOW.seconds() + later);
        browser.submit(&page, &[("otc", &code)]).await.status
    };
    for _ in 0..10 {
        assert_eq!(browser.submit(&page, &[("otc", "000000")]).await.status, 200);
        t.later(30);
    }
    assert_eq!(right(300).await, 200);
    t.later(31);
    assert_eq!(right(331).await, 303);
}

#[tokio::test]
async fn where_a_rule_demands_a_second_factor_it_is_registered_on_a_page() {
    let t = contoso("require_mfa = [\"user:ada@contoso.example\"]").await;
    let now = NOW.seconds();
    let browser = Browser::new(&t);
    let page = browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await;
    let key = key_of(&page);
    assert!(page.text().contains("<svg class=\"qr\"") && page.text().contains("otpauth://totp/Contoso"));
    // Nothing is registered, and nobody is in, before a code of it was right.
    let wrong = browser.submit(&page, &[("otc", "000000")]).await;
    assert!(wrong.text().contains("role=\"alert\""));
    assert_eq!(key_of(&wrong), key);
    assert_eq!(number(&browser.open(&query(PUBLIC, &[("prompt", "none")])).await), 50_058);
    let shown = browser.submit(&wrong, &[("otc", &code_of(&key, now))]).await;
    let codes = recovery_codes(&shown);
    assert_eq!(codes.len(), 10);
    let fields = back(&browser.submit(&shown, &[("kept", "1")]).await);
    assert_eq!(t.redeem(&fields["code"]).await.claims()["amr"], json!(["pwd", "mfa"]));

    // The next sign-in asks for it.
    let other = Browser::new(&t);
    let page = other.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await;
    assert!(page.text().contains("Prove that it is you"));
    let _ = back(&other.submit(&page, &[("otc", &code_of(&key, now + 30))]).await);
}

#[tokio::test]
async fn of_two_pages_for_registration_one_counts() {
    let t = contoso("require_mfa = [\"user:ada@contoso.example\"]").await;
    let (one, other) = (Browser::new(&t), Browser::new(&t));
    let page = other.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await;
    let (_, _, reply) = enrol(&one, NOW.seconds()).await;
    let _ = back(&reply);
    let key = key_of(&page);
    let late = other.submit(&page, &[("otc", &code_of(&key, NOW.seconds() + 30))]).await;
    assert!(late.text().contains("Prove that it is you"));
}

#[tokio::test]
async fn a_recovery_code_opens_once_and_for_its_owner_alone() {
    let t = contoso_with("require_mfa = [\"user:ada@contoso.example\"]", &somebody()).await;
    let (_, codes, _) = enrol(&Browser::new(&t), NOW.seconds()).await;
    let recover = async |user: &str, code: &str| {
        let browser = Browser::new(&t);
        let page = browser.sign_in(&query(PUBLIC, &[]), user, PASSWORD).await;
        let page = browser.submit(&page, &[("lost", "1")]).await;
        assert!(page.text().contains("name=\"recovery\""));
        browser.submit(&page, &[("recovery", code)]).await
    };
    let fields = back(&recover("ada", &codes[0].to_lowercase()).await);
    assert_eq!(t.redeem(&fields["code"]).await.claims()["amr"], json!(["pwd", "mfa"]));
    for (user, code) in
        [("ada", codes[0].as_str()), ("mfa", &codes[1]), ("ada", "AAAA-AAAA-AAAA-AAAA"), ("ada", "")]
    {
        assert!(recover(user, code).await.text().contains("role=\"alert\""), "{user} {code}");
    }
    let _ = back(&recover("ada", &codes[1].replace('-', " ")).await);
}

#[tokio::test]
async fn a_session_without_a_second_factor_is_raised_not_signed_in_again() {
    let t = contoso_with(&format!("require_mfa = [\"app:{UNCONSENTED}\"]"), &somebody()).await;
    let (ada, mfa) = (Browser::new(&t), Browser::new(&t));
    let _ = back(&ada.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    assert_eq!(number(&ada.open(&query(UNCONSENTED, &[("prompt", "none")])).await), 50_072);
    let page = ada.open(&query(UNCONSENTED, &[])).await;
    let key = key_of(&page);
    // What demands nothing is open as before.
    assert!(back(&ada.open(&query(PUBLIC, &[])).await).contains_key("code"));
    let shown = ada.submit(&page, &[("otc", &code_of(&key, NOW.seconds()))]).await;
    let asked = ada.submit(&shown, &[("kept", "1")]).await;
    assert!(asked.text().contains("Permissions requested"));

    let page = mfa.sign_in(&query(UNCONSENTED, &[]), "mfa", PASSWORD).await;
    let asked = mfa.submit(&page, &[("otc", &code_at(NOW.seconds()))]).await;
    assert!(asked.text().contains("Permissions requested"));
    assert_eq!(number(&mfa.open(&query(UNCONSENTED, &[("prompt", "none")])).await), 65_001);
}

const CONTEXT: &str = "authentication_contexts = [{ id = \"c1\", require_mfa = true }]";
const DEMAND: &str = r#"{"id_token":{"acrs":{"essential":true,"value":"c1"}}}"#;

/// What the ID token of an answer says of contexts.
async fn contexts(t: &Contoso, reply: &Reply) -> serde_json::Value {
    let tokens = t.redeem(&back(reply)["code"]).await.good();
    part(tokens["id_token"].as_str().unwrap(), 1)["acrs"].clone()
}

#[tokio::test]
async fn a_context_that_is_demanded_is_carried_once_the_second_factor_was_shown() {
    let t = contoso_with(CONTEXT, &somebody()).await;
    let asked = query(PUBLIC, &[("claims", DEMAND)]);
    let browser = Browser::new(&t);
    let page = browser.sign_in(&asked, "mfa", PASSWORD).await;
    let reply = browser.submit(&page, &[("otc", &code_at(NOW.seconds()))]).await;
    assert_eq!(contexts(&t, &reply).await, json!(["c1"]));
    // Nobody asked: nothing is told.
    assert_eq!(contexts(&t, &browser.open(&query(PUBLIC, &[])).await).await, json!(null));
}

#[tokio::test]
async fn a_session_without_a_second_factor_is_stepped_up_where_a_context_demands_it() {
    let t = contoso(CONTEXT).await;
    let (browser, now) = (Browser::new(&t), NOW.seconds());
    let plain = browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await;
    assert_eq!(contexts(&t, &plain).await, json!(null));
    let silent = [("claims", DEMAND), ("prompt", "none")];
    assert_eq!(number(&browser.open(&query(PUBLIC, &silent)).await), 50_072);
    let voluntary = DEMAND.replace("true", "false");
    let reply = browser.open(&query(PUBLIC, &[("claims", &voluntary)])).await;
    assert_eq!(contexts(&t, &reply).await, json!(null));
    let page = browser.open(&query(PUBLIC, &[("claims", DEMAND)])).await;
    let key = key_of(&page);
    let shown = browser.submit(&page, &[("otc", &code_of(&key, now))]).await;
    let reply = browser.submit(&shown, &[("kept", "1")]).await;
    assert_eq!(contexts(&t, &reply).await, json!(["c1"]));
}

#[tokio::test]
async fn a_password_is_changed_only_where_it_is_over_and_after_the_second_factor() {
    let t = contoso_with("", &somebody()).await;
    let new = [("new_passwd", "Quite-new-1"), ("new_passwd_again", "Quite-new-1")];
    let typed = [&[("passwd", PASSWORD)][..], &new].concat();
    // Sent along with a password that is not over, a new one is nobody's question.
    for user in ["mfa", "ada"] {
        let browser = Browser::new(&t);
        let page = browser.open(&query(PUBLIC, &[])).await;
        let asked = browser.submit(&page, &[("username", &format!("{user}@contoso.example"))]).await;
        let _ = browser.submit(&asked, &typed).await;
        let again = Browser::new(&t).sign_in(&query(PUBLIC, &[]), user, PASSWORD).await;
        assert!(!again.text().contains("role=\"alert\""), "{user}");
    }
    let token = t.graph_token("admin").await;
    let over =
        json!({ "passwordProfile": { "password": "Over-and-out-9", "forceChangePasswordNextSignIn": true } });
    assert_eq!(t.call("PATCH", "/v1.0/users/mfa@contoso.example", &token, over).await.status, 204);
    let browser = Browser::new(&t);
    let page = browser.sign_in(&query(PUBLIC, &[]), "mfa", "Over-and-out-9").await;
    assert!(page.text().contains("name=\"otc\"") && !page.text().contains("new_passwd"));
    let early = browser.submit(&page, &[&[("passwd", "Over-and-out-9")][..], &new].concat()).await;
    assert!(early.text().contains("name=\"otc\""));
    let page = browser.submit(&page, &[("otc", &code_at(NOW.seconds()))]).await;
    assert!(page.text().contains("name=\"new_passwd\""));
    let fields = back(&browser.submit(&page, &[&[("passwd", "Over-and-out-9")][..], &new].concat()).await);
    assert_eq!(t.redeem(&fields["code"]).await.claims()["amr"], json!(["pwd", "mfa"]));
}

#[tokio::test]
async fn a_second_factor_is_added_to_a_fresh_sign_in_alone() {
    let t = contoso(&format!("require_mfa = [\"app:{UNCONSENTED}\"]")).await;
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    t.later(16 * 60);
    let page = browser.open(&query(UNCONSENTED, &[])).await;
    assert!(page.text().contains("name=\"passwd\"") && page.text().contains("ada@contoso.example"));
    let page = browser.submit(&page, &[("passwd", PASSWORD)]).await;
    assert_eq!(key_of(&page).len(), 32);
}
