//! A middle tier that acts for a user, and userinfo.

use super::second_factor::{code_at, somebody};
use carnet_tests::{
    CONFIDENTIAL, Contoso, NOW, PASSWORD, PLATFORM, PUBLIC, Reply, SECRET, TENANT,
    browser::{Browser, back, query, redemption},
    part,
};
use serde_json::json;

const API: &str = "a0000000-0000-4000-8000-00000000000b";
const TABLES: &str = "[[application]]\nname = \"api\"\nclient_id = \"a0000000-0000-4000-8000-00000000000b\"\n\
    secrets = [{ name = \"good\", value = \"s3cret-value~good\" }]\n\
    permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }]\n\
    admin_consent = true\n\
    exposes = { identifier_uris = [\"api://middle\"], scopes = [\"act\"], token_version = 2 }\n\
    [[application]]\nname = \"front\"\nclient_id = \"a0000000-0000-4000-8000-00000000000c\"\npublic_client = true\n\
    redirect_uris = { public = [\"http://localhost/back\"] }\n\
    permissions = [{ api = \"api\", delegated = [\"act\"] }]\nadmin_consent = true\n";
const FRONT: &str = "a0000000-0000-4000-8000-00000000000c";

async fn swap(t: &Contoso, client: &str, assertion: &str) -> Reply {
    t.token(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", client),
        ("client_secret", SECRET),
        ("assertion", assertion),
        ("scope", "https://api.powerplatform.com/.default offline_access"),
    ])
    .await
}

async fn refreshed(t: &Contoso, token: &str) -> Reply {
    let fields = [("grant_type", "refresh_token"), ("client_id", API), ("client_secret", SECRET)];
    t.token(&[&fields[..], &[("refresh_token", token)]].concat()).await
}

#[tokio::test]
async fn the_users_token_is_swapped_for_one_of_the_api_behind() {
    let t = Contoso::with("", TABLES).await;
    let front = t.by_password(FRONT, "ada", "api://middle/act openid").await;
    let token = front.access_token();
    let claims = swap(&t, API, &token).await.claims();
    assert_eq!((&claims["appid"], &claims["aud"]), (&API.into(), &PLATFORM.into()));
    assert_eq!(claims["oid"], part(&token, 1)["oid"]);

    assert_eq!(swap(&t, CONFIDENTIAL, &token).await.no(), "400 invalid_grant 500131");
    let id_token = front.good()["id_token"].as_str().unwrap().to_owned();
    assert_eq!(swap(&t, API, &id_token).await.no(), "400 invalid_grant 240002");
    let application = t.by_secret(CONFIDENTIAL, SECRET, "api://middle").await.access_token();
    assert_eq!(swap(&t, API, &application).await.no(), "400 unauthorized_client 7000114");
    let elsewhere = t.by_password(PUBLIC, "ada", &format!("{PLATFORM}/.default")).await.access_token();
    assert_eq!(swap(&t, API, &elsewhere).await.no(), "400 invalid_grant 500131");
    assert_eq!(swap(&t, API, "not.a.token").await.no(), "400 invalid_grant 500132");
    let (head, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", elsewhere.rsplit_once('.').unwrap().1);
    assert_eq!(swap(&t, API, &forged).await.no(), "400 invalid_grant 50013");
    t.later(24 * 3600);
    assert_eq!(swap(&t, API, &token).await.no(), "400 invalid_grant 500133");
}

#[tokio::test]
async fn acting_for_somebody_makes_their_sign_in_no_younger() {
    let t = Contoso::with("sign_in_frequency_hours = 1", TABLES).await;
    let first = t.by_password(FRONT, "ada", "api://middle/act offline_access").await.good();
    t.later(3500);
    let kept = ("refresh_token", first["refresh_token"].as_str().unwrap());
    let token = t.token(&[("grant_type", "refresh_token"), ("client_id", FRONT), kept]).await.access_token();
    let swapped = swap(&t, API, &token).await.good();
    let kept = swapped["refresh_token"].as_str().unwrap();
    t.later(99);
    refreshed(&t, kept).await.good();
    t.later(1);
    assert_eq!(refreshed(&t, kept).await.no(), "400 invalid_grant 70043");
    // Nor does the token itself, which goes on for a while, give another.
    assert_eq!(swap(&t, API, &token).await.no(), "400 invalid_grant 70043");
}

#[tokio::test]
async fn a_middle_tier_gets_no_further_than_what_the_user_showed_at_sign_in() {
    let policy = format!("require_mfa = [\"app:{API}\"]");
    let t = Contoso::with(&policy, &format!("{TABLES}{}", somebody())).await;
    let browser = Browser::new(&t);
    let mine = query(FRONT, &[("scope", "api://middle/act")]);
    let page = browser.sign_in(&mine, "mfa", PASSWORD).await;
    let weak = back(&Browser::new(&t).sign_in(&mine, "ada", PASSWORD).await)["code"].clone();
    assert!(page.text().contains("name=\"otc\""));
    let strong = back(&browser.submit(&page, &[("otc", &code_at(NOW.seconds()))]).await)["code"].clone();
    let redeem = async |code: &str| {
        let mut fields = redemption(code);
        fields[1].1 = FRONT;
        t.token(&fields).await.access_token()
    };
    let (weak, strong) = (redeem(&weak).await, redeem(&strong).await);
    assert_eq!(part(&strong, 1).get("amr"), None);
    assert_eq!(swap(&t, API, &weak).await.no(), "400 invalid_grant 50079");
    assert_eq!(swap(&t, API, &strong).await.claims()["amr"], json!(["pwd", "mfa"]));
}

#[tokio::test]
async fn userinfo_repeats_the_id_tokens_subject_and_wants_openid() {
    let t = Contoso::start().await;
    t.consent_to(PUBLIC, "00000003-0000-0000-c000-000000000000", &["User.Read"]).await;
    let scope = "https://graph.microsoft.com/User.Read openid profile";
    let reply = t.by_password(PUBLIC, "ada", scope).await;
    let id_token = part(reply.good()["id_token"].as_str().unwrap(), 1);
    for path in ["/oidc/userinfo".to_owned(), format!("/{TENANT}/openid/userinfo")] {
        let body = t.get(&path, &reply.access_token()).await.good();
        assert_eq!((&body["sub"], &body["name"]), (&id_token["sub"], &"Ada Example".into()), "{path}");
        assert_eq!(body["email"], "ada@contoso.example");
    }
    let without = t.by_password(PUBLIC, "ada", "https://graph.microsoft.com/User.Read").await.access_token();
    assert_eq!(t.get("/oidc/userinfo", &without).await.status, 401);
    let application = t.by_secret(CONFIDENTIAL, SECRET, "https://graph.microsoft.com").await.access_token();
    assert_eq!(t.get("/oidc/userinfo", &application).await.status, 401);
    assert_eq!(t.get("/oidc/userinfo", "").await.status, 401);
}
