//! 6.3, rows 37 to 45: who the client is, and what it may ask for.

use super::*;
use carnet_tests::{
    PASSWORD, UNREGISTERED,
    browser::{Browser, query, redemption},
};
use http::HeaderValue;

pub(super) const SCOPE: &str = "https://api.powerplatform.com/.default";

pub(super) fn by_secret() -> Vec<(&'static str, &'static str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("client_id", CONFIDENTIAL),
        ("client_secret", SECRET),
        ("scope", SCOPE),
    ]
}

pub(super) fn by_password() -> Vec<(&'static str, &'static str)> {
    vec![
        ("grant_type", "password"),
        ("client_id", PUBLIC),
        ("username", "ada@contoso.example"),
        ("password", PASSWORD),
        ("scope", SCOPE),
    ]
}

/// Fields with some of them in place of others.
pub(super) fn with<'a>(
    fields: &[(&'a str, &'a str)],
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let mut all: Vec<_> =
        fields.iter().copied().filter(|it| !more.iter().any(|other| it.0 == other.0)).collect();
    all.extend(more.iter().filter(|it| !it.1.is_empty()));
    all
}

fn basic(id: &str, secret: &str) -> HeaderValue {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    HeaderValue::from_str(&format!("Basic {text}")).unwrap()
}

async fn with_header(t: &Contoso, fields: &[(&str, &str)], value: HeaderValue) -> Reply {
    let mut request = form(&format!("/{TENANT}/oauth2/v2.0/token"), fields);
    request.headers_mut().insert("authorization", value);
    t.send(request).await
}

#[tokio::test]
async fn a_client_proves_itself_in_one_way_row_37() {
    let (t, own) = certified("").await;
    let assertion = own.assertion(&claims());
    let bare = with(&by_secret(), &[("client_secret", ""), ("client_id", "")]);
    assert_eq!(with_header(&t, &bare, basic(CONFIDENTIAL, SECRET)).await.status, 200);
    for fields in [by_secret(), with(&by_secret(), &[("client_id", "")])] {
        let no = told(&with_header(&t, &fields, basic(CONFIDENTIAL, SECRET)).await);
        assert_eq!(no, "400 invalid_request 9002324");
    }
    let other = with(&by_secret(), &[("client_secret", ""), ("client_id", UNREGISTERED)]);
    assert!(told(&with_header(&t, &other, basic(CONFIDENTIAL, SECRET)).await).ends_with(" 7000110"));
    let twice = [by_secret(), vec![("client_id", UNREGISTERED)]].concat();
    assert!(told(&t.token(&twice).await).starts_with("400 invalid_request"));
    let both = with(&showing(CERTIFIED, &assertion), &[("client_secret", SECRET)]);
    assert_eq!(told(&t.token(&both).await), "400 invalid_request 9002324");
    let header = with(&showing(CERTIFIED, &assertion), &[("client_id", "")]);
    assert_eq!(
        told(&with_header(&t, &header, basic(CERTIFIED, SECRET)).await),
        "400 invalid_request 9002324"
    );
    assert_eq!(show(&t, CERTIFIED, &assertion).await.status, 200);
}

#[tokio::test]
async fn a_parameter_stands_once_row_38() {
    let t = Contoso::start().await;
    t.registered(&[PUBLIC]).await;
    let code = t.code("ada").await;
    for fields in [by_secret(), by_password(), redemption(&code).to_vec()] {
        for (name, value) in &fields {
            for other in [*value, "other", ""] {
                let doubled = [&fields[..], &[(*name, other)]].concat();
                assert!(told(&t.token(&doubled).await).starts_with("400 invalid_request"), "{name}");
                let first = [&[(*name, other)][..], &fields].concat();
                assert!(told(&t.token(&first).await).starts_with("400 invalid_request"), "{name}");
            }
        }
    }
    let browser = Browser::new(&t);
    let good = query(PUBLIC, &[]);
    assert_eq!(browser.open(&good).await.status, 200);
    for (name, value) in &good {
        let page = browser.open(&[&good[..], &[(*name, *value)]].concat()).await;
        assert_eq!((page.status, page.header("location")), (400, ""), "{name}");
    }
    for field in [("client_id", PUBLIC), ("scope", SCOPE)] {
        let doubled = [("client_id", PUBLIC), ("scope", SCOPE), field];
        let reply = t.form(&format!("/{TENANT}/oauth2/v2.0/devicecode"), &doubled).await;
        assert!(told(&reply).starts_with("400 invalid_request"), "{field:?}");
    }
    assert_eq!(t.redeem(&code).await.status, 200);
}

