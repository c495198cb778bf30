//! What people do before the clock starts: they sign in over the pages, and leave codes to be redeemed. Codes
//! are written and approved as in earnest, since what is measured is their redemption alone.

use super::{
    client::{Answer, Feed, Job, Transport, connect, exchange},
    subject::{Carnet, PASSWORD, PUBLIC, TENANT, USERS, form},
};
use carnet_wire::{percent, pkce::Verifier};
use futures_util::future::join_all;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::net::TcpStream;

const VERIFIER: &str = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";
const BACK: &str = "http://localhost";
/// What clients of Microsoft's libraries ask for: two signatures and a refresh token.
const SCOPE: &str = "openid profile offline_access https://api.powerplatform.com/.default";
/// One signature.
const WITHOUT_ID_TOKEN: &str = "offline_access https://api.powerplatform.com/.default";
/// So many answer devices at a time: a password each, and there are two hash threads.
const ANSWERING: usize = 4;

/// A refresh token's redemption.
pub fn refresh(host: &str, token: &str) -> Vec<u8> {
    let scope = percent::encode(WITHOUT_ID_TOKEN);
    form(host, &format!("client_id={PUBLIC}&grant_type=refresh_token&refresh_token={token}&scope={scope}"))
}

fn redemption(host: &str, code: &str) -> Vec<u8> {
    let back = percent::encode(BACK);
    form(
        host,
        &format!(
            "client_id={PUBLIC}&grant_type=authorization_code&code={code}&redirect_uri={back}&code_verifier={VERIFIER}"
        ),
    )
}

fn poll(host: &str, code: &str) -> Vec<u8> {
    let grant = percent::encode("urn:ietf:params:oauth:grant-type:device_code");
    form(host, &format!("client_id={PUBLIC}&grant_type={grant}&device_code={code}"))
}

/// The people of the tenant, each signed in with a browser.
pub struct People {
    address: SocketAddr,
    host: String,
    browsers: Vec<Browser>,
}

impl People {
    /// All of them come and sign in.
    pub async fn arrive(carnet: &Carnet) -> Self {
        let (address, host) = (carnet.plain(), carnet.host(Transport::Plain));
        let arriving = (0..USERS).map(async |number| {
            let mut browser = Browser::open(address, host.clone(), number).await;
            let account = browser.get(&authorize("")).await;
            let asked = browser.account(&account).await;
            let back = browser.password(&asked).await;
            back.expect(303);
            browser
        });
        let browsers = join_all(arriving).await;
        Self { address, host, browsers }
    }

    fn job(&self, feed: Feed, status: u16) -> Job {
        Job { address: self.address, transport: Transport::Plain, feed: Arc::new(feed), status }
    }

    /// Opens new connections: the server closes one that was idle for a minute, which other measurements take.
    async fn come_back(&mut self) {
        for browser in &mut self.browsers {
            browser.stream = connect(self.address).await;
        }
    }

    /// A refresh token for everybody; each redemption gives the next.
    pub async fn chains(&mut self) -> Job {
        self.come_back().await;
        let host = self.host.clone();
        let first = self.browsers.iter_mut().map(async |browser| {
            let code = browser.code().await;
            let answer = exchange(&mut browser.stream, &redemption(&host, &code)).await;
            answer.expect(200);
            Mutex::new(answer.member("refresh_token"))
        });
        let newest = join_all(first).await;
        self.job(Feed::Chains { host, newest }, 200)
    }

    /// At least so many fresh codes, which live for a minute.
    pub async fn codes(&mut self, count: usize) -> Job {
        self.come_back().await;
        let (host, each) = (self.host.clone(), count.div_ceil(USERS));
        let written = self.browsers.iter_mut().map(async |browser| {
            let mut codes = Vec::with_capacity(each);
            for _ in 0..each {
                codes.push(redemption(&host, &browser.code().await));
            }
            codes
        });
        let stock = in_turn(join_all(written).await);
        self.job(Feed::once(stock), 200)
    }

    /// At least so many device codes that somebody said yes to.
    pub async fn devices(&mut self, count: usize) -> Job {
        self.come_back().await;
        let (host, each) = (self.host.clone(), count.div_ceil(ANSWERING));
        let answered = self.browsers.iter_mut().take(ANSWERING).map(async |browser| {
            let mut codes = Vec::with_capacity(each);
            for _ in 0..each {
                let begun = browser.begin_device().await;
                browser.answer_device(&begun.member("user_code")).await;
                codes.push(poll(&host, &begun.member("device_code")));
            }
            codes
        });
        let stock = in_turn(join_all(answered).await);
        self.job(Feed::once(stock), 200)
    }

