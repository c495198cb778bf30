//! Application tokens by client secret.

use carnet_tests::{AZURE_CLI, CONFIDENTIAL, Contoso, NOW, PLATFORM, PUBLIC, SECRET, TENANT, form};
use http::HeaderValue;

const NOBODY: &str = "a0000000-0000-4000-8000-00000000dead";

fn fields<'a>(client: &'a str, secret: &'a str, scope: &'a str) -> [(&'a str, &'a str); 4] {
    [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret), ("scope", scope)]
}

const SCOPE: &str = "https://api.powerplatform.com/.default";

#[tokio::test]
async fn the_right_secret_gives_a_token_and_the_nearest_wrong_ones_do_not() {
    let t = Contoso::start().await;
    let claims = t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.claims();
    assert_eq!((&claims["appid"], &claims["tid"]), (&CONFIDENTIAL.into(), &TENANT.into()));
    assert_eq!(claims["exp"].as_i64().unwrap() - NOW.seconds(), 3600);
    for (client, secret, no) in [
        (CONFIDENTIAL, "s3cret-value~goof", "401 invalid_client 7000215"),
        (CONFIDENTIAL, "s3cret-value~old", "401 invalid_client 7000222"),
        (CONFIDENTIAL, "", "401 invalid_client 7000216"),
        // The public-client switch counts for people's sign-ins: here it is an application without secrets.
        (PUBLIC, SECRET, "401 invalid_client 7000215"),
        (NOBODY, SECRET, "400 unauthorized_client 700016"),
        ("vault", SECRET, "400 unauthorized_client 700016"),
    ] {
        assert_eq!(t.by_secret(client, secret, PLATFORM).await.no(), no, "{client} {secret}");
    }
}

#[tokio::test]
async fn a_secret_ends_with_its_last_moment() {
    let t = Contoso::start().await;
    let end = carnet_wire::time::Timestamp::parse_iso("2099-01-01T00:00:00Z").unwrap();
    t.later(end.seconds() - NOW.seconds() - 1);
    t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.good();
    t.later(1);
    assert_eq!(t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.no(), "401 invalid_client 7000222");
}

#[tokio::test]
async fn nothing_proves_nothing() {
    let t = Contoso::start().await;
    let asked = [("grant_type", "client_credentials"), ("scope", SCOPE)];
    let confidential = [&asked[..], &[("client_id", CONFIDENTIAL)]].concat();
    assert_eq!(t.token(&confidential).await.no(), "401 invalid_client 7000216");
    let nobody = [&asked[..], &[("client_id", NOBODY)]].concat();
    assert_eq!(t.token(&nobody).await.no(), "400 unauthorized_client 700016");
    assert_eq!(t.token(&asked).await.no(), "400 invalid_request 900144");
    // Microsoft's own public client has no secret that could be right.
    assert_eq!(t.by_secret(AZURE_CLI, SECRET, PLATFORM).await.no(), "401 invalid_client 7000215");
}

#[tokio::test]
async fn the_secret_may_come_in_the_header_but_not_in_both_places() {
    let t = Contoso::start().await;
    let header = |id: &str, secret: &str| {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        HeaderValue::from_str(&format!("Basic {text}")).unwrap()
    };
    let ask = async |fields: &[(&str, &str)], value: HeaderValue| {
        let mut request = form(&format!("/{TENANT}/oauth2/v2.0/token"), fields);
        request.headers_mut().insert("authorization", value);
        t.send(request).await
    };
    let bare = [("grant_type", "client_credentials"), ("scope", SCOPE)];
    ask(&bare, header(CONFIDENTIAL, SECRET)).await.good();
    assert_eq!(ask(&bare, header(CONFIDENTIAL, "wrong")).await.no(), "401 invalid_client 7000215");
    let both = fields(CONFIDENTIAL, SECRET, SCOPE);
    assert!(ask(&both, header(CONFIDENTIAL, SECRET)).await.no().starts_with("400 invalid_request"));
    let other = [&bare[..], &[("client_id", PUBLIC)]].concat();
    assert_eq!(ask(&other, header(CONFIDENTIAL, SECRET)).await.no(), "401 invalid_client 7000110");
}

#[tokio::test]
async fn the_scope_names_one_resource_by_default() {
    let t = Contoso::start().await;
    let ask = async |scope: &str| t.token(&fields(CONFIDENTIAL, SECRET, scope)).await;
    // The id of the resource stands for its name.
    ask("8578e004-a5c6-46e7-913e-12f58912df43/.default").await.good();
    for (scope, no) in [
        ("https://api.powerplatform.com/AppManagement.ApplicationPackages.Read", "400 invalid_scope 1002012"),
        ("https://nowhere.example/.default", "400 invalid_resource 500011"),
        (
            "https://api.powerplatform.com/.default https://graph.microsoft.com/.default",
            "400 invalid_scope 28000",
        ),
    ] {
        assert_eq!(ask(scope).await.no(), no, "{scope}");
    }
}

#[tokio::test]
async fn every_answer_leaves_a_record_that_names_its_reason() {
    let t = Contoso::start().await;
    t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.good();
    assert_eq!(t.by_secret(CONFIDENTIAL, "wrong", PLATFORM).await.status, 401);
    let tenant = TENANT.parse().unwrap();
    let mut told: Vec<u32> =
        t.store.sign_ins(tenant, NOW, 10).await.unwrap().iter().map(|it| it.error).collect();
    told.sort_unstable();
    assert_eq!(told, [0, 7_000_215]);
}

#[tokio::test]
async fn strangers_are_counted_and_fill_no_log() {
    let t = Contoso::start().await;
    for _ in 0..3 {
        assert_eq!(t.by_secret(NOBODY, SECRET, PLATFORM).await.no(), "400 unauthorized_client 700016");
    }
    assert_eq!(t.store.sign_ins(TENANT.parse().unwrap(), NOW, 10).await.unwrap().len(), 0);
    t.store.flush_denials().await.unwrap();
    let counts = t.store.denial_counts(TENANT.parse().unwrap(), (NOW, NOW), 10).await.unwrap();
    assert_eq!(counts.iter().map(|it| (it.code, it.app, it.count)).collect::<Vec<_>>(), [(700_016, None, 3)]);
}
