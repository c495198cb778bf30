//! Device codes: asked for, typed, answered, redeemed.

use carnet_tests::browser::{Browser, submission};
use carnet_tests::{CONFIDENTIAL, Contoso, PASSWORD, PUBLIC, Reply, TENANT};
use http::HeaderValue;
use serde_json::Value;

const SCOPE: &str = "https://api.powerplatform.com/.default offline_access";
const PAGE: &str = "/common/oauth2/deviceauth";

async fn begin(t: &Contoso) -> Value {
    let fields = [("client_id", PUBLIC), ("scope", SCOPE)];
    t.form(&format!("/{TENANT}/oauth2/v2.0/devicecode"), &fields).await.good()
}

async fn poll(t: &Contoso, client: &str, begun: &Value) -> Reply {
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", client),
        ("device_code", begun["device_code"].as_str().unwrap()),
    ];
    t.token(&fields).await
}

fn text(page: &Reply) -> String {
    String::from_utf8(page.body.to_vec()).unwrap()
}

/// Types the code and signs in; the page that asks whether it is meant.
async fn question(browser: &Browser<'_>, code: &str) -> Reply {
    let page = browser.get(PAGE).await;
    let account = browser.submit(&page, &[("user_code", code)]).await;
    let asked = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
    browser.submit(&asked, &[("passwd", PASSWORD)]).await
}

#[tokio::test]
async fn a_device_waits_until_somebody_says_yes_and_gets_tokens_once() {
    let t = Contoso::start().await;
    let begun = begin(&t).await;
    assert_eq!((&begun["interval"], &begun["expires_in"]), (&5.into(), &900.into()));
    assert_eq!(poll(&t, PUBLIC, &begun).await.no(), "400 authorization_pending 70016");
    let browser = Browser::new(&t);
    // However it is typed.
    let code = begun["user_code"].as_str().unwrap().to_lowercase();
    let page = question(&browser, &format!("{}-{}", &code[..4], &code[4..])).await;
    assert!(text(&page).contains("public") && text(&page).contains("127.0.0.1"), "{}", text(&page));
    assert_eq!(poll(&t, PUBLIC, &begun).await.no(), "400 authorization_pending 70016");
    assert_eq!(browser.submit(&page, &[("answer", "yes")]).await.status, 200);
    assert_eq!(poll(&t, CONFIDENTIAL, &begun).await.no(), "400 invalid_grant 700007");
    let reply = poll(&t, PUBLIC, &begun).await;
    assert_eq!(reply.claims()["upn"], "ada@contoso.example");
    assert!(reply.good()["refresh_token"].is_string());
    assert_eq!(poll(&t, PUBLIC, &begun).await.no(), "400 invalid_grant 54005");
    let again = browser.submit(&page, &[("answer", "no")]).await;
    assert!(text(&again).contains("AADSTS50089"));
}

#[tokio::test]
async fn a_no_stays_a_no_and_time_ends_it() {
    let t = Contoso::start().await;
    let begun = begin(&t).await;
    let browser = Browser::new(&t);
    let page = question(&browser, begun["user_code"].as_str().unwrap()).await;
    let other = Browser::new(&t);
    let late = question(&other, begun["user_code"].as_str().unwrap()).await;
    assert_eq!(browser.submit(&page, &[("answer", "no")]).await.status, 200);
    assert_eq!(poll(&t, PUBLIC, &begun).await.no(), "400 authorization_declined 65004");
    assert!(text(&browser.submit(&page, &[("answer", "yes")]).await).contains("AADSTS50089"));
    assert!(text(&other.submit(&late, &[("answer", "yes")]).await).contains("AADSTS90120"));

    let begun = begin(&t).await;
    t.later(901);
    assert_eq!(poll(&t, PUBLIC, &begun).await.no(), "400 expired_token 70020");
    let page = browser.get(PAGE).await;
    let late = browser.submit(&page, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
    assert!(text(&late).contains("has expired"));
}

#[tokio::test]
async fn a_flood_of_polls_is_refused_and_no_other_device_waits_for_it_row_96() {
    let t = Contoso::start().await;
    let (one, other) = (begin(&t).await, begin(&t).await);
    for _ in 0..10 {
        assert_eq!(poll(&t, PUBLIC, &one).await.no(), "400 authorization_pending 70016");
    }
    t.later(2);
    let flood = poll(&t, PUBLIC, &one).await;
    assert_eq!(
        (flood.no().as_str(), flood.header("retry-after")),
        ("429 temporarily_unavailable 90055", "3")
    );
    assert_eq!(poll(&t, PUBLIC, &other).await.no(), "400 authorization_pending 70016");
    t.later(3);
    for _ in 0..11 {
        let _ = poll(&t, PUBLIC, &one).await;
    }
    assert_eq!(poll(&t, PUBLIC, &one).await.no(), "429 temporarily_unavailable 90055");
    // Who was answered has not to wait.
    let browser = Browser::new(&t);
    let page = question(&browser, one["user_code"].as_str().unwrap()).await;
    assert_eq!(browser.submit(&page, &[("answer", "yes")]).await.status, 200);
    poll(&t, PUBLIC, &one).await.good();
}

#[tokio::test]
async fn a_code_cannot_be_guessed_for_long_row_93() {
    let t = Contoso::start().await;
    let begun = begin(&t).await;
    let right = begun["user_code"].as_str().unwrap();
    let (one, other) = (Browser::new(&t), Browser::new(&t));
    let guess = async |browser: &Browser<'_>, code: &str| {
        let page = browser.get(PAGE).await;
        browser.submit(&page, &[("user_code", code)]).await
    };
    for letters in [["B", "C", "D", "F", "G"], ["H", "J", "K", "L", "M"]] {
        let browser = if letters[0] == "B" { &one } else { &other };
        for letter in letters {
            assert!(
                text(&guess(browser, &letter.repeat(9)).await).contains("known or has expired"),
                "{letter}"
            );
        }
    }
    // Five are a browser's, ten an address's.
    for (browser, wait) in [(&one, "900"), (&Browser::new(&t), "60")] {
        let stopped = guess(browser, right).await;
        assert_eq!((stopped.status, stopped.header("retry-after")), (429, wait), "{}", text(&stopped));
        assert!(text(&stopped).contains("AADSTS90055"));
    }
    t.later(61);
    let found = guess(&Browser::new(&t), right).await;
    assert_eq!(found.status, 200);
    assert!(text(&found).contains("username"));
    assert_eq!(guess(&one, right).await.status, 429);
    t.later(15 * 60);
    let next = begin(&t).await;
    assert_eq!(guess(&one, next["user_code"].as_str().unwrap()).await.status, 200);
}