#[tokio::test]
async fn what_stands_in_the_address_is_not_read_row_39() {
    let t = Contoso::start().await;
    assert_eq!(t.token(&by_secret()).await.status, 200);
    for fields in [by_secret(), by_password()] {
        let line: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", carnet_tests::percent(value))).collect();
        let path = format!("/{TENANT}/oauth2/v2.0/token?{}", line.join("&"));
        assert_eq!(told(&t.form(&path, &[]).await), "400 invalid_request 900144");
        for (name, value) in &fields {
            let rest = with(&fields, &[(name, "")]);
            let path = format!("/{TENANT}/oauth2/v2.0/token?{name}={}", carnet_tests::percent(value));
            let no = told(&t.form(&path, &rest).await);
            let missing = if *name == "client_secret" {
                "401 invalid_client 7000216"
            } else {
                "400 invalid_request 900144"
            };
            assert_eq!(no, missing, "{name}");
        }
        // Nor does what stands there disturb.
        let path = format!("/{TENANT}/oauth2/v2.0/token?client_id={UNREGISTERED}&scope=x");
        assert_eq!(t.form(&path, &fields).await.status, 200);
    }
}

#[tokio::test]
async fn a_secret_is_compared_whole_row_40() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let path = format!("/v1.0/applications(appId='{CONFIDENTIAL}')");
    let made = t.call("POST", &format!("{path}/addPassword"), &token, json!({})).await.good();
    let (secret, id) = (made["secretText"].as_str().unwrap(), made["keyId"].as_str().unwrap());
    assert_eq!(t.by_secret(CONFIDENTIAL, secret, PLATFORM).await.status, 200);
    let flipped: String = secret
        .chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    for wrong in [
        id.to_owned(),
        format!("{secret} "),
        format!(" {secret}"),
        format!("{secret}\n"),
        format!("{secret}A"),
        secret[..39].to_owned(),
        secret[..3].to_owned(),
        secret[1..].to_owned(),
        flipped,
        format!("{secret}{secret}"),
        made["hint"].as_str().unwrap().to_owned(),
        "*".into(),
    ] {
        let no = told(&t.by_secret(CONFIDENTIAL, &wrong, PLATFORM).await);
        assert_eq!(no, "401 invalid_client 7000215", "{wrong}");
    }
}

#[tokio::test]
async fn a_secret_that_was_taken_away_is_wrong_at_once_row_41() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let path = format!("/v1.0/applications(appId='{CONFIDENTIAL}')");
    let end = json!({ "passwordCredential": { "endDateTime": NOW.plus_seconds(3600).iso() } });
    let made = t.call("POST", &format!("{path}/addPassword"), &token, end.clone()).await.good();
    let ending = t.call("POST", &format!("{path}/addPassword"), &token, end).await.good();
    let ask =
        async |made: &Value| t.by_secret(CONFIDENTIAL, made["secretText"].as_str().unwrap(), PLATFORM).await;
    assert_eq!((ask(&made).await.status, ask(&ending).await.status), (200, 200));
    let gone = json!({ "keyId": made["keyId"] });
    assert_eq!(t.call("POST", &format!("{path}/removePassword"), &token, gone).await.status, 204);
    assert_eq!(told(&ask(&made).await), "401 invalid_client 7000215");
    t.later(3599);
    assert_eq!(ask(&ending).await.status, 200);
    t.later(1);
    assert_eq!(told(&ask(&ending).await), "401 invalid_client 7000222");
    assert_eq!(t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.status, 200);
}

