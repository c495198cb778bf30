//! The v1.0 endpoints without a resource and with `api-version=1.0`, a secret in the header, and userinfo.

use super::contoso;
use carnet_tests::{
    CONFIDENTIAL, Contoso, FABRIKAM, OTHER_PUBLIC, OTHER_TENANT, PASSWORD, PLATFORM, PUBLIC, SECRET, TENANT,
    UNREGISTERED,
    browser::{Browser, back, query, redemption},
    form, part, percent,
    setup::Setup,
};
use carnet_wire::catalogue::{AZURE_AD, GRAPH, POWER_PLATFORM};
use http::{HeaderValue, Request};

/// Signs Ada in at the v1.0 endpoint and gives what came back.
async fn sign_in_v1(t: &Contoso, more: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    let browser = Browser::new(t);
    let mut asked = query(PUBLIC, more);
    asked.retain(|(name, _)| *name != "scope");
    let asked: Vec<String> = asked.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    let page = browser.get(&format!("/{TENANT}/oauth2/authorize?{}", asked.join("&"))).await;
    let page = browser.submit(&page, &[("username", "ada@contoso.example")]).await;
    back(&browser.submit(&page, &[("passwd", PASSWORD)]).await)
}

async fn v1(t: &Contoso, fields: &[(&str, &str)]) -> carnet_tests::Reply {
    t.form(&format!("/{TENANT}/oauth2/token"), fields).await
}

#[tokio::test]
async fn a_v1_sign_in_that_names_no_resource_is_for_windows_azure_active_directory() {
    let t = contoso("").await;
    let code = sign_in_v1(&t, &[]).await["code"].clone();
    let done = v1(&t, &redemption(&code)).await.good();
    assert_eq!(done["resource"], AZURE_AD);
    assert_eq!(part(done["access_token"].as_str().unwrap(), 1)["aud"], AZURE_AD);
    assert_eq!(part(done["id_token"].as_str().unwrap(), 1)["aud"], PUBLIC);
    let token = done["refresh_token"].as_str().unwrap();
    let again = [("grant_type", "refresh_token"), ("client_id", PUBLIC), ("refresh_token", token)];
    let again = v1(&t, &again).await.good();
    assert_eq!(again["resource"], AZURE_AD);
    assert!(again["id_token"].is_string());
}

#[tokio::test]
async fn a_v1_sign_in_for_a_code_and_an_id_token_needs_no_resource() {
    let t = contoso("").await;
    let on = serde_json::json!({ "web": { "implicitGrantSettings": { "enableIdTokenIssuance": true } } });
    let path = format!("/v1.0/applications(appId='{PUBLIC}')");
    assert_eq!(t.call("PATCH", &path, &t.graph_token("admin").await, on).await.status, 204);
    for (named, resource) in [(&[][..], AZURE_AD), (&[("resource", PLATFORM)], PLATFORM)] {
        let fields = sign_in_v1(&t, &[("response_type", "code id_token")]).await;
        assert_eq!(part(&fields["id_token"], 1)["aud"], PUBLIC);
        let done = v1(&t, &[&redemption(&fields["code"])[..], named].concat()).await.good();
        assert_eq!((&done["resource"], done["id_token"].is_string()), (&resource.into(), true));
    }
}

#[tokio::test]
async fn a_v1_resource_may_be_named_first_where_the_code_is_redeemed() {
    let t = contoso("").await;
    let code = sign_in_v1(&t, &[]).await["code"].clone();
    let named = [&redemption(&code)[..], &[("resource", PLATFORM)]].concat();
    let done = v1(&t, &named).await.good();
    assert_eq!(done["resource"], PLATFORM);
    assert!(done["id_token"].is_string());
    // One to which nobody consented is refused there.
    let code = sign_in_v1(&t, &[]).await["code"].clone();
    let other = [&redemption(&code)[..], &[("resource", "https://graph.microsoft.com")]].concat();
    assert_eq!(v1(&t, &other).await.no(), "400 invalid_resource 650057");
}

#[tokio::test]
async fn client_credentials_of_v1_without_a_resource_give_the_default_one_and_v2_asks_for_a_scope() {
    let t = Contoso::start().await;
    let fields =
        [("grant_type", "client_credentials"), ("client_id", CONFIDENTIAL), ("client_secret", SECRET)];
    let done = v1(&t, &fields).await.good();
    assert_eq!(done["resource"], AZURE_AD);
    let by_name = [&fields[..], &[("resource", "https://graph.windows.net/")]].concat();
    assert_eq!(v1(&t, &by_name).await.claims()["aud"], "https://graph.windows.net/");
    assert_eq!(t.token(&fields).await.no(), "400 invalid_request 900144");
    let principal = format!("/v1.0/servicePrincipals(appId='{AZURE_AD}')");
    let shown = t.get(&principal, &t.graph_token("admin").await).await.good();
    assert_eq!(shown["displayName"], "Windows Azure Active Directory");
}

