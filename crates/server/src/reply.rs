//! Answers. The only place that knows HTTP statuses, and the only one that makes a body of an error:
//! a denial of the token service, a refusal in the dialect of its host, or a failure of ours.

use crate::context::{Envelope, Origin};
use crate::route::Surface;
use bytes::Bytes;
use carnet_tenant::{
    refusal::Refusal,
    token::denial::{Denial, ServiceNo},
};
use carnet_wire::{
    aadsts::Row, bap, graph, power_platform, token::error::ErrorBody, token::request::Version,
};
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

/// Why a handler does not answer as asked.
#[derive(Debug)]
pub enum Failure {
    /// An API says no.
    Refusal(Refusal),
    /// The token service says no outside a grant (discovery, a page that is not there yet).
    Denial(Box<Denial>),
    /// The `Host` is none of ours.
    Misdirected,
    /// No such path.
    NoRoute,
    /// The body is larger than its path takes.
    TooLarge,
    /// The body did not arrive, or not in time.
    Cut,
    /// The body is compressed, or of a type that is not read here.
    Unsupported(&'static str),
    /// The body is no text.
    NotText,
    /// Our fault. The cause is logged once, with the ids, and never shown.
    Broken(String),
    /// The store cannot keep anything just now; trying again helps.
    Away,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<Denial> for Failure {
    fn from(denial: Denial) -> Self {
        Self::Denial(Box::new(denial))
    }
}

impl From<carnet_store::StoreError> for Failure {
    fn from(error: carnet_store::StoreError) -> Self {
        use carnet_store::StoreError;
        match error {
            StoreError::Away(_) | StoreError::Stale | StoreError::Unknown => {
                tracing::warn!(cause = %error, "the store is away");
                Self::Away
            }
            other => Self::Broken(other.to_string()),
        }
    }
}

impl Reply {
    fn new(status: StatusCode, body: Bytes) -> Self {
        Self { status, headers: HeaderMap::new(), body }
    }

    /// A JSON body with this status.
    fn json_with<T: Serialize>(status: StatusCode, body: &T) -> Result<Self, Failure> {
        let bytes = serde_json::to_vec(body).map_err(|error| Failure::Broken(error.to_string()))?;
        Ok(Self::new(status, bytes.into()).header(header::CONTENT_TYPE, "application/json; charset=utf-8"))
    }

    /// 200 with a JSON body.
    ///
    /// # Errors
    /// [`Failure::Broken`] when the body does not serialise.
    pub fn json<T: Serialize>(body: &T) -> Result<Self, Failure> {
        Self::json_with(StatusCode::OK, body)
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
        Self::new(StatusCode::OK, Bytes::from_static(text.as_bytes()))
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
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
            .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
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
            Denial::Service(_) => status(denial.entry().0),
            _ => StatusCode::BAD_REQUEST,
        };
        self.retry_after(denial)
    }

    /// Says how long to wait, where waiting helps.
    fn retry_after(self, denial: &Denial) -> Self {
        match self.status.as_u16() {
            429 | 503 => self.header(header::RETRY_AFTER, &denial.retry_after().to_string()),
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
    let value = |text: String| HeaderValue::from_str(&text).ok();
    let mut put = |name: &'static str, text: String| {
        if let Some(value) = value(text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    match envelope.surface {
        Surface::Login => {
            put("x-ms-request-id", envelope.trace.to_string());
            put("pragma", "no-cache".into());
            put("expires", "-1".into());
            if envelope.echo {
                put("client-request-id", envelope.correlation.to_string());
            }
        }
        Surface::Graph => {
            put("request-id", envelope.trace.to_string());
            put("client-request-id", envelope.correlation.to_string());
        }
        Surface::PowerPlatform | Surface::Bap => put("x-ms-correlation-id", envelope.correlation.to_string()),
        Surface::Health => {}
    }
}

/// The token service's body for a denial.
#[must_use]
pub fn denial(denial: &Denial, version: Version, envelope: &Envelope) -> Reply {
    let (row, sentence) = denial.entry();
    let error = denial.error_name().unwrap_or_else(|| carnet_wire::aadsts::error_for(row, version));
    let body = ErrorBody::new(row, error, &sentence, envelope.ids(), &envelope.origin.login())
        .challenging(denial.challenge().map(|it| it.json()));
    let status = status(row);
    let reply = Reply::json_with(status, &body).unwrap_or_else(|_| Reply::new(status, Bytes::new()));
    reply.retry_after(denial)
}

fn status(row: &Row) -> StatusCode {
    StatusCode::from_u16(row.status).unwrap_or(StatusCode::BAD_REQUEST)
}

/// The body of a failure, in the dialect of its host.
#[must_use]
pub fn failure(failure: Failure, envelope: &Envelope) -> Reply {
    let (status, code, message) = match failure {
        Failure::Refusal(no) => return refusal(&no, envelope),
        Failure::Denial(no) => return denial(&no, Version::V2, envelope),
        Failure::Misdirected => {
            (421, "Misdirected", "this server does not answer for that host name".to_owned())
        }
        // Graph reads a path it does not know as a malformed one (`reference/graph.md`, table of errors).
        Failure::NoRoute if envelope.surface == Surface::Graph => {
            (400, "BadRequest", "no resource of Graph's that is served here has this path".to_owned())
        }
        Failure::NoRoute => (404, "NotFound", "there is nothing at this address".to_owned()),
        Failure::TooLarge => {
            (413, "RequestTooLarge", "the body is larger than this address takes".to_owned())
        }
        Failure::Cut => (408, "RequestTimeout", "the body did not arrive in time".to_owned()),
        Failure::Unsupported(wanted) => (415, "UnsupportedMediaType", format!("send {wanted}")),
        Failure::NotText => (400, "BadRequest", "the body is not UTF-8".to_owned()),
        Failure::Away => (503, "ServiceUnavailable", "nothing can be kept just now; try again".to_owned()),
        Failure::Broken(cause) => {
            tracing::error!(
                trace.id = %envelope.trace,
                correlation.id = %envelope.correlation,
                cause,
                "a request failed"
            );
            (
                500,
                "InternalServerError",
                "something went wrong on our side; the ids name it in the log".to_owned(),
            )
        }
    };
    let reply = plain_error(status, code, &message, envelope);
    match status {
        503 => reply.header(header::RETRY_AFTER, "1"),
        _ => reply,
    }
}

fn plain_error(status: u16, code: &str, message: &str, envelope: &Envelope) -> Reply {
    match (envelope.surface, status) {
        (Surface::Login, 503) => {
            return denial(&Denial::Service(ServiceNo::Away), Version::V2, envelope);
        }
        (Surface::Login, 500) => {
            return denial(&Denial::Service(ServiceNo::Broken), Version::V2, envelope);
        }
        _ => {}
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let made = match envelope.surface {
        Surface::Graph => {
            Reply::json_with(status, &graph::error::ErrorBody::new(code, message, &envelope.graph_ids()))
        }
        Surface::PowerPlatform => {
            let code = if status == StatusCode::NOT_FOUND { "RouteNotFound" } else { code };
            Reply::json_with(status, &power_platform::GatewayError::new(code, message))
        }
        Surface::Bap => Reply::json_with(status, &bap::ErrorBody::new(code, message)),
        Surface::Login | Surface::Health => Reply::json_with(
            status,
            &serde_json::json!({
                "error": if envelope.surface == Surface::Login { "invalid_request" } else { code },
                "error_description": message,
                "trace_id": envelope.trace,
                "correlation_id": envelope.correlation,
                "timestamp": envelope.now.plain(),
            }),
        ),
    };
    made.unwrap_or_else(|_| Reply::new(status, Bytes::new()))
}

/// The body of an API's refusal.
fn refusal(no: &Refusal, envelope: &Envelope) -> Reply {
    let (status, code) = codes(no, envelope.surface);
    let message = no.to_string();
    let reply = match (envelope.surface, no) {
        (Surface::PowerPlatform, Refusal::MissingScope { .. } | Refusal::NotRegistered { .. }) => {
            let body = power_platform::GatewayError::forbidden(inner_code(no), &message);
            Reply::json_with(StatusCode::FORBIDDEN, &body)
                .unwrap_or_else(|_| Reply::new(StatusCode::FORBIDDEN, Bytes::new()))
        }
        (Surface::Bap, Refusal::NotRegistered { principal, app }) => {
            let message = format!(
                "The service principal with id '{principal}' for application {app} does not have permission to access the path '{}' in tenant {}.",
                envelope.path,
                envelope.tenant_text()
            );
            plain_error(status, code, &message, envelope)
        }
        _ => plain_error(status, code, &message, envelope),
    };
    match no {
        Refusal::InvalidToken { .. } => {
            let error = "error=\"invalid_token\"";
            reply.header(header::WWW_AUTHENTICATE, &challenge(&envelope.origin, error))
        }
        Refusal::InsufficientClaims { challenge: claims, .. } => {
            let error = format!("error=\"insufficient_claims\", claims=\"{}\"", claims.base64());
            reply.header(header::WWW_AUTHENTICATE, &challenge(&envelope.origin, &error))
        }
        Refusal::Busy { seconds } => reply.header(header::RETRY_AFTER, &seconds.to_string()),
        _ => reply,
    }
}

fn challenge(origin: &Origin, error: &str) -> String {
    format!("Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\", {error}", origin.login())
}

fn inner_code(no: &Refusal) -> &'static str {
    match no {
        Refusal::NotRegistered { .. } => "ServicePrincipalNotRegistered",
        _ => "InsufficientDelegatedPermissions",
    }
}

/// HTTP status and the host's own code word (`reference/graph.md` 11, `power-platform.md` 7).
fn codes(no: &Refusal, surface: Surface) -> (u16, &'static str) {
    let graph = surface == Surface::Graph;
    match no {
        Refusal::InvalidToken { .. } | Refusal::InsufficientClaims { .. } => {
            (401, "InvalidAuthenticationToken")
        }
        Refusal::Forbidden { .. } if graph => (403, "Authorization_RequestDenied"),
        Refusal::Forbidden { .. } | Refusal::MissingScope { .. } | Refusal::NotRegistered { .. } => {
            (403, "Forbidden")
        }
        Refusal::NotFound { .. } if graph => (404, "Request_ResourceNotFound"),
        Refusal::NotFound { .. } => (404, "NotFound"),
        Refusal::BadRequest { .. } | Refusal::ObjectConflict { .. } if graph => (400, "Request_BadRequest"),
        Refusal::BadRequest { .. } | Refusal::ObjectConflict { .. } => (400, "BadRequest"),
        Refusal::UnsupportedQuery { .. } => (400, "Request_UnsupportedQuery"),
        Refusal::UnknownEnvironment { .. } => (400, "EndpointInvalid"),
        Refusal::Conflict { .. } if graph => (409, "Request_MultipleObjectsWithSameKeyValue"),
        Refusal::Conflict { .. } => (409, "Conflict"),
        Refusal::MethodNotAllowed => (405, "Request_BadRequest"),
        Refusal::Busy { .. } => (429, "TooManyRequests"),
    }
}
