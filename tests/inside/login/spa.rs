//! Single-page applications: their codes and refresh tokens are redeemed by scripts of their own origins.

use carnet_tests::browser::Browser;
use carnet_tests::{CONFIDENTIAL, Contoso, PASSWORD, PLATFORM, PUBLIC, Reply, SECRET, TENANT, form};
use carnet_wire::pkce::Verifier;
use http::{HeaderValue, Method, Request};

const SPA: &str = "a0000000-0000-4000-8000-0000000000a1";
const HOME: &str = "https://spa.example";
const BACK: &str = "https://spa.example/cb";
const VERIFIER: &str = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";
const SCOPE: &str = "https://api.powerplatform.com/.default openid offline_access";
const TABLE: &str = "[[application]]\nname = \"spa\"\nclient_id = \"a0000000-0000-4000-8000-0000000000a1\"\n\
    redirect_uris = { spa = [\"https://spa.example/cb\", \"http://localhost/cb\"], web = [\"https://web.example/cb\"] }\n\
    permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }]\n\
    admin_consent = true\n";

async fn code(t: &Contoso) -> String {
    let challenge = Verifier::parse(VERIFIER).unwrap().challenge().as_str().to_owned();
    let query = [
        ("client_id", SPA),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        ("scope", SCOPE),
        ("response_mode", "fragment"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let back = Browser::new(t).sign_in(&query, "ada", PASSWORD).await;
    let fragment = back.header("location").split_once('#').unwrap().1.to_owned();
    let code = fragment.split('&').find_map(|pair| pair.strip_prefix("code=")).unwrap();
    carnet_wire::percent::decode_text(code, true).unwrap()
}

async fn post(t: &Contoso, fields: &[(&str, &str)], origin: Option<&str>) -> Reply {
    let mut request = form(&format!("/{TENANT}/oauth2/v2.0/token"), fields);
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", HeaderValue::from_str(origin).unwrap());
    }
    t.send(request).await
}

async fn redeem(t: &Contoso, code: &str, origin: Option<&str>) -> Reply {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", SPA),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    post(t, &fields, origin).await
}

async fn refresh(t: &Contoso, token: &str, origin: Option<&str>) -> Reply {
    let fields = [("grant_type", "refresh_token"), ("client_id", SPA), ("refresh_token", token)];
    post(t, &fields, origin).await
}

fn refresh_token(reply: &Reply) -> String {
    reply.good()["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_script_of_the_applications_origin_redeems_and_reads_the_answer() {
    let t = Contoso::with("", TABLE).await;
    // Of another origin the header alone counts: whoever redeems may not read the answer by script.
    for foreign in ["https://evil.example", "null", "https://spa.example.evil.example", "https://web.example"]
    {
        let reply = redeem(&t, &code(&t).await, Some(foreign)).await;
        assert_eq!(reply.header("access-control-allow-origin"), "", "{foreign}");
        let reply = refresh(&t, &refresh_token(&reply), Some(foreign)).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, ""), "{foreign}");
    }
    let code = code(&t).await;
    assert_eq!(redeem(&t, &code, None).await.no(), "400 invalid_request 9002327");
    let reply = redeem(&t, &code, Some(HOME)).await;
    assert_eq!(reply.claims()["appidacr"], "0");
    assert_eq!(reply.header("access-control-allow-origin"), HOME);
    assert_eq!(reply.header("access-control-allow-credentials"), "");
    assert_eq!(reply.header("vary"), "Origin");
    let again = redeem(&t, &code, Some(HOME)).await;
    assert_eq!(
        (again.no().as_str(), again.header("access-control-allow-origin")),
        ("400 invalid_grant 54005", HOME)
    );
}

#[tokio::test]
async fn its_refresh_tokens_end_a_day_after_the_sign_in_however_often_they_are_used() {
    let t = Contoso::with("", TABLE).await;
    let first = refresh_token(&redeem(&t, &code(&t).await, Some(HOME)).await);
    assert_eq!(refresh(&t, &first, None).await.no(), "400 invalid_request 9002327");
    t.later(20 * 3600);
    let second = refresh_token(&refresh(&t, &first, Some(HOME)).await);
    t.later(4 * 3600 - 1);
    let third = refresh_token(&refresh(&t, &second, Some(HOME)).await);
    t.later(1);
    assert_eq!(refresh(&t, &third, Some(HOME)).await.no(), "400 invalid_grant 700084");
}

#[tokio::test]
async fn no_other_grant_and_no_other_platform_is_served_across_origins_row_76() {
    let t = Contoso::with("", TABLE).await;
    let user = [
        ("grant_type", "password"),
        ("client_id", PUBLIC),
        ("scope", SCOPE),
        ("username", "ada@contoso.example"),
        ("password", PASSWORD),
    ];
    let scope = format!("{PLATFORM}/.default");
    let application = [
        ("grant_type", "client_credentials"),
        ("client_id", CONFIDENTIAL),
        ("client_secret", SECRET),
        ("scope", scope.as_str()),
    ];
    for fields in [&user[..], &application[..]] {
        let reply = post(&t, fields, Some(HOME)).await;
        assert_eq!(reply.no(), "400 invalid_request 9002326");
        assert_eq!(reply.header("access-control-allow-origin"), "");
        post(&t, fields, None).await.good();
    }
    let token = refresh_token(&post(&t, &user, None).await);
    let fields = [("grant_type", "refresh_token"), ("client_id", PUBLIC), ("refresh_token", token.as_str())];
    assert_eq!(post(&t, &fields, Some(HOME)).await.no(), "400 invalid_request 9002326");
}

#[tokio::test]
async fn a_preflight_is_allowed_for_single_page_origins_of_the_tenant_and_no_others_row_76() {
    let t = Contoso::with("", TABLE).await;
    let ask = async |path: &str, origin: &'static str| {
        let request = Request::builder()
            .method(Method::OPTIONS)
            .uri(path)
            .header("host", "localhost:8443")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,x-client-sku");
        t.send(request.body(bytes::Bytes::new()).unwrap()).await
    };
    for tenant in [TENANT, "contoso.example", "common"] {
        let path = format!("/{tenant}/oauth2/v2.0/token");
        for own in [HOME, "http://localhost:5173"] {
            let reply = ask(&path, own).await;
            assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, own), "{tenant}");
            assert_eq!(reply.header("access-control-allow-headers"), "content-type,x-client-sku");
        }
        for foreign in ["https://evil.example", "null", "https://web.example", "http://spa.example"] {
            let reply = ask(&path, foreign).await;
            assert_eq!(reply.header("access-control-allow-origin"), "", "{tenant} {foreign}");
        }
    }
    let keys = ask(&format!("/{TENANT}/discovery/v2.0/keys"), "https://evil.example").await;
    assert_eq!(keys.header("access-control-allow-origin"), "*");
    let authorize = ask(&format!("/{TENANT}/oauth2/v2.0/authorize"), HOME).await;
    assert_eq!(authorize.header("access-control-allow-origin"), "");
    // Whoever moves away takes the permission along.
    let token = t.graph_token("admin").await;
    let path = format!("/v1.0/applications(appId='{SPA}')");
    let moved = serde_json::json!({ "spa": { "redirectUris": ["https://new.example/cb"] } });
    assert_eq!(t.call("PATCH", &path, &token, moved).await.status, 204);
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    assert_eq!(ask(&path, HOME).await.header("access-control-allow-origin"), "");
    assert_eq!(
        ask(&path, "https://new.example").await.header("access-control-allow-origin"),
        "https://new.example"
    );
}
