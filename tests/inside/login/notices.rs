//! A browser is shown pages: at addresses that belong to no sign-in, and at those that are none.

use super::contoso;
use carnet_tests::{Contoso, PUBLIC, Reply, TENANT};
use carnet_wire::aadsts;
use http::{Method, Request};

async fn ask(t: &Contoso, method: Method, path: &str, accept: &str) -> Reply {
    let request = Request::builder().method(method).uri(path).header("host", "localhost:8443");
    t.send(request.header("accept", accept).body(bytes::Bytes::new()).unwrap()).await
}

/// What `HttpURLConnection` of Java sends on its own.
const JAVA: &str = "text/html, image/gif, image/jpeg, */*; q=0.2";
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn page(reply: &Reply, what: &str) -> String {
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8", "{what}");
    assert!(reply.header("content-security-policy").starts_with("default-src 'none'"), "{what}");
    assert_eq!(reply.header("x-frame-options"), "DENY", "{what}");
    reply.text()
}

#[tokio::test]
async fn every_error_uri_leads_to_a_page() {
    let t = contoso("").await;
    for row in aadsts::ALL {
        for accept in [BROWSER, "*/*"] {
            let reply = ask(&t, Method::GET, &format!("/error?code={}", row.number), accept).await;
            assert_eq!(reply.status, 200, "{}", row.number);
            assert!(page(&reply, "error").contains(&format!("<dd>AADSTS{}</dd>", row.number)));
        }
    }
    // As the answers name it.
    let error = t.by_password(PUBLIC, "nobody", "openid").await.json();
    let uri = error["error_uri"].as_str().unwrap().strip_prefix("https://localhost:8443").unwrap().to_owned();
    let text = page(&ask(&t, Method::GET, &uri, BROWSER).await, &uri);
    assert!(text.contains("The user name or password isn't right"), "{text}");
    for path in
        ["/error", "/error?code=1", "/error?code=%3Cb%3E", "/error?code=65004&code=65004", "/error?code="]
    {
        let reply = ask(&t, Method::GET, path, BROWSER).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(!page(&reply, path).contains("<b>"), "{path}");
    }
    let text = page(&ask(&t, Method::GET, "/error?code=AADSTS65004", BROWSER).await, "with its letters");
    assert!(text.contains("The request was declined"));
}

#[tokio::test]
async fn a_browser_that_lost_its_way_is_shown_what_to_do() {
    let t = contoso("").await;
    for path in ["/", "/devicelogin", "/DeviceLogin", "/common/oauth2/deviceauth"] {
        for accept in [BROWSER, "*/*"] {
            let reply = ask(&t, Method::GET, path, accept).await;
            assert_eq!(reply.status, 200, "{path}");
            page(&reply, path);
        }
    }
    for path in ["/nowhere", "/contoso.example", "/contoso.example/oauth2", "//", "/favicon.txt"] {
        let reply = ask(&t, Method::GET, path, BROWSER).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(page(&reply, path).contains("There is no page at this address"), "{path}");
        // Programs read JSON.
        for accept in ["application/json", JAVA] {
            let reply = ask(&t, Method::GET, path, accept).await;
            assert_eq!((reply.status, reply.no().as_str()), (404, "404 invalid_request null"), "{path}");
        }
    }
    // A reload of the address to which a form was posted.
    for form in ["login", "consent"] {
        let path = format!("/{TENANT}/{form}");
        let reply = ask(&t, Method::GET, &path, BROWSER).await;
        assert_eq!(reply.status, 405, "{path}");
        assert!(page(&reply, &path).contains("can't be opened by itself"), "{path}");
        for accept in ["*/*", JAVA] {
            assert_eq!(ask(&t, Method::GET, &path, accept).await.header("content-type"), JSON);
        }
    }
    // Whatever else keeps a request from being answered is told on a page too, with the same status.
    let get = format!("/{TENANT}/oauth2/v2.0/token");
    let reply = ask(&t, Method::GET, &get, BROWSER).await;
    assert_eq!(reply.status, 400);
    assert!(page(&reply, &get).contains("AADSTS900561"));
    assert_eq!(ask(&t, Method::GET, &get, JAVA).await.no(), "400 invalid_request 900561");
    let metadata = "/nowhere.example/v2.0/.well-known/openid-configuration";
    assert!(page(&ask(&t, Method::GET, metadata, BROWSER).await, metadata).contains("AADSTS90002"));
    let large = |accept: &str| {
        let request = Request::post(format!("/{TENANT}/login")).header("host", "localhost:8443");
        let form =
            request.header("content-type", "application/x-www-form-urlencoded").header("accept", accept);
        form.body(vec![b'a'; 2 << 20].into()).unwrap()
    };
    let elsewhere = |accept: &str| {
        let request = Request::get("/").header("host", "elsewhere.example").header("accept", accept);
        request.body(bytes::Bytes::new()).unwrap()
    };
    let text = page(&sent(&t, large(BROWSER), 413).await, "too large");
    assert!(text.contains("larger than this address accepts"), "{text}");
    let text = page(&sent(&t, elsewhere(BROWSER), 421).await, "another host");
    assert!(text.contains("does not answer for that host name"), "{text}");
    for request in [large("*/*"), elsewhere("*/*")] {
        assert_eq!(t.send(request).await.header("content-type"), JSON);
    }
    // Other hosts speak their own language.
    let reply = ask(&t, Method::GET, "/v1.0/nowhere", BROWSER).await;
    assert_eq!(reply.header("content-type"), JSON);
}

async fn sent(t: &Contoso, request: Request<bytes::Bytes>, status: u16) -> Reply {
    let reply = t.send(request).await;
    assert_eq!(reply.status, status);
    reply
}

#[tokio::test]
async fn the_first_page_says_which_tenants_and_endpoints_there_are_under_the_name_that_was_asked() {
    let t = contoso("").await;
    let text = page(&ask(&t, Method::GET, "/", BROWSER).await, "/").replace("<wbr>", "");
    for part in [
        TENANT,
        "contoso.example",
        "https://localhost:8443/{tenant}/v2.0/.well-known/openid-configuration",
        "https://localhost:8443/v1.0",
        ">https://localhost:8443/contoso.example<",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let request = Request::get("/").header("host", "login.microsoftonline.com").header("accept", BROWSER);
    let reply = t.send(request.body(bytes::Bytes::new()).unwrap()).await;
    let text = page(&reply, "under a name of Microsoft's").replace("<wbr>", "");
    for part in ["https://login.microsoftonline.com/contoso.example", "https://api.bap.microsoft.com"] {
        assert!(text.contains(part) && !text.contains("localhost"), "{part}: {text}");
    }
}

const JSON: &str = "application/json; charset=utf-8";

#[tokio::test]
async fn native_applications_have_their_answer_sent_to_an_empty_page() {
    let t = contoso("").await;
    for path in ["/common/oauth2/nativeclient?code=1.x&state=y", "/organizations/oauth2/nativeclient"] {
        let reply = ask(&t, Method::GET, path, BROWSER).await;
        assert_eq!(reply.status, 200);
        let text = page(&reply, path);
        assert!(text.contains("<body></body>") && !text.contains("1.x"), "{text}");
    }
}
