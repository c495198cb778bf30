//! What a review found about attempts, over the wire: counters under chosen names, passwords sprayed from one source,
//! sources that are networks. Siblings of a row: password grant, sign-in page, second factor, user codes, Graph.

use super::{ADA, device};
use crate::login::second_factor::{code_at, somebody};
use carnet_http::clock::Clock;
use carnet_store::engine::Sql;
use carnet_tests::{
    Contoso, FABRIKAM, PASSWORD, PLATFORM, PUBLIC, Reply, TENANT,
    browser::{Browser, query},
};
use serde_json::{Value, json};

const DAY: i64 = 24 * 3600;
/// Nobody signed in from here.
const ATTACKER: &str = "203.0.113.7";
const ELSEWHERE: &str = "203.0.113.8";
/// From where the tests prepare a tenant.
const HOME: &str = "127.0.0.1";
const WRONG: &str = "400 invalid_grant 50126";

async fn contoso(policy: &str) -> Contoso {
    let t = Contoso::with(policy, &somebody()).await;
    t.registered(&[PUBLIC]).await;
    t
}

/// A password grant from an address: whether it succeeded, or the denial.
async fn grant(t: &Contoso, user: &str, password: &str, address: &str) -> Result<(), String> {
    t.come_from(address);
    let reply = token(t, user, password).await;
    if reply.status == 200 { Ok(()) } else { Err(reply.no()) }
}

async fn token(t: &Contoso, user: &str, password: &str) -> Reply {
    let scope = format!("{PLATFORM}/.default");
    t.token(&[
        ("grant_type", "password"),
        ("client_id", PUBLIC),
        ("username", user),
        ("password", password),
        ("scope", &scope),
    ])
    .await
}

/// A password on the sign-in page: whether it was right.
async fn page(t: &Contoso, user: &str, password: &str, address: &str) -> bool {
    t.come_from(address);
    let reply = Browser::new(t).sign_in(&query(PUBLIC, &[]), user, password).await;
    assert!(
        reply.status == 303 || reply.text().contains("user name or password is wrong"),
        "{}",
        reply.text()
    );
    reply.status == 303
}

/// A right second factor of `mfa` on its page, after a right password.
async fn second(t: &Contoso, address: &str, typed: Option<&str>) -> bool {
    t.come_from(address);
    let browser = Browser::new(t);
    let asked = browser.sign_in(&query(PUBLIC, &[]), "mfa", PASSWORD).await;
    assert!(asked.text().contains("name=\"otc\""), "{}", asked.text());
    let right = code_at(t.clock.now().seconds());
    browser.submit(&asked, &[("otc", typed.unwrap_or(&right))]).await.status == 303
}

/// A user code typed by a browser that was never here; the answer's status.
async fn user_code(t: &Contoso, code: &str, address: &str) -> u16 {
    t.come_from(address);
    let browser = Browser::new(t);
    let page = browser.get(&format!("/{TENANT}/oauth2/deviceauth")).await;
    browser.submit(&page, &[("user_code", code)]).await.status
}

/// A denial without what differs from one to the next.
fn masked(reply: &Reply) -> (u16, Value) {
    let mut body = reply.json();
    let text = body["error_description"].as_str().unwrap().to_owned();
    body["error_description"] = text.split(" Trace ID").next().unwrap().into();
    for member in ["trace_id", "correlation_id", "timestamp"] {
        body[member] = Value::Null;
    }
    (reply.status, body)
}

#[tokio::test]
async fn one_password_sprayed_over_many_accounts_is_stopped_and_owners_are_not_rows_84_and_147() {
    let t = contoso("").await;
    assert_eq!(grant(&t, "admin@contoso.example", PASSWORD, ATTACKER).await, Ok(()));
    for n in 0..50 {
        let told = grant(&t, &format!("user{n}@contoso.example"), "Spring-2027", ATTACKER).await;
        assert_eq!(told, Err(WRONG.into()), "{n}");
    }
    // The right password looks like a wrong one, and like one of nobody.
    t.come_from(ATTACKER);
    let stopped = token(&t, "ada@contoso.example", PASSWORD).await;
    let unknown = token(&t, "nobody@contoso.example", PASSWORD).await;
    t.come_from(ELSEWHERE);
    let wrong = token(&t, "ada@contoso.example", "wrong").await;
    assert_eq!(masked(&stopped), masked(&wrong));
    assert_eq!(masked(&unknown), masked(&wrong));
    // So it does on the sign-in page.
    assert!(!page(&t, "ada", PASSWORD, ATTACKER).await);
    // Whoever is known there signs in, and so does everybody from elsewhere.
    assert_eq!(grant(&t, "admin@contoso.example", PASSWORD, ATTACKER).await, Ok(()));
    assert!(page(&t, "admin", PASSWORD, ATTACKER).await);
    assert!(!page(&t, "ada", PASSWORD, ATTACKER).await);
    assert_eq!(grant(&t, "ada@contoso.example", PASSWORD, ELSEWHERE).await, Ok(()));
    t.later(600);
    assert_eq!(grant(&t, "ada@contoso.example", PASSWORD, ATTACKER).await, Ok(()));
}

