//! A sign-in under way: the sealed state that each page carries, tied to the browser that was shown it.

use super::{answer, cookie};
use carnet_http::{
    context::{Context, same_host},
    reply::{Failure, Reply},
    route::Call,
    web::error_page,
};
use carnet_store::{Once, artifact::text_digest};
use carnet_tenant::{
    credential::Guarded,
    refusal::Refusal,
    token::{Denial, denial::SessionNo},
    user::User,
};
use carnet_wire::{
    authority::TenantName,
    digest,
    ids::ObjectId,
    time::Timestamp,
    token::{
        form::{Form, LARGEST},
        request::LONGEST_QUERY,
    },
};
use http::Method;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Ties pages to the browser that asked for them.
const BROWSER: &str = "__Host-carnet-browser";
/// Seconds that somebody has to sign in.
const PATIENCE: i64 = 15 * 60;
/// Seconds for which the use of a page is remembered after the page has expired, for nodes whose clocks differ.
const REMEMBERED: i64 = 5 * 60;
/// What is sealed is sealed for this.
const SEALED: &[&str] = &["sign-in"];

/// A sign-in under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Flow {
    /// What it is for.
    pub purpose: Purpose,
    /// The tenant, as the path named it.
    pub tenant: String,
    /// The account, once typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Open sessions do not count: somebody wants another account.
    #[serde(default)]
    pub anew: bool,
    /// Whose password was right, while the second factor is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half: Option<Half>,
    /// The session that answers: chosen, or made in this very sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Uuid>,
    /// They stay signed in when the browser ends: ticked on the page for the password.
    #[serde(default)]
    pub stay: bool,
    /// Consent was given in this very sign-in.
    #[serde(default)]
    pub consented: bool,
    /// The question on the page, which only that page answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    /// Which step of the sign-in its pages belong to. The first page that does something (makes a session, answers
    /// a question, gets a code) uses the step up, and the pages after it belong to another one.
    nonce: Uuid,
    /// A page was posted, and the request has done nothing by it so far.
    #[serde(skip)]
    posted: bool,
    /// When patience ends, in seconds.
    until: i64,
    /// Digest of the browser's cookie.
    browser: String,
}

/// A question that a page asks: only a flow that was sealed with it answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The session of whoever is asked.
    pub session: Uuid,
    /// What is asked: a digest, in hexadecimal.
    pub about: String,
}

/// Half a sign-in: a right password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Half {
    /// Whose.
    pub user: ObjectId,
    /// When it was right.
    pub since: Timestamp,
    /// The key of an authenticator that is about to be registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Guarded>,
    /// The second factor was proved in this very sign-in.
    #[serde(default)]
    pub proved: bool,
    /// The password was right and is over: a new one is asked for.
    #[serde(default)]
    pub expired: bool,
}

impl Half {
    /// A password that was right then.
    pub fn new(user: &User, since: Timestamp) -> Self {
        Self { user: user.id, since, key: None, proved: false, expired: false }
    }
}

/// What a sign-in is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Purpose {
    /// An application's authorization request.
    Authorize {
        /// As it was sent.
        request: String,
        /// It came over the first edition.
        v1: bool,
        /// It came to the endpoint for admin consent.
        #[serde(default)]
        admin_consent: bool,
    },
    /// A code that a device shows.
    Device {
        /// The digest of the device code that is to be answered, in hexadecimal, once its user code was typed.
        digest: Option<String>,
    },
    /// A sign-out that somebody is asked to confirm.
    SignOut {
        /// As it was sent.
        request: String,
    },
}

impl Flow {
    /// Somebody else, or the same person anew: nothing that was proved, chosen or answered so far counts.
    pub fn restart(&mut self, user: Option<String>) {
        (self.user, self.anew, self.stay) = (user, true, false);
        (self.half, self.session, self.question, self.consented) = (None, None, None, false);
    }

    /// The page asked this of the session that it goes by.
    pub fn asks(&self, about: &str) -> bool {
        let asked = self.question.as_ref().filter(|it| self.half.is_none() && it.about == about);
        asked.is_some_and(|it| Some(it.session) == self.session)
    }

    /// What is kept when the posted page does something; `None` where no page was posted, and where this request
    /// has kept it already.
    pub fn once(&self) -> Option<Once> {
        let expires = Timestamp::from_seconds(self.until + REMEMBERED);
        self.posted.then(|| Once::new("page", self.nonce, expires))
    }

