//! What a handler is given: the running server, and the envelope of its request.

use crate::{
    clock::Clock,
    keys::Keys,
    listen::accept::Peer,
    reply::Failure,
    route::Surface,
    work::{bodies::Bodies, hash::Hasher, issuers::Issuers, pace::Pace, search::Searcher},
};
use bytes::Bytes;
use carnet_store::Store;
use carnet_wire::{
    catalogue::Catalogue,
    cloud::{is_microsoft_host, is_regional},
    entropy::Entropy,
    ids::{AppId, CorrelationId, TenantId, TraceId},
    restriction::Restrictions,
    time::Timestamp,
};
use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
};

/// A request body on its way in.
pub type Body = http_body_util::combinators::BoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// The running server: everything a handler may use.
pub struct State {
    /// What is kept.
    pub store: Store,
    /// Signing keys by tenant.
    pub keys: Keys,
    /// The hash threads.
    pub hasher: Hasher,
    /// Keys of outside issuers.
    pub issuers: Issuers,
    /// The search threads.
    pub searcher: Searcher,
    /// The memory of request bodies.
    pub bodies: Bodies,
    /// How often is asked.
    pub pace: Pace,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Microsoft's applications.
    pub catalogue: Arc<Catalogue>,
    /// Which names this server answers to, and what it calls itself.
    pub names: Names,
    /// SHA-256 fingerprints of the server's own certificate authorities, which clients have to trust; empty where the
    /// operator brought the certificate.
    pub authorities: Vec<String>,
}

/// Names of this server.
#[derive(Debug, Clone)]
pub struct Names {
    /// The shared origin, without a trailing slash: `https://localhost:8443`.
    pub public_url: Arc<str>,
    /// Host names (without port, lower case) that mean the shared origin.
    pub shared: Vec<String>,
    /// Base URLs of the token service under every name: audiences of assertions.
    pub logins: Vec<String>,
    /// Base URLs of Graph on this server: names of the Graph resource.
    pub graphs: Vec<String>,
}

impl Names {
    /// The names of a server that calls itself `public_url` and answers to further hosts. Microsoft's names among them
    /// keep their own surface and issuers: they never mean the shared origin.
    #[must_use]
    pub fn new(public_url: &str, hosts: &[String]) -> Self {
        let public_url = without_default_port(public_url.trim_end_matches('/'));
        let authority = public_url.split_once("://").map_or(public_url, |(_, host)| host);
        let own = host_name(authority);
        let port = authority.get(own.len()..).filter(|port| port.starts_with(':'));
        let mut shared: Vec<String> = ["localhost", "127.0.0.1", "[::1]", &own].map(str::to_owned).into();
        shared.extend(hosts.iter().map(|host| host_name(host)));
        shared.retain(|host| !is_microsoft_host(host));
        shared.dedup();
        // A URL with the default port is the same as the URL without it, so both spellings are known.
        let bases = |host: &String| match port {
            Some(port) => vec![format!("https://{host}{port}")],
            None => vec![format!("https://{host}"), format!("https://{host}:443")],
        };
        let graphs: Vec<String> =
            std::iter::once(public_url.to_owned()).chain(shared.iter().flat_map(bases)).collect();
        let mut logins = graphs.clone();
        logins.extend(MICROSOFT_LOGINS.iter().map(|host| format!("https://{host}")));
        Self { public_url: public_url.into(), shared, logins, graphs }
    }

    /// The origins whose issuers our tokens carry.
    #[must_use]
    pub fn origins(&self) -> [Origin; 2] {
        [Origin::Shared(self.public_url.clone()), Origin::Microsoft]
    }

    /// Which surface a host and path mean, and under which names. `None`: not one of ours.
    #[must_use]
    pub fn surface(&self, host: &str, path: &str) -> Option<(Surface, Origin)> {
        let name = host_name(host);
        if let Some(surface) = microsoft_surface(&name) {
            return Some((surface, Origin::Microsoft));
        }
        let shared = self.shared.contains(&name);
        shared.then(|| (surface_of_path(path), Origin::Shared(self.public_url.clone())))
    }
}

/// Microsoft's names of the token service. `sts.windows.net` is the issuer of v1.0 tokens, where their metadata is.
const MICROSOFT_LOGINS: [&str; 4] =
    ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"];

/// The surface of a name of Microsoft's (in lower case, without a port) that this server answers to.
#[must_use]
pub fn microsoft_surface(name: &str) -> Option<Surface> {
    if MICROSOFT_LOGINS.contains(&name) {
        return Some(Surface::Login);
    }
    match name {
        "graph.microsoft.com" => Some(Surface::Graph),
        "api.powerplatform.com" => Some(Surface::PowerPlatform),
        "api.bap.microsoft.com" => Some(Surface::Bap),
        other if is_regional(other, "api.bap.microsoft.com") => Some(Surface::Bap),
        other if is_regional(other, "login.microsoft.com") => Some(Surface::Login),
        _ => None,
    }
}

