//! A browser without script: it keeps cookies, follows redirects, submits forms, and answers the sign-in pages as
//! one person.

use super::{proxy::Proxy, stage::Person};
use aws_lc_rs::hmac;
use carnet_http::{
    clock::{Clock, SystemClock},
    context::microsoft_surface,
};
use reqwest::{Method, StatusCode, Url, header};
use std::{cell::RefCell, collections::BTreeMap};

/// More redirects than any sign-in needs.
const REDIRECTS: usize = 20;

/// A browser of its own: nobody is signed in.
pub struct Browser {
    http: reqwest::Client,
    login: String,
    /// By host name and cookie name; as in browsers, the port does not count.
    cookies: RefCell<BTreeMap<(String, String), Cookie>>,
}

struct Cookie {
    value: String,
    path: String,
    secure: bool,
}

/// What the browser shows.
#[derive(Debug)]
pub struct Page {
    /// Its address.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its header.
    pub headers: header::HeaderMap,
    /// Its text.
    pub text: String,
}

impl Browser {
    /// A browser that trusts the CA of the server at `login` and reaches Microsoft's names through the proxy.
    pub fn new(login: &str, ca: &[u8], proxy: &Proxy) -> Self {
        let proxy = proxy.url.clone();
        let through = reqwest::Proxy::custom(move |url| {
            url.host_str().filter(|name| microsoft_surface(name).is_some()).map(|_| proxy.clone())
        });
        let http = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(ca).unwrap()])
            .redirect(reqwest::redirect::Policy::none())
            .proxy(through)
            .build()
            .unwrap();
        Self { http, login: login.to_owned(), cookies: RefCell::default() }
    }

    /// Opens an address.
    pub async fn open(&self, url: &str) -> Page {
        self.follow(Method::GET, Url::parse(url).unwrap(), None).await
    }

    /// Submits the first form of a page, with these fields in place of its own.
    pub async fn submit(&self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let form = page.form();
        let mut all = form.fields;
        all.retain(|(name, _)| !fields.iter().any(|(other, _)| name == other));
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let url = page.url.join(&form.action).unwrap();
        if form.posts {
            self.follow(Method::POST, url, Some(all)).await
        } else {
            let mut url = url;
            url.query_pairs_mut().clear().extend_pairs(all);
            self.follow(Method::GET, url, None).await
        }
    }

    /// Posts a form.
    pub async fn post(&self, url: &str, fields: &[(&str, &str)]) -> Page {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.follow(Method::POST, Url::parse(url).unwrap(), Some(fields)).await
    }

    /// How many groups Graph says that the person of an access token is in.
    pub async fn groups(&self, token: &str) -> usize {
        let url = "https://graph.microsoft.com/v1.0/me/transitiveMemberOf?$select=id&$top=999";
        let answer = self.http.get(url).bearer_auth(token).send().await.unwrap().text().await.unwrap();
        let told: serde_json::Value = serde_json::from_str(&answer).unwrap();
        told["value"].as_array().unwrap_or_else(|| panic!("{answer}")).len()
    }

    /// Opens an address of an application that leads to the server, at once or by a button.
    pub async fn start(&self, url: &str) -> Page {
        let page = self.open(url).await;
        if self.is_login(&page.url) || !page.text.contains("<form") {
            return page;
        }
        self.submit(&page, &[]).await
    }

    /// Opens an address of an application and answers the pages of the sign-in that begins there as one person. The
    /// result is where it ends, or the page on which the server asks the same again.
    pub async fn sign_in(&self, url: &str, person: &Person) -> Page {
        let page = self.start(url).await;
        self.answer(page, person).await
    }

    /// Answers the pages of a sign-in that has begun.
    async fn answer(&self, mut page: Page, person: &Person) -> Page {
        let code = person.totp.map(code_of).unwrap_or_default();
        let mut answered = Vec::new();
        while let Some((question, fields)) = self.question(&page, person, &code) {
            if answered.contains(&question) {
                break;
            }
            answered.push(question);
            page = self.submit(&page, &fields).await;
        }
        page
    }

    /// Opens an address that signs out, confirms, and goes back to the application.
    pub async fn sign_out(&self, url: &str) -> Page {
        let mut page = self.open(url).await;
        while self.is_login(&page.url) {
            page = if page.text.contains(">Sign out</button>") {
                self.submit(&page, &[]).await
            } else if page.text.contains("id=\"go\"") {
                self.open(&link_to_go_on(&page)).await
            } else {
                break;
            };
        }
        page
    }

    /// The server asks who somebody is: nobody is signed in.
    pub fn asks_for_the_account(&self, page: &Page) -> bool {
        self.is_login(&page.url)
            && page.text.contains("name=\"username\"")
            && !page.text.contains("name=\"passwd\"")
    }

    /// What a page of the token service asks, with the answer.
    fn question<'a>(
        &self,
        page: &Page,
        person: &'a Person,
        code: &'a str,
    ) -> Option<(&'static str, Vec<(&'a str, &'a str)>)> {
        let named = |name: &str| page.text.contains(&format!("name=\"{name}\""));
        if !self.is_login(&page.url) {
            return None;
        }
        if named("passwd") {
            Some(("passwd", vec![("passwd", person.password)]))
        } else if named("otc") {
            Some(("otc", vec![("otc", code)]))
        } else if named("username") {
            Some(("username", vec![("username", person.name)]))
        } else if named("answer") {
            Some(("answer", vec![("answer", "yes")]))
        } else {
            None
        }
    }

    /// The address belongs to the server, under its own name or one of Microsoft's.
    pub fn is_login(&self, url: &Url) -> bool {
        url.as_str().starts_with(&self.login)
            || url.host_str().is_some_and(|name| microsoft_surface(name).is_some())
    }

    async fn follow(
        &self,
        mut method: Method,
        mut url: Url,
        mut form: Option<Vec<(String, String)>>,
    ) -> Page {
        for _ in 0..REDIRECTS {
            let mut request = self.http.request(method.clone(), url.clone());
            if let Some(cookies) = self.cookies_for(&url) {
                request = request.header(header::COOKIE, cookies);
            }
            if let Some(form) = &form {
                request = request.form(form).header(header::ORIGIN, url.origin().ascii_serialization());
            }
            let answer = request.header(header::ACCEPT, "text/html").send().await;
            let answer = answer.unwrap_or_else(|error| panic!("{url}: {error:?}"));
            self.keep(&url, answer.headers());
            let status = answer.status();
            let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let Some(next) = location.filter(|_| status.is_redirection()).map(|next| url.join(next).unwrap())
            else {
                let headers = answer.headers().clone();
                let text = answer.text().await.unwrap();
                let refresh = refreshed(&text).map(|next| url.join(&next).unwrap());
                let Some(next) = refresh else { return Page { url, status, headers, text } };
                (method, url, form) = (Method::GET, next, None);
                continue;
            };
            if status != StatusCode::TEMPORARY_REDIRECT && status != StatusCode::PERMANENT_REDIRECT {
                (method, form) = (Method::GET, None);
            }
            url = next;
        }
        panic!("more than {REDIRECTS} redirects, the last to {url}");
    }

    fn cookies_for(&self, url: &Url) -> Option<String> {
        let host = url.host_str().unwrap_or_default();
        let all = self.cookies.borrow();
        let sent = all.iter().filter(|((of, _), cookie)| {
            of == host && url.path().starts_with(&cookie.path) && (!cookie.secure || url.scheme() == "https")
        });
        let pairs: Vec<String> = sent.map(|((_, name), cookie)| format!("{name}={}", cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    fn keep(&self, url: &Url, headers: &header::HeaderMap) {
        for line in headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let mut parts = line.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let attributes: Vec<(String, &str)> = parts
                .map(|part| part.split_once('=').unwrap_or((part, "")))
                .map(|(name, value)| (name.to_ascii_lowercase(), value))
                .collect();
            let attribute =
                |name: &str| attributes.iter().find(|(of, _)| of == name).map(|(_, value)| *value);
            let key = (url.host_str().unwrap_or_default().to_owned(), name.to_owned());
            let ended = attribute("max-age").is_some_and(|age| age.starts_with('-') || age == "0")
                || attribute("expires").is_some_and(|date| date.contains("1970"));
            if value.is_empty() || value == "\"\"" || ended {
                self.cookies.borrow_mut().remove(&key);
                continue;
            }
            let cookie = Cookie {
                value: value.to_owned(),
                path: attribute("path").unwrap_or("/").to_owned(),
                secure: attribute("secure").is_some(),
            };
            self.cookies.borrow_mut().insert(key, cookie);
        }
    }
}

/// A form of a page.
struct Form {
    posts: bool,
    action: String,
    fields: Vec<(String, String)>,
}

impl Page {
    /// The first form with its hidden fields.
    fn form(&self) -> Form {
        let (_, rest) = self.text.split_once("<form").unwrap_or_else(|| panic!("no form: {self:?}"));
        let (head, rest) = rest.split_once('>').expect("the end of a tag");
        let body = rest.split("</form").next().unwrap_or_default();
        let fields = body.split("<input").skip(1).filter_map(|tag| {
            let tag = tag.split('>').next().unwrap_or_default();
            let hidden = attribute(tag, "type").is_some_and(|kind| kind == "hidden");
            hidden.then(|| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default())))?
        });
        Form {
            posts: attribute(head, "method").is_some_and(|method| method.eq_ignore_ascii_case("post")),
            action: attribute(head, "action").unwrap_or_default(),
            fields: fields.collect(),
        }
    }

    /// The page's JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    /// A field of the page's address.
    pub fn field(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(of, _)| of == name).map(|(_, value)| value.into_owned())
    }

    /// The server refuses on this page with this number.
    pub fn refuses(&self, number: u32) -> bool {
        // The number of a wrong password or code is not shown: the page asks again.
        let again = match number {
            50126 => self.text.contains("id=\"wrong\"") && self.text.contains("name=\"passwd\""),
            500_121 => self.text.contains("id=\"wrong\"") && self.text.contains("name=\"otc\""),
            _ => false,
        };
        again || self.text.contains(&format!("AADSTS{number}"))
    }
}