    /// The address at which the same begins anew; `None` where the request is too long for an address.
    pub fn start(&self) -> Option<String> {
        let tenant = TenantName::parse(&self.tenant).ok()?;
        let (path, request) = match &self.purpose {
            Purpose::Authorize { request, v1, admin_consent } => {
                let path = match (admin_consent, v1) {
                    (false, false) => "oauth2/v2.0/authorize",
                    (false, true) => "oauth2/authorize",
                    (true, false) => "v2.0/adminconsent",
                    (true, true) => "adminconsent",
                };
                (path, request)
            }
            Purpose::SignOut { request } => ("oauth2/v2.0/logout", request),
            Purpose::Device { .. } => return Some("/devicelogin".to_owned()),
        };
        (request.len() <= LONGEST_QUERY).then(|| format!("/{tenant}/{path}?{request}"))
    }

    /// Which browser it is tied to.
    pub fn browser(&self) -> &str {
        &self.browser
    }

    /// The digest of the device code that is to be answered.
    pub fn device(&self) -> Option<&str> {
        match &self.purpose {
            Purpose::Device { digest } => digest.as_deref(),
            _ => None,
        }
    }
}

/// What was sent: the query of a GET, the form of a POST.
///
/// # Errors
/// [`Failure`]
pub async fn sent(call: &mut Call) -> Result<String, Failure> {
    match call.head.method {
        Method::GET => Ok(call.query().to_owned()),
        Method::POST => {
            let bytes = call.read(LARGEST).await?;
            String::from_utf8(bytes.to_vec()).map_err(|_| Failure::NotText)
        }
        _ => Err(Refusal::MethodNotAllowed.into()),
    }
}

/// What a page of ours posted, with the sign-in that it belongs to.
///
/// # Errors
/// [`Failure`]; where it is no post of a page that still counts, the inner error is the page that says so.
pub async fn posted(cx: &Context, call: &mut Call) -> Result<Result<(Form, Flow), Box<Reply>>, Failure> {
    let form = match Form::parse(sent(call).await?.as_bytes()) {
        Ok(form) => form,
        Err(error) => return Ok(Err(Box::new(answer::refused(cx, &Denial::Malformed(error))))),
    };
    Ok(flow_of(cx, call, &form).await?.map(|flow| (form, flow)))
}

/// The sign-in of the page that posted a form: sealed by us, posted from the browser that the page was shown
/// to, in time, and with nothing done by it so far.
///
/// # Errors
/// [`Failure`]; where the page does not count, the inner error is the page that says so.
pub async fn flow_of(cx: &Context, call: &Call, form: &Form) -> Result<Result<Flow, Box<Reply>>, Failure> {
    let sealed = form.get("flow").and_then(|sealed| sealed_flow(cx, sealed));
    let Some(mut flow) = sealed.filter(|_| same_origin(cx, call)) else {
        return Ok(Err(Box::new(answer::refused(cx, &Denial::SignInLost))));
    };
    flow.posted = true;
    let denial = if !is_of_browser(&flow, call) {
        Denial::SignInLost
    } else if cx.now().seconds() >= flow.until {
        Denial::Session(SessionNo::FlowExpired)
    } else {
        match flow.once() {
            Some(once) if cx.state.store.is_spent(&once).await? => Denial::Session(SessionNo::PageUsed),
            _ => return Ok(Ok(flow)),
        }
    };
    Ok(Err(Box::new(stopped(cx, &flow, &denial))))
}

/// A page that does not count any more: says why, and where the same begins anew.
pub fn stopped(cx: &Context, flow: &Flow, denial: &Denial) -> Reply {
    error_page::refused(denial, &cx.envelope, flow.start().as_deref())
}

/// The answer to a page's post, which is another page where a second post of the same page was faster.
///
/// # Errors
/// [`Failure`]
pub fn unless_used(
    cx: &Context,
    start: Option<&str>,
    answer: Result<Reply, Failure>,
) -> Result<Reply, Failure> {
    match answer {
        Err(Failure::PageUsed) => {
            Ok(error_page::refused(&Denial::Session(SessionNo::PageUsed), &cx.envelope, start))
        }
        other => other,
    }
}

/// Uses the posted page up, where nothing is kept that its use could be kept with.
///
/// # Errors
/// [`Failure::PageUsed`] when another post of it was faster.
pub async fn use_page(cx: &Context, flow: &mut Flow) -> Result<(), Failure> {
    if let Some(once) = flow.once() {
        cx.state.store.spend(once).await?;
    }
    next_step(cx, flow);
    Ok(())
}

/// The posted page was used up: the pages that follow belong to a step of their own.
pub fn next_step(cx: &Context, flow: &mut Flow) {
    (flow.nonce, flow.posted) = (cx.state.entropy.uuid(), false);
}