/// Microsoft's names that this server answers to, for its certificate. Regional names are not among them: a
/// certificate for one is made when a client asks for it.
pub const MICROSOFT_HOSTS: [&str; 7] = [
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net",
    "graph.microsoft.com",
    "api.powerplatform.com",
    "api.bap.microsoft.com",
];

/// An https URL without the port that is https's own.
#[must_use]
pub fn without_default_port(url: &str) -> &str {
    match url.strip_suffix(":443") {
        Some(short) if url.starts_with("https://") => short,
        _ => url,
    }
}

/// A `Host` without its port, in lower case.
#[must_use]
pub fn host_name(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|b| b.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    };
    name.to_ascii_lowercase()
}

/// The host and port that a request is for: its target's, else its `Host` header's.
///
/// # Errors
/// [`Failure::BadRequest`] where several hosts are named: whoever stands between could have looked at another one
/// (RFC 9112, 3.2; RFC 9113, 8.3.1).
pub fn host_of(head: &http::request::Parts, tls: bool) -> Result<&str, Failure> {
    let mut sent = head.headers.get_all(http::header::HOST).iter();
    let (header, second) = (sent.next().and_then(|value| value.to_str().ok()), sent.next());
    let target = head.uri.authority().map(http::uri::Authority::as_str);
    if second.is_some() {
        return Err(Failure::BadRequest("The header Host is sent more than once."));
    }
    match (target, header) {
        (Some(target), Some(header)) if !same_host(target, header, tls) => {
            Err(Failure::BadRequest("The header Host names another host than the target of the request."))
        }
        (target, header) => Ok(target.or(header).unwrap_or_default()),
    }
}

/// Two hosts with their ports are one, for requests over TLS or without. The scheme's own port is the same as none.
#[must_use]
pub fn same_host(one: &str, other: &str, tls: bool) -> bool {
    let default_port = if tls { ":443" } else { ":80" };
    let [one, other] = [one, other].map(|host| host.strip_suffix(default_port).unwrap_or(host));
    one.eq_ignore_ascii_case(other)
}

/// On the shared origin the path decides; the hosts' paths do not collide.
fn surface_of_path(path: &str) -> Surface {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let is = |name: &str| first.eq_ignore_ascii_case(name);
    if is("v1.0") || is("beta") {
        Surface::Graph
    } else if is("providers") {
        Surface::Bap
    } else if is("healthz") || is("readyz") {
        Surface::Health
    } else if carnet_wire::power_platform::NAMESPACES.iter().any(|name| is(name)) {
        Surface::PowerPlatform
    } else {
        Surface::Login
    }
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
            Self::Shared(base) => [base, "/", tenant, "/"].concat(),
            Self::Microsoft => format!("https://sts.windows.net/{tenant}/"),
        }
    }

    /// `iss` of v2.0 tokens of this tenant.
    #[must_use]
    pub fn issuer_v2(&self, tenant: &str) -> String {
        [&self.login(), "/", tenant, "/v2.0"].concat()
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
    /// Somebody looks at the answer: a page is asked for.
    pub page: bool,
    /// Where the request came from.
    pub address: IpAddr,
    /// It came over TLS.
    pub tls: bool,
    /// `User-Agent`, cut at 256 bytes.
    pub user_agent: String,
    /// What the network that the request comes from allows.
    pub restrictions: Restrictions,
    /// The path, for refusals that name it; cut at 256 bytes.
    pub path: String,
    /// When the request arrived.
    pub now: Timestamp,
    /// What becomes known while the request is answered. Copies of an envelope share it.
    pub known: Arc<Known>,
}

