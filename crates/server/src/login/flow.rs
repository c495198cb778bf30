//! A sign-in under way: the sealed state that each page carries, tied to the browser that was shown it.

use super::cookie;
use crate::{
    context::{Context, same_host},
    reply::Failure,
    route::Call,
};
use carnet_store::artifact::text_digest;
use carnet_tenant::{
    credential::Guarded,
    refusal::Refusal,
    token::{Denial, denial::SessionNo},
    user::User,
};
use carnet_wire::{
    digest,
    ids::ObjectId,
    time::Timestamp,
    token::form::{Form, LARGEST},
};
use http::Method;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Ties pages to the browser that asked for them.
const BROWSER: &str = "__Host-carnet-browser";
/// Seconds that somebody has to sign in.
const PATIENCE: i64 = 15 * 60;
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
    /// Consent was given in this very sign-in.
    #[serde(default)]
    pub consented: bool,
    /// The question on the page, which only that page answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
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
    /// They stay signed in.
    #[serde(default)]
    pub stay: bool,
}

impl Half {
    /// A password that was right then.
    pub fn new(user: &User, since: Timestamp) -> Self {
        Self { user: user.id, since, key: None, proved: false, expired: false, stay: false }
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
        (self.user, self.anew) = (user, true);
        (self.half, self.session, self.question, self.consented) = (None, None, None, false);
    }

    /// The page asked this of the session that it goes by.
    pub fn asks(&self, about: &str) -> bool {
        let asked = self.question.as_ref().filter(|it| self.half.is_none() && it.about == about);
        asked.is_some_and(|it| Some(it.session) == self.session)
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

    /// Begins a sign-in; the second value is a cookie to set when the browser has none yet.
    pub fn begin(&self, call: &Call, purpose: Purpose, tenant: String) -> (Flow, Option<String>) {
        let (value, new) = match cookie::read(call, BROWSER).filter(|value| value.len() == 43) {
            Some(value) => (value.to_owned(), None),
            None => {
                let made = self.random();
                (made.clone(), Some(cookie::set(BROWSER, &made, None)))
            }
        };
        let flow = Flow {
            purpose,
            tenant,
            user: None,
            anew: false,
            half: None,
            session: None,
            consented: false,
            question: None,
            until: self.now().seconds() + PATIENCE,
            browser: digest::hex(&text_digest("browser", &value)),
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
        let browser = digest::hex(&text_digest("browser", cookie::read(call, BROWSER)?));
        digest::same(flow.browser.as_bytes(), browser.as_bytes()).then_some(flow)
    }

    /// The browser posted this from a page of ours: it says so (`Sec-Fetch-Site`), or where it does not know that
    /// header, the origin that it names is the one that this request was sent to, with its scheme and port.
    pub fn same_origin(&self, call: &Call) -> bool {
        let sent = |name: &str| {
            let mut all = call.head.headers.get_all(name).iter();
            (all.next().map(|value| value.to_str().unwrap_or_default()), all.next().is_some())
        };
        match (sent("sec-fetch-site"), sent("origin")) {
            ((Some(site), false), _) => site == "same-origin",
            ((None, _), (Some(origin), false)) => is_origin(origin, call.host(), self.envelope.tls),
            _ => false,
        }
    }
}

/// `origin` is the origin of this host over TLS, or without. `null` is no origin.
fn is_origin(origin: &str, host: &str, tls: bool) -> bool {
    let scheme = if tls { "https" } else { "http" };
    let named = origin.split_once("://").filter(|(named, _)| named.eq_ignore_ascii_case(scheme));
    named.is_some_and(|(_, named)| !named.is_empty() && same_host(named, host, tls))
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
