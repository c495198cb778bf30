//! HTTPS for all requests: the system's certificate authorities or a given one, no redirects, bounded responses.
//! Exchanges can be observed (`quickstart`) in a form without secrets.

use crate::{
    authority::Authority,
    failure::{ClientError, Refused, printable},
};
use carnet_wire::{secret::AccessToken, token::claims_request::challenged};
pub use reqwest::Method;
use reqwest::{StatusCode, header};
use serde_json::Value;
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

/// Maximum size of a response body, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;

/// A request and its response, with secrets and tokens removed.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The form fields, or the members of the JSON body, of the request.
    pub sent: Vec<(String, String)>,
    /// The HTTP status.
    pub status: u16,
    /// The response body.
    pub body: Value,
    /// Time until the response was read.
    pub took: Duration,
}

type Watcher = Arc<dyn Fn(&Exchange) + Send + Sync>;

/// An HTTPS connection pool.
#[derive(Clone)]
pub struct Transport {
    http: reqwest::Client,
    watcher: Option<Watcher>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

/// A successful response.
#[derive(Debug, Clone)]
pub struct ApiResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body, or null if it is empty.
    pub body: Value,
    /// The header `Operation-Location` or `Location`.
    pub location: Option<String>,
}

/// The body of a request.
#[derive(Debug)]
pub enum Payload<'a> {
    /// No body.
    None,
    /// A JSON body.
    Json(&'a Value),
}

impl Transport {
    /// A connection pool with the certificate authorities of this authority.
    ///
    /// # Errors
    /// [`ClientError::Input`] if the CA file cannot be read or contains no certificate.
    pub fn new(authority: &Authority) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(100))
            .user_agent(concat!("carnet/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &authority.ca_file {
            let wrong = |why: String| ClientError::Input(format!("CA file {}: {why}", path.display()));
            let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
            let roots =
                reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))?;
            if roots.is_empty() {
                return Err(wrong("it contains no PEM certificate".into()));
            }
            builder = builder.tls_certs_only(roots).no_proxy();
        }
        let http = builder.build().map_err(|error| ClientError::Input(error.to_string()))?;
        Ok(Self { http, watcher: None })
    }

    /// The same connection pool, with a function that is called for every exchange.
    #[must_use]
    pub fn watched(&self, watcher: Watcher) -> Self {
        Self { http: self.http.clone(), watcher: Some(watcher) }
    }

    /// Posts a form.
    ///
    /// # Errors
    /// [`ClientError`], also if the response is not a success.
    pub async fn form(&self, url: &str, fields: &[(&str, &str)]) -> Result<ApiResponse, ClientError> {
        let request = self.http.post(url).header(header::ACCEPT, "application/json").form(fields);
        let sent = fields.iter().map(|(name, value)| ((*name).to_owned(), shown(name, value))).collect();
        self.exchange(Method::POST, url, request, sent).await
    }

    /// Calls an API with a bearer token.
    ///
    /// # Errors
    /// [`ClientError`], also if the response is not a success.
    pub async fn call(
        &self,
        method: Method,
        url: &str,
        token: Option<&AccessToken>,
        payload: Payload<'_>,
    ) -> Result<ApiResponse, ClientError> {
        let mut request = self.http.request(method.clone(), url).header(header::ACCEPT, "application/json");
        if let Some(token) = token {
            request = request.bearer_auth(token.expose());
        }
        let mut sent = Vec::new();
        match payload {
            Payload::Json(body) => {
                let shown_body = redacted(body);
                let members = shown_body.as_object().into_iter().flatten();
                sent = members.map(|(name, value)| (name.clone(), shown(name, &compact(value)))).collect();
                request = request.json(body);
            }
            Payload::None if method == Method::PUT || method == Method::POST => {
                request = request.header(header::CONTENT_LENGTH, 0);
            }
            Payload::None => {}
        }
        self.exchange(method, url, request, sent).await
    }

    async fn exchange(
        &self,
        method: Method,
        url: &str,
        request: reqwest::RequestBuilder,
        sent: Vec<(String, String)>,
    ) -> Result<ApiResponse, ClientError> {
        let start = Instant::now();
        let response = request.send().await.map_err(|error| unreachable(url, &error))?;
        let status = response.status();
        let location = ["operation-location", "location"].iter().find_map(|name| {
            response.headers().get(*name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        });
        let headers = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
        let challenge = headers.filter_map(|value| value.to_str().ok()).find_map(challenged);
        let bytes = read(url, response).await?;
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(text_of(&bytes))),
        };
        if let Some(watcher) = &self.watcher {
            let (method, url) = (method.to_string(), url.to_owned());
            watcher(&Exchange {
                method,
                url,
                sent,
                status: status.as_u16(),
                body: redacted(&body),
                took: start.elapsed(),
            });
        }
        finished(url, status, body, location).map_err(|error| match error {
            ClientError::Refused(refusal) if status == StatusCode::UNAUTHORIZED => {
                ClientError::Refused(Box::new(refusal.challenging(challenge)))
            }
            other => other,
        })
    }
}

