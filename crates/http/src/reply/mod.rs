//! Answers. The only place that knows HTTP statuses, and the only one that makes a body of an error:
//! a denial of the token service, a refusal in the dialect of its host, or a failure of ours.

mod errors;
mod failure;

pub use errors::{denial, failure};
pub use failure::Failure;

use crate::{context::Envelope, route::Surface};
use bytes::Bytes;
use carnet_tenant::token::denial::Denial;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;

/// What a handler answers: a status, headers, and a body that is complete.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// Room for the headers of most answers.
const HEADERS: usize = 12;
/// The media type of every answer that is JSON.
const JSON: &str = "application/json; charset=utf-8";

impl Reply {
    fn new(status: StatusCode, body: Bytes) -> Self {
        Self { status, headers: HeaderMap::with_capacity(HEADERS), body }
    }

    fn typed(mut self, media: &'static str) -> Self {
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        self
    }

    /// A JSON body with this status.
    fn json_with<T: Serialize>(status: StatusCode, body: &T) -> Result<Self, Failure> {
        let bytes = serde_json::to_vec(body).map_err(|error| Failure::Broken(error.to_string()))?;
        Ok(Self::new(status, bytes.into()).typed(JSON))
    }

    /// 200 with a JSON body.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the body does not serialise.
    pub fn json<T: Serialize>(body: &T) -> Result<Self, Failure> {
        Self::json_with(StatusCode::OK, body)
    }

    /// 200 with a body that is JSON already.
    #[must_use]
    pub fn json_text(body: Vec<u8>) -> Self {
        Self::new(StatusCode::OK, body.into()).typed(JSON)
    }

    /// 201 with a JSON body.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the body does not serialise.
    pub fn created<T: Serialize>(body: &T) -> Result<Self, Failure> {
        Self::json_with(StatusCode::CREATED, body)
    }

    /// 202 with a JSON body.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the body does not serialise.
    pub fn accepted<T: Serialize>(body: &T) -> Result<Self, Failure> {
        Self::json_with(StatusCode::ACCEPTED, body)
    }

