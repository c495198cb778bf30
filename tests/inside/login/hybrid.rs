//! Tokens that come back from the authorize endpoint: ID tokens alone or beside a code, and access tokens.

use super::contoso;
use carnet_tests::{
    Contoso, PASSWORD, PUBLIC, TENANT,
    browser::{BACK, Browser, back, number, query},
    part,
};
use serde_json::{Value, json};

const BOTH: (&str, &str) = ("response_type", "code id_token");
const ALONE: (&str, &str) = ("response_type", "id_token");

/// The usual tenant, whose public application gives ID tokens in addresses.
async fn enabled() -> Contoso {
    with_switches(json!({ "enableIdTokenIssuance": true })).await
}

/// The usual tenant, whose public application has these switches on.
async fn with_switches(switches: Value) -> Contoso {
    let t = contoso("").await;
    let token = t.graph_token("admin").await;
    let settings = json!({ "web": { "implicitGrantSettings": switches } });
    let own = format!("/v1.0/applications(appId='{PUBLIC}')");
    assert_eq!(t.call("PATCH", &own, &token, settings).await.status, 204);
    t
}

/// The first half of a text's digest, as in `c_hash` and `at_hash`.
fn half_hash(text: &str) -> String {
    let digest = carnet_wire::digest::sha256(&[text.as_bytes()]);
    carnet_wire::jose::encode_base64url(&digest[..16])
}

#[tokio::test]
async fn a_code_and_an_id_token_come_in_the_fragment_and_belong_together() {
    let t = enabled().await;
    let browser = Browser::new(&t);
    let reply = browser.sign_in(&query(PUBLIC, &[BOTH]), "ada", PASSWORD).await;
    assert!(reply.header("location").starts_with(&format!("{BACK}#code=")));
    let fields = back(&reply);
    let claims = part(&fields["id_token"], 1);
    assert_eq!((&claims["nonce"], &claims["aud"]), (&json!("n-1"), &json!(PUBLIC)));
    assert_eq!(claims["iss"], format!("https://localhost:8443/{TENANT}/v2.0"));
    assert_eq!(claims["c_hash"], half_hash(&fields["code"]));
    let redeemed = t.redeem(&fields["code"]).await.good();
    let later = part(redeemed["id_token"].as_str().unwrap(), 1);
    assert_eq!((&later["sub"], later.get("c_hash")), (&claims["sub"], None));
}

#[tokio::test]
async fn an_id_token_may_come_alone_and_posted() {
    let t = enabled().await;
    let browser = Browser::new(&t);
    let alone = query(PUBLIC, &[ALONE, ("scope", "openid profile"), ("response_mode", "form_post")]);
    let posted = browser.sign_in(&alone, "ada", PASSWORD).await.text();
    assert!(posted.contains("name=\"id_token\"") && !posted.contains("name=\"code\""), "{posted}");
    let silent = query(PUBLIC, &[ALONE, ("scope", "openid profile"), ("prompt", "none")]);
    let claims = part(&back(&browser.open(&silent).await)["id_token"], 1);
    assert_eq!((&claims["preferred_username"], claims.get("c_hash")), (&json!("ada@contoso.example"), None));
    let older = browser
        .get(&format!(
            "/{TENANT}/oauth2/authorize?client_id={PUBLIC}&response_type=id_token&nonce=n&scope=openid&redirect_uri={}",
            carnet_tests::percent(BACK)
        ))
        .await;
    let claims = part(&back(&older)["id_token"], 1);
    assert_eq!((&claims["ver"], &claims["upn"]), (&json!("1.0"), &json!("ada@contoso.example")));
}

#[tokio::test]
async fn what_is_off_or_asked_badly_is_told_in_the_fragment() {
    let off = contoso("").await;
    let on = enabled().await;
    for (t, more, told) in [
        (&off, &[BOTH][..], 700_054),
        (&off, &[ALONE], 700_054),
        (&on, &[("response_type", "token")], 700_051),
        (&on, &[("response_type", "code id_token token")], 700_051),
        (&on, &[("response_type", "code code")], 70_005),
        (&on, &[("response_type", "id_token  code")], 70_005),
        (&on, &[BOTH, ("response_mode", "query")], 70_007),
        (&on, &[BOTH, ("nonce", "")], 900_144),
        (&on, &[BOTH, ("code_challenge", "")], 9_002_325),
        (&on, &[BOTH, ("prompt", "none")], 50_058),
    ] {
        let reply = Browser::new(t).open(&query(PUBLIC, more)).await;
        assert_eq!(number(&reply), told, "{more:?}");
        // A response type that cannot be read asks for no token.
        let read = |value: &str| value.contains("token") && !value.contains("  ");
        let tokens = more.iter().any(|(name, value)| *name == "response_type" && read(value));
        let place = if tokens { '#' } else { '?' };
        assert!(reply.header("location").starts_with(&format!("{BACK}{place}error=")), "{more:?}");
    }
}