    /// Devices that ask for what nobody has answered yet.
    pub async fn polls(&mut self) -> Job {
        self.come_back().await;
        let host = self.host.clone();
        let begun = self.browsers.iter_mut().map(async |browser| {
            let mut polls = Vec::new();
            for _ in 0..DEVICES_EACH {
                let code = browser.begin_device().await.member("device_code");
                polls.extend(std::iter::repeat_n(poll(&host, &code), POLLS_EACH));
            }
            polls
        });
        let stock = join_all(begun).await.concat();
        self.job(Feed::once(stock), 400)
    }
}

/// What everybody has, in the order in which it was made: a code is redeemed within seconds, and not the last one first.
fn in_turn<T>(each: Vec<Vec<T>>) -> Vec<T> {
    let mut each: Vec<_> = each.into_iter().map(Vec::into_iter).collect();
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(each.iter_mut().filter_map(Iterator::next));
        if all.len() == before {
            return all;
        }
    }
}

fn authorize(more: &str) -> String {
    let challenge = Verifier::parse(VERIFIER).expect("48 characters").challenge();
    format!(
        "/{TENANT}/oauth2/v2.0/authorize?client_id={PUBLIC}&response_type=code&redirect_uri={}&scope={}&nonce=n-1&code_challenge={}&code_challenge_method=S256{more}",
        percent::encode(BACK),
        percent::encode(SCOPE),
        challenge.as_str()
    )
}

/// Devices of each browser that poll in vain.
const DEVICES_EACH: usize = 40;
/// How often each of them does: more often at once would be a flood.
const POLLS_EACH: usize = 8;

/// A browser without script, over one connection.
struct Browser {
    stream: TcpStream,
    host: String,
    user: usize,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    async fn open(address: SocketAddr, host: String, user: usize) -> Self {
        Self { stream: connect(address).await, host, user, cookies: BTreeMap::new() }
    }

    async fn send(&mut self, line: &str, body: &str) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {}\r\nSec-Fetch-Site: same-origin\r\nCookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            cookies.join("; "),
            body.len()
        );
        let answer = exchange(&mut self.stream, request.as_bytes()).await;
        for cookie in answer.headers("set-cookie") {
            let pair = cookie.split(';').next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.expect("a name and a value");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), "").await
    }

    /// Posts a page's form, to where it says, with this field beside its hidden one.
    async fn submit(&mut self, page: &Answer, (name, value): (&str, &str)) -> Answer {
        page.expect(200);
        let after = |mark: &str| {
            let text = page.text().split(mark).nth(1).unwrap_or_else(|| panic!("no form: {}", page.text()));
            text.split('"').next().unwrap_or_default().to_owned()
        };
        let (action, flow) = (after("action=\""), after("name=\"flow\" value=\""));
        let body = format!("flow={}&{name}={}", percent::encode(&flow), percent::encode(value));
        self.send(&format!("POST {action}"), &body).await
    }

    async fn account(&mut self, page: &Answer) -> Answer {
        let name = format!("user{}@contoso.example", self.user);
        self.submit(page, ("username", &name)).await
    }

    async fn password(&mut self, page: &Answer) -> Answer {
        self.submit(page, ("passwd", PASSWORD)).await
    }

    /// A code of the open session.
    async fn code(&mut self) -> String {
        let back = self.get(&authorize("&prompt=none")).await;
        back.expect(303);
        let location = back.headers("location").next().expect("an address");
        percent::query_value(location.split_once('?').expect("an answer").1, "code").expect("a code")
    }

    async fn begin_device(&mut self) -> Answer {
        let body = format!("client_id={PUBLIC}&scope={}", percent::encode(SCOPE));
        let begun = self.send(&format!("POST /{TENANT}/oauth2/v2.0/devicecode"), &body).await;
        begun.expect(200);
        begun
    }

    /// Types the code that a device shows, signs in for it, and says yes.
    async fn answer_device(&mut self, code: &str) {
        let page = self.get("/common/oauth2/deviceauth").await;
        let account = self.submit(&page, ("user_code", code)).await;
        let asked = self.account(&account).await;
        let question = self.password(&asked).await;
        self.submit(&question, ("answer", "yes")).await.expect(200);
    }
}