    /// 204.
    #[must_use]
    pub fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, Bytes::new())
    }

    /// 303 to another address.
    #[must_use]
    pub fn see_other(location: &str) -> Self {
        Self::new(StatusCode::SEE_OTHER, Bytes::new()).header(header::LOCATION, location)
    }

    /// 200 with a plain text.
    #[must_use]
    pub fn text(text: &'static str) -> Self {
        Self::new(StatusCode::OK, Bytes::from_static(text.as_bytes())).typed("text/plain; charset=utf-8")
    }

    /// 503 with a plain text: for the readiness check.
    #[must_use]
    pub fn unready(text: &'static str) -> Self {
        let mut reply = Self::text(text);
        reply.status = StatusCode::SERVICE_UNAVAILABLE;
        reply
    }

    /// 200 with a page, under the content policy that fits it (`security.md`, S21).
    #[must_use]
    pub fn page(html: String, policy: &str) -> Self {
        Self::new(StatusCode::OK, html.into())
            .typed("text/html; charset=utf-8")
            .header(header::CONTENT_SECURITY_POLICY, policy)
            .header(header::X_FRAME_OPTIONS, "DENY")
            .header(header::REFERRER_POLICY, "same-origin")
            .header(HeaderName::from_static("cross-origin-opener-policy"), "same-origin")
    }

    /// The same page as a refusal: 403 for a post from elsewhere and for what is switched off
    /// (`security.md`, rows 68 and 75), the row's status for what is too much, else 400.
    #[must_use]
    pub fn refused(mut self, denial: &Denial) -> Self {
        self.status = match denial {
            Denial::SignInLost | Denial::Blocked(_) => StatusCode::FORBIDDEN,
            Denial::Service(_) => errors::status(denial.entry().0),
            _ => StatusCode::BAD_REQUEST,
        };
        self.retry_after(denial)
    }

    /// The same page with another status.
    pub(super) fn with_status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self
    }

    /// The same page for an address at which there is nothing.
    #[must_use]
    pub const fn not_found(mut self) -> Self {
        self.status = StatusCode::NOT_FOUND;
        self
    }

    /// The same page for an address that is asked by another method.
    #[must_use]
    pub const fn wrong_method(mut self) -> Self {
        self.status = StatusCode::METHOD_NOT_ALLOWED;
        self
    }

    /// Says how long to wait, where waiting helps.
    fn retry_after(self, denial: &Denial) -> Self {
        match self.status.as_u16() {
            429 | 503 => self.header(header::RETRY_AFTER, &denial.retry_after().to_string()),
            _ => self,
        }
    }

    /// Repeats the scheme in which a client's credential was refused, where it was (RFC 6749, 5.2).
    #[must_use]
    pub fn challenge_basic(self, realm: &str) -> Self {
        match self.status {
            StatusCode::UNAUTHORIZED => {
                self.header(header::WWW_AUTHENTICATE, &format!("Basic realm=\"{realm}\", charset=\"UTF-8\""))
            }
            _ => self,
        }
    }

    /// Sets a cookie.
    #[must_use]
    pub fn cookie(mut self, value: String) -> Self {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.headers.append(header::SET_COOKIE, value);
        }
        self
    }

    /// Adds a header. A value that no header can hold is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Lets anyone's script read this answer, and caches keep it for a day: discovery and keys.
    #[must_use]
    pub fn public(self) -> Self {
        self.header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
            .header(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, OPTIONS")
            .header(header::CACHE_CONTROL, "max-age=86400, private")
    }

    /// Lets scripts of one origin read this answer: a single-page application's own (`security.md`, S23).
    #[must_use]
    pub fn readable_by(self, origin: &str) -> Self {
        self.header(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin)
            .header(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                "x-ms-request-id, x-ms-httpver, client-request-id, retry-after",
            )
            .header(header::VARY, "Origin")
    }

    /// Lets a script send a request with these headers by this method.
    #[must_use]
    pub fn accepting(self, method: &str, headers: &str) -> Self {
        self.header(header::ACCESS_CONTROL_ALLOW_METHODS, method)
            .header(header::ACCESS_CONTROL_ALLOW_HEADERS, headers)
            .header(header::ACCESS_CONTROL_MAX_AGE, "600")
    }

    /// Makes the HTTP response, with the headers that every answer of its host carries.
    #[must_use]
    pub fn into_response(self, envelope: &Envelope) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        *headers = self.headers;
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store, no-cache"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if !envelope.origin.loopback() {
            headers.insert(
                header::STRICT_TRANSPORT_SECURITY,
                HeaderValue::from_static("max-age=31536000; includeSubDomains"),
            );
        }
        ids(headers, envelope);
        response
    }
}

/// The ids by which people find a request again, in the spelling of each host.
fn ids(headers: &mut HeaderMap, envelope: &Envelope) {
    const CLIENT: HeaderName = HeaderName::from_static("client-request-id");
    let trace = || value(envelope.trace.to_string());
    let correlation = || value(envelope.correlation.to_string());
    match envelope.surface {
        Surface::Login => {
            headers.insert(HeaderName::from_static("x-ms-request-id"), trace());
            headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
            headers.insert(header::EXPIRES, HeaderValue::from_static("-1"));
            if envelope.echo {
                headers.insert(CLIENT, correlation());
            }
        }
        Surface::Graph => {
            headers.insert(HeaderName::from_static("request-id"), trace());
            headers.insert(CLIENT, correlation());
        }
        Surface::PowerPlatform | Surface::Bap => {
            headers.insert(HeaderName::from_static("x-ms-correlation-id"), correlation());
        }
        Surface::Health => {}
    }
}

/// An id as a header's value, without a copy.
fn value(id: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(id)).expect("ids are hexadecimal")
}