#[tokio::test]
async fn the_page_and_graph_count_as_the_password_grant_does_row_147() {
    let t = contoso("source_failures = 6").await;
    let token = t.graph_token("ada").await;
    t.come_from(ATTACKER);
    let change = async |current: &str| {
        let body = json!({ "currentPassword": current, "newPassword": "Another-horse-8" });
        t.call("POST", "/v1.0/me/changePassword", &token, body).await.status
    };
    for n in 0..2 {
        assert!(!page(&t, &format!("user{n}"), "Spring-2027", ATTACKER).await);
        assert_eq!(
            grant(&t, &format!("other{n}@contoso.example"), "Spring-2027", ATTACKER).await,
            Err(WRONG.into())
        );
        assert_eq!(change(&format!("Spring-202{n}")).await, 400);
    }
    assert!(!page(&t, "ada", PASSWORD, ATTACKER).await);
    assert_eq!(grant(&t, "ada@contoso.example", PASSWORD, ATTACKER).await, Err(WRONG.into()));
    assert_eq!(change(PASSWORD).await, 400);
    // From where ada is known, everything is as ever.
    t.come_from(HOME);
    assert_eq!(change(PASSWORD).await, 204);
    assert!(page(&t, "ada", "Another-horse-8", HOME).await);
}

#[tokio::test]
async fn a_sprayer_locks_nobody_out_row_147() {
    let t = contoso("source_failures = 3").await;
    for n in 0..30 {
        assert_eq!(grant(&t, "ada@contoso.example", &format!("guess{n}"), ATTACKER).await, Err(WRONG.into()));
    }
    assert_eq!(grant(&t, "ada@contoso.example", PASSWORD, ELSEWHERE).await, Ok(()));
}

#[tokio::test]
async fn an_ipv6_host_is_one_source_however_many_addresses_it_has_rows_147_and_156() {
    let t = contoso("source_failures = 5").await;
    for n in 1..=5 {
        let address = format!("2001:db8:1:2::{n}");
        let name = format!("user{n}@contoso.example");
        assert_eq!(grant(&t, &name, "Spring-2027", &address).await, Err(WRONG.into()));
    }
    let ada = "ada@contoso.example";
    assert_eq!(grant(&t, ada, PASSWORD, "2001:db8:1:2:ffff::1").await, Err(WRONG.into()));
    assert_eq!(grant(&t, ada, PASSWORD, "2001:db8:1:3::1").await, Ok(()));
    // It is known as one, too.
    for n in 0..4 {
        for address in ["203.0.113.1", "203.0.113.2", "203.0.113.3"] {
            assert_eq!(grant(&t, ada, &format!("guess{n} of {address}"), address).await, Err(WRONG.into()));
        }
    }
    assert_eq!(grant(&t, ada, PASSWORD, ELSEWHERE).await, Err(WRONG.into()));
    assert_eq!(grant(&t, ada, PASSWORD, "2001:db8:1:3:4::5").await, Ok(()));
}

#[tokio::test]
async fn user_codes_are_guessed_from_a_network_as_from_an_address_row_156() {
    let t = contoso("").await;
    let begun = device(&t).await;
    let right = begun["user_code"].as_str().unwrap();
    for (n, letter) in "BCDFGHJKLM".chars().enumerate() {
        let address = format!("2001:db8:1:2::{n:x}");
        assert_eq!(user_code(&t, &letter.to_string().repeat(9), &address).await, 200, "{letter}");
    }
    assert_eq!(user_code(&t, right, "2001:db8:1:2:ffff::1").await, 429);
    assert_eq!(user_code(&t, right, "2001:db8:1:3::1").await, 200);
}

