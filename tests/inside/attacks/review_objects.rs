//! 6.9, rows 142, 155, 158, 160 and 162: what an object of the directory may hold, and what is shown of it.

use super::redirects::{DEVICE_PAGE, contoso, is_safe};
use super::*;
use carnet_server::{Config, FirstAdmin, Notice, PublicUrl};
use carnet_store::{Options, Store};
use carnet_tenant::{application::Application, service_principal::ServicePrincipal, tenant::Tenant};
use carnet_tests::{
    FABRIKAM, OTHER_PUBLIC, OTHER_TENANT, PASSWORD,
    browser::{Browser, back, number, query},
};
use carnet_wire::{
    catalogue::{Catalogue, POWER_PLATFORM},
    ids::AppId,
    secret::SecretBytes,
};
use std::{path::Path, sync::Arc};
use uuid::Uuid;

pub(super) const APPLICATIONS: &str = "/v1.0/applications";
pub(super) const USERS: &str = "/v1.0/users";
const BAD: &str = "400 Request_BadRequest";
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";
/// An application that may change every application.
pub(super) const WRITER: &str = "a0000000-0000-4000-8000-0000000000c1";
/// An application that may change those that it made.
pub(super) const OWNER: &str = "a0000000-0000-4000-8000-0000000000c2";

/// The usual tenant with [`WRITER`] and [`OWNER`], and another one.
pub(super) async fn with_writers(policy: &str) -> Contoso {
    let table = |id: &str, role: &str| {
        format!(
            "[[application]]\nname = \"{role}\"\nclient_id = \"{id}\"\n\
             secrets = [{{ name = \"good\", value = \"{SECRET}\", expires = 2099-01-01 }}]\n\
             permissions = [{{ api = \"{GRAPH_APP}\", application = [\"{role}\"] }}]\nadmin_consent = true\n"
        )
    };
    let more = [table(WRITER, "Application.ReadWrite.All"), table(OWNER, "Application.ReadWrite.OwnedBy")];
    Setup::new(policy, &more.concat()).and(FABRIKAM).start().await
}

pub(super) async fn app_token(t: &Contoso, app: &str) -> String {
    t.by_secret(app, SECRET, GRAPH).await.access_token()
}

/// A new registration of this caller's.
pub(super) async fn register(t: &Contoso, token: &str) -> Value {
    t.call("POST", APPLICATIONS, token, json!({ "displayName": "mine" })).await.good()
}

/// The two paths of a registration.
pub(super) fn paths(made: &Value) -> [String; 2] {
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    [format!("{APPLICATIONS}/{}", text("id")), format!("{APPLICATIONS}(appId='{}')", text("appId"))]
}

/// Keeps objects as a version did that had no such rule.
pub(super) async fn keep(t: &Contoso, objects: Vec<Object>) {
    let seen = t.store.directory(TENANT.parse().unwrap()).await.unwrap().unwrap();
    let changes = objects.into_iter().map(Change::Put).collect();
    t.store.apply(&seen, (changes, vec![]), t.clock.now(), None).await.unwrap();
}

/// Changes a registration as [`keep`] does, with its service principal.
async fn keep_app(t: &Contoso, app: &str, change: impl FnOnce(&mut Application, &mut ServicePrincipal)) {
    let seen = t.store.directory(TENANT.parse().unwrap()).await.unwrap().unwrap();
    let app: AppId = app.parse().unwrap();
    let mut application = Application::clone(seen.application_by_app(app).unwrap());
    let mut principal = ServicePrincipal::clone(seen.principal_by_app(app).unwrap());
    change(&mut application, &mut principal);
    let both = vec![Object::Application(application.into()), Object::ServicePrincipal(principal.into())];
    keep(t, both).await;
}

