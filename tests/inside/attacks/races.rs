//! What is there once, is had once: fifty at a time, on one node over SQLite and on two over PostgreSQL, whose
//! requests take turns (`docs/security.md`, rows 16, 47 and 50).

use super::*;
use carnet_tests::{
    PASSWORD,
    browser::{BACK, Browser, back, query, redemption},
};
use futures_util::future::join_all;

/// A race: one body, on SQLite always and on two nodes over PostgreSQL where a cluster is prepared.
macro_rules! race {
    (async fn $name:ident($t:ident: $setup:expr) $body:block) => {
        mod $name {
            use super::*;

            async fn race($t: Contoso) $body

            #[tokio::test]
            async fn one_node() {
                race($setup.start().await).await;
            }

            #[tokio::test]
            async fn two_nodes() {
                if let Some(setup) = $setup.postgres(2).await {
                    race(setup.start().await).await;
                }
            }
        }
    };
}

/// Sends one request fifty times at once; who won, and what the others were told.
async fn fifty(t: &Contoso, fields: &[(&str, &str)]) -> (Vec<Reply>, Vec<String>) {
    let replies = join_all((0..50).map(|_| t.token(fields))).await;
    let (good, bad): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
    (good, bad.iter().map(told).collect())
}

/// Sends a form to the node with this number.
async fn at(t: &Contoso, node: usize, fields: &[(&str, &str)]) -> Reply {
    t.send_to(node, form(&format!("/{TENANT}/oauth2/v2.0/token"), fields)).await
}

