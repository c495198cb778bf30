//! User tokens by password.

use carnet_tenant::credential::{Guarded, PasswordHash};
use carnet_tests::{
    AZURE_CLI, CONFIDENTIAL, Contoso, NOW, PASSWORD, PLATFORM, PUBLIC, SECRET, TENANT, UNCONSENTED,
};

const SCOPE: &str = "https://api.powerplatform.com/AppManagement.ApplicationPackages.Read";

async fn sign_in(t: &Contoso, user: &str, password: &str) -> String {
    let reply = t
        .token(&[
            ("grant_type", "password"),
            ("client_id", PUBLIC),
            ("scope", SCOPE),
            ("username", user),
            ("password", password),
        ])
        .await;
    if reply.status == 200 { "yes".into() } else { reply.no() }
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_look_the_same() {
    let t = Contoso::start().await;
    let ask = async |user: &str| {
        let fields = [("grant_type", "password"), ("client_id", PUBLIC), ("scope", SCOPE)];
        t.token(&[&fields[..], &[("username", user), ("password", "Wrong-horse-7")]].concat()).await
    };
    let (wrong, unknown) =
        (ask("ada@contoso.example").await.json(), ask("nobody@contoso.example").await.json());
    let without_ids = |body| carnet_tests::steady(body, &["trace_id", "correlation_id", "error_description"]);
    assert_eq!(wrong["error_codes"][0], 50126);
    assert_eq!(without_ids(wrong), without_ids(unknown));
    assert_eq!(sign_in(&t, "ADA@Contoso.Example", PASSWORD).await, "yes");
}

#[tokio::test]
async fn what_is_wrong_with_the_account_is_told_after_its_password_is_right() {
    let more = "[[user]]\nname = \"gone@contoso.example\"\npassword = \"Correct-horse-7\"\nenabled = false\n\
        [[user]]\nname = \"mfa@contoso.example\"\npassword = \"Correct-horse-7\"\ntotp = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"\n";
    let t = Contoso::with("", more).await;
    for (user, password, told) in [
        ("gone@contoso.example", "Wrong-horse-7", "400 invalid_grant 50126"),
        ("gone@contoso.example", PASSWORD, "400 invalid_grant 50057"),
        ("mfa@contoso.example", "Wrong-horse-7", "400 invalid_grant 50126"),
        ("mfa@contoso.example", PASSWORD, "400 invalid_grant 50076"),
        ("ada@contoso.example", PASSWORD, "yes"),
    ] {
        assert_eq!(sign_in(&t, user, password).await, told, "{user} {password}");
    }
}

#[tokio::test]
async fn ten_wrong_passwords_lock_the_account_for_a_minute() {
    let t = Contoso::start().await;
    for number in 0..10 {
        assert_eq!(
            sign_in(&t, "ada@contoso.example", &format!("Wrong-{number}")).await,
            "400 invalid_grant 50126"
        );
    }
    // A locked account says no more than a wrong password does.
    assert_eq!(sign_in(&t, "ada@contoso.example", PASSWORD).await, "400 invalid_grant 50126");
    assert_eq!(sign_in(&t, "admin@contoso.example", PASSWORD).await, "yes");
    t.later(61);
    assert_eq!(sign_in(&t, "ada@contoso.example", PASSWORD).await, "yes");
}

#[tokio::test]
async fn consent_is_asked_for_what_the_application_did_not_get() {
    let t = Contoso::start().await;
    assert_eq!(t.by_password(UNCONSENTED, "ada", SCOPE).await.no(), "400 invalid_grant 65001");
    let more = "https://api.powerplatform.com/AppManagement.ApplicationPackages.Install";
    assert_eq!(t.by_password(PUBLIC, "ada", more).await.no(), "400 invalid_grant 65001");
    let nonsense = "https://api.powerplatform.com/Nothing.Like.This";
    assert_eq!(t.by_password(PUBLIC, "ada", nonsense).await.no(), "400 invalid_client 650053");
    let claims = t.by_password(PUBLIC, "ada", SCOPE).await.claims();
    // One was asked for; the token holds all that were consented to.
    let all = "AppManagement.ApplicationPackages.Read EnvironmentManagement.Environments.Read";
    assert_eq!(claims["scp"], all);
    // Microsoft's own clients come with what they may ask for.
    t.by_password(AZURE_CLI, "ada", "https://graph.microsoft.com/.default").await.good();
}

#[tokio::test]
async fn the_default_scope_is_everything_that_was_consented_to() {
    let t = Contoso::start().await;
    let claims = t.by_password(PUBLIC, "ada", &format!("{PLATFORM}/.default")).await.claims();
    let all = "AppManagement.ApplicationPackages.Read EnvironmentManagement.Environments.Read";
    assert_eq!(claims["scp"], all);
}

#[tokio::test]
async fn a_confidential_client_may_not_use_a_password_without_its_credential() {
    let t = Contoso::start().await;
    let bare = [
        ("grant_type", "password"),
        ("client_id", CONFIDENTIAL),
        ("scope", "https://graph.microsoft.com/.default"),
        ("username", "ada@contoso.example"),
        ("password", PASSWORD),
    ];
    assert_eq!(t.token(&bare).await.no(), "401 invalid_client 7000218");
    let public = [&bare[..], &[("client_secret", SECRET)]].concat();
    let public: Vec<_> =
        public.into_iter().map(|it| if it.0 == "client_id" { ("client_id", PUBLIC) } else { it }).collect();
    assert_eq!(t.token(&public).await.no(), "401 invalid_client 700025");
    let proven = [&bare[..], &[("client_secret", SECRET)]].concat();
    assert_eq!(t.token(&proven).await.no(), "400 unauthorized_client 650056");
}

#[tokio::test]
async fn a_tenant_may_forbid_passwords() {
    let t = Contoso::with("password_grant = false", "").await;
    assert_eq!(sign_in(&t, "ada@contoso.example", PASSWORD).await, "400 invalid_grant 53003");
    t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.good();
}

#[tokio::test]
async fn the_users_domain_names_the_tenant_where_the_path_does_not() {
    let t = Contoso::start().await;
    let fields = |client| {
        [
            ("grant_type", "password"),
            ("client_id", client),
            ("scope", "https://graph.microsoft.com/.default"),
            ("username", "ada@contoso.example"),
            ("password", PASSWORD),
        ]
    };
    t.form("/organizations/oauth2/v2.0/token", &fields(AZURE_CLI)).await.good();
    t.form("/contoso.example/oauth2/v2.0/token", &fields(AZURE_CLI)).await.good();
    let over_common = t.form("/common/oauth2/v2.0/token", &fields(AZURE_CLI)).await;
    assert_eq!(over_common.no(), "400 invalid_request 9001023");
    // An application of one tenant is asked for in that tenant.
    let single = t.form("/organizations/oauth2/v2.0/token", &fields(PUBLIC)).await;
    assert_eq!(single.no(), "400 invalid_request 50194");
    let fields = fields(AZURE_CLI);
    assert_eq!(
        t.form("/fabrikam.example/oauth2/v2.0/token", &fields).await.no(),
        "400 invalid_request 90002"
    );
}

#[tokio::test]
async fn the_first_edition_takes_a_resource() {
    let t = Contoso::start().await;
    let path = format!("/{TENANT}/oauth2/token");
    let fields = [
        ("grant_type", "password"),
        ("client_id", PUBLIC),
        ("username", "ada@contoso.example"),
        ("password", PASSWORD),
    ];
    let body = t.form(&path, &[&fields[..], &[("resource", PLATFORM)]].concat()).await.good();
    assert_eq!((&body["resource"], &body["expires_on"]), (&PLATFORM.into(), &expires(&body).into()));
    let elsewhere = [&fields[..], &[("resource", "https://nowhere.example")]].concat();
    assert_eq!(t.form(&path, &elsewhere).await.no(), "400 invalid_resource 500011");
}

fn expires(body: &serde_json::Value) -> String {
    let seconds: i64 = body["expires_in"].as_str().unwrap().parse().unwrap();
    (NOW.seconds() + seconds + 1).to_string()
}

#[tokio::test]
async fn an_older_hash_is_renewed_at_the_next_success_and_at_no_failure() {
    // "Correct-horse-7" with 8 MiB and one pass.
    const OLDER: &str =
        "$argon2id$v=19$m=8192,t=1,p=1$YW4gb2xkZXIgc2FsdCAxNg$yM5Lc/MvtyalOv9sjTC75BOE/UqO7F5gsEgzgfUFi5k";
    let t = Contoso::start().await;
    let tenant = TENANT.parse().unwrap();
    let ada = async || t.store.user_named(tenant, "ada@contoso.example").await.unwrap().unwrap();
    let hash = async || ada().await.password.as_ref().unwrap().0.expose().to_owned();
    let directory = t.store.directory(tenant).await.unwrap().unwrap();
    let older = PasswordHash(Guarded::new(OLDER.to_owned()));
    t.store.rehash(&directory, ada().await.as_ref(), older, NOW).await.unwrap();
    assert_eq!(sign_in(&t, "ada@contoso.example", "Wrong-horse-7").await, "400 invalid_grant 50126");
    assert_eq!(hash().await, OLDER);
    assert_eq!(sign_in(&t, "ada@contoso.example", PASSWORD).await, "yes");
    assert!(hash().await.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_eq!(sign_in(&t, "ada@contoso.example", PASSWORD).await, "yes");
}
