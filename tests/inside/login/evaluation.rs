//! Continuous access evaluation: tokens that live most of a day because every call looks again, and the
//! challenges that end them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use carnet_tests::{
    AZURE_CLI, CONFIDENTIAL, Contoso, NOW, PASSWORD, PLATFORM, POWER_PLATFORM_CLI, PUBLIC, Reply, SECRET,
    browser::{Browser, back, query, redemption},
    setup::Setup,
    tenant_file,
};
use serde_json::{Value, json};

const GRAPH: &str = "https://graph.microsoft.com";
const CP1: &str = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
const ADA: &str = "/v1.0/users/ada@contoso.example";

async fn ask(t: &Contoso, client: &str, resource: &str, claims: &str) -> Reply {
    let scope = format!("{resource}/.default offline_access");
    t.token(&[
        ("grant_type", "password"),
        ("client_id", client),
        ("scope", &scope),
        ("username", "ada@contoso.example"),
        ("password", PASSWORD),
        ("claims", claims),
    ])
    .await
}

async fn refreshed(t: &Contoso, token: &str, claims: &str) -> Reply {
    let fields = [("grant_type", "refresh_token"), ("client_id", AZURE_CLI), ("refresh_token", token)];
    t.token(&[&fields[..], &[("claims", claims)]].concat()).await
}

fn life(token: &Reply) -> i64 {
    let claims = token.claims();
    claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() - 300
}

/// The JSON of the claims challenge in an answer; null where it has none.
fn challenge(reply: &Reply) -> Value {
    assert_eq!(reply.no(), "401 InvalidAuthenticationToken");
    let header = reply.header("www-authenticate");
    assert!(
        header.starts_with("Bearer realm=\"\", authorization_uri=\"https://localhost:8443/common/"),
        "{header}"
    );
    let Some((_, rest)) = header.split_once("error=\"insufficient_claims\", claims=\"") else {
        assert!(header.contains("error=\"invalid_token\""), "{header}");
        return Value::Null;
    };
    serde_json::from_slice(&STANDARD.decode(rest.trim_end_matches('"')).unwrap()).unwrap()
}

async fn change(t: &Contoso, body: Value) {
    let admin = t.graph_token("admin").await;
    assert_eq!(t.call("PATCH", ADA, &admin, body).await.status, 204);
}

async fn revoke(t: &Contoso) {
    let admin = t.graph_token("admin").await;
    t.call("POST", &format!("{ADA}/revokeSignInSessions"), &admin, Value::Null).await.good();
}

#[tokio::test]
async fn tokens_live_long_for_clients_and_apis_that_take_part_and_for_no_others() {
    let t = Contoso::start().await;
    for (client, resource) in
        [(AZURE_CLI, GRAPH), (PUBLIC, PLATFORM), (POWER_PLATFORM_CLI, "https://service.powerapps.com/")]
    {
        let long = ask(&t, client, resource, CP1).await;
        assert_eq!(long.claims()["xms_cc"], json!(["cp1"]), "{resource}");
        assert!((72_000..=86_400).contains(&life(&long)), "{resource}: {}", life(&long));
        assert_eq!(long.json()["expires_in"], life(&long) - 1);
        let short = ask(&t, client, resource, "{}").await;
        assert_eq!(short.claims().get("xms_cc"), None);
        assert!((3600..=5400).contains(&life(&short)));
    }
    // What a refresh asks for counts, not what the sign-in asked for.
    let first = ask(&t, AZURE_CLI, GRAPH, CP1).await.good();
    let token = first["refresh_token"].as_str().unwrap();
    assert!(life(&refreshed(&t, token, "{}").await) <= 5400);
    assert!(life(&refreshed(&t, token, CP1).await) >= 72_000);
    let application = t
        .token(&[
            ("grant_type", "client_credentials"),
            ("client_id", CONFIDENTIAL),
            ("client_secret", SECRET),
            ("scope", "https://api.powerplatform.com/.default"),
            ("claims", CP1),
        ])
        .await;
    assert_eq!((life(&application), &application.claims()["xms_cc"]), (3600, &json!(["cp1"])));
}

