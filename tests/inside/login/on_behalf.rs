//! A middle tier that acts for a user, and userinfo.

use carnet_tests::{AZURE_CLI, CONFIDENTIAL, Contoso, PLATFORM, PUBLIC, Reply, SECRET, TENANT, part};

const API: &str = "a0000000-0000-4000-8000-00000000000b";
const TABLES: &str = "[[application]]\nname = \"api\"\nclient_id = \"a0000000-0000-4000-8000-00000000000b\"\n\
    secrets = [{ name = \"good\", value = \"s3cret-value~good\" }]\n\
    permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }]\n\
    admin_consent = true\n\
    exposes = { identifier_uris = [\"api://middle\"], scopes = [\"act\"], token_version = 2 }\n\
    [[application]]\nname = \"front\"\nclient_id = \"a0000000-0000-4000-8000-00000000000c\"\npublic_client = true\n\
    permissions = [{ api = \"api\", delegated = [\"act\"] }]\nadmin_consent = true\n";
const FRONT: &str = "a0000000-0000-4000-8000-00000000000c";

async fn swap(t: &Contoso, client: &str, assertion: &str) -> Reply {
    t.token(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", client),
        ("client_secret", SECRET),
        ("assertion", assertion),
        ("scope", "https://api.powerplatform.com/.default"),
    ])
    .await
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
async fn userinfo_repeats_the_id_tokens_subject_and_wants_openid() {
    let t = Contoso::start().await;
    let scope = "https://graph.microsoft.com/User.Read openid profile";
    let reply = t.by_password(AZURE_CLI, "ada", scope).await;
    let id_token = part(reply.good()["id_token"].as_str().unwrap(), 1);
    for path in ["/oidc/userinfo".to_owned(), format!("/{TENANT}/openid/userinfo")] {
        let body = t.get(&path, &reply.access_token()).await.good();
        assert_eq!((&body["sub"], &body["name"]), (&id_token["sub"], &"Ada Example".into()), "{path}");
        assert_eq!(body.get("email"), None);
    }
    let without =
        t.by_password(AZURE_CLI, "ada", "https://graph.microsoft.com/User.Read").await.access_token();
    assert_eq!(t.get("/oidc/userinfo", &without).await.status, 401);
    let application = t.by_secret(CONFIDENTIAL, SECRET, "https://graph.microsoft.com").await.access_token();
    assert_eq!(t.get("/oidc/userinfo", &application).await.status, 401);
    assert_eq!(t.get("/oidc/userinfo", "").await.status, 401);
}
