//! Every refusal of the token service that can be met, each provoked through HTTP: one table of code, trigger and
//! answer (`cargo nextest run -E 'test(every_refusal)' --no-capture` prints it). The files beside this one hold the
//! rows, by the sections of the reference.

mod accounts;
mod credentials;
mod grants;

mod pages;
mod parameters;
mod permissions;
mod service;
mod tenants;
mod unreached;

use carnet_tests::{
    Contoso, FABRIKAM, PASSWORD, Reply, TENANT,
    browser::{BACK, Browser, VERIFIER},
    form, percent,
    setup::Setup,
};
use carnet_wire::{
    aadsts::{self, error_for},
    percent::decode_text,
    pkce::Verifier,
    token::request::Version,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};

/// How many codes the table holds at least.
const ENOUGH: usize = 120;

/// The Power Platform API, all that was consented to.
const SCOPE: &str = "https://api.powerplatform.com/.default";
/// The same with a refresh token.
const LASTING: &str = "https://api.powerplatform.com/.default offline_access";
/// RFC 7523, 2.2.
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// RFC 7523, 8.1.
const ON_BEHALF: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Signs people in on pages; everyone consented.
const PAGES: &str = "a0000000-0000-4000-8000-0000000000b1";
/// The same, with two redirect URIs and a secret, and nobody consented.
const ASKS: &str = "a0000000-0000-4000-8000-0000000000b2";
/// For personal accounts only.
const PERSONAL: &str = "a0000000-0000-4000-8000-0000000000b3";
/// For accounts of every kind.
const ANYONE: &str = "a0000000-0000-4000-8000-0000000000b4";
/// Takes passwords, lists nothing and is registered nowhere.
const BARE: &str = "a0000000-0000-4000-8000-0000000000b5";
/// An API with a secret.
const API: &str = "a0000000-0000-4000-8000-0000000000b6";
/// Takes passwords, for the API.
const FRONT: &str = "a0000000-0000-4000-8000-0000000000b7";
/// A single-page application.
const SPA: &str = "a0000000-0000-4000-8000-0000000000b8";
/// Its table.
const SPA_TABLE: &str = "[[application]]\nname = \"spa\"\nclient_id = \"a0000000-0000-4000-8000-0000000000b8\"\n\
    redirect_uris = { spa = [\"https://spa.example/cb\"] }\n\
    permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }]\n\
    admin_consent = true\n";

/// An API of the first edition, for work accounts.
const LEGACY: &str = "api://legacy/act";
/// Its applications, beside the usual ones.
const APPLICATIONS: &str = include_str!("applications.toml");

/// The table under way.
#[derive(Default)]
struct Table {
    rows: Vec<Row>,
}

/// One refusal.
struct Row {
    code: u32,
    trigger: &'static str,
    /// What is expected: `400 invalid_grant`, `back login_required`, `page` or `alert`.
    expected: &'static str,
    /// The edition that was asked.
    version: Version,
    status: u16,
    told: String,
}

impl Table {
    /// A refusal of the v2.0 edition.
    fn add(&mut self, code: u32, trigger: &'static str, expected: &'static str, reply: &Reply) {
        self.push(Version::V2, (code, trigger, expected), reply);
    }

    /// A refusal of the v1.0 edition.
    fn add_v1(&mut self, code: u32, trigger: &'static str, expected: &'static str, reply: &Reply) {
        self.push(Version::V1, (code, trigger, expected), reply);
    }

    fn push(
        &mut self,
        version: Version,
        (code, trigger, expected): (u32, &'static str, &'static str),
        reply: &Reply,
    ) {
        let (status, told) = (reply.status, told(reply));
        self.rows.push(Row { code, trigger, expected, version, status, told });
    }
}