#[tokio::test]
async fn codes_of_ones_own_do_not_buy_further_guesses_row_93() {
    let t = Contoso::start().await;
    let theirs = begin(&t).await;
    let guess = async |code: &str| {
        let browser = Browser::new(&t);
        let page = browser.get(PAGE).await;
        browser.submit(&page, &[("user_code", code)]).await
    };
    let mut wrong = 0;
    for letter in ["B", "C", "D", "F", "G", "H", "J", "K", "L", "M", "N", "P", "Q", "R"] {
        wrong += u32::from(text(&guess(&letter.repeat(9)).await).contains("known or has expired"));
        let own = begin(&t).await;
        let _ = guess(own["user_code"].as_str().unwrap()).await;
    }
    assert!(wrong <= 10, "{wrong}");
    assert_eq!(guess(theirs["user_code"].as_str().unwrap()).await.status, 429);
}

#[tokio::test]
async fn only_public_clients_ask_and_only_where_it_is_allowed() {
    let t = Contoso::start().await;
    let ask = async |t: &Contoso, tenant: &str, client: &str, scope: &str| {
        let fields = [("client_id", client), ("scope", scope)];
        t.form(&format!("/{tenant}/oauth2/v2.0/devicecode"), &fields).await
    };
    assert_eq!(ask(&t, TENANT, CONFIDENTIAL, SCOPE).await.no(), "400 unauthorized_client 90136");
    assert_eq!(ask(&t, "common", PUBLIC, SCOPE).await.no(), "400 invalid_request 50194");
    assert_eq!(ask(&t, TENANT, PUBLIC, "").await.no(), "400 invalid_request 900144");
    assert_eq!(
        ask(&t, TENANT, PUBLIC, "https://nowhere.example/.default").await.no(),
        "400 invalid_resource 500011"
    );
    assert_eq!(ask(&t, "fabrikam.example", PUBLIC, SCOPE).await.no(), "400 invalid_request 90002");
    let closed = Contoso::with("device_code = false", "").await;
    assert_eq!(ask(&closed, TENANT, PUBLIC, SCOPE).await.no(), "400 invalid_grant 53003");
    let first = t
        .form(
            &format!("/{TENANT}/oauth2/devicecode"),
            &[("client_id", PUBLIC), ("resource", "https://api.powerplatform.com")],
        )
        .await;
    assert_eq!(
        (&first.good()["expires_in"], first.good()["verification_url"].is_string()),
        (&"900".into(), true)
    );
}

#[tokio::test]
async fn a_network_that_lets_nobody_into_a_tenant_lets_nobody_in_for_a_device() {
    let t = Contoso::start().await;
    let begun = begin(&t).await;
    let browser = Browser::new(&t);
    let type_in = async |allowed: &'static str| {
        let page = browser.get(PAGE).await;
        let mut request = submission(&page, &[("user_code", begun["user_code"].as_str().unwrap())]);
        request.headers_mut().insert("restrict-access-to-tenants", HeaderValue::from_static(allowed));
        browser.send(request).await
    };
    assert!(text(&type_in("fabrikam.example").await).contains("AADSTS500021"));
    assert!(text(&type_in("contoso.example").await).contains("name=\"username\""));
}
