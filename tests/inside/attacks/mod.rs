//! The attack catalogue (`docs/security.md`, 6.1 to 6.4) as it comes over the wire: one test a row, with its number
//! in its name. Each begins with what is allowed and differs least, so that the refusal proves something.

mod catalogue;
mod client_auth;
mod grants;
mod headers;
mod jwt;
mod keys;
mod names;
mod pages;
mod races;
mod redirects;
mod review_attempts;
mod review_flows;
mod review_growth;
mod review_http;
mod review_objects;
mod review_records;
mod review_rights;
mod tenants_and_audiences;

use carnet_http::clock::Clock;
use carnet_tenant::{
    change::{Change, Object, ObjectKey},
    user::User,
};
use carnet_tests::{
    CONFIDENTIAL, Contoso, ENVIRONMENT, NOW, PLATFORM, PUBLIC, Reply, SECRET, TENANT, form, setup::Setup,
    signer::Signer,
};
use serde_json::{Value, json};
use std::fs;

const GRAPH: &str = "https://graph.microsoft.com";
const ME: &str = "/v1.0/me";
const REGISTRATIONS: &str =
    "/providers/Microsoft.BusinessAppPlatform/adminApplications?api-version=2020-10-01";
const USERINFO: &str = "/oidc/userinfo";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ADA: &str = "c0000000-0000-4000-8000-000000000002";
/// An application that proves itself by a certificate.
const CERTIFIED: &str = "a0000000-0000-4000-8000-000000000009";

fn packages() -> String {
    format!("/appmanagement/environments/{ENVIRONMENT}/applicationPackages?api-version=2022-03-01-preview")
}

fn audience() -> String {
    format!("https://localhost:8443/{TENANT}/oauth2/v2.0/token")
}

/// Status and code word of an API's refusal.
fn refusal(reply: &Reply) -> String {
    let body = reply.json();
    let code = body["error"]["code"].as_str().or(body["code"].as_str()).unwrap_or_default();
    format!("{} {code}", reply.status)
}

/// A bearer token opens no API.
async fn opens_nothing(t: &Contoso, token: &str) {
    for path in [ME, &packages(), REGISTRATIONS] {
        assert_eq!(
            refusal(&t.get(path, token).await),
            "401 InvalidAuthenticationToken",
            "{path} {token:.200}"
        );
    }
    assert_eq!(t.get(USERINFO, token).await.status, 401, "{token:.200}");
}

/// A token of each API, with a path that it opens.
async fn tokens(t: &Contoso) -> [(String, String); 3] {
    let graph = t.graph_token("ada").await;
    let platform = t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.access_token();
    let bap = t.bap_token("admin").await;
    let all = [(graph, ME.to_owned()), (platform, packages()), (bap, REGISTRATIONS.to_owned())];
    for (token, path) in &all {
        assert_eq!(t.get(path, token).await.status, 200, "{path}");
    }
    all
}

/// The tenant with [`CERTIFIED`], whose key is given.
async fn certified(policy: &str) -> (Contoso, Signer) {
    let (setup, signer) = certified_setup(policy);
    (setup.start().await, signer)
}

fn certified_setup(policy: &str) -> (Setup, Signer) {
    let (folder, signer) = (tempfile::tempdir().unwrap(), Signer::default());
    fs::write(folder.path().join("cert.pem"), signer.pem()).unwrap();
    let table = format!(
        "[[application]]\nname = \"cert\"\nclient_id = \"{CERTIFIED}\"\ncertificates = [\"cert.pem\"]\n"
    );
    (Setup::new(policy, &table).over(folder), signer)
}

/// Claims of a sound assertion of [`CERTIFIED`].
fn claims() -> Value {
    let now = NOW.seconds();
    json!({ "iss": CERTIFIED, "sub": CERTIFIED, "aud": audience(), "jti": "1", "nbf": now, "iat": now, "exp": now + 600 })
}

/// Sound claims with one of them changed.
fn but(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

/// Asks for a token with an assertion.
async fn show(t: &Contoso, client: &str, assertion: &str) -> Reply {
    t.token(&showing(client, assertion)).await
}

fn showing<'a>(client: &'a str, assertion: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("scope", "https://api.powerplatform.com/.default"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ]
}

/// The answer has the shape of a denial: an OAuth error with a number, and nothing of the store or the code.
fn told(reply: &Reply) -> String {
    let text = reply.text();
    for word in ["sqlite", "select ", "panicked", ".rs:", "access_token\":"] {
        assert!(!text.to_lowercase().contains(word), "{word}: {text}");
    }
    reply.no()
}

/// The fields of an exchange of a refresh token of [`PUBLIC`].
fn refreshing(token: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "refresh_token"),
        ("client_id", PUBLIC),
        ("refresh_token", token),
        ("scope", "https://api.powerplatform.com/.default offline_access"),
    ]
}

/// A refresh token of [`PUBLIC`] and `ada`.
async fn refresh_token(t: &Contoso) -> String {
    let scope = "https://api.powerplatform.com/.default openid offline_access";
    refresh_of(&t.by_password(PUBLIC, "ada", scope).await)
}

fn refresh_of(reply: &Reply) -> String {
    reply.good()["refresh_token"].as_str().unwrap().to_owned()
}

/// Begins a sign-in on another device.
async fn device(t: &Contoso) -> Value {
    let fields = [("client_id", PUBLIC), ("scope", "https://api.powerplatform.com/.default offline_access")];
    t.form(&format!("/{TENANT}/oauth2/v2.0/devicecode"), &fields).await.good()
}

fn polling<'a>(client: &'a str, begun: &'a Value) -> [(&'a str, &'a str); 3] {
    [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", client),
        ("device_code", begun["device_code"].as_str().unwrap()),
    ]
}

/// Changes an account as an operator does who has no page for it.
async fn change_user(t: &Contoso, id: &str, change: impl FnOnce(&mut User)) {
    let tenant = TENANT.parse().unwrap();
    let seen = t.store.directory(tenant).await.unwrap().unwrap();
    let mut user = User::clone(&*t.store.user(tenant, id.parse().unwrap()).await.unwrap().unwrap());
    change(&mut user);
    let put = Change::Put(Object::User(user.into()));
    t.store.apply(&seen, (vec![put], vec![]), t.clock.now(), None).await.unwrap();
}

/// Removes an account.
async fn remove_user(t: &Contoso, id: &str) {
    let seen = t.store.directory(TENANT.parse().unwrap()).await.unwrap().unwrap();
    let gone = Change::Remove(ObjectKey::User(id.parse().unwrap()));
    t.store.apply(&seen, (vec![gone], vec![]), t.clock.now(), None).await.unwrap();
}

/// Changes a registration at Graph.
async fn patch(t: &Contoso, app: &str, body: Value) -> Reply {
    let token = t.graph_token("admin").await;
    t.call("PATCH", &format!("/v1.0/applications(appId='{app}')"), &token, body).await
}

/// Switches an application's service principal.
async fn enable(t: &Contoso, app: &str, enabled: bool) {
    let token = t.graph_token("admin").await;
    let path = format!("/v1.0/servicePrincipals(appId='{app}')");
    assert_eq!(t.call("PATCH", &path, &token, json!({ "accountEnabled": enabled })).await.status, 204);
}

/// Posts a form to the token endpoint of a tenant.
async fn token_at(t: &Contoso, tenant: &str, fields: &[(&str, &str)]) -> Reply {
    t.send(form(&format!("/{tenant}/oauth2/v2.0/token"), fields)).await
}
