//! Multi-tenant applications: people and administrators of another tenant of the server use them there, and what
//! becomes of them at home counts everywhere.

mod at_home;
mod visitors;

use carnet_tests::{
    AZURE_CLI, Contoso, FABRIKAM, NOW, OTHER_CONFIDENTIAL, OTHER_TENANT, PASSWORD, Reply, SECRET, TENANT,
    browser::{BACK, Browser, VERIFIER, back, number, query},
    certificate, part, percent,
    setup::Setup,
};
use carnet_wire::entropy::SeededEntropy;
use serde_json::{Value, json};

/// A public client for all organisations.
const MULTI: &str = "a0000000-0000-4000-8000-0000000000c1";
/// The same, for personal accounts too.
const EVERYBODYS: &str = "a0000000-0000-4000-8000-0000000000c2";
/// An API that proves itself and acts for its users, for all organisations.
const MIDDLE: &str = "a0000000-0000-4000-8000-0000000000c3";
/// The same as [`MIDDLE`], for Contoso alone.
const SINGLE: &str = "a0000000-0000-4000-8000-0000000000c4";
/// For personal accounts alone.
const PERSONAL: &str = "a0000000-0000-4000-8000-0000000000c5";
/// A single-page application for all organisations.
const SPA: &str = "a0000000-0000-4000-8000-0000000000c6";
const UNKNOWN: &str = "a0000000-0000-4000-8000-00000000dead";
const GRAPH: &str = "https://graph.microsoft.com";
const APP_ROLE: &str = "a0000000-0000-4000-8000-0000000000d2";
const ADMIN_AT_HOME: &str = "admin@contoso.example";

const APPLICATIONS: &str = r#"
[[application]]
name = "multi"
client_id = "a0000000-0000-4000-8000-0000000000c1"
public_client = true
implicit = { id_token = true, access_token = true }
audience = "AzureADMultipleOrgs"
redirect_uris = { public = ["http://localhost/back"] }
permissions = [{ api = "00000003-0000-0000-c000-000000000000", delegated = ["User.Read"] }]

[[application]]
name = "everybody's"
client_id = "a0000000-0000-4000-8000-0000000000c2"
public_client = true
audience = "AzureADandPersonalMicrosoftAccount"
redirect_uris = { public = ["http://localhost/back"] }
permissions = [{ api = "00000003-0000-0000-c000-000000000000", delegated = ["User.Read"] }]

[[application]]
name = "personal"
client_id = "a0000000-0000-4000-8000-0000000000c5"
public_client = true
audience = "PersonalMicrosoftAccount"
redirect_uris = { public = ["http://localhost/back"] }

[[application]]
name = "page"
client_id = "a0000000-0000-4000-8000-0000000000c6"
audience = "AzureADMultipleOrgs"
redirect_uris = { spa = ["https://spa.example/cb"] }
"#;

/// An application that is an API and a confidential client.
fn api(client: &str, audience: &str) -> String {
    format!(
        r#"
[[application]]
name = "middle of {audience}"
client_id = "{client}"
audience = "{audience}"
secrets = [{{ name = "good", value = "{SECRET}", expires = 2099-01-01 }}]
redirect_uris = {{ web = ["http://localhost:4711/back"] }}
permissions = [{{ api = "00000003-0000-0000-c000-000000000000", delegated = ["User.Read"], application = ["User.Read.All"] }}]
exposes = {{ identifier_uris = ["api://{client}"], scopes = ["act"], app_roles = [{{ name = "Do.All", id = "{APP_ROLE}" }}], token_version = 2 }}
"#
    )
}

fn tables() -> String {
    let single = api(SINGLE, "AzureADMyOrg").replace(APP_ROLE, "a0000000-0000-4000-8000-0000000000d3");
    [APPLICATIONS, &api(MIDDLE, "AzureADMultipleOrgs"), &single].concat()
}

async fn two() -> Contoso {
    Setup::new("", &tables()).and(FABRIKAM).start().await
}

/// On SQLite, and two nodes that take turns over PostgreSQL where a cluster is prepared.
async fn engines() -> Vec<Contoso> {
    let mut all = vec![two().await];
    if let Some(setup) = Setup::new("", &tables()).and(FABRIKAM).postgres(2).await {
        all.push(setup.start().await);
    }
    all
}

async fn token_at(t: &Contoso, authority: &str, fields: &[(&str, &str)]) -> Reply {
    t.form(&format!("/{authority}/oauth2/v2.0/token"), fields).await
}

