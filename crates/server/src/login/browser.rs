//! What ties a sign-in to one browser: the sealed state that each page carries, the cookie that it belongs to,
//! and the session that it ends in.

use crate::{
    context::{Context, read},
    reply::Failure,
    route::Call,
};
use carnet_store::artifact::{Artifact, Place, SESSION, text_digest};
use carnet_tenant::{
    refusal::Refusal,
    token::{Denial, denial::SessionNo},
};
use carnet_wire::{
    digest,
    ids::{ObjectId, TenantId},
    jose::encode_base64url,
    time::Timestamp,
    token::{
        form::{Form, LARGEST},
        request::{LONGEST_QUERY, RequestError},
    },
};
use http::Method;
use serde::{Deserialize, Serialize};

/// Ties pages to the browser that asked for them.
const BROWSER: &str = "__Host-carnet-browser";
/// The session.
const COOKIE: &str = "__Host-carnet-session";
/// Seconds that somebody has to sign in.
const PATIENCE: i64 = 15 * 60;
/// Seconds that a session lives.
const SESSION_LIFE: i64 = 24 * 3600;
/// Seconds that it lives where the person chose to stay signed in.
const LONG_SESSION_LIFE: i64 = 90 * 24 * 3600;
/// What is sealed is sealed for this.
const SEALED: &[&str] = &["sign-in"];

/// A sign-in under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Flow {
    /// The authorization request, as it was sent.
    pub request: String,
    /// It came over the first edition.
    pub v1: bool,
    /// The tenant, as the path named it.
    pub tenant: String,
    /// The account, once typed.
    pub user: Option<String>,
    /// Whose password was right, while the second factor is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half: Option<ObjectId>,
    /// Consent was given in this very sign-in.
    #[serde(default)]
    pub consented: bool,
    /// The digest of the device code that is to be answered, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// When patience ends, in seconds.
    until: i64,
    /// Digest of the browser's cookie.
    browser: String,
}

/// A session as kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// Who.
    pub user: ObjectId,
    /// When they signed in.
    pub signed_in: Timestamp,
    /// How.
    pub methods: Vec<String>,
}

