//! Who the client is and what it proves itself with (4.3 of the reference).

use super::*;
use carnet_tests::{AZURE_CLI, CONFIDENTIAL, NOW, PUBLIC, SECRET, UNCONSENTED, UNREGISTERED};
use carnet_wire::{jose::SigningKey, secret::SecretBytes};

const NO: &str = "401 invalid_client";
/// Proves itself with a certificate.
const SIGNS: &str = "a0000000-0000-4000-8000-0000000000c1";
/// Proves itself with an outside issuer's token.
const TRUSTS: &str = "a0000000-0000-4000-8000-0000000000c2";
const ISSUER: &str = "https://issuer.example";
const TABLES: &str = "[[application]]\nname = \"signs\"\nclient_id = \"a0000000-0000-4000-8000-0000000000c1\"\n\
    certificates = [\"cert.pem\"]\n\
    [[application]]\nname = \"trusts\"\nclient_id = \"a0000000-0000-4000-8000-0000000000c2\"\n\
    federated = [{ name = \"demo\", issuer = \"https://issuer.example\", subject = \"demo\", audience = \"api://AzureADTokenExchange\" }]\n";

/// A key, and a tenant in which an application has its certificate.
async fn contoso() -> (Contoso, SigningKey) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["codes".into()]).unwrap();
    params.not_before = NOW.plus_seconds(-86_400).date_time();
    params.not_after = NOW.plus_seconds(365 * 86_400).date_time();
    let made = params.self_signed(&pair).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cert.pem"), made.pem()).unwrap();
    let key = SigningKey::new(&SecretBytes::new(pair.serialize_der()), made.der()).unwrap();
    (Contoso::over(folder, "", &format!("{APPLICATIONS}\n{TABLES}")).await, key)
}

/// An assertion that is right for the application with the certificate, with changes; null takes a claim away.
fn assertion(key: &SigningKey, changes: &[(&str, Value)]) -> String {
    let now = NOW.seconds();
    let mut claims = json!({
        "iss": SIGNS, "sub": SIGNS, "aud": format!("https://localhost:8443/{TENANT}/v2.0"),
        "iat": now, "nbf": now, "exp": now + 600, "jti": "1",
    });
    for (name, value) in changes {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(*name)),
            value => claims[*name] = value.clone(),
        }
    }
    key.sign(Version::V2, claims.to_string().as_bytes()).unwrap()
}

async fn prove(t: &Contoso, client: &str, assertion: &str) -> Reply {
    t.token(&[
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("scope", SCOPE),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", assertion),
    ])
    .await
}

pub(super) async fn rows(table: &mut Table) {
    let (t, key) = contoso().await;
    clients(table, &t).await;
    secrets(table, &t).await;
    certificates(table, &t, &key).await;
    outside_issuers(table, &t, &key).await;
    switched_off(table).await;
}

async fn clients(table: &mut Table, t: &Contoso) {
    let stranger = t.by_secret("a0000000-0000-4000-8000-00000000dead", SECRET, "x").await;
    table.add(700_016, "an application that nobody knows", "400 unauthorized_client", &stranger);
    let public = password(t, "ada", &[("client_secret", SECRET)]).await;
    table.add(700_025, "a public client with a secret", NO, &public);
    let fields = [("client_id", CONFIDENTIAL), ("scope", SCOPE)];
    let device = t.form(&format!("/{TENANT}/oauth2/v2.0/devicecode"), &fields).await;
    table.add(90_136, "a device code for a confidential client", "400 unauthorized_client", &device);
    let mut both = form(
        &format!("/{TENANT}/oauth2/v2.0/token"),
        &[("grant_type", "client_credentials"), ("client_id", PUBLIC), ("scope", SCOPE)],
    );
    // `a0000000-0000-4000-8000-000000000002:s`
    let basic = "Basic YTAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAyOnM=";
    both.headers_mut().insert("authorization", http::HeaderValue::from_static(basic));
    table.add(7_000_110, "two client ids", NO, &t.send(both).await);
}

async fn secrets(table: &mut Table, t: &Contoso) {
    let ask = async |secret: &str| t.by_secret(CONFIDENTIAL, secret, "https://api.powerplatform.com").await;
    ask(SECRET).await.good();
    table.add(7_000_215, "a wrong secret", NO, &ask("wrong").await);
    table.add(7_000_222, "a secret that is over", NO, &ask("s3cret-value~old").await);
    let fields = [("grant_type", "client_credentials"), ("client_id", CONFIDENTIAL), ("scope", SCOPE)];
    table.add(7_000_216, "an application's token without a credential", NO, &t.token(&fields).await);
    let none = password(t, "ada", &[("client_id", CONFIDENTIAL)]).await;
    table.add(7_000_218, "a confidential client without a credential", NO, &none);
    let swap = |client| {
        [
            ("grant_type", ON_BEHALF),
            ("requested_token_use", "on_behalf_of"),
            ("client_id", client),
            ("assertion", "x"),
            ("scope", SCOPE),
        ]
    };
    table.add(7_000_219, "on behalf of a user without a credential", NO, &t.token(&swap(API)).await);
    let cli = t.token(&swap(AZURE_CLI)).await;
    table.add(7_000_113, "Microsoft's command line on behalf of a user", "400 unauthorized_client", &cli);
    let own = t.by_secret(CONFIDENTIAL, SECRET, "api://middle").await.access_token();
    let fields = [&swap(API)[..], &[("client_secret", SECRET)]].concat();
    let own = t.token(&changed(&fields, &[("assertion", &own)])).await;
    table.add(7_000_114, "on behalf of an application", "400 unauthorized_client", &own);
}