/// What becomes known of a request while it is answered.
#[derive(Debug, Default)]
pub struct Known {
    /// The caller's tenant.
    pub tenant: OnceLock<TenantId>,
    /// The application that asks.
    pub app: OnceLock<AppId>,
    /// The path of the route, with its variables unfilled.
    pub route: OnceLock<&'static str>,
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
        self.known.tenant.get().map_or_else(|| "-".to_owned(), TenantId::to_string)
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
pub fn envelope(
    state: &State,
    head: &http::request::Parts,
    peer: Peer,
    found: (Surface, Origin),
) -> Envelope {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let trace = TraceId::new(state.entropy.uuid());
    let sent = header("client-request-id").or_else(|| header("x-ms-client-request-id"));
    Envelope {
        surface: found.0,
        origin: found.1,
        trace,
        correlation: sent.and_then(|t| t.parse().ok()).unwrap_or_else(|| CorrelationId::new(trace.uuid())),
        echo: header("return-client-request-id").is_some_and(|value| value.eq_ignore_ascii_case("true")),
        page: header("accept").is_some_and(shows_pages),
        address: peer.addr.ip().to_canonical(),
        tls: peer.tls,
        restrictions: Restrictions::read(|name| {
            head.headers.get_all(name).iter().map(|value| value.to_str().ok()).collect()
        }),
        user_agent: cut(header("user-agent").unwrap_or_default(), 256),
        path: cut(head.uri.path(), 256),
        now: state.clock.now(),
        known: Arc::default(),
    }
}

/// Whether an `Accept` header is a browser's. `HttpURLConnection` of Java sends
/// `text/html, image/gif, image/jpeg, …` unless its caller chooses something else, and MSAL4J doesn't: it reads
/// JSON, and no browser sends this list.
fn shows_pages(accept: &str) -> bool {
    accept.contains("text/html") && !accept.starts_with("text/html, image/gif, image/jpeg,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_paths_choose_the_surface_and_foreign_hosts_none_rows_80_and_126() {
        let names = Names::new("https://localhost:8443", &["carnet.example".into()]);
        let surface = |host: &str, path: &str| names.surface(host, path).map(|(surface, _)| surface);
        assert_eq!(surface("localhost:8443", "/t/oauth2/token"), Some(Surface::Login));
        assert_eq!(surface("127.0.0.1:1", "/V1.0/me"), Some(Surface::Graph));
        assert_eq!(surface("[::1]:8443", "/AppManagement/x"), Some(Surface::PowerPlatform));
        assert_eq!(surface("Carnet.Example", "/providers/x"), Some(Surface::Bap));
        assert_eq!(surface("graph.microsoft.com", "/t/oauth2/token"), Some(Surface::Graph));
        for host in ["evil.example", "localhost.evil.example", "", "login.microsoftonline.com.evil.example"] {
            assert_eq!(surface(host, "/"), None, "{host}");
        }
        assert!(names.logins.contains(&"https://127.0.0.1:8443".to_owned()));
        assert!(!names.logins.contains(&"https://127.0.0.1".to_owned()));
    }

    #[test]
    fn the_default_port_is_no_port_in_any_name_of_the_server() {
        for url in ["https://localhost:443", "https://localhost", "https://localhost:443/"] {
            let names = Names::new(url, &[]);
            assert_eq!(&*names.public_url, "https://localhost", "{url}");
            assert_eq!(names.origins()[0].issuer_v2("t"), "https://localhost/t/v2.0");
            assert_eq!(names.origins()[0].issuer_v1("t"), "https://localhost/t/");
            for base in ["https://localhost", "https://localhost:443", "https://127.0.0.1", "https://[::1]"] {
                assert!(names.logins.contains(&base.to_owned()), "{base}");
                assert!(names.graphs.contains(&base.to_owned()), "{base}");
            }
            assert!(
                names.surface("localhost:443", "/x").is_some() && names.surface("localhost", "/x").is_some()
            );
        }
        assert_eq!(&*Names::new("https://localhost:8443", &[]).public_url, "https://localhost:8443");
        assert_eq!(&*Names::new("https://localhost:4430", &[]).public_url, "https://localhost:4430");
    }

    #[test]
    fn a_name_of_microsofts_keeps_its_surface_and_issuers_however_it_came_to_be_answered() {
        let given = ["login.microsoftonline.com", "GRAPH.microsoft.com", "carnet.example"].map(str::to_owned);
        for names in [
            Names::new("https://localhost:8443", &given),
            Names::new("https://login.microsoftonline.com", &[]),
        ] {
            for (host, surface) in [
                ("login.microsoftonline.com", Surface::Login),
                ("login.windows.net", Surface::Login),
                ("sts.windows.net", Surface::Login),
                ("westeurope.login.microsoft.com", Surface::Login),
                ("graph.microsoft.com", Surface::Graph),
                ("api.powerplatform.com:443", Surface::PowerPlatform),
                ("europe.api.bap.microsoft.com", Surface::Bap),
            ] {
                // On the shared origin this path would be the administration API's.
                assert_eq!(names.surface(host, "/providers/x"), Some((surface, Origin::Microsoft)), "{host}");
            }
            for host in ["login.microsoftonline.us", "a.b.login.microsoft.com", ".login.microsoft.com"] {
                assert_eq!(names.surface(host, "/"), None, "{host}");
            }
        }
        assert!(Names::new("https://localhost", &given).surface("carnet.example", "/").is_some());
    }

    #[test]
    fn a_request_names_one_host_row_159() {
        let of = |uri: &str, hosts: &[&str]| {
            let mut request = http::Request::get(uri);
            for host in hosts {
                request = request.header("host", *host);
            }
            let head = request.body(()).unwrap().into_parts().0;
            host_of(&head, true).map(str::to_owned).ok()
        };
        let good = Some("localhost:8443".to_owned());
        assert_eq!(of("/x", &["localhost:8443"]), good);
        assert_eq!(of("https://localhost:8443/x", &[]), good);
        assert_eq!(of("https://localhost:8443/x", &["LocalHost:8443"]), good);
        assert_eq!(of("https://localhost/x", &["localhost:443"]), Some("localhost".to_owned()));
        assert_eq!(of("/x", &["localhost:8443", "localhost:8443"]), None);
        for other in ["localhost", "localhost:8444", "evil.example:8443", ""] {
            assert_eq!(of("https://localhost:8443/x", &[other]), None, "{other}");
        }
    }

    #[test]
    fn texts_are_cut_on_a_character_and_lose_control_marks() {
        assert_eq!(cut("aé\u{1b}b", 2), "a");
        assert_eq!(cut("a\nb", 9), "ab");
    }
}
