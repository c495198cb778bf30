//! 6.4, rows 75 to 80: what is switched off, and the headers of requests and answers.

use super::redirects::{DEVICE_PAGE, authorize, contoso, stays};
use super::*;
use bytes::Bytes;
use carnet_tenant::application::Application;
use carnet_tests::{
    PASSWORD,
    browser::{Browser, back, number, query},
    percent,
};
use http::{HeaderValue, Request};

#[tokio::test]
async fn a_page_that_is_switched_off_does_nothing_row_75() {
    let t = contoso().await;
    let begun = device(&t).await;
    let code = [("user_code", begun["user_code"].as_str().unwrap())];
    let browser = Browser::new(&t);
    let page = browser.get(DEVICE_PAGE).await;
    let who = browser.submit(&page, &code).await;
    let asked = browser.submit(&who, &[("username", "ada@contoso.example")]).await;
    let confirm = browser.submit(&asked, &[("passwd", PASSWORD)]).await;
    assert!(confirm.text().contains("value=\"yes\""));
    let switch = async |on: bool| {
        let seen = t.store.directory(TENANT.parse().unwrap()).await.unwrap().unwrap();
        let mut application = Application::clone(seen.application_by_app(PUBLIC.parse().unwrap()).unwrap());
        application.policy.device_code = Some(on);
        let put = Change::Put(Object::Application(application.into()));
        t.store.apply(&seen, (vec![put], vec![]), NOW, None).await.unwrap();
    };
    let page = browser.get(DEVICE_PAGE).await;
    switch(false).await;
    for reply in [browser.submit(&page, &code).await, browser.submit(&confirm, &[("answer", "yes")]).await] {
        assert_eq!((reply.status, number(&reply)), (403, 53_003));
        stays(&reply);
    }
    let fields = [("client_id", PUBLIC), ("scope", "https://api.powerplatform.com/.default")];
    let path = format!("/{TENANT}/oauth2/v2.0/devicecode");
    assert_eq!(told(&t.form(&path, &fields).await), "400 invalid_grant 53003");
    assert_eq!(told(&t.token(&polling(PUBLIC, &begun)).await), "400 invalid_grant 53003");
    switch(true).await;
    assert_eq!(told(&t.token(&polling(PUBLIC, &begun)).await), "400 authorization_pending 70016");
    // There is no page on which somebody makes an account, and none that asks what is forgotten.
    for path in [
        "signup",
        "register",
        "reset",
        "oauth2/register",
        "connect/register",
        "passwordreset",
        "admin",
        "console",
    ] {
        for reply in [
            t.get(&format!("/{TENANT}/{path}"), "").await,
            t.form(&format!("/{TENANT}/{path}"), &[("username", "x")]).await,
        ] {
            assert_eq!(reply.status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn no_stranger_reads_an_answer_by_script_row_76() {
    let spa = "a0000000-0000-4000-8000-0000000000a1";
    let table = format!(
        "[[application]]\nname = \"spa\"\nclient_id = \"{spa}\"\nredirect_uris = {{ spa = [\"https://spa.example/cb\"] }}\n"
    );
    let t = Contoso::with("", &table).await;
    t.registered(&[PUBLIC]).await;
    let token = t.graph_token("ada").await;
    let origins = [
        "null",
        "https://evil.example",
        "https://spa.example.evil.example",
        "https://evilspa.example",
        "https://sub.spa.example",
        "http://spa.example",
        "https://spa.example:8443",
        "https://localhost:8443",
        "https://localhost:8443.evil.example",
        "*",
    ];
    let (scope, secret) =
        (format!("{PLATFORM}/.default"), [("client_secret", SECRET), ("client_id", CONFIDENTIAL)]);
    let by_secret = [&[("grant_type", "client_credentials"), ("scope", &scope)], &secret[..]].concat();
    for origin in origins {
        let with = |mut request: Request<Bytes>| {
            request.headers_mut().insert("origin", HeaderValue::from_static(origin));
            request.headers_mut().insert("cookie", HeaderValue::from_static("x=y"));
            request
        };
        let get = |path: &str| {
            with(
                Request::get(path)
                    .header("host", "localhost:8443")
                    .header("authorization", format!("Bearer {token}"))
                    .body(Bytes::new())
                    .unwrap(),
            )
        };
        let mut closed = vec![
            with(form(&format!("/{TENANT}/oauth2/v2.0/token"), &by_secret)),
            with(form(
                &format!("/{TENANT}/oauth2/v2.0/token"),
                &[("grant_type", "refresh_token"), ("client_id", spa), ("refresh_token", "x")],
            )),
            with(form(
                &format!("/{TENANT}/oauth2/v2.0/devicecode"),
                &[("client_id", PUBLIC), ("scope", "openid")],
            )),
            with(form(&format!("/{TENANT}/login"), &[])),
            with(form(&format!("/{TENANT}/consent"), &[])),
            get(&authorize(&query(PUBLIC, &[]))),
            get(&authorize(&query(PUBLIC, &[("prompt", "none")]))),
            get(&format!("/{TENANT}/oauth2/v2.0/logout")),
            get(DEVICE_PAGE),
            get(ME),
            get(USERINFO),
            get(&packages()),
            get(REGISTRATIONS),
            get("/healthz"),
        ];
        for path in ["oauth2/v2.0/token", "oauth2/v2.0/authorize", "oauth2/v2.0/devicecode", "login"] {
            let request = Request::options(format!("/{TENANT}/{path}"))
                .header("host", "localhost:8443")
                .header("access-control-request-method", "POST");
            closed.push(with(request.body(Bytes::new()).unwrap()));
        }
        for request in closed {
            let at = format!("{} {}", request.method(), request.uri());
            let reply = t.send(request).await;
            assert_eq!(reply.header("access-control-allow-origin"), "", "{origin} {at}");
            assert_eq!(reply.header("access-control-allow-credentials"), "", "{origin} {at}");
        }
        // What holds no secret is everyone's, and never with credentials.
        for path in [
            "v2.0/.well-known/openid-configuration",
            ".well-known/openid-configuration",
            "discovery/v2.0/keys",
            "discovery/keys",
        ] {
            let reply = t.send(get(&format!("/{TENANT}/{path}"))).await;
            assert_eq!(reply.header("access-control-allow-origin"), "*", "{path}");
            assert_eq!(reply.header("access-control-allow-credentials"), "", "{path}");
        }
    }
    // The single-page application's own origin reads what it may ask for.
    let mut own = form(
        &format!("/{TENANT}/oauth2/v2.0/token"),
        &[("grant_type", "refresh_token"), ("client_id", spa), ("refresh_token", "x")],
    );
    own.headers_mut().insert("origin", HeaderValue::from_static("https://spa.example"));
    let reply = t.send(own).await;
    assert_eq!(reply.header("access-control-allow-origin"), "https://spa.example");
    assert_eq!(reply.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn an_answer_is_neither_kept_nor_passed_on_row_77() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let answer = browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await;
    assert!(back(&answer).contains_key("code"));
    for mode in ["query", "fragment"] {
        let reply = browser.open(&query(PUBLIC, &[("response_mode", mode)])).await;
        assert!(reply.header("cache-control").contains("no-store"), "{mode}");
    }
    let posted = browser.open(&query(PUBLIC, &[("response_mode", "form_post")])).await;
    assert!(posted.text().contains("name=\"code\""));
    for page in [&posted, &browser.open(&query(PUBLIC, &[("prompt", "login")])).await] {
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert!(page.header("cache-control").contains("no-store"));
        assert!(!page.text().contains("http-equiv") && !page.text().contains(" src="));
    }
    let token = t.redeem(&back(&answer)["code"]).await;
    assert!(token.header("cache-control").contains("no-store") && token.status == 200);
    assert!(t.token(&[("grant_type", "password")]).await.header("cache-control").contains("no-store"));
    // A page that a person left open does not show its address to where it leads.
    let page = t.get(&authorize(&query("nonsense", &[("redirect_uri", "https://evil.example/")])), "").await;
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert!(!page.text().contains("href="));
}

#[tokio::test]
async fn a_password_is_not_sent_on_row_78() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let account = browser.open(&query(PUBLIC, &[])).await;
    let asked = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
    let done = browser.submit(&asked, &[("passwd", PASSWORD)]).await;
    assert_eq!(done.status, 303);
    assert!(
        !done.header("location").contains(&percent(PASSWORD)) && !done.header("location").contains(PASSWORD)
    );
    // A post to authorize, and every other answer that leads on.
    let posted = form(&format!("/{TENANT}/oauth2/v2.0/authorize"), &query(PUBLIC, &[]));
    assert_eq!(browser.send(posted).await.status, 303);
    let page = Browser::new(&t);
    let account = page.open(&query(PUBLIC, &[])).await;
    assert_eq!(page.submit(&account, &[("cancel", "1")]).await.status, 303);
}

/// One block of headers, each of them one line, and none that was smuggled in.
fn one_block(reply: &Reply) {
    for (name, value) in &reply.headers {
        assert!(!name.as_str().contains("evil"), "{name}");
        assert!(value.as_bytes().iter().all(|byte| *byte >= 32 && *byte != 127), "{name} {value:?}");
    }
    assert_eq!(reply.header("x-evil"), "");
}

#[tokio::test]
async fn a_header_is_one_line_row_79() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    for hostile in [
        "a\r\nX-Evil: 1",
        "a\nX-Evil: 1",
        "a\rX-Evil: 1",
        "a\u{85}X-Evil: 1",
        "a\u{2028}X-Evil: 1",
        "%0d%0aX-Evil: 1",
        "嘊嘍X-Evil: 1",
        "a\r\n\r\n<html>",
    ] {
        for mode in ["query", "fragment"] {
            let reply = browser.open(&query(PUBLIC, &[("state", hostile), ("response_mode", mode)])).await;
            one_block(&reply);
            assert_eq!(back(&reply)["state"], hostile);
        }
        for name in ["redirect_uri", "client_id", "scope", "prompt", "login_hint", "nonce", "response_type"] {
            one_block(&browser.open(&query(PUBLIC, &[(name, hostile)])).await);
        }
        one_block(&browser.get(&format!("/{TENANT}/oauth2/v2.0/logout?client_id={PUBLIC}&post_logout_redirect_uri=http%3A%2F%2Flocalhost%2Fback&state={}", percent(hostile))).await);
        one_block(&t.get(&format!("/{}/oauth2/v2.0/authorize", percent(hostile)), "").await);
        one_block(&t.token(&[("client-request-id", hostile), ("grant_type", hostile)]).await);
        let named = patch(&t, PUBLIC, json!({ "displayName": hostile })).await;
        one_block(&named);
        // A line separator is no control character, and ends lines all the same.
        let breaks = hostile.contains(|c: char| c.is_control() || c == '\u{2028}');
        assert_eq!(named.status, if breaks { 400 } else { 204 }, "{hostile:?}");
    }
    let id = "11111111-2222-4333-8444-555555555555";
    for (sent, echoed) in [(id, id), ("x y", ""), ("%0d%0aX-Evil: 1", ""), ("<b>", "")] {
        let mut request = form(&format!("/{TENANT}/oauth2/v2.0/token"), &[]);
        request.headers_mut().insert("client-request-id", HeaderValue::from_str(sent).unwrap());
        request.headers_mut().insert("return-client-request-id", HeaderValue::from_static("true"));
        let reply = t.send(request).await;
        one_block(&reply);
        let told = reply.header("client-request-id");
        assert!(if echoed.is_empty() { told.len() == 36 && told != sent } else { told == echoed }, "{told}");
        assert!(!reply.text().contains("<b>"));
    }
}

#[tokio::test]
async fn the_issuer_does_not_follow_the_host_row_80() {
    let t = contoso().await;
    let path = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
    let ask = async |host: &str, more: &[(&'static str, &str)]| {
        let mut request = Request::get(&path).header("host", host);
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        t.send(request.body(Bytes::new()).unwrap()).await
    };
    let issuer = format!("https://localhost:8443/{TENANT}/v2.0");
    assert_eq!(ask("localhost:8443", &[]).await.good()["issuer"], issuer);
    for host in [
        "evil.example",
        "localhost.evil.example",
        "localhost:8443.evil.example",
        "evil.example:8443",
        "localhost@evil.example",
        "evil.example#localhost",
        "login.microsoftonline.com.evil.example",
        "evil.api.bap.microsoft.com.evil.example",
        "",
        " ",
        "localhost,evil.example",
        "localhost/evil.example",
        "xn--localhost",
        "169.254.169.254",
    ] {
        let reply = ask(host, &[]).await;
        assert_eq!(reply.status, 421, "{host}");
        assert!(!reply.text().contains("evil"), "{host}");
    }
    // What stands beside the host changes nothing.
    for (name, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-server", "evil.example"),
        ("x-host", "evil.example"),
        ("x-original-url", "/evil"),
        ("x-rewrite-url", "/evil"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "host=evil.example;proto=http"),
        ("referer", "https://evil.example/"),
        ("origin", "https://evil.example"),
    ] {
        let reply = ask("localhost:8443", &[(name, value)]).await;
        assert_eq!(reply.good()["issuer"], issuer, "{name}");
        assert!(!reply.text().contains("evil") && !reply.text().contains("http://"), "{name}");
        let mut request = form(
            &format!("/{TENANT}/oauth2/v2.0/token"),
            &[
                ("grant_type", "client_credentials"),
                ("client_id", CONFIDENTIAL),
                ("client_secret", SECRET),
                ("scope", "https://api.powerplatform.com/.default"),
            ],
        );
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        let reply = t.send(request).await;
        if name != "origin" {
            assert_eq!(reply.claims()["iss"], format!("https://localhost:8443/{TENANT}/"), "{name}");
        }
    }
    // Names that are ours speak under the one name that the operator gave.
    for host in ["127.0.0.1:8443", "[::1]:8443", "LOCALHOST", "localhost:1"] {
        assert_eq!(ask(host, &[]).await.good()["issuer"], issuer, "{host}");
    }
    // The address in the request line counts, and a header that names another host is refused.
    let absolute = |host: &str| {
        let request = Request::get(format!("https://evil.example{path}")).header("host", host);
        request.body(Bytes::new()).unwrap()
    };
    assert_eq!(t.send(absolute("evil.example")).await.status, 421);
    assert_eq!(t.send(absolute("localhost:8443")).await.status, 400);
    let code = device(&t).await;
    assert!(code["verification_uri"].as_str().unwrap().starts_with("https://localhost:8443/"));
}