impl Row {
    /// The row of the table that both halves use says the same of the code.
    fn check(&self) {
        let Self { code, trigger, expected, version, told, .. } = self;
        assert_eq!(*told, format!("{expected} {code}"), "AADSTS{code}: {trigger}");
        let row = aadsts::find(*code).unwrap_or_else(|| panic!("AADSTS{code} has no row"));
        match expected.split_once(' ') {
            // An authorization answer has no `invalid_grant` (RFC 6749, 4.1.2.1).
            Some(("back", "login_required" | "interaction_required")) if row.error == "invalid_grant" => {}
            Some(("back", error)) => assert_eq!(error, error_for(row, *version), "AADSTS{code}"),
            Some((status, error)) => {
                assert_eq!(
                    (status, error),
                    (&*row.status.to_string(), error_for(row, *version)),
                    "AADSTS{code}"
                );
            }
            None => assert!(["page", "alert"].contains(expected), "AADSTS{code}"),
        }
    }
}

/// What an answer says: status, error and number of a body; error and number of what went back to the client; the
/// number on a page that ends the sign-in, or in a page that goes on.
fn told(reply: &Reply) -> String {
    if reply.status == 303 {
        let fields = back(reply);
        let text = fields.get("error_description").unwrap_or_else(|| panic!("a code came back: {fields:?}"));
        return format!("back {} {}", fields["error"], number(text));
    }
    let text = String::from_utf8_lossy(&reply.body);
    if !reply.header("content-type").starts_with("text/html") {
        return if reply.status < 400 { format!("{} {text}", reply.status) } else { reply.no() };
    }
    let form = if reply.status >= 400 { "page" } else { "alert" };
    format!("{form} {}", number(&text))
}

fn number(text: &str) -> String {
    let digits = text.split("AADSTS").nth(1).unwrap_or_else(|| panic!("no number: {text}"));
    digits.chars().take_while(char::is_ascii_digit).collect()
}

/// The fields that went back to the client.
fn back(reply: &Reply) -> BTreeMap<String, String> {
    let (_, fields) = reply.header("location").split_once(['?', '#']).unwrap_or_else(|| panic!("{reply:?}"));
    let pairs = fields.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), decode_text(value, true).unwrap())).collect()
}

/// A sign-in for an application, with changes; an empty value takes a field away.
fn query(client: &str, changes: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let challenge = Verifier::parse(VERIFIER).unwrap().challenge();
    let mut all = vec![
        ("client_id", client.to_owned()),
        ("response_type", "code".into()),
        ("redirect_uri", BACK.into()),
        ("scope", LASTING.into()),
        ("code_challenge", challenge.as_str().to_owned()),
        ("code_challenge_method", "S256".into()),
    ];
    all.retain(|(name, _)| !changes.iter().any(|(other, _)| name == other));
    let more = changes.iter().filter(|(_, value)| !value.is_empty());
    all.extend(more.map(|(name, value)| (*name, (*value).to_owned())));
    all
}

/// The path of a sign-in over a tenant segment.
fn authorize(tenant: &str, query: &[(&'static str, String)]) -> String {
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    format!("/{tenant}/oauth2/v2.0/authorize?{}", query.join("&"))
}

/// Opens a sign-in over a tenant segment in a browser.
async fn open(browser: &Browser<'_>, tenant: &str, client: &str, changes: &[(&'static str, &str)]) -> Reply {
    browser.get(&authorize(tenant, &query(client, changes))).await
}

/// Signs somebody in with everyone's password.
async fn sign_in(browser: &Browser<'_>, user: &str, client: &str, changes: &[(&'static str, &str)]) -> Reply {
    let account = open(browser, TENANT, client, changes).await;
    let name = format!("{user}@contoso.example");
    let asked = browser.submit(&account, &[("username", &name)]).await;
    browser.submit(&asked, &[("passwd", PASSWORD)]).await
}

