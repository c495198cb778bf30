//! ID tokens that come back from the authorize endpoint, alone or beside a code.

use super::contoso;
use carnet_tests::{
    Contoso, PASSWORD, PUBLIC, TENANT,
    browser::{BACK, Browser, back, number, query},
    part,
};
use serde_json::json;

const BOTH: (&str, &str) = ("response_type", "code id_token");
const ALONE: (&str, &str) = ("response_type", "id_token");

/// The usual tenant, whose public application gives ID tokens in addresses.
async fn enabled() -> Contoso {
    let t = contoso("").await;
    let token = t.graph_token("admin").await;
    let settings = json!({ "web": { "implicitGrantSettings": { "enableIdTokenIssuance": true } } });
    let own = format!("/v1.0/applications(appId='{PUBLIC}')");
    assert_eq!(t.call("PATCH", &own, &token, settings).await.status, 204);
    t
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
    let digest = carnet_wire::digest::sha256(&[fields["code"].as_bytes()]);
    assert_eq!(claims["c_hash"], carnet_wire::jose::encode_base64url(&digest[..16]));
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
        let tokens = more.iter().any(|(name, value)| *name == "response_type" && value.contains("token"));
        let place = if tokens && told != 70_005 { '#' } else { '?' };
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