#[tokio::test]
async fn an_opaque_hint_of_an_id_token_begins_and_ends_a_session() {
    let t = enabled().await;
    let token = t.graph_token("admin").await;
    let wants = json!({ "optionalClaims": { "idToken": [{ "name": "login_hint" }] } });
    let own = format!("/v1.0/applications(appId='{PUBLIC}')");
    assert_eq!(t.call("PATCH", &own, &token, wants).await.status, 204);
    let browser = Browser::new(&t);
    let fields = back(&browser.sign_in(&query(PUBLIC, &[BOTH]), "ada", PASSWORD).await);
    let hint = part(&fields["id_token"], 1)["login_hint"].as_str().unwrap().to_owned();
    let _ = back(&browser.sign_in(&query(PUBLIC, &[("prompt", "login")]), "admin", PASSWORD).await);

    let silent = query(PUBLIC, &[("login_hint", &hint), ("prompt", "none")]);
    let fields = back(&browser.open(&silent).await);
    assert_eq!(t.redeem(&fields["code"]).await.claims()["upn"], "ada@contoso.example");
    let other = Browser::new(&t).open(&query(PUBLIC, &[("login_hint", &hint)])).await;
    assert!(other.text().contains("name=\"passwd\"") && other.text().contains("ada@contoso.example"));
    // One that is not ours is no hint.
    let foreign = Browser::new(&t).open(&query(PUBLIC, &[("login_hint", "O.AAAA")])).await;
    assert!(foreign.text().contains("name=\"username\""));

    let leave = format!("/{TENANT}/oauth2/v2.0/logout?logout_hint=");
    for wrong in ["ada%40contoso.example", "O.AAAA"] {
        assert_eq!(number(&browser.get(&format!("{leave}{wrong}")).await), 1_002_017);
    }
    let asked = browser.get(&format!("{leave}{hint}")).await;
    assert_eq!(browser.submit(&asked, &[]).await.status, 200);
    let left = back(&browser.open(&query(PUBLIC, &[("prompt", "none")])).await);
    assert_eq!(t.redeem(&left["code"]).await.claims()["upn"], "admin@contoso.example");
}

#[tokio::test]
async fn who_is_not_assigned_gets_no_id_token_of_the_authorize_endpoint() {
    let t = enabled().await;
    let token = t.graph_token("admin").await;
    let principal = "/v1.0/servicePrincipals/d0000000-0000-4000-8000-000000000001";
    let wants = async |assigned: bool| {
        let body = json!({ "appRoleAssignmentRequired": assigned });
        assert_eq!(t.call("PATCH", principal, &token, body).await.status, 204);
    };
    wants(true).await;
    let browser = Browser::new(&t);
    let alone = query(PUBLIC, &[ALONE, ("scope", "openid profile")]);
    assert_eq!(number(&browser.sign_in(&alone, "ada", PASSWORD).await), 50_105);
    for response in [BOTH, ("response_type", "code")] {
        assert_eq!(number(&browser.open(&query(PUBLIC, &[response])).await), 50_105);
    }
    wants(false).await;
    assert!(back(&browser.open(&alone).await).contains_key("id_token"));
}