#[tokio::test]
async fn whoever_was_signed_out_is_told_from_when_on_a_sign_in_counts_and_repeats_it() {
    let t = Contoso::start().await;
    let first = ask(&t, AZURE_CLI, GRAPH, CP1).await.good();
    let (token, refresh) =
        (first["access_token"].as_str().unwrap(), first["refresh_token"].as_str().unwrap().to_owned());
    t.get("/v1.0/me", token).await.good();
    t.clock.set(NOW.plus_millis(500));
    revoke(&t).await;
    let told = challenge(&t.get("/v1.0/me", token).await);
    let from = (NOW.seconds() + 1).to_string();
    assert_eq!(told, json!({ "access_token": { "nbf": { "essential": true, "value": from } } }));
    let repeated = told.to_string();
    assert_eq!(refreshed(&t, &refresh, &repeated).await.no(), "400 invalid_grant 50173");
    let fresh = ask(&t, AZURE_CLI, GRAPH, &repeated).await.good();
    t.get("/v1.0/me", fresh["access_token"].as_str().unwrap()).await.good();
    let newer = fresh["refresh_token"].as_str().unwrap();
    t.get("/v1.0/me", &refreshed(&t, newer, &repeated).await.access_token()).await.good();
    // A sign-in that is to be newer than this one.
    let tomorrow = repeated.replace(&from, &(NOW.seconds() + 86_400).to_string());
    assert_eq!(refreshed(&t, newer, &tomorrow).await.no(), "400 invalid_grant 50173");
}

#[tokio::test]
async fn without_the_capability_the_answer_is_the_plain_one() {
    let t = Contoso::start().await;
    let short = ask(&t, AZURE_CLI, GRAPH, "").await.access_token();
    t.later(1);
    revoke(&t).await;
    assert_eq!(challenge(&t.get("/v1.0/me", &short).await), Value::Null);
}

#[tokio::test]
async fn every_api_challenges_for_every_reason() {
    let t = Contoso::start().await;
    let platform = "/environmentmanagement/environments?api-version=2022-03-01-preview";
    let bap = "/providers/Microsoft.BusinessAppPlatform/environments?api-version=2020-10-01";
    for body in
        [json!({ "accountEnabled": false }), json!({ "passwordProfile": { "password": "Other-horse-8" } })]
    {
        let tokens = [
            ("/v1.0/me", ask(&t, AZURE_CLI, GRAPH, CP1).await.access_token()),
            (platform, ask(&t, PUBLIC, PLATFORM, CP1).await.access_token()),
            (bap, ask(&t, POWER_PLATFORM_CLI, "https://service.powerapps.com/", CP1).await.access_token()),
        ];
        t.later(1);
        change(&t, body).await;
        for (path, token) in &tokens {
            let reply = t.get(path, token).await;
            assert_eq!(reply.status, 401, "{path}");
            let header = reply.header("www-authenticate");
            assert!(header.contains("insufficient_claims"), "{path}: {header}");
        }
        change(&t, json!({ "accountEnabled": true })).await;
    }
}

#[tokio::test]
async fn who_is_let_in_again_signs_in_again() {
    let t = Contoso::start().await;
    let first = ask(&t, AZURE_CLI, GRAPH, CP1).await.good();
    let (token, refresh) =
        (first["access_token"].as_str().unwrap(), first["refresh_token"].as_str().unwrap());
    change(&t, json!({ "accountEnabled": true })).await;
    t.get("/v1.0/me", token).await.good();
    t.later(1);
    for enabled in [false, true] {
        change(&t, json!({ "accountEnabled": enabled })).await;
        assert!(challenge(&t.get("/v1.0/me", token).await).is_object(), "{enabled}");
    }
    assert_eq!(refreshed(&t, refresh, CP1).await.no(), "400 invalid_grant 50173");
    let again = ask(&t, AZURE_CLI, GRAPH, CP1).await.access_token();
    t.get("/v1.0/me", &again).await.good();
}

#[tokio::test]
async fn a_second_factor_that_is_demanded_from_now_on_is_a_challenge() {
    let t = Contoso::start().await;
    let long = ask(&t, AZURE_CLI, GRAPH, CP1).await.access_token();
    let short = ask(&t, AZURE_CLI, GRAPH, "").await.access_token();
    let demand = |whom: &str| tenant_file(&format!("require_mfa = [\"{whom}\"]"), "");
    t.seed(&demand("user:admin@contoso.example")).await;
    t.get("/v1.0/me", &long).await.good();
    t.seed(&demand("user:ada@contoso.example")).await;
    let told = challenge(&t.get("/v1.0/me", &long).await);
    assert_eq!(told["access_token"]["capolids"]["values"].as_array().map(Vec::len), Some(1), "{told}");
    t.get("/v1.0/me", &short).await.good();
}