/// Begins a sign-in; the second value is a cookie to set when the browser has none yet.
pub fn begin(cx: &Context, call: &Call, purpose: Purpose, tenant: String) -> (Flow, Option<String>) {
    let (browser, cookie) = match browser_of(call).filter(|value| value.len() == 43) {
        Some(value) => (browser_digest(value), None),
        None => {
            let (browser, cookie) = new_browser(cx);
            (browser, Some(cookie))
        }
    };
    let flow = Flow {
        purpose,
        tenant,
        user: None,
        anew: false,
        half: None,
        session: None,
        stay: false,
        consented: false,
        question: None,
        nonce: cx.state.entropy.uuid(),
        posted: false,
        until: cx.now().seconds() + PATIENCE,
        browser,
    };
    (flow, cookie)
}

/// Somebody signed in: the browser gets another cookie, which this sign-in alone goes on with. Every other page
/// that was shown in the browser before counts no more.
#[must_use]
pub fn renew_browser(cx: &Context, flow: &mut Flow) -> String {
    let (browser, cookie) = new_browser(cx);
    flow.browser = browser;
    cookie
}

/// A new value of the cookie that ties pages to the browser: its digest, and the cookie to set.
pub fn new_browser(cx: &Context) -> (String, String) {
    let value = cookie::random(cx);
    (browser_digest(&value), cookie::set(BROWSER, &value, None))
}

/// Seals a sign-in for its page.
///
/// # Errors
/// [`Failure::Broken`]
pub fn seal_flow(cx: &Context, flow: &Flow) -> Result<String, Failure> {
    let json = serde_json::to_string(flow).map_err(|error| Failure::Broken(error.to_string()))?;
    Ok(cx.state.store.seal_place(SEALED, &json)?)
}

/// Opens what a page of ours carried.
fn sealed_flow(cx: &Context, sealed: &str) -> Option<Flow> {
    serde_json::from_str(&cx.state.store.open_place(SEALED, sealed)?).ok()
}

/// The browser posted this from a page of ours: it says so (`Sec-Fetch-Site`), or where it does not know that
/// header, the origin that it names is the one that this request was sent to, with its scheme and port.
pub fn same_origin(cx: &Context, call: &Call) -> bool {
    let sent = |name: &str| {
        let mut all = call.head.headers.get_all(name).iter();
        (all.next().map(|value| value.to_str().unwrap_or_default()), all.next().is_some())
    };
    match (sent("sec-fetch-site"), sent("origin")) {
        ((Some(site), false), _) => site == "same-origin",
        ((None, _), (Some(origin), false)) => is_origin(origin, call.host(), cx.envelope.tls),
        _ => false,
    }
}

/// `origin` is the origin of this host over TLS, or without. `null` is no origin.
fn is_origin(origin: &str, host: &str, tls: bool) -> bool {
    let scheme = if tls { "https" } else { "http" };
    let named = origin.split_once("://").filter(|(named, _)| named.eq_ignore_ascii_case(scheme));
    named.is_some_and(|(_, named)| !named.is_empty() && same_host(named, host, tls))
}

fn browser_of(call: &Call) -> Option<&str> {
    cookie::read(call, BROWSER)
}

fn browser_digest(value: &str) -> String {
    digest::hex(&text_digest("browser", value))
}

/// The page was shown to the browser that sends this.
fn is_of_browser(flow: &Flow, call: &Call) -> bool {
    let sent = browser_of(call).map(browser_digest);
    sent.is_some_and(|sent| digest::same(flow.browser.as_bytes(), sent.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::is_origin;

    #[test]
    fn origins_are_compared_whole_row_163() {
        for (origin, host, tls) in [
            ("https://localhost:8443", "localhost:8443", true),
            ("https://LOCALHOST:8443", "localhost:8443", true),
            ("https://carnet.example", "carnet.example", true),
            ("https://carnet.example", "carnet.example:443", true),
            ("https://carnet.example:443", "carnet.example", true),
            ("http://localhost", "localhost:80", false),
        ] {
            assert!(is_origin(origin, host, tls), "{origin} {host}");
        }
        for (origin, host, tls) in [
            ("http://localhost:8443", "localhost:8443", true),
            ("https://localhost:8443", "localhost:8443", false),
            ("https://localhost", "localhost:8443", true),
            ("https://localhost:8444", "localhost:8443", true),
            ("https://localhost:80", "localhost", true),
            ("https://evil.example:8443", "localhost:8443", true),
            ("https://localhost:8443.evil.example", "localhost:8443", true),
            ("https://localhost:8443/", "localhost:8443", true),
            ("localhost:8443", "localhost:8443", true),
            ("null", "null", true),
            ("null", "", true),
            ("https://", "", true),
        ] {
            assert!(!is_origin(origin, host, tls), "{origin} {host}");
        }
    }
}