/// A refusal of Graph's names what is wrong.
#[track_caller]
pub(super) fn names(reply: &Reply, words: &[&str]) {
    assert_eq!(refusal(reply), BAD, "{:.400}", reply.text());
    let told = reply.json()["error"]["message"].as_str().unwrap().to_owned();
    for word in words {
        assert!(told.contains(word), "{word}: {told:.400}");
    }
    assert!(told.len() < 2048, "{}", told.len());
}

#[tokio::test]
async fn an_application_is_named_after_itself_or_its_tenants_domain_row_142() {
    let t = with_writers("").await;
    let made = register(&t, &t.graph_token("ada").await).await;
    let own = made["appId"].as_str().unwrap();
    let foreign = [
        format!("api://{CONFIDENTIAL}"),
        format!("api://{OTHER_PUBLIC}"),
        format!("api://{GRAPH_APP}"),
        format!("api://{POWER_PLATFORM}/x"),
        format!("api://{own}.evil.example"),
        format!("api://{OTHER_TENANT}/x"),
        "https://localhost:8443".into(),
        "https://login.microsoftonline.com/common".into(),
        "https://sts.windows.net/".into(),
        "https://evil.example/".into(),
        "https://fabrikam.example/api".into(),
        "https://contoso.example.evil.example/".into(),
        "https://contoso.example@evil.example/".into(),
        "https://graph.microsoft.com/".into(),
        "api://payroll".into(),
        "urn:contoso:payroll".into(),
    ];
    let ours = [
        format!("api://{own}"),
        format!("api://{own}/payroll"),
        format!("api://{TENANT}/payroll"),
        "https://payroll.contoso.example".into(),
        "https://contoso.example/payroll".into(),
        "api://payroll.contoso.example".into(),
    ];
    let callers = [t.graph_token("ada").await, t.graph_token("admin").await, app_token(&t, WRITER).await];
    for token in &callers {
        for path in paths(&made) {
            let patch =
                async |uris: Value| t.call("PATCH", &path, token, json!({ "identifierUris": uris })).await;
            assert_eq!(patch(json!(ours)).await.status, 204);
            for uri in &foreign {
                names(&patch(json!([uri])).await, &[uri]);
                names(&patch(json!([ours[0], uri])).await, &[uri]);
            }
            names(
                &patch(json!(["api://payroll"])).await,
                &[&format!("api://{own}"), &format!("api://{TENANT}/"), "contoso.example"],
            );
            assert_eq!(patch(json!([])).await.status, 204);
        }
        for uri in &foreign {
            let body = json!({ "displayName": "x", "identifierUris": [uri] });
            names(&t.call("POST", APPLICATIONS, token, body).await, &[uri]);
        }
        let body = json!({ "displayName": "x", "identifierUris": ["https://new.contoso.example"] });
        let other = t.call("POST", APPLICATIONS, token, body).await.good();
        assert_eq!(t.call("DELETE", &paths(&other)[0], token, Value::Null).await.status, 204);
    }
    // The service principal has the names that the registration may have, and a token is for them.
    let [path, _] = paths(&made);
    assert_eq!(t.call("PATCH", &path, &callers[0], json!({ "identifierUris": ours })).await.status, 204);
    let principal =
        t.call("POST", "/v1.0/servicePrincipals", &callers[0], json!({ "appId": own })).await.good();
    let shown: Vec<&str> =
        principal["servicePrincipalNames"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(shown, [&[own], &ours.each_ref().map(String::as_str)[..]].concat());
    assert_eq!(t.by_secret(CONFIDENTIAL, SECRET, &ours[3]).await.claims()["aud"], ours[3]);
}

#[tokio::test]
async fn a_domain_gives_nobody_the_host_of_a_token_service_row_142() {
    let t = Contoso::start().await;
    let seen = t.store.directory(TENANT.parse().unwrap()).await.unwrap().unwrap();
    let domains = ["contoso.example", "localhost", "microsoftonline.com", "powerplatform.com"];
    let domains = domains.map(str::to_owned).to_vec();
    keep(&t, vec![Object::Tenant(Tenant { domains, ..Tenant::clone(&seen.tenant) }.into())]).await;
    let token = t.graph_token("admin").await;
    let with = async |uri: &str| patch(&t, PUBLIC, json!({ "identifierUris": [uri] })).await;
    for good in ["https://api.microsoftonline.com/", "https://api.localhost/"] {
        assert_eq!(with(good).await.status, 204, "{good}");
    }
    for uri in [
        "https://localhost",
        "https://LOCALHOST:8443/x",
        "api://localhost/x",
        "https://login.microsoftonline.com",
        "https://api.powerplatform.com/x",
    ] {
        names(&with(uri).await, &[uri]);
        let body = json!({ "displayName": "x", "identifierUris": [uri] });
        names(&t.call("POST", APPLICATIONS, &token, body).await, &[uri]);
    }
}

#[tokio::test]
async fn a_name_that_an_application_has_stays_and_another_does_not_come_row_142() {
    let t = Contoso::with("", include_str!("../login/own_api.toml")).await;
    let app = "a0000000-0000-4000-8000-000000000010";
    for change in [
        json!({ "displayName": "renamed" }),
        json!({ "identifierUris": ["api://own"], "notes": "x" }),
        json!({ "identifierUris": ["api://OWN/", "https://own.contoso.example"] }),
    ] {
        assert_eq!(patch(&t, app, change.clone()).await.status, 204, "{change}");
    }
    names(&patch(&t, app, json!({ "identifierUris": ["api://own", "api://other"] })).await, &["api://other"]);
    // Once given up it does not come back below the operator.
    assert_eq!(patch(&t, app, json!({ "identifierUris": [] })).await.status, 204);
    names(&patch(&t, app, json!({ "identifierUris": ["api://own"] })).await, &["api://own"]);
}

fn config(data: &Path, file: &Path) -> Config {
    Config {
        data: data.to_path_buf(),
        database: None,
        seal_key: None,
        listen: ([127, 0, 0, 1], 0).into(),
        plain: None,
        public_url: PublicUrl::Unsaid,
        hosts: Vec::new(),
        tls: None,
        tenant_files: vec![file.to_path_buf()],
        ready_file: None,
        first_admin: FirstAdmin::Refuse,
        show_generated: false,
        variable: |_| None,
    }
}

#[tokio::test]
async fn the_operator_is_told_of_names_that_are_not_their_applications_row_142() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("tenant.toml"));
    fs::write(&file, carnet_tests::tenant_file("", include_str!("../login/own_api.toml"))).unwrap();
    let running = carnet_server::start(config(&data, &file)).await.unwrap();
    // What the operator's own file says needs no notice.
    assert_eq!(running.notices, []);
    running.stop().await;
    let options = Options {
        data: data.clone(),
        database: None,
        seal: SecretBytes::new(fs::read(data.join("seal.key")).unwrap()),
        catalogue: Arc::new(Catalogue::builtin()),
        entropy: Arc::new(carnet_wire::entropy::SeededEntropy::new(3)),
    };
    let store = Store::open(options).await.unwrap();
    let seen = store.directory(TENANT.parse().unwrap()).await.unwrap().unwrap();
    let held = seen.application_by_app(PUBLIC.parse().unwrap()).unwrap();
    let identifier_uris = vec![
        format!("api://{CONFIDENTIAL}"),
        format!("api://{PUBLIC}"),
        "https://api.contoso.example".into(),
    ];
    let put = Object::Application(Application { identifier_uris, ..Application::clone(held) }.into());
    store.apply(&seen, (vec![Change::Put(put)], vec![]), NOW, None).await.unwrap();
    store.close().await;
    drop(store);
    let running = carnet_server::start(config(&data, &file)).await.unwrap();
    let told = Notice::ForeignIdentifierUri {
        tenant: "contoso.example".into(),
        application: "public".into(),
        app_id: PUBLIC.parse().unwrap(),
        uri: format!("api://{CONFIDENTIAL}"),
    };
    assert_eq!(running.notices, [told]);
    running.stop().await;
}