#[tokio::test]
async fn a_deleted_user_and_a_disabled_application_are_challenged_too() {
    let t = Contoso::start().await;
    let admin = t.graph_token("admin").await;
    let user = ask(&t, PUBLIC, PLATFORM, CP1).await.access_token();
    let path = "/environmentmanagement/environments?api-version=2022-03-01-preview";
    t.get(path, &user).await.good();
    let principal = format!("/v1.0/servicePrincipals(appId='{PUBLIC}')");
    t.call("PATCH", &principal, &admin, json!({ "accountEnabled": false })).await.good();
    assert!(t.get(path, &user).await.header("www-authenticate").contains("insufficient_claims"));
    t.call("PATCH", &principal, &admin, json!({ "accountEnabled": true })).await.good();
    t.get(path, &user).await.good();
    assert_eq!(t.call("DELETE", ADA, &admin, Value::Null).await.status, 204);
    assert!(t.get(path, &user).await.header("www-authenticate").contains("insufficient_claims"));
}

#[tokio::test]
async fn a_refusal_by_a_rule_names_the_rule() {
    let t = Contoso::with("block = [\"user:ada@contoso.example\"]", "").await;
    let blocked = ask(&t, AZURE_CLI, GRAPH, CP1).await;
    assert_eq!(blocked.no(), "400 invalid_grant 53003");
    let named: Value = serde_json::from_str(blocked.json()["claims"].as_str().unwrap()).unwrap();
    let ids = &named["access_token"]["capolids"];
    assert_eq!((&ids["essential"], ids["values"].as_array().map(Vec::len)), (&json!(true), Some(1)));
    let wrong = t
        .token(&[
            ("grant_type", "password"),
            ("client_id", AZURE_CLI),
            ("scope", "https://graph.microsoft.com/.default"),
            ("username", "ada@contoso.example"),
            ("password", "wrong"),
        ])
        .await;
    assert_eq!(wrong.json().get("claims"), None);
    let mfa = Contoso::with("require_mfa = [\"all\"]", "").await;
    let enrol = ask(&mfa, AZURE_CLI, GRAPH, CP1).await;
    assert_eq!(enrol.no(), "400 invalid_grant 50079");
    assert!(enrol.json()["claims"].as_str().unwrap().contains("capolids"));
}

#[tokio::test]
async fn what_one_node_is_told_every_node_knows_at_once() {
    let Some(setup) = Setup::new("", "").postgres(2).await else { return };
    let t = setup.start().await;
    let token = ask(&t, AZURE_CLI, GRAPH, CP1).await.access_token();
    // Requests take turns, so that two in a row are answered by two nodes.
    for _ in 0..2 {
        t.get("/v1.0/me", &token).await.good();
    }
    t.later(1);
    revoke(&t).await;
    for _ in 0..4 {
        assert!(challenge(&t.get("/v1.0/me", &token).await).is_object());
    }
}

#[tokio::test]
async fn at_the_authorize_endpoint_a_session_that_is_too_old_for_the_challenge_is_none() {
    let t = Contoso::start().await;
    t.registered(&[PUBLIC]).await;
    let browser = Browser::new(&t);
    let first = browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await;
    assert!(back(&first).contains_key("code"));
    t.later(10);
    let claims = |from: i64| {
        json!({ "access_token": { "nbf": { "essential": true, "value": from.to_string() } } }).to_string()
    };
    let silent = async |from: i64| {
        let claims = claims(from);
        browser.open(&query(PUBLIC, &[("claims", &claims), ("prompt", "none")])).await
    };
    assert!(back(&silent(NOW.seconds()).await).contains_key("code"));
    let refused = silent(NOW.seconds() + 5).await;
    assert!(!back(&refused).contains_key("code"));
    // Whoever may be asked signs in again, and that is new enough.
    let claims = claims(NOW.seconds() + 5);
    let wanted = query(PUBLIC, &[("claims", &claims), ("prompt", "login")]);
    assert!(back(&browser.sign_in(&wanted, "ada", PASSWORD).await).contains_key("code"));
}

#[tokio::test]
async fn a_code_gives_a_long_lived_token_to_who_says_so_when_redeeming_it() {
    let t = Contoso::start().await;
    t.registered(&[PUBLIC]).await;
    let code = t.code("ada").await;
    let long = t.token(&[&redemption(&code)[..], &[("claims", CP1)]].concat()).await;
    assert!(life(&long) >= 72_000);
    let short = t.redeem(&t.code("ada").await).await;
    assert!(life(&short) <= 5400);
}
