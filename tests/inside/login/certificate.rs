//! Application tokens by an assertion signed with the application's certificate.

use carnet_tests::{Contoso, NOW, Reply, TENANT, certificate, client_key};
use carnet_wire::{entropy::SeededEntropy, jose::ClientKey, time::Timestamp};
use std::fs;

const CLIENT: &str = "a0000000-0000-4000-8000-000000000009";
const TABLE: &str = "[[application]]\nname = \"cert\"\nclient_id = \"a0000000-0000-4000-8000-000000000009\"\ncertificates = [\"cert.pem\"]\n";

fn audience() -> String {
    format!("https://localhost:8443/{TENANT}/oauth2/v2.0/token")
}

async fn contoso() -> (Contoso, ClientKey) {
    let (folder, key) = certificate();
    (Contoso::over(folder, "", TABLE).await, key)
}

/// Asks with an assertion of `key` for `audience`, made at `at` with this seed for its id.
async fn ask(t: &Contoso, key: &ClientKey, audience: &str, (at, seed): (Timestamp, u64)) -> Reply {
    let assertion = key.assertion(CLIENT.parse().unwrap(), audience, at, &SeededEntropy::new(seed)).unwrap();
    t.token(&[
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("scope", "https://api.powerplatform.com/.default"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.expose()),
    ])
    .await
}

#[tokio::test]
async fn the_registered_certificate_proves_the_application_and_a_foreign_one_does_not() {
    let (t, key) = contoso().await;
    let claims = ask(&t, &key, &audience(), (NOW, 1)).await.claims();
    assert_eq!((&claims["appid"], &claims["appidacr"]), (&CLIENT.into(), &"2".into()));
    let (foreign, _) = client_key(365);
    assert_eq!(ask(&t, &foreign, &audience(), (NOW, 2)).await.no(), "401 invalid_client 700027");
}

#[tokio::test]
async fn every_name_of_the_tenants_endpoint_is_its_audience_and_no_other() {
    let (t, key) = contoso().await;
    for (number, good) in [
        format!("https://localhost:8443/{TENANT}/oauth2/token"),
        format!("https://localhost:8443/{TENANT}/v2.0"),
        "https://localhost:8443/contoso.example/oauth2/v2.0/token".into(),
        format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"),
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(ask(&t, &key, good, (NOW, 10 + number as u64)).await.status, 200, "{good}");
    }
    for (number, bad) in [
        "https://localhost:8443/fabrikam.example/oauth2/v2.0/token".to_owned(),
        format!("https://evil.example/{TENANT}/oauth2/v2.0/token"),
        "https://localhost:8443".into(),
    ]
    .iter()
    .enumerate()
    {
        let told = ask(&t, &key, bad, (NOW, 20 + number as u64)).await.no();
        assert_eq!(told, "401 invalid_client 700023", "{bad}");
    }
}

#[tokio::test]
async fn an_assertion_lives_ten_minutes_and_five_of_grace() {
    let (t, key) = contoso().await;
    let at = |seconds: i64| NOW.plus_seconds(seconds);
    assert_eq!(ask(&t, &key, &audience(), (at(-899), 1)).await.status, 200);
    assert_eq!(ask(&t, &key, &audience(), (at(-901), 2)).await.no(), "401 invalid_client 700024");
    assert_eq!(ask(&t, &key, &audience(), (at(299), 3)).await.status, 200);
    assert_eq!(ask(&t, &key, &audience(), (at(301), 4)).await.no(), "401 invalid_client 700024");
}

#[tokio::test]
async fn a_short_assertion_may_come_again_unless_the_tenant_refuses() {
    let (t, key) = contoso().await;
    assert_eq!(ask(&t, &key, &audience(), (NOW, 1)).await.status, 200);
    assert_eq!(ask(&t, &key, &audience(), (NOW, 1)).await.status, 200);
    let (folder, key) = certificate();
    let strict = Contoso::over(folder, "assertion_replay = \"refuse\"", TABLE).await;
    assert_eq!(ask(&strict, &key, &audience(), (NOW, 1)).await.status, 200);
    assert_eq!(ask(&strict, &key, &audience(), (NOW, 1)).await.no(), "401 invalid_client 50027");
}

#[tokio::test]
async fn a_certificate_that_ended_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (key, pem) = client_key(-1);
    fs::write(folder.path().join("cert.pem"), pem).unwrap();
    let t = Contoso::over(folder, "", TABLE).await;
    assert_eq!(ask(&t, &key, &audience(), (NOW, 1)).await.no(), "401 invalid_client 700027");
}

#[tokio::test]
async fn what_is_no_assertion_is_said_to_be_none() {
    let (t, _) = contoso().await;
    let ask = async |kind: &str, text: &str| {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT),
            ("scope", "https://api.powerplatform.com/.default"),
            ("client_assertion_type", kind),
            ("client_assertion", text),
        ];
        t.token(&fields).await.no()
    };
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(ask(kind, "not.a.token").await, "401 invalid_client 50027");
    // `alg` none, and a symmetric key made of what is public.
    assert_eq!(ask(kind, "eyJhbGciOiJub25lIn0.e30.").await, "401 invalid_client 700027");
    assert_eq!(ask(kind, "eyJhbGciOiJIUzI1NiJ9.e30.AAAA").await, "401 invalid_client 700027");
    assert!(ask("urn:something:else", "a.b.c").await.starts_with("400 invalid_request"));
}