#[tokio::test]
async fn what_pages_show_is_cut_and_turns_nothing_around_row_155() {
    let t = Contoso::with("", include_str!("../login/own_api.toml")).await;
    let api = "a0000000-0000-4000-8000-000000000010";
    let client = carnet_tests::UNCONSENTED;
    t.registered(&[client]).await;
    let hostile = format!("Free\u{202e}\u{2066}\u{200b}<b>{}", "\u{202e}ab".repeat(50_000));
    assert!(hostile.len() > 200_000);
    let named = || hostile.clone();
    keep_app(&t, api, |app, principal| {
        (app.display_name, principal.display_name) = (named(), named());
        for scope in &mut app.scopes {
            (scope.display_name, scope.description) = (named(), named());
        }
        principal.scopes = app.scopes.clone().into();
    })
    .await;
    keep_app(&t, client, |app, principal| {
        (app.display_name, principal.display_name) = (named(), named());
    })
    .await;
    let seen = t.store.directory(TENANT.parse().unwrap()).await.unwrap().unwrap();
    keep(&t, vec![Object::Tenant(Tenant { display_name: named(), ..Tenant::clone(&seen.tenant) }.into())])
        .await;
    for id in [ADA, "c0000000-0000-4000-8000-000000000001"] {
        change_user(&t, id, |user| user.display_name = named()).await;
    }
    let wanted = query(client, &[("scope", "api://own/read openid offline_access")]);
    let shown = |page: &Reply, what: &str| {
        is_safe(page);
        let text = page.text();
        assert!(page.body.len() < 32 * 1024, "{what}: {}", page.body.len());
        for c in ['\u{202e}', '\u{2066}', '\u{200b}'] {
            assert!(!text.contains(c), "{what}: {c:?}");
        }
        assert!(text.contains("Free&lt;b&gt;ab"), "{what}: {text:.3000}");
    };
    for person in ["ada", "admin"] {
        let browser = Browser::new(&t);
        let account = browser.open(&wanted).await;
        shown(&account, "account");
        let name = format!("{person}@contoso.example");
        let password = browser.submit(&account, &[("username", &name)]).await;
        shown(&password, "password");
        let consent = browser.submit(&password, &[("passwd", PASSWORD)]).await;
        shown(&consent, "consent");
        assert_eq!(
            consent.text().matches("Free&lt;b&gt;ab").count(),
            3,
            "client, API and scope: {}",
            consent.text()
        );
        let again = browser.open(&query(client, &[("prompt", "select_account")])).await;
        shown(&again, "accounts");
    }
    // A page that says why it does not go on quotes names as well.
    let wide = query(client, &[("scope", "https://graph.microsoft.com/Directory.ReadWrite.All")]);
    shown(&Browser::new(&t).sign_in(&wide, "ada", PASSWORD).await, "refusal");
    let admin_consent = query(client, &[("scope", "api://own/.default"), ("prompt", "consent")]);
    let page = Browser::new(&t).sign_in(&admin_consent, "admin", PASSWORD).await;
    assert!(page.body.len() < 32 * 1024 && !page.text().contains('\u{202e}'));
    let begun = t
        .form(&format!("/{TENANT}/oauth2/v2.0/devicecode"), &[("client_id", client), ("scope", "openid")])
        .await
        .good();
    let _ = keep_public(&t, client).await;
    let browser = Browser::new(&t);
    let page = browser.get(DEVICE_PAGE).await;
    let who = browser.submit(&page, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
    shown(&who, "device account");
    let asked = browser.submit(&who, &[("username", "ada@contoso.example")]).await;
    let confirm = browser.submit(&asked, &[("passwd", PASSWORD)]).await;
    shown(&confirm, "device question");
    shown(&browser.submit(&confirm, &[("answer", "no")]).await, "device end");
}

/// The application stays a public client.
async fn keep_public(t: &Contoso, app: &str) -> u16 {
    keep_app(t, app, |application, _| application.is_fallback_public_client = Some(true)).await;
    204
}

/// A certificate for `keyCredentials`.
fn key_of(signer: &Signer, id: Uuid, end: Option<&str>) -> Value {
    json!({ "type": "AsymmetricX509Cert", "usage": "Verify", "key": signer.base64(), "keyId": id, "endDateTime": end })
}

#[tokio::test]
async fn an_id_and_an_assertion_name_one_certificate_row_158() {
    let (t, own) = certified("").await;
    let other = Signer::default();
    let (one, two) = (Uuid::from_u128(11), Uuid::from_u128(12));
    let with = async |keys: Vec<Value>| patch(&t, CERTIFIED, json!({ "keyCredentials": keys })).await;
    assert_eq!(with(vec![key_of(&own, one, None), key_of(&other, two, None)]).await.status, 204);
    for keys in [
        vec![key_of(&own, one, None), key_of(&other, one, None)],
        vec![key_of(&other, one, None), key_of(&own, one, None)],
        vec![key_of(&own, one, None), key_of(&own, one, None)],
        vec![json!({ "keyId": one }), json!({ "keyId": one })],
    ] {
        names(&with(keys.clone()).await, &["keyId", &one.to_string()]);
        let body = json!({ "displayName": "x", "keyCredentials": keys });
        if keys[0]["key"].is_string() {
            let token = t.graph_token("ada").await;
            names(&t.call("POST", APPLICATIONS, &token, body).await, &["keyId"]);
        }
    }
    // Nor does a certificate take the id of a secret.
    let token = t.graph_token("admin").await;
    let path = format!("{APPLICATIONS}(appId='{CERTIFIED}')/addPassword");
    let secret = t.call("POST", &path, &token, json!({})).await.good();
    let secret: Uuid = secret["keyId"].as_str().unwrap().parse().unwrap();
    names(&with(vec![key_of(&own, secret, None)]).await, &["keyId", &secret.to_string()]);

    let claims = claims().to_string();
    let hex = |signer: &Signer| {
        let bytes = carnet_wire::jose::decode_base64url(&signer.x5t()).unwrap();
        carnet_wire::digest::hex(&bytes).to_uppercase()
    };
    let padded = |signer: &Signer| format!("{}=", signer.x5t());
    let ask = async |header: Value| {
        let mut whole = json!({ "alg": "RS256", "typ": "JWT" });
        whole.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
        show(&t, CERTIFIED, &own.sign(&whole.to_string(), &claims)).await
    };
    for header in [
        json!({ "x5t": own.x5t() }),
        json!({ "x5t#S256": own.x5t_s256() }),
        json!({ "x5t": own.x5t(), "x5t#S256": own.x5t_s256(), "kid": hex(&own) }),
        json!({ "kid": own.x5t() }),
        json!({ "kid": padded(&own) }),
        json!({ "kid": hex(&own) }),
        json!({ "kid": hex(&own).to_lowercase() }),
        json!({ "x5t": own.x5t(), "kid": padded(&own) }),
        json!({ "x5t": padded(&own), "kid": hex(&own) }),
        json!({ "kid": one }),
        json!({ "x5t": own.x5t(), "kid": "a name of the client's own" }),
    ] {
        assert_eq!(ask(header.clone()).await.status, 200, "{header}");
    }
    for header in [
        json!({ "x5t": own.x5t(), "x5t#S256": other.x5t_s256() }),
        json!({ "x5t": other.x5t(), "x5t#S256": own.x5t_s256() }),
        json!({ "x5t": own.x5t(), "kid": other.x5t() }),
        json!({ "x5t": own.x5t(), "kid": padded(&other) }),
        json!({ "x5t": own.x5t(), "kid": hex(&other).to_lowercase() }),
        json!({ "x5t": other.x5t(), "kid": padded(&own) }),
        json!({ "x5t#S256": other.x5t_s256(), "kid": padded(&own) }),
        json!({ "kid": padded(&other) }),
        json!({ "kid": hex(&other) }),
        json!({ "x5t#S256": own.x5t_s256(), "kid": hex(&other) }),
        json!({ "x5t#S256": own.x5t_s256(), "kid": two }),
        json!({ "x5t": "", "kid": own.x5t() }),
        json!({ "x5t": own.x5t_s256(), "x5t#S256": own.x5t_s256() }),
    ] {
        assert_eq!(told(&ask(header.clone()).await), "401 invalid_client 700027", "{header}");
    }
}

#[tokio::test]
async fn an_expired_certificate_is_not_carried_by_a_valid_one_row_158() {
    let (t, own) = certified("").await;
    let other = Signer::default();
    let (one, two) = (Uuid::from_u128(11), Uuid::from_u128(12));
    let early = NOW.plus_seconds(-60).iso();
    let keys = json!([key_of(&own, one, Some(&early)), key_of(&other, two, None)]);
    assert_eq!(patch(&t, CERTIFIED, json!({ "keyCredentials": keys })).await.status, 204);
    let by = async |signer: &Signer| show(&t, CERTIFIED, &signer.assertion(&claims())).await;
    let expired = "401 invalid_client 700027";
    assert_eq!((told(&by(&own).await).as_str(), by(&other).await.status), (expired, 200));
    // An older version let two certificates have one id, in either order.
    for turn in [false, true] {
        keep_app(&t, CERTIFIED, |app, _| {
            let id = app.certificates[0].key_id;
            app.certificates.iter_mut().for_each(|it| it.key_id = id);
            if turn {
                app.certificates.reverse();
            }
        })
        .await;
        assert_eq!((told(&by(&own).await).as_str(), by(&other).await.status), (expired, 200), "{turn}");
    }
}

#[tokio::test]
async fn a_redirect_uri_has_no_parameter_of_an_answer_row_160() {
    let t = Contoso::start().await;
    let ada = t.graph_token("ada").await;
    let made = register(&t, &ada).await;
    let platforms = [
        ("web", "https://app.contoso.example/cb"),
        ("spa", "https://app.contoso.example/cb"),
        ("publicClient", "app://cb"),
    ];
    for (platform, base) in platforms {
        let body = |query: &str| json!({ platform: { "redirectUris": [format!("{base}?{query}")] } });
        for path in paths(&made) {
            for good in ["x=1", "codes=1&mystate=2", "x=code&next=/state", "tenant=contoso"] {
                assert_eq!(t.call("PATCH", &path, &ada, body(good)).await.status, 204, "{platform} {good}");
            }
            for (query, name) in [
                ("code=1", "'code'"),
                ("x=1&state=2", "'state'"),
                ("iss=https://evil.example", "'iss'"),
                ("error=x", "'error'"),
                ("%65rror%5Fdescription=x", "'error_description'"),
                ("x=1&CODE=2", "'code'"),
                ("x=1;session_state=2", "'session_state'"),
                ("id_token=x", "'id_token'"),
            ] {
                names(&t.call("PATCH", &path, &ada, body(query)).await, &[name]);
            }
        }
        let mut whole = body("code=1");
        whole["displayName"] = "x".into();
        names(
            &t.call("POST", APPLICATIONS, &ada, whole).await,
            &["'code'", &format!("{platform}.redirectUris")]
                .map(|word| if word.contains('.') { base } else { word }),
        );
    }
    // The names of the page that shows the code are exact.
    let [path, _] = paths(&made);
    let public = |uri: &str| json!({ "publicClient": { "redirectUris": [uri] } });
    for uri in ["urn:ietf:wg:oauth:2.0:oob", "urn:ietf:wg:oauth:2.0:oob:auto"] {
        assert_eq!(t.call("PATCH", &path, &ada, public(uri)).await.status, 204, "{uri}");
    }
    for uri in ["urn:ietf:wg:oauth:2.0:oobx", "urn:ietf:wg:oauth:2.0:oob:other"] {
        names(&t.call("PATCH", &path, &ada, public(uri)).await, &[uri]);
    }
}

#[tokio::test]
async fn a_redirect_uri_that_is_registered_keeps_working_row_160() {
    let t = Contoso::start().await;
    let uri = "http://localhost/back?state=mine";
    keep_app(&t, PUBLIC, |app, _| app.redirect_uris.public = vec![uri.into()]).await;
    for change in [
        json!({ "displayName": "renamed" }),
        json!({ "publicClient": { "redirectUris": [uri, "http://localhost/other"] } }),
        json!({ "publicClient": { "redirectUris": [uri] } }),
    ] {
        assert_eq!(patch(&t, PUBLIC, change.clone()).await.status, 204, "{change}");
    }
    names(&patch(&t, PUBLIC, json!({ "web": { "redirectUris": [uri] } })).await, &["'state'"]);
    for asked in [uri, "http://localhost:4711/back?state=mine"] {
        let answer =
            Browser::new(&t).sign_in(&query(PUBLIC, &[("redirect_uri", asked)]), "ada", PASSWORD).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        assert!(
            answer.header("location").starts_with(&format!("{asked}&code=")),
            "{}",
            answer.header("location")
        );
    }
}

#[tokio::test]
async fn a_secret_ends_within_what_the_tenant_allows_row_162() {
    const DAY: i64 = 86_400;
    let t = with_writers("").await;
    let ada = t.graph_token("ada").await;
    let made = register(&t, &ada).await;
    let latest = NOW.plus_seconds(731 * DAY).iso();
    for token in [ada, t.graph_token("admin").await, app_token(&t, WRITER).await] {
        for path in paths(&made) {
            let add = async |credential: Value| {
                let body = json!({ "passwordCredential": credential });
                t.call("POST", &format!("{path}/addPassword"), &token, body).await
            };
            let at = |days: i64| json!(NOW.plus_seconds(days * DAY).iso());
            let end = add(json!({ "endDateTime": at(731) })).await.good();
            assert_eq!(end["endDateTime"], latest);
            let end = add(json!({})).await.good();
            assert_eq!(end["endDateTime"], at(730), "two years, as at Graph");
            let end = add(json!({ "startDateTime": at(100) })).await.good();
            assert_eq!((&end["startDateTime"], &end["endDateTime"]), (&at(100), &json!(latest)));
            for wrong in [
                json!({ "endDateTime": "9999-12-31T23:59:59Z" }),
                json!({ "endDateTime": at(732) }),
                json!({ "startDateTime": at(10), "endDateTime": at(732) }),
                json!({ "startDateTime": at(740) }),
                json!({ "startDateTime": "9999-01-01T00:00:00Z" }),
            ] {
                names(&add(wrong).await, &[&latest]);
            }
            for wrong in [
                json!({ "startDateTime": at(10), "endDateTime": at(9) }),
                json!({ "endDateTime": at(-1) }),
                json!({ "startDateTime": "1970-01-01T00:00:00Z" }),
            ] {
                names(&add(wrong).await, &["endDateTime"]);
            }
        }
    }
    // The operator's file gave secrets that end in 2099.
    let held =
        t.get(&format!("{APPLICATIONS}(appId='{CONFIDENTIAL}')"), &t.graph_token("admin").await).await.good();
    assert_eq!(held["passwordCredentials"][0]["endDateTime"], "2099-01-01T00:00:00Z");
    let short = with_writers("secret_max_days = 30").await;
    let ada = short.graph_token("ada").await;
    let path = format!("{}/addPassword", paths(&register(&short, &ada).await)[0]);
    let month = NOW.plus_seconds(30 * DAY).iso();
    assert_eq!(short.call("POST", &path, &ada, json!({})).await.good()["endDateTime"], month);
    let wrong = json!({ "passwordCredential": { "endDateTime": NOW.plus_seconds(31 * DAY).iso() } });
    names(&short.call("POST", &path, &ada, wrong).await, &[&month, "30 days"]);
}

#[tokio::test]
async fn a_name_that_is_too_long_is_refused_before_it_is_compared_row_162() {
    let t = contoso().await;
    let admin = t.graph_token("admin").await;
    // Each character becomes eighteen when names are compared.
    let long = |characters: usize| format!("{}@contoso.example", "\u{fdfa}".repeat(characters));
    let by_password = async |name: &str| {
        let fields = [
            ("grant_type", "password"),
            ("client_id", PUBLIC),
            ("username", name),
            ("password", PASSWORD),
            ("scope", "openid"),
        ];
        t.token(&fields).await
    };
    assert_eq!(
        told(&by_password(&format!("{}@contoso.example", "n".repeat(240))).await),
        "400 invalid_grant 50126"
    );
    for name in [long(81), long(6_000), "n".repeat(257)] {
        let reply = by_password(&name).await;
        assert!(told(&reply).starts_with("400 invalid_request"), "{}", told(&reply));
        assert!(reply.body.len() < 2048);
    }
    let user = |name: &str| {
        json!({
            "accountEnabled": true, "displayName": "g", "mailNickname": "g",
            "userPrincipalName": name, "passwordProfile": { "password": PASSWORD },
        })
    };
    let named = |length: usize| format!("{}@contoso.example", "n".repeat(length - 16));
    assert_eq!(t.call("POST", USERS, &admin, user(&named(113))).await.status, 201);
    for name in [named(114), long(21_000)] {
        names(&t.call("POST", USERS, &admin, user(&name)).await, &["userPrincipalName", "113"]);
    }
    let asked = named(300);
    let path = format!("{USERS}/{asked}");
    for (method, body) in [
        ("GET", Value::Null),
        ("PATCH", json!({ "displayName": "x" })),
        ("PATCH", json!({ "passwordProfile": { "password": PASSWORD } })),
        ("DELETE", Value::Null),
    ] {
        assert_eq!(
            refusal(&t.call(method, &path, &admin, body).await),
            "404 Request_ResourceNotFound",
            "{method}"
        );
    }
    for path in [format!("{path}/memberOf"), format!("{path}/appRoleAssignments")] {
        assert_eq!(refusal(&t.get(&path, &admin).await), "404 Request_ResourceNotFound", "{path:.40}");
    }
    let found = t.get(&format!("{USERS}?$filter=userPrincipalName%20eq%20'{asked}'"), &admin).await.good();
    assert_eq!(found["value"], json!([]));
    // On a page, and as a hint in an authorization request.
    let browser = Browser::new(&t);
    let account = browser.open(&query(PUBLIC, &[])).await;
    for name in [long(81), long(6_000)] {
        let page = browser.submit(&account, &[("username", &name)]).await;
        assert_eq!((page.status, number(&page)), (400, 90_013));
        let page = browser.submit(&account, &[("username", &name), ("passwd", PASSWORD)]).await;
        assert_eq!(page.status, 400);
    }
    for hint in [long(81), named(300)] {
        let page = browser.open(&query(PUBLIC, &[("login_hint", &hint)])).await;
        assert!(page.text().contains("name=\"username\" value=\"\""), "{:.2000}", page.text());
    }
    let hinted = browser.open(&query(PUBLIC, &[("login_hint", "ada@contoso.example")])).await;
    assert!(hinted.text().contains("ada@contoso.example"));
    let begun = device(&t).await;
    let page = browser.get(DEVICE_PAGE).await;
    let who = browser.submit(&page, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
    assert_eq!(browser.submit(&who, &[("username", &long(6_000))]).await.status, 400);
    // And whoever has an ordinary name signs in.
    let answer = Browser::new(&t).sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await;
    assert!(back(&answer).contains_key("code"));
}