#[tokio::test]
async fn the_api_version_makes_an_id_a_service_principal_name_that_our_apis_take() {
    let t = Contoso::start().await;
    let ask = async |path: &str, resource: &str| {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", UNREGISTERED),
            ("client_secret", SECRET),
            ("resource", resource),
        ];
        t.form(&format!("/{TENANT}/oauth2/token{path}"), &fields).await
    };
    let with = ask("?api-version=1.0", GRAPH).await;
    assert_eq!(with.claims()["aud"], format!("spn:{GRAPH}"));
    t.get("/v1.0/applications", &with.access_token()).await.good();
    assert_eq!(ask("", GRAPH).await.claims()["aud"], GRAPH);
    assert_eq!(ask("?api-version=1.0", PLATFORM).await.claims()["aud"], PLATFORM);
    // It opens no other API than the one it names.
    let platform = ask("?api-version=1.0", POWER_PLATFORM).await.access_token();
    assert_eq!(t.get("/v1.0/applications", &platform).await.no(), "401 InvalidAuthenticationToken");
}

#[tokio::test]
async fn a_wrong_secret_by_http_basic_is_answered_with_its_scheme() {
    let t = Contoso::start().await;
    let ask = async |header: Option<&str>, more: &[(&str, &str)]| {
        let fields = [
            &[("grant_type", "client_credentials"), ("scope", "https://api.powerplatform.com/.default")],
            more,
        ]
        .concat();
        let mut request = form(&format!("/{TENANT}/oauth2/v2.0/token"), &fields);
        if let Some(pair) = header {
            use base64::Engine as _;
            let text = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
            request.headers_mut().insert("authorization", HeaderValue::from_str(&text).unwrap());
        }
        t.send(request).await
    };
    let wrong = ask(Some(&format!("{CONFIDENTIAL}:wrong")), &[]).await;
    assert_eq!(wrong.no(), "401 invalid_client 7000215");
    assert_eq!(wrong.header("www-authenticate"), "Basic realm=\"https://localhost:8443\", charset=\"UTF-8\"");
    let right = ask(Some(&format!("{CONFIDENTIAL}:{SECRET}")), &[]).await;
    assert_eq!((right.status, right.header("www-authenticate")), (200, ""));
    // In the form it is no scheme of HTTP.
    let posted = ask(None, &[("client_id", CONFIDENTIAL), ("client_secret", "wrong")]).await;
    assert_eq!((posted.status, posted.header("www-authenticate")), (401, ""));
}

const SPA: &str = "[[application]]\nname = \"spa\"\nclient_id = \"a0000000-0000-4000-8000-0000000000a1\"\n\
    redirect_uris = { spa = [\"https://spa.example/cb\"] }\n";

fn user_info(method: &str, (host, path): (&str, &str), token: Option<&str>) -> Request<bytes::Bytes> {
    let mut request = Request::builder().method(method).uri(path).header("host", host);
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    request.body(bytes::Bytes::new()).unwrap()
}