async fn certificates(table: &mut Table, t: &Contoso, key: &SigningKey) {
    prove(t, SIGNS, &assertion(key, &[])).await.good();
    let (now, other) = (NOW.seconds(), json!(PUBLIC));
    for (code, trigger, changes) in [
        (700_021, "an assertion of another application", &[("iss", other.clone()), ("sub", other)][..]),
        (700_022, "an assertion without a subject", &[("sub", Value::Null)]),
        (50_048, "an assertion whose subject is not its issuer", &[("sub", json!("x"))]),
        (700_023, "an assertion for another server", &[("aud", json!("https://evil.example/v2.0"))]),
        (700_024, "an assertion that is over", &[("nbf", json!(now - 7200)), ("exp", json!(now - 3600))]),
    ] {
        table.add(code, trigger, NO, &prove(t, SIGNS, &assertion(key, changes)).await);
    }
    let none = prove(t, CONFIDENTIAL, &assertion(key, &[("iss", json!(CONFIDENTIAL))])).await;
    table.add(700_026, "an assertion where there is no certificate", NO, &none);
    let good = assertion(key, &[]);
    let (head, _) = good.rsplit_once('.').unwrap();
    table.add(
        700_027,
        "an assertion with a wrong signature",
        NO,
        &prove(t, SIGNS, &format!("{head}.AAAA")).await,
    );
    table.add(50_027, "an assertion that cannot be read", NO, &prove(t, SIGNS, "x").await);
}

async fn outside_issuers(table: &mut Table, t: &Contoso, key: &SigningKey) {
    let right =
        [("iss", json!(ISSUER)), ("sub", json!("demo")), ("aud", json!("api://AzureADTokenExchange"))];
    let with = |changes: &[(&str, Value)]| {
        let all: Vec<_> = right.iter().chain(changes).cloned().collect();
        assertion(key, &all)
    };
    for (code, trigger, changes) in [
        (70_021, "an outside token without a subject", ("sub", Value::Null)),
        (700_211, "an outside token of another issuer", ("iss", json!("https://other.example"))),
        (700_213, "an outside token with another subject", ("sub", json!("other"))),
        (7_002_121, "an outside token for another audience", ("aud", json!("other"))),
    ] {
        table.add(code, trigger, NO, &prove(t, TRUSTS, &with(&[changes])).await);
    }
    table.add(
        70_025,
        "an outside token where nobody is trusted",
        NO,
        &prove(t, CONFIDENTIAL, &with(&[])).await,
    );
    let own = t.by_secret(CONFIDENTIAL, SECRET, "https://graph.microsoft.com").await.access_token();
    table.add(700_222, "one of our own tokens as an outside one", NO, &prove(t, TRUSTS, &own).await);
    let own = t.graph_token("ada").await;
    table.add(700_229, "one of our users' tokens as an outside one", NO, &prove(t, TRUSTS, &own).await);
}

/// Switches at Graph, each in a row's own application.
async fn switched_off(table: &mut Table) {
    let t = Contoso::with("", "").await;
    let platform = "8578e004-a5c6-46e7-913e-12f58912df43";
    let principal = async |app: &str| {
        let path = format!("/v1.0/servicePrincipals(appId='{app}')");
        let token = t.graph_token("admin").await;
        t.get(&path, &token).await.good()["id"].as_str().unwrap().to_owned()
    };
    switch(&t, UNCONSENTED, "accountEnabled", false).await;
    let off = t.by_password(UNCONSENTED, "ada", SCOPE).await;
    table.add(7_000_112, "an application that is switched off", "400 unauthorized_client", &off);
    let path = format!("/v1.0/servicePrincipals/{}", principal(UNREGISTERED).await);
    let _ = administer(&t, "DELETE", &path, Value::Null).await;
    let gone = t.by_secret(UNREGISTERED, SECRET, "https://graph.microsoft.com").await;
    table.add(7_000_229, "an application without a service principal", NO, &gone);
    t.change_principal(platform, |it| it.enabled = false).await;
    let resource = t.by_password(PUBLIC, "ada", SCOPE).await;
    table.add(500_014, "an API that is switched off", "400 invalid_resource", &resource);
    let pac = "9cee029c-6210-4654-90bb-17e6e9d36617";
    t.change_principal(pac, |it| it.enabled = false).await;
    let theirs = t.by_password(pac, "ada", "https://service.powerapps.com/.default").await;
    table.add(7_000_116, "a client of Microsoft's that is switched off", "400 unauthorized_client", &theirs);
}
