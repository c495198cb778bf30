//! What a handler is given: the running server, and the envelope of its request.

use crate::{
    clock::Clock, keys::Keys, listen::accept::Peer, reply::Failure, route::Surface, work::hash::Hasher,
};
use bytes::{Bytes, BytesMut};
use carnet_store::Store;
use carnet_wire::{
    entropy::Entropy,
    ids::{CorrelationId, TenantId, TraceId},
    time::Timestamp,
};
use http::HeaderMap;
use http_body_util::BodyExt;
use std::{net::IpAddr, sync::Arc};

/// A request body on its way in.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// The running server: everything a handler may use.
pub struct State {
    /// What is kept.
    pub store: Store,
    /// Signing keys by tenant.
    pub keys: Keys,
    /// The hash threads.
    pub hasher: Hasher,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Which names this server answers to, and what it calls itself.
    pub names: Names,
}

/// Names of this server.
#[derive(Debug, Clone)]
pub struct Names {
    /// The shared origin, without a trailing slash: `https://localhost:8443`.
    pub public_url: String,
    /// Host names (without port, lower case) that mean the shared origin.
    pub shared: Vec<String>,
    /// The public name's port.
    pub port: u16,
}

/// Under which names this request's answers speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The shared origin; its base URL.
    Shared(Arc<str>),
    /// Microsoft's own names (the public cloud's).
    Microsoft,
}

impl Origin {
    /// Base URL of the token service.
    #[must_use]
    pub fn login(&self) -> String {
        self.pick("https://login.microsoftonline.com")
    }

    /// Base URL of Microsoft Graph.
    #[must_use]
    pub fn graph(&self) -> String {
        self.pick("https://graph.microsoft.com")
    }

    /// Base URL of the Power Platform API.
    #[must_use]
    pub fn power_platform(&self) -> String {
        self.pick("https://api.powerplatform.com")
    }

    /// Base URL of the Power Platform administration API.
    #[must_use]
    pub fn bap(&self) -> String {
        self.pick("https://api.bap.microsoft.com")
    }

    fn pick(&self, microsoft: &str) -> String {
        match self {
            Self::Shared(base) => base.to_string(),
            Self::Microsoft => microsoft.to_owned(),
        }
    }

    /// `iss` of v1.0 tokens of this tenant.
    #[must_use]
    pub fn issuer_v1(&self, tenant: &str) -> String {
        match self {
            Self::Shared(base) => format!("{base}/{tenant}/"),
            Self::Microsoft => format!("https://sts.windows.net/{tenant}/"),
        }
    }

    /// `iss` of v2.0 tokens of this tenant.
    #[must_use]
    pub fn issuer_v2(&self, tenant: &str) -> String {
        format!("{}/{tenant}/v2.0", self.login())
    }

    /// The name is this machine's own, where HSTS would only do harm.
    #[must_use]
    pub fn loopback(&self) -> bool {
        matches!(self, Self::Shared(base) if ["https://localhost", "https://127.0.0.1", "https://[::1]"].iter().any(|p| base.starts_with(p)))
    }
}

/// What travels with a request besides its meaning.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The host that was asked.
    pub surface: Surface,
    /// Names for the answer.
    pub origin: Origin,
    /// This answer's id.
    pub trace: TraceId,
    /// The client's id, else one of ours.
    pub correlation: CorrelationId,
    /// The client wants its id back.
    pub echo: bool,
    /// Where the request came from.
    pub address: IpAddr,
    /// `User-Agent`, cut at 256 bytes.
    pub user_agent: String,
    /// The path, for refusals that name it; cut at 256 bytes.
    pub path: String,
    /// When the request arrived.
    pub now: Timestamp,
    /// The caller's tenant, once known.
    pub tenant: Option<TenantId>,
}

impl Envelope {
    /// The ids and the time as the token service's error body shows them.
    #[must_use]
    pub fn ids(&self) -> carnet_wire::token::error::Ids {
        carnet_wire::token::error::Ids { trace: self.trace, correlation: self.correlation, now: self.now }
    }

    /// The ids as Graph's error body shows them.
    #[must_use]
    pub fn graph_ids(&self) -> carnet_wire::graph::error::Ids {
        carnet_wire::graph::error::Ids { request: self.trace, client: self.correlation, date: self.now }
    }

    /// The tenant as text, or a dash.
    #[must_use]
    pub fn tenant_text(&self) -> String {
        self.tenant.map_or_else(|| "-".to_owned(), |tenant| tenant.to_string())
    }
}

/// A request's view of the server.
#[derive(Clone)]
pub struct Context {
    /// The running server.
    pub state: Arc<State>,
    /// This request.
    pub envelope: Envelope,
}

impl Context {
    /// Now, once for the whole request.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.envelope.now
    }
}

/// Reads a whole body of at most `limit` bytes.
///
/// # Errors
/// [`Failure::TooLarge`], or [`Failure::Cut`] when the client stops half-way, or
/// [`Failure::Unsupported`] for a compressed body.
pub async fn read(mut body: Body, headers: &HeaderMap, limit: usize) -> Result<Bytes, Failure> {
    if headers.contains_key(http::header::CONTENT_ENCODING) {
        return Err(Failure::Unsupported("the body without a content encoding"));
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Failure::Cut)?.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(Failure::TooLarge);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// Cuts a text at `limit` bytes, on a character boundary, without control characters.
#[must_use]
pub fn cut(text: &str, limit: usize) -> String {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].chars().filter(|c| !c.is_control()).collect()
}

/// The envelope of a request.
#[must_use]
pub fn envelope(state: &State, head: &http::request::Parts, peer: Peer, found: (Surface, Origin)) -> Envelope {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let trace = TraceId::new(state.entropy.uuid());
    let sent = header("client-request-id").or_else(|| header("x-ms-client-request-id"));
    Envelope {
        surface: found.0,
        origin: found.1,
        trace,
        correlation: sent.and_then(|t| t.parse().ok()).unwrap_or_else(|| CorrelationId::new(trace.uuid())),
        echo: header("return-client-request-id").is_some_and(|value| value.eq_ignore_ascii_case("true")),
        address: peer.addr.ip().to_canonical(),
        user_agent: cut(header("user-agent").unwrap_or_default(), 256),
        path: cut(head.uri.path(), 256),
        now: state.clock.now(),
        tenant: None,
    }
}