#[tokio::test]
async fn a_confidential_application_is_not_public_row_42() {
    let t = Contoso::start().await;
    assert_eq!(t.token(&by_password()).await.status, 200);
    let bare = with(&by_password(), &[("client_id", CONFIDENTIAL)]);
    assert_eq!(told(&t.token(&bare).await), "401 invalid_client 7000218");
    let path = format!("/{TENANT}/oauth2/v2.0/devicecode");
    let asked = t.form(&path, &[("client_id", CONFIDENTIAL), ("scope", SCOPE)]).await;
    assert_eq!(told(&asked), "400 unauthorized_client 90136");
    let nothing = json!({ "device_code": "nothing" });
    assert!(told(&t.token(&polling(PUBLIC, &nothing)).await).starts_with("400"));
    assert_eq!(told(&t.token(&polling(CONFIDENTIAL, &nothing)).await), "401 invalid_client 7000218");
    // A device code that was asked for while the switch was on.
    let begun = device(&t).await;
    assert_eq!(told(&t.token(&polling(PUBLIC, &begun)).await), "400 authorization_pending 70016");
    assert_eq!(patch(&t, PUBLIC, json!({ "isFallbackPublicClient": false })).await.status, 204);
    assert_eq!(told(&t.token(&polling(PUBLIC, &begun)).await), "401 invalid_client 7000218");
    assert_eq!(told(&t.token(&by_password()).await), "401 invalid_client 7000218");
}

#[tokio::test]
async fn a_password_alone_opens_only_a_sound_account_row_43() {
    let more = format!(
        "[[user]]\nname = \"mfa@contoso.example\"\npassword = \"{PASSWORD}\"\ntotp = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"\n\
         [[user]]\nname = \"gone@contoso.example\"\nid = \"c0000000-0000-4000-8000-000000000009\"\npassword = \"{PASSWORD}\"\n\
         [[user]]\nname = \"guest@contoso.example\"\nid = \"c0000000-0000-4000-8000-00000000000a\"\npassword = \"{PASSWORD}\"\n\
         [[user]]\nname = \"off@contoso.example\"\npassword = \"{PASSWORD}\"\nenabled = false\n"
    );
    let t = Contoso::with("", &more).await;
    let ask = async |user: &str, password: &str| {
        let name = format!("{user}@contoso.example");
        t.token(&with(&by_password(), &[("username", &name), ("password", password)])).await
    };
    for user in ["gone", "guest", "ada"] {
        assert_eq!(ask(user, PASSWORD).await.status, 200, "{user}");
    }
    change_user(&t, "c0000000-0000-4000-8000-00000000000a", |user| user.guest = true).await;
    remove_user(&t, "c0000000-0000-4000-8000-000000000009").await;
    for (user, no) in
        [("mfa", 50_076), ("off", 50_057), ("guest", 50_020), ("gone", 50_126), ("nobody", 50_126)]
    {
        assert_eq!(told(&ask(user, "Wrong-horse-7").await), "400 invalid_grant 50126", "{user}");
        assert_eq!(told(&ask(user, PASSWORD).await), format!("400 invalid_grant {no}"), "{user}");
    }
    change_user(&t, ADA, |user| user.password_expired = true).await;
    assert_eq!(told(&ask("ada", "Wrong-horse-7").await), "400 invalid_grant 50126");
    assert_eq!(told(&ask("ada", PASSWORD).await), "400 invalid_grant 50055");
}

pub(super) const MIDDLE: &str = "[[application]]\nname = \"api\"\nclient_id = \"a0000000-0000-4000-8000-00000000000b\"\n\
    secrets = [{ name = \"good\", value = \"s3cret-value~good\" }]\n\
    permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }]\n\
    admin_consent = true\n\
    exposes = { identifier_uris = [\"api://middle\"], scopes = [\"act\"], token_version = 2 }\n\
    [[application]]\nname = \"front\"\nclient_id = \"a0000000-0000-4000-8000-00000000000c\"\npublic_client = true\n\
    permissions = [{ api = \"api\", delegated = [\"act\"] }]\nadmin_consent = true\n";
pub(super) const API: &str = "a0000000-0000-4000-8000-00000000000b";
pub(super) const FRONT: &str = "a0000000-0000-4000-8000-00000000000c";

pub(super) fn swapping<'a>(client: &'a str, secret: &'a str, assertion: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", client),
        ("client_secret", secret),
        ("assertion", assertion),
        ("scope", "https://api.powerplatform.com/AppManagement.ApplicationPackages.Read"),
    ]
}

/// Something of every grant that was begun before: a refresh token, a device code that was approved, a user's
/// token for a middle tier, and a code.
struct Begun {
    refresh: String,
    device: Value,
    assertion: String,
    code: String,
}

async fn begun(t: &Contoso) -> Begun {
    t.registered(&[PUBLIC]).await;
    let assertion = t.by_password(FRONT, "ada", "api://middle/act").await.access_token();
    let begun = Begun {
        refresh: refresh_token(t).await,
        device: device(t).await,
        assertion,
        code: t.code("ada").await,
    };
    approve(t, &begun.device).await;
    begun
}