/// A cookie's value, if the request has exactly one of that name.
fn cookie<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    let all = call.head.headers.get_all(http::header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut found = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    found.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A `Set-Cookie` value; without a life it ends with the browser.
fn set(name: &str, value: &str, life: Option<i64>) -> String {
    let life = life.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{life}")
}

/// What was sent: the query of a GET, the form of a POST.
///
/// # Errors
/// [`Failure`]
pub async fn sent(call: &mut Call) -> Result<String, Failure> {
    match call.head.method {
        Method::GET if call.query().len() > LONGEST_QUERY => Err(RequestError::QueryTooLong.into()),
        Method::GET => Ok(call.query().to_owned()),
        Method::POST => {
            let body = std::mem::replace(&mut call.body, crate::context::empty());
            let bytes = read(body, &call.head.headers, LARGEST).await?;
            String::from_utf8(bytes.to_vec()).map_err(|_| Failure::NotText)
        }
        _ => Err(Refusal::MethodNotAllowed.into()),
    }
}

impl Context {
    /// What a page of ours posted, with the sign-in that it belongs to.
    ///
    /// # Errors
    /// [`Failure`]; that it is no post of our page is the inner error.
    pub async fn posted(&self, call: &mut Call) -> Result<Result<(Form, Flow), Denial>, Failure> {
        let form = match Form::parse(sent(call).await?.as_bytes()) {
            Ok(form) => form,
            Err(error) => return Ok(Err(Denial::Malformed(error))),
        };
        let flow = form.get("flow").and_then(|sealed| self.sealed_flow(call, sealed));
        Ok(match flow.filter(|_| self.same_origin(call)) {
            Some(flow) if self.now().seconds() < flow.until => Ok((form, flow)),
            Some(_) => Err(Denial::Session(SessionNo::FlowExpired)),
            None => Err(Denial::SignInLost),
        })
    }

    fn random(&self) -> String {
        let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
        self.state.entropy.fill(bytes.as_mut_slice());
        encode_base64url(bytes.as_slice())
    }

    /// Begins a sign-in; the second value is a cookie to set when the browser has none yet.
    pub fn begin(&self, call: &Call, request: String, tenant: String, v1: bool) -> (Flow, Option<String>) {
        let (value, new) = match cookie(call, BROWSER).filter(|value| value.len() == 43) {
            Some(value) => (value.to_owned(), None),
            None => {
                let made = self.random();
                (made.clone(), Some(set(BROWSER, &made, None)))
            }
        };
        let browser = digest::hex(&text_digest("browser", &value));
        let flow = Flow {
            request,
            v1,
            tenant,
            user: None,
            half: None,
            consented: false,
            device: None,
            until: self.now().seconds() + PATIENCE,
            browser,
        };
        (flow, new)
    }

    /// Seals a sign-in for its page.
    ///
    /// # Errors
    /// [`Failure::Broken`]
    pub fn seal_flow(&self, flow: &Flow) -> Result<String, Failure> {
        let json = serde_json::to_string(flow).map_err(|error| Failure::Broken(error.to_string()))?;
        Ok(self.state.store.seal_place(SEALED, &json)?)
    }

    /// Opens what a page of ours posted, from the browser that was shown it and in time.
    pub fn open_flow(&self, call: &Call, sealed: &str) -> Option<Flow> {
        self.sealed_flow(call, sealed).filter(|flow| self.now().seconds() < flow.until)
    }

    /// The same, however late.
    fn sealed_flow(&self, call: &Call, sealed: &str) -> Option<Flow> {
        let flow: Flow = serde_json::from_str(&self.state.store.open_place(SEALED, sealed)?).ok()?;
        let browser = digest::hex(&text_digest("browser", cookie(call, BROWSER)?));
        digest::same(flow.browser.as_bytes(), browser.as_bytes()).then_some(flow)
    }

    /// The browser posted this from a page of ours (`security.md`, S18).
    pub fn same_origin(&self, call: &Call) -> bool {
        match call.header("sec-fetch-site") {
            Some(site) => site == "same-origin",
            None => {
                let authority = call.head.uri.authority().map(http::uri::Authority::as_str);
                let host = authority.or_else(|| call.header("host")).unwrap_or_default();
                call.header("origin").and_then(|it| it.split_once("://")).is_some_and(|(_, it)| it == host)
            }
        }
    }

    /// The session of this browser in a tenant, if it has one that counts.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn session(&self, call: &Call, tenant: TenantId) -> Result<Option<Session>, Failure> {
        let Some((own, text)) = cookie(call, COOKIE).and_then(|value| value.split_once('.')) else {
            return Ok(None);
        };
        if own != tenant.to_string() {
            return Ok(None);
        }
        let found: Option<Artifact<Session>> =
            self.state.store.artifact(tenant, SESSION, &text_digest(SESSION, text)).await?;
        Ok(found.filter(|it| it.expires > self.now()).map(|it| it.body))
    }

    /// The browser shows a session, whether it counts or not.
    pub fn has_session(&self, call: &Call) -> bool {
        cookie(call, COOKIE).is_some()
    }

    /// Ends the browser's session; the cookie that takes it away.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn end_session(&self, call: &Call) -> Result<String, Failure> {
        if let Some((_, text)) = cookie(call, COOKIE).and_then(|value| value.split_once('.')) {
            self.state.store.end_artifact(SESSION, &text_digest(SESSION, text)).await?;
        }
        Ok(set(COOKIE, "", Some(0)))
    }

    /// Makes a session, with a new id; its cookie.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn new_session(
        &self,
        tenant: TenantId,
        session: &Session,
        stay: bool,
    ) -> Result<String, Failure> {
        let life = if stay { LONG_SESSION_LIFE } else { SESSION_LIFE };
        let text = self.random();
        let place = Place {
            tenant,
            family: self.state.entropy.uuid(),
            user: session.user,
            created: self.now(),
            expires: self.now().plus_seconds(life),
        };
        self.state.store.put_artifact(SESSION, &text_digest(SESSION, &text), place, session).await?;
        Ok(set(COOKIE, &format!("{tenant}.{text}"), stay.then_some(life)))
    }
}