#[tokio::test]
async fn an_access_token_comes_in_the_fragment_with_its_id_token() {
    let t = with_switches(json!({ "enableIdTokenIssuance": true, "enableAccessTokenIssuance": true })).await;
    let browser = Browser::new(&t);
    let asked = [
        ("response_type", "id_token token"),
        ("scope", "openid profile https://api.powerplatform.com/.default"),
    ];
    let reply = browser.sign_in(&query(PUBLIC, &asked), "ada", PASSWORD).await;
    assert!(reply.header("location").starts_with(&format!("{BACK}#access_token=")));
    let fields = back(&reply);
    assert_eq!((fields.get("code"), fields.get("refresh_token")), (None, None));
    assert_eq!(fields["token_type"], "Bearer");
    let seconds: i64 = fields["expires_in"].parse().unwrap();
    let access = part(&fields["access_token"], 1);
    let lives = access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap();
    // `iat` lies five minutes back, as in the tokens of the token endpoint.
    assert!((3599..5400).contains(&seconds) && lives == seconds + 1 + 300, "{seconds} {lives}");
    assert_eq!(access["aud"], "https://api.powerplatform.com");
    assert_eq!((&access["appid"], &access["appidacr"]), (&json!(PUBLIC), &json!("0")));
    let scopes = access["scp"].as_str().unwrap();
    assert!(
        scopes.contains("EnvironmentManagement.Environments.Read") && !scopes.contains("openid"),
        "{scopes}"
    );
    assert!(fields["scope"].contains("https://api.powerplatform.com/.default"), "{}", fields["scope"]);
    let id = part(&fields["id_token"], 1);
    assert_eq!((&id["at_hash"], id.get("c_hash")), (&json!(half_hash(&fields["access_token"])), None));
    // It opens the API that it is for, and no other.
    let environments = "/environmentmanagement/environments?api-version=2022-03-01-preview";
    let with = |path: &'static str| t.call("GET", path, &fields["access_token"], Value::Null);
    assert_eq!(with(environments).await.status, 200);
    assert_eq!(with("/v1.0/me").await.status, 401);
    // Silently, posted, and with the older endpoint.
    let silent = [&asked[..], &[("prompt", "none")]].concat();
    let again = back(&browser.open(&query(PUBLIC, &silent)).await);
    assert_eq!(part(&again["access_token"], 1)["scp"], access["scp"]);
    let posted = [&silent[..], &[("response_mode", "form_post")]].concat();
    let page = browser.open(&query(PUBLIC, &posted)).await.text();
    assert!(page.contains("name=\"access_token\"") && page.contains("name=\"id_token\""), "{page}");
    let older = format!(
        "/{TENANT}/oauth2/authorize?client_id={PUBLIC}&response_type=token%20id_token&nonce=n&prompt=none\
         &resource=https://api.powerplatform.com&redirect_uri={}",
        carnet_tests::percent(BACK)
    );
    let older = back(&browser.get(&older).await);
    let claims = part(&older["id_token"], 1);
    assert_eq!(
        (&claims["ver"], &claims["at_hash"]),
        (&json!("1.0"), &json!(half_hash(&older["access_token"])))
    );
    // Nobody who is signed out gets one, and for another API they are asked.
    let stranger = Browser::new(&t).open(&query(PUBLIC, &silent)).await;
    assert_eq!(number(&stranger), 50_058);
    let silent =
        query(PUBLIC, &[("response_type", "token"), ("scope", "openid User.Read"), ("prompt", "none")]);
    let reply = browser.open(&silent).await;
    assert_eq!(number(&reply), 65_001, "nobody consented to that");
}

#[tokio::test]
async fn v1_gives_access_tokens_by_resource_and_api_version() {
    let t = with_switches(json!({ "enableAccessTokenIssuance": true })).await;
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    let api = "8578e004-a5c6-46e7-913e-12f58912df43";
    for (more, audience) in [("", api.to_owned()), ("&api-version=1.0", format!("spn:{api}"))] {
        let address = format!(
            "/{TENANT}/oauth2/authorize?client_id={PUBLIC}&response_type=token&resource={api}&redirect_uri={}{more}",
            carnet_tests::percent(BACK)
        );
        let fields = back(&browser.get(&address).await);
        let claims = part(&fields["access_token"], 1);
        assert_eq!((&claims["aud"], &claims["ver"]), (&json!(audience), &json!("1.0")), "{more}");
        assert_eq!(fields.get("id_token"), None);
    }
}

#[tokio::test]
async fn each_kind_of_token_has_its_switch() {
    let access = with_switches(json!({ "enableAccessTokenIssuance": true })).await;
    let id = enabled().await;
    for (t, response, told, switch) in [
        (&access, "id_token token", 700_054, "enableIdTokenIssuance"),
        (&access, "id_token", 700_054, "enableIdTokenIssuance"),
        (&id, "id_token token", 700_051, "enableAccessTokenIssuance"),
        (&id, "token", 700_051, "enableAccessTokenIssuance"),
        (&access, "code token", 70_005, "code id_token"),
    ] {
        let reply = Browser::new(t).open(&query(PUBLIC, &[("response_type", response)])).await;
        let fields = back(&reply);
        assert_eq!(number(&reply), told, "{response}");
        assert!(fields["error_description"].contains(switch), "{}", fields["error_description"]);
    }
    let queried = query(PUBLIC, &[("response_type", "token"), ("response_mode", "query")]);
    assert_eq!(number(&Browser::new(&access).open(&queried).await), 70_007);
}