fn finished(
    url: &str,
    status: StatusCode,
    body: Value,
    location: Option<String>,
) -> Result<ApiResponse, ClientError> {
    if status.is_success() {
        if let Value::String(_) = body {
            return Err(ClientError::Unexpected { url: url.to_owned(), what: "the body is not JSON".into() });
        }
        return Ok(ApiResponse { status: status.as_u16(), body, location });
    }
    if status.is_redirection() {
        let what = format!("a redirect ({status}), which Carnet does not follow");
        return Err(ClientError::Unexpected { url: url.to_owned(), what });
    }
    Err(ClientError::Refused(Box::new(Refused::read(status.as_u16(), &body))))
}

async fn read(url: &str, mut response: reqwest::Response) -> Result<Vec<u8>, ClientError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(url, &error))? {
        if bytes.len() + chunk.len() > LARGEST {
            return Err(ClientError::Unexpected {
                url: url.to_owned(),
                what: "the body is larger than 16 MiB".into(),
            });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The innermost cause is the most specific one, such as `connection refused` or `unknown issuer`.
fn unreachable(url: &str, error: &reqwest::Error) -> ClientError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    ClientError::Unreachable { url: url.to_owned(), cause: printable(&cause.to_string(), 512) }
}

fn text_of(bytes: &[u8]) -> String {
    printable(&String::from_utf8_lossy(&bytes[..bytes.len().min(512)]), 512)
}

fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Members and fields whose values are never shown.
const HIDDEN: [&str; 9] = [
    "password",
    "client_secret",
    "client_assertion",
    "access_token",
    "refresh_token",
    "id_token",
    "secretText",
    "passwordProfile",
    "key",
];

fn shown(name: &str, value: &str) -> String {
    if HIDDEN.iter().any(|hidden| hidden.eq_ignore_ascii_case(name)) {
        return "…".to_owned();
    }
    printable(value, 400)
}

/// A copy of a body without tokens and secrets.
#[must_use]
pub fn redacted(body: &Value) -> Value {
    match body {
        Value::Object(members) => {
            let cut = |(name, value): (&String, &Value)| match value {
                Value::Null => (name.clone(), Value::Null),
                _ if HIDDEN.iter().any(|hidden| hidden.eq_ignore_ascii_case(name)) => {
                    (name.clone(), "…".into())
                }
                other => (name.clone(), redacted(other)),
            };
            Value::Object(members.iter().map(cut).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(redacted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_shown_of_an_exchange_has_no_secret_in_it() {
        let body =
            json!({"access_token": "eyJ0", "nested": [{"secretText": "s3cret", "hint": "s3c", "key": null}]});
        assert_eq!(
            redacted(&body),
            json!({"access_token": "…", "nested": [{"secretText": "…", "hint": "s3c", "key": null}]})
        );
        assert_eq!((shown("Client_Secret", "s3cret"), shown("scope", "a")), ("…".to_owned(), "a".to_owned()));
    }

    #[test]
    fn a_redirect_is_not_an_answer() {
        let error = finished("https://x", StatusCode::FOUND, Value::Null, None).unwrap_err();
        assert!(matches!(error, ClientError::Unexpected { .. }));
    }
}