async fn by_password(t: &Contoso, (authority, client): (&str, &str), user: &str, scope: &str) -> Reply {
    let fields = [
        ("grant_type", "password"),
        ("client_id", client),
        ("scope", scope),
        ("username", user),
        ("password", PASSWORD),
    ];
    token_at(t, authority, &fields).await
}

async fn by_secret(t: &Contoso, tenant: &str, client: &str, (secret, resource): (&str, &str)) -> Reply {
    let scope = format!("{resource}/.default");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_secret", secret),
        ("scope", &scope),
    ];
    token_at(t, tenant, &fields).await
}

/// A Graph token of somebody of the other tenant.
async fn theirs(t: &Contoso, user: &str) -> String {
    let user = format!("{user}@fabrikam.example");
    by_password(t, (OTHER_TENANT, AZURE_CLI), &user, &format!("{GRAPH}/.default")).await.access_token()
}

/// Makes the service principal of an application in the other tenant.
async fn install(t: &Contoso, app: &str) -> Value {
    let admin = theirs(t, "admin").await;
    let made = t.call("POST", "/v1.0/servicePrincipals", &admin, json!({ "appId": app })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

async fn installed(t: &Contoso, app: &str) -> Reply {
    t.get(&format!("/v1.0/servicePrincipals(appId='{app}')"), &theirs(t, "admin").await).await
}

async fn open(browser: &Browser<'_>, path: &str, query: &[(&str, &str)]) -> Reply {
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    browser.get(&format!("{path}?{}", query.join("&"))).await
}

async fn authorize(browser: &Browser<'_>, authority: &str, query: &[(&str, &str)]) -> Reply {
    open(browser, &format!("/{authority}/oauth2/v2.0/authorize"), query).await
}

async fn sign_in(browser: &Browser<'_>, account: &Reply, user: &str) -> Reply {
    let asked = browser.submit(account, &[("username", user)]).await;
    browser.submit(&asked, &[("passwd", PASSWORD)]).await
}

async fn redeem(t: &Contoso, (authority, client): (&str, &str), code: &str) -> Reply {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    token_at(t, authority, &fields).await
}

async fn refresh(t: &Contoso, (authority, client): (&str, &str), token: &str) -> Reply {
    token_at(
        t,
        authority,
        &[("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)],
    )
    .await
}

/// Signs somebody of the other tenant in for [`MULTI`] or [`EVERYBODYS`], with consent; the answer with tokens.
async fn consented(t: &Contoso, (authority, client): (&str, &str), user: &str) -> Reply {
    let browser = Browser::new(t);
    let asked = query(client, &[("scope", "User.Read openid profile offline_access")]);
    let page = sign_in(&browser, &authorize(&browser, authority, &asked).await, user).await;
    assert!(page.text().contains("Permissions requested"), "{authority} {client}: {}", page.text());
    let code = back(&browser.submit(&page, &[("answer", "yes")]).await)["code"].clone();
    redeem(t, (authority, client), &code).await
}

#[tokio::test]
async fn a_visitor_consents_and_the_tokens_are_of_their_tenant() {
    for t in engines().await {
        for (authority, client, user) in [
            ("common", MULTI, "ada@fabrikam.example"),
            ("organizations", EVERYBODYS, "ada@fabrikam.example"),
            (OTHER_TENANT, EVERYBODYS, "admin@fabrikam.example"),
            ("fabrikam.example", MULTI, "admin@fabrikam.example"),
        ] {
            let browser = Browser::new(&t);
            let asked = query(client, &[("scope", "User.Read openid profile offline_access")]);
            // Declined: nothing is made of it. Silently: it is told.
            let page = sign_in(&browser, &authorize(&browser, authority, &asked).await, user).await;
            assert_eq!(number(&browser.submit(&page, &[("answer", "no")]).await), 65_004);
            let silent: Vec<_> = asked.iter().copied().chain([("prompt", "none")]).collect();
            assert_eq!(number(&authorize(&browser, authority, &silent).await), 65_001, "{authority}");
            if user.starts_with("ada") {
                assert_eq!(installed(&t, client).await.status, 404);
            }
            let tokens = consented(&t, (authority, client), user).await;
            let claims = tokens.claims();
            let read = (&claims["tid"], &claims["upn"], &claims["appid"]);
            assert_eq!(read, (&OTHER_TENANT.into(), &user.into(), &client.into()), "{authority}");
            let id_token = part(tokens.good()["id_token"].as_str().unwrap(), 1);
            assert_eq!(id_token["tid"], OTHER_TENANT);
            assert_eq!(id_token["iss"], format!("https://localhost:8443/{OTHER_TENANT}/v2.0"));
            let me = t.get("/v1.0/me", &tokens.access_token()).await.good();
            assert_eq!(me["userPrincipalName"], user);
            let kept = tokens.good()["refresh_token"].as_str().unwrap().to_owned();
            assert_eq!(refresh(&t, (authority, client), &kept).await.claims()["tid"], OTHER_TENANT);
            // Nobody is asked twice, and the session answers alone.
            let again = Browser::new(&t);
            let reply = sign_in(&again, &authorize(&again, authority, &asked).await, user).await;
            assert!(back(&reply).contains_key("code"), "{authority}");
            assert!(back(&authorize(&again, authority, &silent).await).contains_key("code"), "{authority}");
            // What is made is the other tenant's own, and belongs to nobody there.
            let made = installed(&t, client).await.good();
            assert_eq!(made["appOwnerOrganizationId"], TENANT);
            let path = format!("/v1.0/servicePrincipals(appId='{client}')");
            let home = t.get(&path, &t.graph_token("admin").await).await.good();
            assert_ne!(made["id"], home["id"]);
            // At home the token is none.
            assert_eq!(refresh(&t, (TENANT, client), &kept).await.no(), "400 invalid_grant 7000012");
        }
        let grants = t.get("/v1.0/oauth2PermissionGrants", &t.graph_token("admin").await).await.good();
        assert!(!grants.to_string().contains("offline_access"), "nothing was granted at home: {grants}");
    }
}

#[tokio::test]
async fn an_application_of_one_tenant_stays_there() {
    let t = two().await;
    let user = "ada@fabrikam.example";
    for (client, at_alias, at_tenant) in
        [(SINGLE, 50_194, 700_016), (PERSONAL, 9_002_331, 700_016), (UNKNOWN, 700_016, 700_016)]
    {
        for (authority, told) in [
            ("common", at_alias),
            ("organizations", at_alias),
            (OTHER_TENANT, at_tenant),
            ("fabrikam.example", at_tenant),
        ] {
            let page = authorize(&Browser::new(&t), authority, &query(client, &[])).await;
            assert_eq!((page.status, number(&page)), (400, told), "{authority} {client}");
        }
        for path in ["v2.0/adminconsent", "adminconsent"] {
            let asked = [
                ("client_id", client),
                ("redirect_uri", BACK),
                ("scope", "https://graph.microsoft.com/.default"),
            ];
            let page = open(&Browser::new(&t), &format!("/{OTHER_TENANT}/{path}"), &asked).await;
            assert_eq!((page.status, number(&page)), (400, 700_016), "{path} {client}");
        }
        let no = "400 unauthorized_client 700016";
        assert_eq!(by_secret(&t, OTHER_TENANT, client, (SECRET, GRAPH)).await.no(), no, "{client}");
        assert_eq!(by_password(&t, (OTHER_TENANT, client), user, "User.Read").await.no(), no, "{client}");
        let device = [("client_id", client), ("scope", "User.Read")];
        let begun = t.form(&format!("/{OTHER_TENANT}/oauth2/v2.0/devicecode"), &device).await;
        assert_eq!(begun.no(), no, "{client}");
        let admin = theirs(&t, "admin").await;
        let made = t.call("POST", "/v1.0/servicePrincipals", &admin, json!({ "appId": client })).await;
        assert_eq!(made.status, 400, "{client} {}", made.text());
        assert_eq!(installed(&t, client).await.status, 404, "{client}");
    }
}

#[tokio::test]
async fn an_administrator_makes_the_service_principal_and_the_application_signs_in_there() {
    for t in engines().await {
        let good = (SECRET, GRAPH);
        // It proves itself, and has nothing there.
        assert_eq!(by_secret(&t, OTHER_TENANT, MIDDLE, good).await.no(), "401 invalid_client 7000229");
        let ada = theirs(&t, "ada").await;
        let asked = json!({ "appId": MIDDLE });
        assert_eq!(t.call("POST", "/v1.0/servicePrincipals", &ada, asked.clone()).await.status, 403);
        let made = install(&t, MIDDLE).await;
        assert_eq!(made["appOwnerOrganizationId"], TENANT);
        assert_eq!(made["signInAudience"], "AzureADMultipleOrgs");
        assert_eq!(made["displayName"], "middle of AzureADMultipleOrgs");
        assert_eq!(made["servicePrincipalNames"], json!([MIDDLE, format!("api://{MIDDLE}")]));
        assert_eq!(made["oauth2PermissionScopes"][0]["value"], "act");
        assert_eq!(made["appRoles"][0]["id"], APP_ROLE);
        let admin = theirs(&t, "admin").await;
        assert_eq!(t.call("POST", "/v1.0/servicePrincipals", &admin, asked).await.status, 409);
        for authority in [OTHER_TENANT, "fabrikam.example"] {
            let claims = by_secret(&t, authority, MIDDLE, good).await.claims();
            let read = (&claims["tid"], &claims["oid"], &claims["appid"]);
            assert_eq!(read, (&OTHER_TENANT.into(), &made["id"], &MIDDLE.into()));
        }
        assert_eq!(
            by_secret(&t, OTHER_TENANT, MIDDLE, ("wrong", GRAPH)).await.no(),
            "401 invalid_client 7000215"
        );
        // At home it is who it was.
        let home = by_secret(&t, TENANT, MIDDLE, good).await.claims();
        assert_eq!(home["tid"], TENANT);
        assert_ne!(home["oid"], made["id"]);
        // Disabled there it is refused there, and not at home.
        let path = format!("/v1.0/servicePrincipals(appId='{MIDDLE}')");
        let off = json!({ "accountEnabled": false });
        assert_eq!(t.call("PATCH", &path, &admin, off).await.status, 204);
        // The other node takes the turn whose memory may be older; a change is seen within a second.
        if t.get(&path, &admin).await.json()["accountEnabled"] == false {
            assert_eq!(by_secret(&t, TENANT, MIDDLE, good).await.status, 200);
            let told = by_secret(&t, OTHER_TENANT, MIDDLE, good).await.no();
            assert_eq!(told, "400 unauthorized_client 7000112");
        }
        assert_eq!(t.call("DELETE", &path, &admin, Value::Null).await.status, 204);
    }
}

#[tokio::test]
async fn an_administrator_consents_for_a_whole_other_tenant() {
    for (path, scope) in [("v2.0/adminconsent", "https://graph.microsoft.com/.default"), ("adminconsent", "")]
    {
        let t = two().await;
        let path = format!("/{OTHER_TENANT}/{path}");
        let mut asked = vec![("client_id", MIDDLE), ("redirect_uri", BACK), ("state", "s")];
        if !scope.is_empty() {
            asked.push(("scope", scope));
        }
        // Who is no administrator may not, and makes nothing.
        let ada = Browser::new(&t);
        let page = sign_in(&ada, &open(&ada, &path, &asked).await, "ada@fabrikam.example").await;
        assert_eq!((page.status, number(&page)), (400, 90_094));
        assert_eq!(installed(&t, MIDDLE).await.status, 404);
        // Nor does an administrator of the tenant in which it is registered.
        let other = Browser::new(&t);
        let account = open(&other, &path, &asked).await;
        let page = other.submit(&account, &[("username", ADMIN_AT_HOME)]).await;
        assert_eq!((page.status, number(&page)), (400, 50_020));
        let admin = Browser::new(&t);
        let page = sign_in(&admin, &open(&admin, &path, &asked).await, "admin@fabrikam.example").await;
        assert!(page.text().contains("User.Read.All"), "{}", page.text());
        let told = back(&admin.submit(&page, &[("answer", "yes")]).await);
        assert_eq!((told["admin_consent"].as_str(), told["tenant"].as_str()), ("True", OTHER_TENANT));
        let claims = by_secret(&t, OTHER_TENANT, MIDDLE, (SECRET, GRAPH)).await.claims();
        assert_eq!((&claims["tid"], &claims["roles"]), (&OTHER_TENANT.into(), &json!(["User.Read.All"])));
        assert_eq!(by_secret(&t, TENANT, MIDDLE, (SECRET, GRAPH)).await.claims().get("roles"), None);
        // The token opens that tenant's directory and no other.
        let token = by_secret(&t, OTHER_TENANT, MIDDLE, (SECRET, GRAPH)).await.access_token();
        let users = t.get("/v1.0/users", &token).await.good().to_string();
        assert!(users.contains("fabrikam.example") && !users.contains("contoso.example"), "{users}");
        // The people there are not asked any more.
        let browser = Browser::new(&t);
        let asked = query(MIDDLE, &[("scope", "User.Read")]);
        let reply =
            sign_in(&browser, &authorize(&browser, "common", &asked).await, "ada@fabrikam.example").await;
        assert!(back(&reply).contains_key("code"));
    }
}

#[tokio::test]
async fn a_device_is_let_in_by_somebody_of_another_tenant() {
    for t in engines().await {
        for (authority, client) in [("common", MULTI), ("organizations", EVERYBODYS), (OTHER_TENANT, MULTI)] {
            let fields = [("client_id", client), ("scope", "User.Read offline_access")];
            let begun = t.form(&format!("/{authority}/oauth2/v2.0/devicecode"), &fields).await.good();
            let browser = Browser::new(&t);
            let page = browser.get("/devicelogin").await;
            let typed = [("user_code", begun["user_code"].as_str().unwrap())];
            let account = browser.submit(&page, &typed).await;
            let mut page = sign_in(&browser, &account, "ada@fabrikam.example").await;
            if page.text().contains("Permissions requested") {
                page = browser.submit(&page, &[("answer", "yes")]).await;
            }
            assert!(page.text().contains("Is this you?"), "{authority}: {}", page.text());
            browser.submit(&page, &[("answer", "yes")]).await;
            let fields = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("client_id", client),
                ("device_code", begun["device_code"].as_str().unwrap()),
            ];
            let claims = token_at(&t, authority, &fields).await.claims();
            assert_eq!((&claims["tid"], &claims["scp"]), (&OTHER_TENANT.into(), &"User.Read".into()));
        }
    }
}

#[tokio::test]
async fn a_password_needs_consent_that_somebody_gave_on_a_page() {
    let t = two().await;
    let at = async |authority| by_password(&t, (authority, MULTI), "ada@fabrikam.example", "User.Read").await;
    for authority in ["organizations", OTHER_TENANT] {
        assert_eq!(at(authority).await.no(), "400 invalid_grant 65001", "{authority}");
    }
    assert_eq!(installed(&t, MULTI).await.status, 404);
    consented(&t, ("common", MULTI), "ada@fabrikam.example").await.good();
    for authority in ["organizations", OTHER_TENANT] {
        assert_eq!(at(authority).await.claims()["tid"], OTHER_TENANT, "{authority}");
    }
    // It was hers, and nobody else's.
    let other = by_password(&t, (OTHER_TENANT, MULTI), "admin@fabrikam.example", "User.Read").await;
    assert_eq!(other.no(), "400 invalid_grant 65001");
    let home = by_password(&t, (TENANT, MULTI), "ada@contoso.example", "User.Read").await;
    assert_eq!(home.no(), "400 invalid_grant 65001");
}

#[tokio::test]
async fn an_api_of_another_tenant_serves_the_clients_there() {
    let t = two().await;
    let api = format!("api://{MIDDLE}");
    let asking = async |client: &'static str| by_secret(&t, OTHER_TENANT, client, (SECRET, &api)).await;
    assert_eq!(asking(OTHER_CONFIDENTIAL).await.no(), "400 invalid_resource 500011");
    let made = install(&t, MIDDLE).await;
    let claims = asking(OTHER_CONFIDENTIAL).await.claims();
    assert_eq!(
        (&claims["tid"], &claims["aud"], &claims["ver"]),
        (&OTHER_TENANT.into(), &MIDDLE.into(), &"2.0".into())
    );
    assert_eq!(claims.get("roles"), None);
    let admin = theirs(&t, "admin").await;
    let path = format!("/v1.0/servicePrincipals(appId='{OTHER_CONFIDENTIAL}')");
    let client = t.get(&path, &admin).await.good()["id"].clone();
    let body = json!({ "principalId": client, "resourceId": made["id"], "appRoleId": APP_ROLE });
    let path = format!("/v1.0/servicePrincipals/{}/appRoleAssignments", client.as_str().unwrap());
    assert_eq!(t.call("POST", &path, &admin, body).await.status, 201);
    assert_eq!(asking(OTHER_CONFIDENTIAL).await.claims()["roles"], json!(["Do.All"]));
    // Assignment is demanded where the tenant demands it.
    let own = format!("/v1.0/servicePrincipals(appId='{MIDDLE}')");
    let strict = json!({ "appRoleAssignmentRequired": true });
    assert_eq!(t.call("PATCH", &own, &admin, strict).await.status, 204);
    assert_eq!(asking(OTHER_CONFIDENTIAL).await.status, 200);
    let home = by_secret(&t, TENANT, carnet_tests::CONFIDENTIAL, (SECRET, &api)).await;
    assert_eq!(home.status, 200, "{}", home.text());
    // Disabled at home it serves nobody.
    let path = format!("/v1.0/servicePrincipals(appId='{MIDDLE}')");
    let mine = t.graph_token("admin").await;
    assert_eq!(t.call("PATCH", &path, &mine, json!({ "accountEnabled": false })).await.status, 204);
    assert_eq!(asking(OTHER_CONFIDENTIAL).await.no(), "400 invalid_resource 500014");
    let path = format!("/v1.0/applications(appId='{MIDDLE}')");
    assert_eq!(t.call("DELETE", &path, &mine, Value::Null).await.status, 204);
    assert_eq!(asking(OTHER_CONFIDENTIAL).await.no(), "400 invalid_resource 500011");
}

#[tokio::test]
async fn a_middle_tier_acts_for_somebody_of_another_tenant() {
    let t = two().await;
    install(&t, MIDDLE).await;
    // Consent to both: what the front asks of the middle tier, and what that asks of Graph.
    let browser = Browser::new(&t);
    let scope = format!("api://{MIDDLE}/act");
    let asked = query(MULTI, &[("scope", &scope)]);
    let page = sign_in(&browser, &authorize(&browser, "common", &asked).await, "ada@fabrikam.example").await;
    let code = back(&browser.submit(&page, &[("answer", "yes")]).await)["code"].clone();
    let token = redeem(&t, ("common", MULTI), &code).await.access_token();
    let swap = async |tenant: &str, client: &str| {
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("requested_token_use", "on_behalf_of"),
            ("client_id", client),
            ("client_secret", SECRET),
            ("assertion", &token),
            ("scope", "User.Read"),
        ];
        token_at(&t, tenant, &fields).await
    };
    assert_eq!(swap(OTHER_TENANT, MIDDLE).await.no(), "400 invalid_grant 65001");
    let browser = Browser::new(&t);
    let asked = query(MIDDLE, &[("scope", "User.Read")]);
    let page =
        sign_in(&browser, &authorize(&browser, OTHER_TENANT, &asked).await, "ada@fabrikam.example").await;
    let page = if page.status == 303 { page } else { browser.submit(&page, &[("answer", "yes")]).await };
    assert!(back(&page).contains_key("code"));
    let claims = swap(OTHER_TENANT, MIDDLE).await.claims();
    let read = (&claims["tid"], &claims["appid"], &claims["upn"]);
    assert_eq!(read, (&OTHER_TENANT.into(), &MIDDLE.into(), &"ada@fabrikam.example".into()));
    assert_eq!(swap(TENANT, MIDDLE).await.no(), "400 invalid_grant 1000014");
    assert_eq!(swap(OTHER_TENANT, OTHER_CONFIDENTIAL).await.no(), "400 invalid_grant 500131");
}

#[tokio::test]
async fn a_certificate_proves_the_application_in_the_other_tenant() {
    let (folder, key) = certificate();
    let table = "[[application]]\nname = \"cert\"\nclient_id = \"a0000000-0000-4000-8000-0000000000c9\"\n\
        audience = \"AzureADMultipleOrgs\"\ncertificates = [\"cert.pem\"]\n";
    let client = "a0000000-0000-4000-8000-0000000000c9";
    let t = Setup::new("", table).over(folder).and(FABRIKAM).start().await;
    install(&t, client).await;
    let ask = async |tenant: &str, audience: &str, seed: u64| {
        let audience = format!("https://localhost:8443/{audience}/oauth2/v2.0/token");
        let made = key.assertion(client.parse().unwrap(), &audience, NOW, &SeededEntropy::new(seed)).unwrap();
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("scope", "https://graph.microsoft.com/.default"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", made.expose()),
        ];
        token_at(&t, tenant, &fields).await
    };
    let claims = ask(OTHER_TENANT, OTHER_TENANT, 1).await.claims();
    assert_eq!((&claims["tid"], &claims["appidacr"]), (&OTHER_TENANT.into(), &"2".into()));
    assert_eq!(ask(TENANT, TENANT, 2).await.claims()["tid"], TENANT);
    // Made for one tenant it proves nothing in the other.
    assert_eq!(ask(OTHER_TENANT, TENANT, 3).await.no(), "401 invalid_client 700023");
    assert_eq!(ask(TENANT, OTHER_TENANT, 4).await.no(), "401 invalid_client 700023");
}

#[tokio::test]
async fn a_visitors_script_of_a_single_page_application_reads_the_answer() {
    let t = two().await;
    let preflight = async |tenant: &str, origin: &str| {
        let request = http::Request::options(format!("/{tenant}/oauth2/v2.0/token"))
            .header("host", "localhost:8443")
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let reply = t.send(request.body(bytes::Bytes::new()).unwrap()).await;
        reply.header("access-control-allow-origin").to_owned()
    };
    let home = "https://spa.example";
    for tenant in [TENANT, OTHER_TENANT, "common"] {
        assert_eq!(preflight(tenant, home).await, home, "{tenant}");
        assert_eq!(preflight(tenant, "https://evil.example").await, "", "{tenant}");
    }
    let post = async |client: &str| {
        let fields = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", "none")];
        let mut request = carnet_tests::form(&format!("/{OTHER_TENANT}/oauth2/v2.0/token"), &fields);
        request.headers_mut().insert("origin", http::HeaderValue::from_static("https://spa.example"));
        t.send(request).await.header("access-control-allow-origin").to_owned()
    };
    assert_eq!((post(SPA).await.as_str(), post(MULTI).await.as_str()), (home, ""));
    // One that takes its own tenant's people alone is no origin elsewhere.
    let path = format!("/v1.0/applications(appId='{SPA}')");
    let narrow = json!({ "signInAudience": "AzureADMyOrg" });
    assert_eq!(t.call("PATCH", &path, &t.graph_token("admin").await, narrow).await.status, 204);
    assert_eq!(
        (preflight(TENANT, home).await.as_str(), preflight(OTHER_TENANT, home).await.as_str()),
        (home, "")
    );
    assert_eq!(post(SPA).await, "");
}

#[tokio::test]
async fn a_registration_without_a_service_principal_at_home_takes_visitors_all_the_same() {
    let t = two().await;
    let mine = t.graph_token("admin").await;
    let body = json!({
        "displayName": "bare", "signInAudience": "AzureADMultipleOrgs",
        "publicClient": { "redirectUris": ["http://localhost/back"] },
    });
    let app =
        t.call("POST", "/v1.0/applications", &mine, body).await.json()["appId"].as_str().unwrap().to_owned();
    let asked = query(&app, &[("scope", "User.Read")]);
    // At the tenant's own path it is missing.
    assert_eq!(number(&authorize(&Browser::new(&t), TENANT, &asked).await), 7_000_229);
    for (user, tenant) in [("ada@fabrikam.example", OTHER_TENANT), ("ada@contoso.example", TENANT)] {
        let browser = Browser::new(&t);
        let page = sign_in(&browser, &authorize(&browser, "common", &asked).await, user).await;
        let code = back(&browser.submit(&page, &[("answer", "yes")]).await)["code"].clone();
        assert_eq!(redeem(&t, ("common", &app), &code).await.claims()["tid"], tenant);
    }
    assert_eq!(
        number(&authorize(&Browser::new(&t), TENANT, &query(&app, &[("prompt", "none")])).await),
        50_058
    );
}

#[tokio::test]
async fn the_administrator_of_another_tenant_consents_over_organizations() {
    let t = two().await;
    let asked =
        [("client_id", MIDDLE), ("redirect_uri", BACK), ("scope", "https://graph.microsoft.com/.default")];
    let browser = Browser::new(&t);
    let account = open(&browser, "/organizations/v2.0/adminconsent", &asked).await;
    let page = sign_in(&browser, &account, "admin@fabrikam.example").await;
    let told = back(&browser.submit(&page, &[("answer", "yes")]).await);
    assert_eq!(told["tenant"], OTHER_TENANT);
    assert_eq!(
        by_secret(&t, OTHER_TENANT, MIDDLE, (SECRET, GRAPH)).await.claims()["roles"],
        json!(["User.Read.All"])
    );
    let bare = open(
        &Browser::new(&t),
        "/organizations/v2.0/adminconsent",
        &[("client_id", SINGLE), asked[1], asked[2]],
    )
    .await;
    assert_eq!((bare.status, number(&bare)), (400, 50_194));
}