/// Where userinfo is: at the token service, with a tenant in its path and without, and at Graph.
fn user_infos() -> [(&'static str, String); 4] {
    [
        ("localhost:8443", "/oidc/userinfo".into()),
        ("localhost:8443", format!("/{TENANT}/openid/userinfo")),
        ("localhost:8443", "/common/openid/userinfo".into()),
        ("graph.microsoft.com", "/oidc/userinfo".into()),
    ]
}

#[tokio::test]
async fn user_info_takes_the_token_in_the_form_and_not_in_two_places() {
    let t = Contoso::with("", SPA).await;
    let token = t.by_password(PUBLIC, "ada", "openid").await.access_token();
    for path in ["/oidc/userinfo".to_owned(), format!("/{TENANT}/openid/userinfo")] {
        let told = t.form(&path, &[("access_token", &token)]).await.good();
        assert!(told["sub"].is_string(), "{path}");
        let mut twice = form(&path, &[("access_token", &token)]);
        twice
            .headers_mut()
            .insert("authorization", HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
        assert_eq!(t.send(twice).await.status, 400, "{path}");
        let wrong = t.form(&path, &[("access_token", "x")]).await;
        assert_eq!((wrong.status, wrong.json()["error"].as_str()), (401, Some("invalid_token")), "{path}");
    }
}

#[tokio::test]
async fn scripts_of_registered_origins_read_user_info_and_others_do_not() {
    let home = "https://spa.example";
    for t in [Contoso::with("", SPA).await, Setup::new("", SPA).and(FABRIKAM).start().await] {
        let bare = t.by_password(PUBLIC, "ada", "openid").await.access_token();
        let token = format!("Bearer {bare}");
        for (host, path) in user_infos() {
            for (origin, allowed) in [(home, home), ("https://evil.example", ""), ("null", "")] {
                let mut requests = Vec::new();
                for (token, status) in [(Some(&*token), 200), (Some("Bearer x"), 401), (None, 401)] {
                    for method in ["GET", "POST"] {
                        requests.push((user_info(method, (host, &path), token), status));
                    }
                }
                for (token, status) in [(&*bare, 200), ("x", 401), ("", 401)] {
                    let mut posted = form(&path, &[("access_token", token)]);
                    posted.headers_mut().insert("host", HeaderValue::from_static(host));
                    requests.push((posted, status));
                }
                requests.push((user_info("OPTIONS", (host, &path), None), 204));
                for (mut request, status) in requests {
                    let said = format!("{} {host}{path} from {origin}", request.method());
                    request.headers_mut().insert("origin", HeaderValue::from_static(origin));
                    let told = t.send(request).await;
                    assert_eq!(told.status, status, "{said}");
                    assert_eq!(told.header("access-control-allow-origin"), allowed, "{said}");
                    assert_eq!(told.header("access-control-allow-credentials"), "");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_script_of_one_tenants_origin_reads_no_user_info_of_another_tenant() {
    let t = Setup::new("", SPA).and(FABRIKAM).start().await;
    let fields = [
        ("grant_type", "password"),
        ("client_id", OTHER_PUBLIC),
        ("username", "ada@fabrikam.example"),
        ("password", PASSWORD),
        ("scope", "openid"),
    ];
    let token = t.form(&format!("/{OTHER_TENANT}/oauth2/v2.0/token"), &fields).await.access_token();
    for method in ["GET", "POST"] {
        let token = format!("Bearer {token}");
        let mut request = user_info(method, ("localhost:8443", "/oidc/userinfo"), Some(&token));
        request.headers_mut().insert("origin", HeaderValue::from_static("https://spa.example"));
        let told = t.send(request).await;
        assert_eq!((told.status, told.header("access-control-allow-origin")), (200, ""), "{method}");
    }
}

#[tokio::test]
async fn without_a_token_the_challenge_has_no_error_and_an_unreadable_header_is_said_to_be_one() {
    let t = Contoso::start().await;
    let graph = |header: Option<&[u8]>| {
        let mut request = Request::get("/v1.0/me").header("host", "graph.microsoft.com");
        if let Some(header) = header {
            request = request.header("authorization", HeaderValue::from_bytes(header).unwrap());
        }
        t.send(request.body(bytes::Bytes::new()).unwrap())
    };
    let none = graph(None).await;
    assert_eq!(none.no(), "401 InvalidAuthenticationToken");
    assert!(none.header("www-authenticate").starts_with("Bearer "));
    assert!(!none.header("www-authenticate").contains("error"));
    for header in [&b"Bearer"[..], b"Bearer ", b"Token x", b"Bearer \xff"] {
        let told = graph(Some(header)).await;
        assert_eq!(told.no(), "401 InvalidAuthenticationToken");
        assert!(told.text().contains("cannot be read"), "{}", told.text());
        assert!(told.header("www-authenticate").contains("error=\"invalid_token\""));
    }
}

#[tokio::test]
async fn header_and_body_of_every_host_say_the_same_of_a_token() {
    let t = Contoso::start().await;
    let refused = "InvalidAuthenticationToken";
    for (host, path, without, bad) in [
        ("graph.microsoft.com", "/v1.0/me", refused, refused),
        ("graph.microsoft.com", "/oidc/userinfo", refused, refused),
        ("api.powerplatform.com", "/environmentmanagement/environments", refused, refused),
        (
            "api.powerplatform.com",
            "/appmanagement/environments/~default/applicationPackages",
            refused,
            refused,
        ),
        ("api.bap.microsoft.com", "/providers/Microsoft.BusinessAppPlatform/environments", refused, refused),
        (
            "api.bap.microsoft.com",
            "/providers/Microsoft.BusinessAppPlatform/adminApplications",
            refused,
            refused,
        ),
        ("localhost:8443", "/oidc/userinfo", "invalid_request", "invalid_token"),
        ("login.microsoftonline.com", "/common/openid/userinfo", "invalid_request", "invalid_token"),
    ] {
        for (token, code) in [(None, without), (Some("Bearer x"), bad), (Some("Bearer a.b.c"), bad)] {
            let told = t.send(user_info("GET", (host, path), token)).await;
            let body = told.json()["error"].clone();
            // The gateway of the Power Platform API puts the code at the top.
            let code_at_top = told.json()["code"].clone();
            let said = body.as_str().or_else(|| body["code"].as_str()).or(code_at_top.as_str());
            assert_eq!((told.status, said), (401, Some(code)), "{host}{path} {token:?}");
            let challenge = told.header("www-authenticate");
            assert!(challenge.starts_with("Bearer realm=\"\", authorization_uri=\"https://"), "{challenge}");
            // RFC 6750, 3: who shows no token is told of no error.
            assert_eq!(challenge.contains("error"), token.is_some(), "{host}{path} {challenge}");
            assert_eq!(challenge.contains("error=\"invalid_token\""), token.is_some(), "{challenge}");
        }
    }
}