async fn approve(t: &Contoso, begun: &Value, answer: &str) {
    let browser = Browser::new(t);
    let page = browser.get("/common/oauth2/deviceauth").await;
    let account = browser.submit(&page, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
    let asked = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
    let page = browser.submit(&asked, &[("passwd", PASSWORD)]).await;
    assert_eq!(browser.submit(&page, &[("answer", answer)]).await.status, 200);
}

race! {
    async fn a_code_is_redeemed_once_and_a_second_time_ends_what_it_gave_row_47(t: Setup::new("", "")) {
        t.registered(&[PUBLIC]).await;
        let code = t.code("ada").await;
        let refresh = refresh_of(&t.redeem(&code).await);
        assert_eq!(t.token(&refreshing(&refresh)).await.status, 200);
        assert_eq!(told(&t.redeem(&code).await), "400 invalid_grant 54005");
        for _ in 0..2 {
            assert_eq!(told(&t.token(&refreshing(&refresh)).await), "400 invalid_grant 50173");
        }
        // Fifty at once.
        let code = t.code("ada").await;
        let (good, bad) = fifty(&t, &redemption(&code)).await;
        assert_eq!((good.len(), bad.len()), (1, 49));
        assert!(bad.iter().all(|no| no == "400 invalid_grant 54005"), "{bad:?}");
        let refresh = refresh_of(&good[0]);
        assert_eq!(told(&t.token(&refreshing(&refresh)).await), "400 invalid_grant 50173");
        // And what somebody else was given lives on.
        let other = t.code("ada").await;
        let refresh = refresh_of(&t.redeem(&other).await);
        assert_eq!(t.token(&refreshing(&refresh)).await.status, 200);
    }
}

race! {
    async fn a_device_code_is_redeemed_once(t: Setup::new("", "")) {
        let begun = device(&t).await;
        let (good, bad) = fifty(&t, &polling(PUBLIC, &begun)).await;
        // Beyond the tenth they are a flood (row 96).
        let waits = ["400 authorization_pending 70016", "429 temporarily_unavailable 90055"];
        assert!(good.is_empty() && bad.iter().all(|no| waits.contains(&no.as_str())), "{bad:?}");
        approve(&t, &begun, "yes").await;
        let (good, bad) = fifty(&t, &polling(PUBLIC, &begun)).await;
        assert_eq!((good.len(), bad.len()), (1, 49));
        assert!(bad.iter().all(|no| no == "400 invalid_grant 54005"), "{bad:?}");
        assert_eq!(t.token(&refreshing(&refresh_of(&good[0]))).await.status, 200);
        let begun = device(&t).await;
        approve(&t, &begun, "no").await;
        let (good, bad) = fifty(&t, &polling(PUBLIC, &begun)).await;
        assert!(good.is_empty() && bad.iter().all(|no| no == "400 authorization_declined 65004"), "{bad:?}");
    }
}

race! {
    async fn a_device_code_is_answered_once(t: Setup::new("", "")) {
        let begun = device(&t).await;
        let mut pages = Vec::new();
        let browsers: Vec<_> = (0..4).map(|_| Browser::new(&t)).collect();
        for browser in &browsers {
            let page = browser.get("/common/oauth2/deviceauth").await;
            let account = browser.submit(&page, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
            let asked = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
            pages.push(browser.submit(&asked, &[("passwd", PASSWORD)]).await);
        }
        let answers = browsers.iter().zip(&pages).enumerate().flat_map(|(number, (browser, page))| {
            let answer = if number % 2 == 0 { "yes" } else { "no" };
            (0..10).map(move |_| async move { browser.submit(page, &[("answer", answer)]).await })
        });
        let told = join_all(answers).await;
        assert_eq!(told.iter().filter(|reply| reply.status == 200).count(), 1);
        let replies = join_all((0..10).map(|_| async { t.token(&polling(PUBLIC, &begun)).await.status })).await;
        assert!(replies.iter().filter(|status| **status == 200).count() <= 1);
    }
}

/// A certificate's assertion that lives longer than the quarter of an hour in which it may come again.
fn long(signer: &Signer, id: &str) -> String {
    let mut claims = but("exp", json!(NOW.seconds() + 3600));
    claims["jti"] = id.into();
    signer.assertion(&claims)
}

async fn is_spent_once(t: Contoso, assertion: &str) {
    let (good, bad) = fifty(&t, &showing(CERTIFIED, assertion)).await;
    assert_eq!((good.len(), bad.len()), (1, 49));
    assert!(bad.iter().all(|no| no == "401 invalid_client 50027"), "{bad:?}");
    // It stays spent when everything starts again, until it is over.
    let t = t.again().await;
    for node in 0..2 {
        assert_eq!(told(&at(&t, node, &showing(CERTIFIED, assertion)).await), "401 invalid_client 50027");
    }
    t.later(3600 + 301);
    assert_eq!(told(&show(&t, CERTIFIED, assertion).await), "401 invalid_client 700024");
}

#[tokio::test]
async fn a_long_assertion_is_had_once_on_one_node_row_16() {
    let (setup, signer) = certified_setup("");
    is_spent_once(setup.start().await, &long(&signer, "1")).await;
}

#[tokio::test]
async fn a_long_assertion_is_had_once_on_two_nodes_row_16() {
    let (setup, signer) = certified_setup("");
    let Some(setup) = setup.postgres(2).await else { return };
    is_spent_once(setup.start().await, &long(&signer, "1")).await;
}

#[tokio::test]
async fn a_no_spends_its_assertion_and_a_second_time_is_told_so() {
    let (t, signer) = certified("").await;
    let ask = async |assertion: &str| {
        let mut fields = showing(CERTIFIED, assertion).to_vec();
        fields[2] = ("scope", "api://nope/.default");
        told(&t.token(&fields).await)
    };
    let (one, two) = (long(&signer, "no-1"), long(&signer, "no-2"));
    assert_eq!(ask(&one).await, "400 invalid_resource 500011");
    assert_eq!(ask(&one).await, "401 invalid_client 50027");
    assert_eq!(ask(&two).await, "400 invalid_resource 500011");
}

#[tokio::test]
async fn a_used_assertion_does_not_save_the_family_of_a_code_that_came_again() {
    let (folder, signer) = (tempfile::tempdir().unwrap(), Signer::default());
    fs::write(folder.path().join("cert.pem"), signer.pem()).unwrap();
    let table = format!(
        "[[application]]\nname = \"cert\"\nclient_id = \"{CERTIFIED}\"\ncertificates = [\"cert.pem\"]\n\
         redirect_uris = {{ web = [\"{BACK}\"] }}\nadmin_consent = true\n\
         permissions = [{{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }}]\n"
    );
    let t = Setup::new("", &table).over(folder).start().await;
    let with = |assertion: &'static str, rest: &[(&'static str, &'static str)]| {
        [&[("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)], rest].concat()
    };
    let texts = ["1", "2", "3", "4"].map(|id| &*long(&signer, id).leak());
    let reply = Browser::new(&t).sign_in(&query(CERTIFIED, &[]), "ada", PASSWORD).await;
    let code: &'static str = back(&reply)["code"].clone().leak();
    let mut redeeming = redemption(code);
    redeeming[1] = ("client_id", CERTIFIED);
    let refresh: &'static str = refresh_of(&t.token(&with(texts[0], &redeeming)).await).leak();
    let refreshing = [("grant_type", "refresh_token"), ("client_id", CERTIFIED), ("refresh_token", refresh)];
    assert_eq!(t.token(&with(texts[1], &refreshing)).await.status, 200);
    // The very same request once more.
    assert_eq!(told(&t.token(&with(texts[0], &redeeming)).await), "401 invalid_client 50027");
    assert_eq!(told(&t.token(&with(texts[2], &refreshing)).await), "400 invalid_grant 50173");
}

#[tokio::test]
async fn a_short_assertion_is_had_once_where_the_tenant_refuses_row_16() {
    let (setup, signer) = certified_setup("assertion_replay = \"refuse\"");
    let t = setup.start().await;
    let (good, bad) = fifty(&t, &showing(CERTIFIED, &signer.assertion(&claims()))).await;
    assert_eq!(good.len(), 1);
    assert!(bad.iter().all(|no| no == "401 invalid_client 50027"), "{bad:?}");
    // Another id is another assertion; the same id in other clothes is not.
    assert_eq!(show(&t, CERTIFIED, &signer.assertion(&but("jti", json!("2")))).await.status, 200);
    let dressed = signer.assertion(&but("exp", json!(NOW.seconds() + 599)));
    assert_eq!(told(&show(&t, CERTIFIED, &dressed).await), "401 invalid_client 50027");
    // One without an id counts as itself.
    let mut bare = claims();
    bare.as_object_mut().unwrap().remove("jti");
    let bare = signer.assertion(&bare);
    assert_eq!(show(&t, CERTIFIED, &bare).await.status, 200);
    assert_eq!(told(&show(&t, CERTIFIED, &bare).await), "401 invalid_client 50027");
    // And where it is tolerated, a short one comes as often as MSAL Python sends it.
    let (setup, signer) = certified_setup("");
    let t = setup.start().await;
    let (good, _) = fifty(&t, &showing(CERTIFIED, &signer.assertion(&claims()))).await;
    assert_eq!(good.len(), 50);
}

race! {
    async fn a_refresh_token_shown_by_many_gives_one_family_row_50(t: Setup::new("", "")) {
        let first = refresh_token(&t).await;
        let (good, bad) = fifty(&t, &refreshing(&first)).await;
        assert_eq!((good.len(), bad), (50, Vec::new()));
        let siblings: std::collections::BTreeSet<String> = good.iter().map(refresh_of).collect();
        assert_eq!(siblings.len(), 50);
        // Each of them is of the newest generation, and they go on.
        let siblings: Vec<String> = siblings.into_iter().collect();
        let next = refresh_of(&t.token(&refreshing(&siblings[0])).await);
        assert_eq!(t.token(&refreshing(&siblings[1])).await.status, 200);
        // The first one is two generations old: whoever shows it ends them all, on every node and after a restart.
        t.later(61);
        assert_eq!(told(&t.token(&refreshing(&first)).await), "400 invalid_grant 50173");
        let t = t.again().await;
        for token in [&first, &siblings[0], &siblings[7], &next] {
            for node in 0..2 {
                assert_eq!(told(&at(&t, node, &refreshing(token)).await), "400 invalid_grant 50173");
            }
        }
        // Another family of the same person is another matter.
        let other = refresh_token(&t).await;
        assert_eq!(t.token(&refreshing(&other)).await.status, 200);
    }
}

race! {
    async fn a_family_outlives_a_restart_and_a_late_reuse_does_not_row_50(t: Setup::new("", "")) {
        let first = refresh_token(&t).await;
        let second = refresh_of(&t.token(&refreshing(&first)).await);
        let t = t.again().await;
        t.later(59);
        let third = refresh_of(&t.token(&refreshing(&second)).await);
        // Within the minute the used one passes once more; after it, it ends the family.
        assert_eq!(t.token(&refreshing(&second)).await.status, 200);
        t.later(61);
        let (good, bad) = fifty(&t, &refreshing(&second)).await;
        assert!(good.is_empty() && bad.iter().all(|no| no == "400 invalid_grant 50173"), "{bad:?}");
        let t = t.again().await;
        assert_eq!(told(&t.token(&refreshing(&third)).await), "400 invalid_grant 50173");
    }
}

race! {
    async fn a_lock_holds_on_every_node_and_for_every_grant_row_45(t: Setup::new("", "")) {
        let refresh = refresh_token(&t).await;
        let password = |word| [
            ("grant_type", "password"),
            ("client_id", PUBLIC),
            ("username", "ada@contoso.example"),
            ("password", word),
            ("scope", "https://api.powerplatform.com/.default"),
        ];
        let guesses: Vec<String> = (0..20).map(|number| format!("Wrong-horse-{number}")).collect();
        for guess in guesses.chunks(4) {
            let fields: Vec<_> = guess.iter().map(|word| password(word)).collect();
            let told = join_all(fields.iter().map(|fields| t.token(fields))).await;
            assert!(told.iter().all(|reply| reply.status == 400));
        }
        for node in 0..2 {
            assert_eq!(told(&at(&t, node, &password(PASSWORD)).await), "400 invalid_grant 50126");
            assert_eq!(told(&at(&t, node, &refreshing(&refresh)).await), "400 invalid_grant 50053");
        }
        t.later(61);
        for node in 0..2 {
            assert_eq!(at(&t, node, &password(PASSWORD)).await.status, 200);
        }
        assert_eq!(t.token(&refreshing(&refresh)).await.status, 200);
    }
}

#[tokio::test]
async fn what_one_node_gives_the_other_takes_at_once() {
    let Some(setup) = Setup::new("", "").postgres(2).await else { return };
    let t = setup.start().await;
    t.registered(&[PUBLIC]).await;
    for node in [0, 1] {
        let code = t.code("ada").await;
        let refresh = refresh_of(&at(&t, node, &redemption(&code)).await);
        assert_eq!(told(&at(&t, node + 1, &redemption(&code)).await), "400 invalid_grant 54005");
        assert_eq!(told(&at(&t, node + 1, &refreshing(&refresh)).await), "400 invalid_grant 50173");
        let begun = device(&t).await;
        assert_eq!(told(&at(&t, node, &polling(PUBLIC, &begun)).await), "400 authorization_pending 70016");
        approve(&t, &begun, "yes").await;
        let refresh = refresh_of(&at(&t, node, &polling(PUBLIC, &begun)).await);
        let next = refresh_of(&at(&t, node + 1, &refreshing(&refresh)).await);
        assert_eq!(at(&t, node, &refreshing(&next)).await.status, 200);
    }
    // An application that one node makes, with its secret, the other knows; both sign with one key.
    let admin = t.graph_token("admin").await;
    for node in [0, 1] {
        let json = |path: &str, body: Value| {
            let request = http::Request::post(path)
                .header("host", "localhost:8443")
                .header("content-type", "application/json");
            request
                .header("authorization", format!("Bearer {admin}"))
                .body(bytes::Bytes::from(body.to_string()))
                .unwrap()
        };
        let made = t.send_to(node, json("/v1.0/applications", json!({ "displayName": "new" }))).await.good();
        let app = made["appId"].as_str().unwrap().to_owned();
        let principal = t.send_to(node, json("/v1.0/servicePrincipals", json!({ "appId": app }))).await;
        assert_eq!(principal.status, 201);
        let path = format!("/v1.0/applications(appId='{app}')/addPassword");
        let secret = t.send_to(node, json(&path, json!({}))).await.good();
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", app.as_str()),
            ("client_secret", secret["secretText"].as_str().unwrap()),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let tokens = [at(&t, node + 1, &fields).await, at(&t, node, &fields).await];
        let kids: Vec<_> =
            tokens.iter().map(|it| carnet_tests::part(&it.access_token(), 0)["kid"].clone()).collect();
        assert_eq!(kids[0], kids[1]);
    }
}

/// Asks until the answer is this one, bounded by the second in which every node sees it and as much again for a
/// machine that is busy.
async fn soon(mut ask: impl AsyncFnMut() -> Reply, no: &str) {
    let begun = std::time::Instant::now();
    loop {
        let reply = ask().await;
        if reply.status != 200 {
            assert_eq!(told(&reply), no);
            return;
        }
        assert!(begun.elapsed().as_secs() < 4, "the other node never saw it");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_one_node_takes_away_the_other_soon_refuses_rows_19_and_41() {
    let (setup, signer) = certified_setup("");
    let Some(setup) = setup.postgres(2).await else { return };
    let t = setup.start().await;
    let admin = t.graph_token("admin").await;
    let path = format!("/v1.0/applications(appId='{CONFIDENTIAL}')");
    let made = t.call("POST", &format!("{path}/addPassword"), &admin, json!({})).await.good();
    let secret = [
        ("grant_type", "client_credentials"),
        ("client_id", CONFIDENTIAL),
        ("client_secret", made["secretText"].as_str().unwrap()),
        ("scope", "https://api.powerplatform.com/.default"),
    ];
    for node in 0..2 {
        assert_eq!(at(&t, node, &secret).await.status, 200);
    }
    let gone = json!({ "keyId": made["keyId"] });
    assert_eq!(t.call("POST", &format!("{path}/removePassword"), &admin, gone).await.status, 204);
    let other = Signer::default();
    let kept = json!({ "keyCredentials": [{ "type": "AsymmetricX509Cert", "usage": "Verify", "key": other.base64() }] });
    assert_eq!(patch(&t, CERTIFIED, kept).await.status, 204);
    let mut shown = 0;
    for node in 0..2 {
        soon(async || at(&t, node, &secret).await, "401 invalid_client 7000215").await;
        // A new one each time: a used one is refused for that.
        let certified = async || {
            shown += 1;
            let assertion = long(&signer, &format!("gone-{shown}"));
            at(&t, node, &showing(CERTIFIED, &assertion)).await
        };
        soon(certified, "401 invalid_client 700027").await;
    }
}