async fn approve(t: &Contoso, begun: &Value) {
    let browser = Browser::new(t);
    let page = browser.get("/common/oauth2/deviceauth").await;
    let account = browser.submit(&page, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
    let asked = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
    let page = browser.submit(&asked, &[("passwd", PASSWORD)]).await;
    assert_eq!(browser.submit(&page, &[("answer", "yes")]).await.status, 200);
}

impl Begun {
    /// What each grant says now.
    async fn tried(&self, t: &Contoso) -> Vec<(&'static str, Reply)> {
        vec![
            ("refresh token", t.token(&refreshing(&self.refresh)).await),
            ("device code", t.token(&polling(PUBLIC, &self.device)).await),
            ("on behalf", t.token(&swapping(API, SECRET, &self.assertion)).await),
            ("code", t.redeem(&self.code).await),
            ("password", t.token(&by_password()).await),
        ]
    }
}

#[tokio::test]
async fn who_was_disabled_gets_nothing_by_any_grant_row_44() {
    let t = Contoso::with("", MIDDLE).await;
    let good = begun(&t).await;
    for (grant, reply) in good.tried(&t).await {
        assert_eq!(reply.status, 200, "{grant} {}", reply.text());
    }
    let begun = begun(&t).await;
    change_user(&t, ADA, |user| user.enabled = false).await;
    for (grant, reply) in begun.tried(&t).await {
        assert_eq!(told(&reply), "400 invalid_grant 50057", "{grant}");
    }
    change_user(&t, ADA, |user| user.enabled = true).await;
    for app in [PUBLIC, API] {
        enable(&t, app, false).await;
    }
    for (grant, reply) in begun.tried(&t).await {
        assert_eq!(told(&reply), "400 unauthorized_client 7000112", "{grant}");
    }
    // Only to who proves to be the application.
    let wrong = t.token(&swapping(API, "wrong", &begun.assertion)).await;
    assert_eq!(told(&wrong), "401 invalid_client 7000215");
    assert_eq!(t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.status, 200);
    enable(&t, CONFIDENTIAL, false).await;
    assert_eq!(told(&t.by_secret(CONFIDENTIAL, "wrong", PLATFORM).await), "401 invalid_client 7000215");
    assert_eq!(told(&t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await), "400 unauthorized_client 7000112");
    for app in [PUBLIC, API] {
        enable(&t, app, true).await;
    }
    change_user(&t, ADA, |user| user.sessions_valid_from = NOW.plus_seconds(1)).await;
    t.later(2);
    for (grant, reply) in begun.tried(&t).await {
        let no = if grant == "on behalf" { "400 invalid_grant 500133" } else { "400 invalid_grant 50173" };
        match grant {
            "password" => assert_eq!(reply.status, 200),
            // What `iat` says lies five minutes back, so a token of the last minutes passes.
            "on behalf" if reply.status == 200 => {}
            _ => assert_eq!(told(&reply), no, "{grant}"),
        }
    }
    remove_user(&t, ADA).await;
    for (grant, reply) in begun.tried(&t).await {
        // Who has the password alone has nothing that tells of an account.
        let no = if grant == "password" { "400 invalid_grant 50126" } else { "400 invalid_grant 500341" };
        assert_eq!(told(&reply), no, "{grant}");
    }
}

#[tokio::test]
async fn a_locked_account_gets_nothing_by_any_grant_row_45() {
    let t = Contoso::with("", MIDDLE).await;
    let begun = begun(&t).await;
    for number in 0..10 {
        let wrong = with(&by_password(), &[("password", "Wrong-horse")]);
        let guess = format!("Wrong-horse-{number}");
        assert_eq!(told(&t.token(&with(&wrong, &[("password", &guess)])).await), "400 invalid_grant 50126");
    }
    // A wrong password is told nothing; who holds something of the user's is told the lock.
    for (grant, reply) in begun.tried(&t).await {
        let no = if grant == "password" { "400 invalid_grant 50126" } else { "400 invalid_grant 50053" };
        assert_eq!(told(&reply), no, "{grant}");
    }
    let page = Browser::new(&t).sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await;
    assert!(page.status == 200 && page.text().contains("role=\"alert\""));
    t.later(61);
    assert_eq!(t.token(&by_password()).await.status, 200);
    assert_eq!(t.token(&refreshing(&begun.refresh)).await.status, 200);
}
