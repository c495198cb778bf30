//! Tenants, endpoints, kinds of accounts (4.1 of the reference).

use super::*;
use carnet_tests::{AZURE_CLI, CONFIDENTIAL, PUBLIC, SECRET};
use http::HeaderValue;

/// An application's request, which succeeds in its own tenant.
fn application() -> Vec<(&'static str, &'static str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("client_id", CONFIDENTIAL),
        ("client_secret", SECRET),
        ("scope", SCOPE),
    ]
}

pub(super) async fn rows(table: &mut Table) {
    let t = Setup::new("", APPLICATIONS).and(FABRIKAM).start().await;
    t.token(&application()).await.good();
    let at = async |tenant: &str| t.form(&format!("/{tenant}/oauth2/v2.0/token"), &application()).await;
    let bad = "400 invalid_request";
    table.add(90_002, "a tenant that nobody knows", bad, &at("nowhere.example").await);
    table.add(900_023, "a tenant segment that is no name", bad, &at("contoso").await);
    table.add(90_038, "a tenant of the US Government cloud", bad, &at("woodgrove.onmicrosoft.us").await);
    table.add(50_059, "an application's token over an alias", bad, &at("common").await);
    discovery(table, &t).await;
    kinds_of_accounts(table, &t).await;
    apis_for_work(table, &t).await;
    restrictions(table, &t).await;
}

async fn discovery(table: &mut Table, t: &Contoso) {
    let foreign = percent("https://evil.example/common/oauth2/v2.0/authorize");
    for (code, trigger, expected, query) in [
        (
            50_049,
            "discovery of a foreign host",
            "400 invalid_instance",
            format!("authorization_endpoint={foreign}"),
        ),
        (50_050, "discovery without an address", "400 invalid_request", "api-version=1.1".to_owned()),
    ] {
        let reply = t.get(&format!("/common/discovery/instance?{query}"), "").await;
        table.add(code, trigger, expected, &reply);
    }
}

async fn kinds_of_accounts(table: &mut Table, t: &Contoso) {
    let browser = Browser::new(t);
    let hint = ("login_hint", "ada@contoso.example");
    for (code, trigger, tenant, client, hint) in [
        (
            50_128,
            "an account whose domain is no tenant's",
            "common",
            ANYONE,
            ("login_hint", "a@nowhere.example"),
        ),
        (50_194, "a single-tenant application over common", "common", PAGES, hint),
        (90_130, "Microsoft's command line over consumers", "consumers", AZURE_CLI, hint),
        (9_002_332, "a work application over consumers", "consumers", PAGES, hint),
        (500_208, "a work account over consumers", "consumers", ANYONE, hint),
    ] {
        table.add(code, trigger, "page", &open(&browser, tenant, client, &[hint]).await);
    }
    let page = open(&browser, TENANT, PAGES, &[]).await;
    let other = browser.submit(&page, &[("username", "ada@fabrikam.example")]).await;
    table.add(50_020, "an account of another tenant", "page", &other);
    let consent = format!("/common/v2.0/adminconsent?client_id={PAGES}&redirect_uri={}", percent(BACK));
    table.add(9_002_328, "everyone's consent in no tenant", "page", &browser.get(&consent).await);
    let personal = password(t, "ada", &[("client_id", PERSONAL)]).await;
    table.add(9_002_331, "an application for personal accounts", "400 invalid_request", &personal);

    let fields = [
        ("grant_type", "password"),
        ("client_id", PUBLIC),
        ("scope", SCOPE),
        ("username", "ada@contoso.example"),
        ("password", PASSWORD),
    ];
    let common = t.form("/common/oauth2/v2.0/token", &fields).await;
    table.add(9_001_023, "a password over common", "400 invalid_request", &common);
    let fields = [("grant_type", "refresh_token"), ("client_id", PUBLIC), ("refresh_token", "1.x")];
    let token = first_edition(t, "consumers", &fields).await;
    table.add_v1(90_027, "a v1.0 token over consumers", "400 invalid_request", &token);
    let path = format!("/consumers/oauth2/authorize?client_id={PAGES}&response_type=code&resource=x");
    table.add_v1(500_201, "a v1.0 sign-in over consumers", "page", &browser.get(&path).await);
}

/// An API for work accounts, where accounts of every kind sign in.
async fn apis_for_work(table: &mut Table, t: &Contoso) {
    let browser = Browser::new(t);
    assert!(back(&sign_in(&browser, "ada", ANYONE, &[("scope", LEGACY)]).await).contains_key("code"));
    let silent = [("scope", LEGACY), ("login_hint", "ada@contoso.example"), ("prompt", "none")];
    let common = open(&browser, "common", ANYONE, &silent).await;
    table.add(90_124, "an API for work accounts over common", "back invalid_resource", &common);
    let work = open(&browser, "organizations", ANYONE, &silent).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", ANYONE),
        ("code", &back(&work)["code"]),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    let redeemed = t.form("/common/oauth2/v2.0/token", &fields).await;
    assert_eq!(redeemed.no(), "400 invalid_resource 90124");
    t.form("/organizations/oauth2/v2.0/token", &fields).await.good();
}

async fn restrictions(table: &mut Table, t: &Contoso) {
    let all = async |header: &'static str, values: &[&'static str]| {
        let mut request = form(&format!("/{TENANT}/oauth2/v2.0/token"), &application());
        for value in values {
            request.headers_mut().append(header, HeaderValue::from_static(value));
        }
        t.send(request).await
    };
    let ask = async |header, value| all(header, &[value]).await;
    let (list, policy) = ("restrict-access-to-tenants", "sec-restrict-tenant-access-policy");
    ask(list, "fabrikam.example, Contoso.example").await.good();
    ask(policy, "b7a1c0de-0000-4000-8000-000000000001:one").await.good();
    let (fabrikam, denied) = ("fabrikam.example", "400 access_denied");
    table.add(
        500_021,
        "a network that lets people into another tenant only",
        denied,
        &ask(list, fabrikam).await,
    );
    // One's own header before the network's pushes nothing away.
    all(list, &["contoso.example", "contoso.example"]).await.good();
    for values in [["contoso.example", fabrikam], [fabrikam, "contoso.example"], ["contoso.example", ""]] {
        assert_eq!(all(list, &values).await.no(), "400 access_denied 500021", "{values:?}");
    }
    let ours = "b7a1c0de-0000-4000-8000-000000000001:one";
    for values in [[ours, "b7a1c0de-0000-4000-8000-000000000002:one"], [ours, ours], ["restrict-msa", ours]] {
        assert_eq!(all(policy, &values).await.no(), "400 access_denied 500022", "{values:?}");
    }
    let other = ask(policy, "b7a1c0de-0000-4000-8000-000000000002:one").await;
    table.add(500_022, "a network with another tenant's policy", denied, &other);
}
