//! A browser without script, for the pages.

use bytes::Bytes;
use carnet_tests::{Contoso, Reply, TENANT, form, percent};
use http::{HeaderValue, Request};
use std::{cell::RefCell, collections::BTreeMap};

/// A browser: it keeps cookies and posts forms from where it got them.
pub(super) struct Browser<'a> {
    t: &'a Contoso,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    pub(super) fn new(t: &'a Contoso) -> Self {
        Self { t, cookies: RefCell::default() }
    }

    pub(super) async fn send(&self, mut request: Request<Bytes>) -> Reply {
        let line: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !line.is_empty() {
            request.headers_mut().insert("cookie", line.join("; ").parse().unwrap());
        }
        let reply = self.t.send(request).await;
        for cookie in reply.headers.get_all("set-cookie") {
            let text = cookie.to_str().unwrap();
            assert!(
                ["__Host-", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"]
                    .iter()
                    .all(|it| text.contains(it)),
                "{text}"
            );
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    pub(super) async fn open(&self, query: &[(&str, &str)]) -> Reply {
        let query: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
        self.get(&format!("/{TENANT}/oauth2/v2.0/authorize?{}", query.join("&"))).await
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).header("host", "localhost:8443").body(Bytes::new()).unwrap()).await
    }

    /// Posts a page's form, to where it says, with these fields beside its hidden one.
    pub(super) async fn submit(&self, page: &Reply, fields: &[(&str, &str)]) -> Reply {
        let text = String::from_utf8(page.body.to_vec()).unwrap();
        let action = text.split("action=\"").nth(1).unwrap_or_else(|| panic!("no form: {text}"));
        let action = action.split('"').next().unwrap();
        let flow = flow(page);
        let all = [&[("flow", flow.as_str())], fields].concat();
        let mut request = form(action, &all);
        request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        self.send(request).await
    }

    pub(super) async fn sign_in(&self, query: &[(&str, &str)], user: &str, password: &str) -> Reply {
        let account = self.open(query).await;
        let name = format!("{user}@contoso.example");
        let asked = self.submit(&account, &[("username", &name)]).await;
        self.submit(&asked, &[("passwd", password)]).await
    }
}

/// The sealed state that a page carries.
pub(super) fn flow(page: &Reply) -> String {
    let text = String::from_utf8(page.body.to_vec()).unwrap();
    let after = text.split("name=\"flow\" value=\"").nth(1).unwrap_or_else(|| panic!("no form: {text}"));
    after.split('"').next().unwrap().to_owned()
}
