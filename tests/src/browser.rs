//! A browser without script, for the pages, and what an application sends it to.

use crate::{Contoso, PUBLIC, Reply, TENANT, form, percent, whole};
use bytes::Bytes;
use carnet_http::listen::accept::Peer;
use carnet_wire::pkce::{Challenge, Verifier};
use http::{HeaderValue, Request};
use std::{cell::RefCell, collections::BTreeMap, sync::LazyLock};

/// Where the applications' answers go, under a port of its own; `http://localhost/back` is registered.
pub const BACK: &str = "http://localhost:4711/back";
/// What the challenge of [`query`] is made of.
pub const VERIFIER: &str = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";
/// What is asked for.
pub const SCOPE: &str = "https://api.powerplatform.com/.default openid offline_access";

/// A browser: it keeps cookies and posts forms from where it got them.
pub struct Browser<'a> {
    t: &'a Contoso,
    /// Where it is; `None`: where all requests come from.
    peer: Option<Peer>,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    /// A browser that was never here.
    #[must_use]
    pub fn new(t: &'a Contoso) -> Self {
        Self { t, peer: None, cookies: RefCell::default() }
    }

    /// A browser that was never here, somewhere else.
    #[must_use]
    pub fn at(t: &'a Contoso, peer: Peer) -> Self {
        Self { t, peer: Some(peer), cookies: RefCell::default() }
    }

    /// What it keeps under this name.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    /// Plants a cookie.
    pub fn plant(&self, name: &str, value: &str) {
        self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    /// Sends a request with its cookies.
    pub async fn send(&self, mut request: Request<Bytes>) -> Reply {
        let line: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !line.is_empty() {
            request.headers_mut().insert("cookie", line.join("; ").parse().expect("a header"));
        }
        let reply = self.t.send_as(self.peer.unwrap_or_else(|| self.t.peer()), request.map(whole)).await;
        for cookie in reply.headers.get_all("set-cookie") {
            let text = cookie.to_str().expect("ASCII");
            assert!(
                ["__Host-", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"]
                    .iter()
                    .all(|it| text.contains(it)),
                "{text}"
            );
            let pair = text.split(';').next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.expect("a name and a value");
            if value.is_empty() {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    /// Begins a sign-in with these parameters.
    pub async fn open(&self, query: &[(&str, &str)]) -> Reply {
        let query: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
        self.get(&format!("/{TENANT}/oauth2/v2.0/authorize?{}", query.join("&"))).await
    }

    /// Reads a page.
    pub async fn get(&self, path: &str) -> Reply {
        let request = Request::get(path).header("host", "localhost:8443").body(Bytes::new());
        self.send(request.expect("a sound request")).await
    }

    /// Posts a page's form, to where it says, with these fields beside its hidden one.
    pub async fn submit(&self, page: &Reply, fields: &[(&str, &str)]) -> Reply {
        self.send(submission(page, fields)).await
    }

    /// Signs in with a name of the usual tenant and a password.
    pub async fn sign_in(&self, query: &[(&str, &str)], user: &str, password: &str) -> Reply {
        let account = self.open(query).await;
        let name = format!("{user}@contoso.example");
        let asked = self.submit(&account, &[("username", &name)]).await;
        self.submit(&asked, &[("passwd", password)]).await
    }
}

/// The post of a page's form, as the browser makes it.
#[must_use]
pub fn submission(page: &Reply, fields: &[(&str, &str)]) -> Request<Bytes> {
    let text = page.text();
    let action = text.split("action=\"").nth(1).unwrap_or_else(|| panic!("no form: {text}"));
    let action = action.split('"').next().expect("an end");
    let flow = flow(page);
    let all = [&[("flow", flow.as_str())], fields].concat();
    let mut request = form(action, &all);
    request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    request
}

/// The sealed state that a page carries.
#[must_use]
pub fn flow(page: &Reply) -> String {
    let text = page.text();
    let after = text.split("name=\"flow\" value=\"").nth(1).unwrap_or_else(|| panic!("no form: {text}"));
    after.split('"').next().expect("an end").to_owned()
}

/// A sound authorization request of a public client, with these parameters in place of its own.
#[must_use]
pub fn query<'a>(client: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    static CHALLENGE: LazyLock<Challenge> =
        LazyLock::new(|| Verifier::parse(VERIFIER).expect("48 characters").challenge());
    let mut all = vec![
        ("client_id", client),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        ("scope", SCOPE),
        ("state", "a b&c"),
        ("nonce", "n-1"),
        ("code_challenge", CHALLENGE.as_str()),
        ("code_challenge_method", "S256"),
    ];
    all.retain(|(name, _)| !more.iter().any(|(other, _)| name == other));
    all.extend(more);
    all
}

/// The fields that went back to the client at [`BACK`].
#[must_use]
pub fn back(reply: &Reply) -> BTreeMap<String, String> {
    assert_eq!(reply.status, 303, "{}", reply.text());
    let location = reply.header("location");
    let (uri, query) = location.split_once(['?', '#']).expect("an answer");
    assert_eq!(uri, BACK);
    let pairs = query.split('&').map(|pair| pair.split_once('=').expect("a pair"));
    pairs
        .map(|(name, value)| {
            (name.to_owned(), carnet_wire::percent::decode_text(value, true).expect("sound escapes"))
        })
        .collect()
}

/// The AADSTS number that a page shows or that went back to the client.
#[must_use]
pub fn number(reply: &Reply) -> u32 {
    let text = if reply.status == 303 { back(reply)["error_description"].clone() } else { reply.text() };
    let digits = text.split("AADSTS").nth(1).unwrap_or_else(|| panic!("no number: {text}"));
    digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
}

impl Contoso {
    /// Gives public clients the address at which [`BACK`] lies.
    pub async fn registered(&self, clients: &[&str]) {
        let token = self.graph_token("admin").await;
        for client in clients {
            let uris = serde_json::json!({ "publicClient": { "redirectUris": ["http://localhost/back"] } });
            let path = format!("/v1.0/applications(appId='{client}')");
            assert_eq!(self.call("PATCH", &path, &token, uris).await.status, 204);
        }
    }

    /// A fresh code of [`PUBLIC`] for a user who signs in.
    pub async fn code(&self, user: &str) -> String {
        let reply = Browser::new(self).sign_in(&query(PUBLIC, &[]), user, crate::PASSWORD).await;
        back(&reply)["code"].clone()
    }

    /// Redeems a code of [`PUBLIC`].
    pub async fn redeem(&self, code: &str) -> Reply {
        self.token(&redemption(code)).await
    }
}

/// The fields that redeem a code of [`PUBLIC`].
#[must_use]
pub fn redemption(code: &str) -> [(&str, &str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", PUBLIC),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ]
}