/// A code for an application, with changes to its sign-in.
async fn code(t: &Contoso, client: &str, changes: &[(&'static str, &str)]) -> String {
    back(&sign_in(&Browser::new(t), "ada", client, changes).await)["code"].clone()
}

/// Redeems a code, with changes; an empty value takes a field away.
async fn redeem(t: &Contoso, code: &str, changes: &[(&'static str, &str)]) -> Reply {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", PAGES),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    t.token(&changed(&fields, changes)).await
}

/// Redeems a refresh token over a tenant segment.
async fn refresh(t: &Contoso, tenant: &str, client: &str, token: &str) -> Reply {
    let fields = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
    t.form(&format!("/{tenant}/oauth2/v2.0/token"), &fields).await
}

/// Asks with a password, with changes.
async fn password(t: &Contoso, user: &str, changes: &[(&'static str, &str)]) -> Reply {
    let name = format!("{user}@contoso.example");
    let fields = [
        ("grant_type", "password"),
        ("client_id", PAGES),
        ("scope", LASTING),
        ("username", &name),
        ("password", PASSWORD),
    ];
    t.token(&changed(&fields, changes)).await
}

/// The refresh token of an answer.
fn refresh_token(reply: &Reply) -> String {
    reply.good()["refresh_token"].as_str().unwrap().to_owned()
}

/// Fields with changes. An empty value takes a field away; a space stands for one that is sent empty.
fn changed<'a>(
    fields: &[(&'static str, &'a str)],
    changes: &[(&'static str, &'a str)],
) -> Vec<(&'static str, &'a str)> {
    let kept = fields.iter().filter(|(name, _)| !changes.iter().any(|(other, _)| name == other));
    let more = changes.iter().filter(|(_, value)| !value.is_empty());
    kept.chain(more).map(|(name, value)| (*name, if *value == " " { "" } else { *value })).collect()
}

/// Asks the v1.0 token endpoint of a tenant segment.
async fn first_edition(t: &Contoso, tenant: &str, fields: &[(&str, &str)]) -> Reply {
    t.send(form(&format!("/{tenant}/oauth2/token"), fields)).await
}

/// Changes something at Graph as its administrator.
async fn administer(t: &Contoso, method: &str, path: &str, body: Value) -> Reply {
    let token = t.graph_token("admin").await;
    let reply = t.call(method, path, &token, body).await;
    assert!(reply.status < 300, "{method} {path}: {reply:?}");
    reply
}

/// Sets a switch of an application's service principal.
async fn switch(t: &Contoso, app: &str, name: &str, value: bool) {
    let path = format!("/v1.0/servicePrincipals(appId='{app}')");
    let _ = administer(t, "PATCH", &path, json!({ name: value })).await;
}

#[tokio::test]
#[expect(clippy::disallowed_macros, reason = "the table is for whoever runs this test alone")]
async fn every_refusal_is_provoked_and_looks_as_its_row_says() {
    let mut table = Table::default();
    tenants::rows(&mut table).await;
    parameters::rows(&mut table).await;
    pages::rows(&mut table).await;
    credentials::rows(&mut table).await;
    grants::rows(&mut table).await;
    accounts::rows(&mut table).await;
    permissions::rows(&mut table).await;
    service::rows(&mut table).await;
    for row in &table.rows {
        let (_, error) = row.expected.split_once(' ').unwrap_or(("", row.expected));
        println!("{:>7}  {}  {error:<25}  {}", row.code, row.status, row.trigger);
    }
    println!("{} codes", table.rows.len());
    let mut seen = HashSet::new();
    for row in &table.rows {
        assert!(seen.insert(row.code), "AADSTS{} stands twice", row.code);
        row.check();
    }
    assert!(seen.len() >= ENOUGH, "{} codes", seen.len());
    for (code, why) in unreached::all() {
        assert!(seen.insert(code), "AADSTS{code} is provoked, or stands twice: {why}");
    }
    for row in aadsts::ALL {
        assert!(seen.contains(&row.number), "AADSTS{} is neither provoked nor explained", row.number);
    }
}