#[tokio::test]
async fn a_chosen_user_name_reaches_no_other_counter_row_146() {
    let t = contoso("source_failures = 1000").await;
    let begun = device(&t).await;
    let window = t.clock.now().seconds() / 900;
    let mut names = vec![
        "second factor of mfa@contoso.example".to_owned(),
        format!("user code from {HOME}"),
        format!("user code from {ELSEWHERE}"),
        ELSEWHERE.to_owned(),
    ];
    for part in 0..7 {
        names.push(format!("user code {part} at {window}"));
        names.push(format!("{part} at {window}"));
    }
    for name in &names {
        for n in 0..10 {
            assert_eq!(grant(&t, name, &format!("guess{n}"), ATTACKER).await, Err(WRONG.into()), "{name}");
        }
    }
    assert!(second(&t, ELSEWHERE, None).await);
    assert_eq!(user_code(&t, begun["user_code"].as_str().unwrap(), ELSEWHERE).await, 200);
    // The other way round, locked second factors and user codes leave passwords open.
    for n in 0..10 {
        assert!(!second(&t, ATTACKER, Some(&format!("00000{n}"))).await);
    }
    t.later(1);
    assert!(!second(&t, ATTACKER, None).await);
    assert_eq!(grant(&t, "ada@contoso.example", PASSWORD, ATTACKER).await, Ok(()));
}

#[tokio::test]
async fn an_administrator_who_sets_a_password_opens_every_counter_of_the_person_row_146() {
    let t = contoso("source_failures = 1000").await;
    let admin = t.graph_token("admin").await;
    let lock = async || {
        // The second factor first: whoever proves it knows the password.
        for n in 0..10 {
            assert!(!second(&t, ATTACKER, Some(&format!("00000{n}"))).await);
        }
        assert!(!second(&t, ELSEWHERE, None).await);
        for n in 0..10 {
            assert!(!page(&t, "mfa", &format!("guess{n}"), "203.0.113.9").await);
        }
        assert!(!page(&t, "mfa", PASSWORD, "203.0.113.10").await);
    };
    lock().await;
    // Another person's new password opens nothing.
    let reset = async |user: &str| {
        t.come_from(HOME);
        let profile =
            json!({ "passwordProfile": { "password": PASSWORD, "forceChangePasswordNextSignIn": false } });
        assert_eq!(t.call("PATCH", &format!("/v1.0/users/{user}"), &admin, profile).await.status, 204);
    };
    reset(ADA).await;
    assert!(!page(&t, "mfa", PASSWORD, "203.0.113.10").await);
    reset("mfa@contoso.example").await;
    // Both are asked for and right, from an address that is new.
    assert!(second(&t, "203.0.113.10", None).await);
}

#[tokio::test]
async fn a_source_is_known_for_as_long_as_the_policy_says_row_148() {
    let t = contoso("known_source_days = 30\nsource_failures = 1000").await;
    let (ada, admin) = ("ada@contoso.example", "admin@contoso.example");
    assert_eq!(grant(&t, ada, PASSWORD, HOME).await, Ok(()));
    t.later(20 * DAY);
    assert_eq!(grant(&t, ada, PASSWORD, HOME).await, Ok(()));
    t.later(20 * DAY);
    for name in [ada, admin] {
        for n in 0..10 {
            assert_eq!(grant(&t, name, &format!("guess{n}"), ATTACKER).await, Err(WRONG.into()));
        }
    }
    assert_eq!(grant(&t, ada, PASSWORD, HOME).await, Ok(()));
    assert_eq!(grant(&t, admin, PASSWORD, HOME).await, Err(WRONG.into()));
}

#[tokio::test]
async fn only_a_right_password_makes_a_source_known_row_148() {
    const KNOWN: Sql = "select count(*) from known_source";
    let t = Contoso::with_tenants(&[FABRIKAM]).await;
    t.registered(&[PUBLIC]).await;
    let engine = t.engine().await;
    let known = async || engine.read(KNOWN, vec![]).await.unwrap()[0].int(0);
    let before = known().await;
    // Names of another tenant's domain are sent home by the name alone, whatever the password.
    for name in ["ada@fabrikam.example", "x@fabrikam.example", "nobody@contoso.example"] {
        let begun = device(&t).await;
        let browser = Browser::new(&t);
        let page = browser.get(&format!("/{TENANT}/oauth2/deviceauth")).await;
        let account = browser.submit(&page, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
        let asked = browser.submit(&account, &[("username", name)]).await;
        let told = browser.submit(&asked, &[("passwd", PASSWORD)]).await.text();
        assert!(told.contains("AADSTS50020") || told.contains("name or password is wrong"), "{name} {told}");
    }
    assert_eq!(known().await, before);
    assert!(page(&t, "ada", PASSWORD, ELSEWHERE).await);
    assert_eq!(known().await, before + 1);
}