fn link_to_go_on(page: &Page) -> String {
    let tag = page.text.split("id=\"go\"").nth(1).and_then(|rest| rest.split('>').next()).unwrap_or_default();
    attribute(tag, "href").expect("a link with an address")
}

/// Where a page's `http-equiv=refresh` leads.
fn refreshed(text: &str) -> Option<String> {
    let tag = text.split("<meta").find(|tag| tag.contains("http-equiv='refresh'"))?;
    let content = attribute(tag.split("'>").next()?, "content")?;
    content.split_once("URL=").map(|(_, url)| url.to_owned())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    ['"', '\''].into_iter().find_map(|quote| {
        let after = tag.split(&format!(" {name}={quote}")).nth(1)?;
        let value = after.split(quote).next()?;
        Some(value.replace("&quot;", "\"").replace("&#x27;", "'").replace("&#39;", "'").replace("&amp;", "&"))
    })
}

/// What an authenticator with this key shows now (RFC 6238).
fn code_of(key: &str) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = key.bytes().flat_map(|letter| {
        let value = alphabet.iter().position(|of| *of == letter).expect("Base32");
        (0..5).rev().map(move |bit| value >> bit & 1)
    });
    let bits: Vec<usize> = bits.collect();
    let bytes: Vec<u8> = bits
        .chunks_exact(8)
        .map(|byte| u8::try_from(byte.iter().fold(0, |sum, bit| sum << 1 | bit)).expect("eight bits"))
        .collect();
    let step = SystemClock::default().now().seconds() / 30;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[at..at + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}
