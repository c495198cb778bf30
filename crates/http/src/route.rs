//! The segment table: which file answers which path.
//!
//! Microsoft's paths match case-insensitively while the ids in them do not fold, and
//! `applications(appId='…')` is a key. So all hosts' paths go through this table: fixed segments are
//! folded, the others are kept as sent. The table is also the map that `carnet routes` prints.

use crate::{caller::Called, context::Context, reply::Failure, reply::Reply, work::bodies::Bodies};
use carnet_tenant::access::Access;
use carnet_wire::{ids::TenantId, percent};
use http::Method;
use std::{borrow::Cow, collections::HashMap, future::Future, net::IpAddr, pin::Pin};

/// A host that Carnet plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Surface {
    /// The token service.
    Login,
    /// Microsoft Graph.
    Graph,
    /// The Power Platform API.
    PowerPlatform,
    /// The Power Platform administration API (BAP).
    Bap,
    /// Health checks.
    Health,
}

impl Surface {
    /// The folder that answers for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Graph => "graph",
            Self::PowerPlatform => "power_platform",
            Self::Bap => "bap",
            Self::Health => "health",
        }
    }
}

/// What a handler answers with.
pub type Answer = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

/// A handler of a route that everybody may call. Version and variables are in the call.
pub type OpenHandler = fn(Context, Call) -> Answer;
/// A handler of a route that only some callers may call; who calls is known.
pub type GuardedHandler = fn(Context, Called, Call) -> Answer;

/// Who may call a route, and what answers.
#[derive(Clone, Copy)]
pub enum Endpoint {
    /// Everybody, without an access token; or the handler reads the token itself.
    Open(OpenHandler),
    /// Callers with an access token for the API of the host to whom this is open. It is asked before a byte of the body is
    /// read.
    Guarded(&'static Access, GuardedHandler),
}

/// One row of the table.
#[derive(Clone, Copy)]
pub struct Route {
    /// The host.
    pub surface: Surface,
    /// The method; `None` takes any.
    pub method: Option<&'static Method>,
    /// The path, with `{name}` for a variable segment and `things({key})` for a keyed one.
    pub path: &'static str,
    /// The module that answers, with its package in front.
    pub module: &'static str,
    /// Who may call, and the function that answers.
    pub endpoint: Endpoint,
}

impl Route {
    /// Who may call; `None`: everybody.
    #[must_use]
    pub const fn access(&self) -> Option<&'static Access> {
        match self.endpoint {
            Endpoint::Open(_) => None,
            Endpoint::Guarded(access, _) => Some(access),
        }
    }
}

/// Which scripts in browsers may read the answers of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    /// Each endpoint decides it.
    ByEndpoint,
    /// Those of registered single-page origins, at all endpoints.
    Registered,
}

/// A host: its rows, and how its paths are read.
pub struct Host {
    /// Which one.
    pub surface: Surface,
    /// Its rows, in the order in which they are looked up.
    pub routes: Vec<Route>,
    /// The path under which the rows have the one that was asked.
    pub canonical: fn(&str) -> Cow<'_, str>,
    /// The tenant whose id a path names outside its rows.
    pub tenant: fn(&str) -> Option<TenantId>,
    /// Which scripts may read its answers.
    pub scripts: Scripts,
}

impl Host {
    /// A host whose paths are read as they are, and whose endpoints decide which scripts may read their answers.
    #[must_use]
    pub fn plain(surface: Surface, routes: &[Route]) -> Self {
        let routes = routes.to_vec();
        Self {
            surface,
            routes,
            canonical: |path| path.into(),
            tenant: |_| None,
            scripts: Scripts::ByEndpoint,
        }
    }
}

/// A request that found its row.
#[derive(Debug)]
pub struct Call {
    /// The request's head.
    pub head: http::request::Parts,
    /// The body, unread.
    pub body: crate::context::Body,
    /// The variable segments, percent-decoded, in the order of the path.
    pub variables: Vec<String>,
    /// The tenant whose id the path names outside its row.
    pub tenant: Option<TenantId>,
    /// The memory of all bodies, in which this one has its share.
    pub bodies: Bodies,
    /// The peer's address.
    pub address: IpAddr,
}

impl Call {
    /// The variable segment with this position; empty when the row has fewer.
    #[must_use]
    pub fn variable(&self, position: usize) -> &str {
        self.variables.get(position).map_or("", String::as_str)
    }

    /// The query string, empty when there is none.
    #[must_use]
    pub fn query(&self) -> &str {
        self.head.uri.query().unwrap_or_default()
    }

    /// A header's value as text, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// The host and port that the request is for: its target's, else its `Host` header's. They do not differ.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.head.uri.authority().map(http::uri::Authority::as_str);
        authority.or_else(|| self.header("host")).unwrap_or_default()
    }
}

/// What looking a path up told.
#[derive(Debug)]
pub enum Found<'a> {
    /// A row, and the variables of its path.
    Row(&'a Route, Vec<String>),
    /// The path is there, the method is not.
    WrongMethod,
    /// No such path.
    Nothing,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?} {}", self.surface.name(), self.method, self.path)
    }
}

/// The rows of a host as a tree of path segments, built once.
pub struct Table {
    rows: Vec<Route>,
    root: Node,
}

/// The rows whose paths begin with the same segments.
#[derive(Default)]
struct Node {
    /// Fixed segments, in lower case.
    fixed: HashMap<String, Self>,
    /// Keyed segments, `things({key})`, by their name in lower case.
    keyed: HashMap<String, Self>,
    /// A variable segment.
    variable: Option<Box<Self>>,
    /// Rows whose path ends here, by position.
    rows: Vec<usize>,
}

impl Node {
    fn below(&mut self, segment: &str) -> &mut Self {
        if segment.starts_with('{') {
            self.variable.get_or_insert_default()
        } else if let Some((name, _)) = segment.split_once("({") {
            self.keyed.entry(name.to_ascii_lowercase()).or_default()
        } else {
            self.fixed.entry(segment.to_ascii_lowercase()).or_default()
        }
    }
}

/// A search in a [`Table`].
struct Search<'a> {
    table: &'a Table,
    method: &'a Method,
    /// The variables of the segments so far.
    variables: Vec<String>,
    /// The first row that matches, and its variables.
    found: Option<(usize, Vec<String>)>,
    /// A row has the path and another method.
    other_method: bool,
}

impl Search<'_> {
    fn walk(&mut self, node: &Node, segments: &[&str]) {
        let Some((segment, rest)) = segments.split_first() else { return self.end(node) };
        // The paths of the token service are in lower case, and cost no copy.
        let folded: Cow<'_, str> = if segment.bytes().any(|byte| byte.is_ascii_uppercase()) {
            segment.to_ascii_lowercase().into()
        } else {
            (*segment).into()
        };
        if let Some(below) = node.fixed.get(&*folded) {
            self.walk(below, rest);
        }
        if let Some((name, _)) = folded.split_once('(')
            && let Some(below) = node.keyed.get(name)
            && let Some(key) = segment[name.len() + 1..].strip_suffix(')').and_then(decode)
        {
            self.with(key, below, rest);
        }
        if let Some(below) = &node.variable
            && let Some(value) = decode(segment).filter(|value| !value.is_empty())
        {
            self.with(value, below, rest);
        }
    }

    fn with(&mut self, variable: String, node: &Node, rest: &[&str]) {
        self.variables.push(variable);
        self.walk(node, rest);
        self.variables.pop();
    }

    fn end(&mut self, node: &Node) {
        for position in &node.rows {
            let wanted = self.table.rows[*position].method;
            if wanted.is_some_and(|wanted| wanted != self.method) {
                self.other_method = true;
            } else if self.found.as_ref().is_none_or(|(first, _)| position < first) {
                self.found = Some((*position, self.variables.clone()));
            }
        }
    }
}

impl Table {
    /// A table of these rows.
    #[must_use]
    pub fn new(rows: Vec<Route>) -> Self {
        let mut root = Node::default();
        for (position, row) in rows.iter().enumerate() {
            let segments = row.path.trim_start_matches('/').split('/');
            segments.fold(&mut root, Node::below).rows.push(position);
        }
        Self { rows, root }
    }

    /// Looks a path up. An earlier row wins. One slash at the end of a path is ignored: clients build addresses by
    /// appending names to a base that ends in one.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Found<'_> {
        // A path that begins with two slashes is refused: answers that repeat it would name another host.
        let Some(path) = path.strip_prefix('/') else { return Found::Nothing };
        let path = match path.strip_suffix('/') {
            Some(before) if !before.is_empty() && !before.ends_with('/') => before,
            _ => path,
        };
        let segments: Vec<&str> = path.split('/').collect();
        let variables = Vec::new();
        let mut search = Search { table: self, method, variables, found: None, other_method: false };
        search.walk(&self.root, &segments);
        match search.found {
            Some((position, variables)) => Found::Row(&self.rows[position], variables),
            None if search.other_method => Found::WrongMethod,
            None => Found::Nothing,
        }
    }
}

/// Percent-decodes one segment. Control bytes and broken UTF-8 make it no path of ours.
fn decode(segment: &str) -> Option<String> {
    percent::decode_text(segment, false).filter(|text| !text.chars().any(char::is_control))
}

/// Reads a keyed segment's `name='value'`, with `''` for a quote inside.
#[must_use]
pub fn key_value<'a>(key: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let (left, right) = key.split_once('=')?;
    let value = right.strip_prefix('\'')?.strip_suffix('\'')?;
    left.trim().eq_ignore_ascii_case(name).then(|| match value.contains("''") {
        true => value.replace("''", "'").into(),
        false => value.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: Endpoint = Endpoint::Open(|_, _| Box::pin(async { Err(Failure::NoRoute) }));

    fn row(method: Option<&'static Method>, path: &'static str) -> Route {
        Route { surface: Surface::Graph, method, path, module: "graph/users", endpoint: ENDPOINT }
    }

    fn variables(pattern: &'static str, path: &str) -> Option<Vec<String>> {
        match Table::new(vec![row(None, pattern)]).find(&Method::GET, path) {
            Found::Row(_, variables) => Some(variables),
            _ => None,
        }
    }

    #[test]
    fn the_earlier_row_wins_and_another_method_is_told() {
        let rows = vec![
            row(Some(&Method::GET), "/v1.0/users/{id}"),
            row(Some(&Method::GET), "/v1.0/users/me"),
            row(Some(&Method::POST), "/v1.0/{kind}/delta"),
            row(None, "/v1.0/users/{id}/delta"),
        ];
        let table = Table::new(rows);
        let path = |method: Method, path: &str| match table.find(&method, path) {
            Found::Row(row, variables) => format!("{} {}", row.path, variables.join(" ")),
            Found::WrongMethod => "another method".to_owned(),
            Found::Nothing => "nothing".to_owned(),
        };
        assert_eq!(path(Method::GET, "/v1.0/users/me"), "/v1.0/users/{id} me");
        assert_eq!(path(Method::GET, "/v1.0/users/delta"), "/v1.0/users/{id} delta");
        assert_eq!(path(Method::POST, "/v1.0/users/delta"), "/v1.0/{kind}/delta users");
        assert_eq!(path(Method::PATCH, "/v1.0/users/delta"), "another method");
        assert_eq!(path(Method::GET, "/v1.0/groups/delta"), "another method");
        assert_eq!(path(Method::PUT, "/v1.0/users/1/DELTA"), "/v1.0/users/{id}/delta 1");
        for absent in ["/v1.0", "/v1.0/users", "/v1.0/users/1/2/3", "/beta/users/1"] {
            assert_eq!(path(Method::GET, absent), "nothing", "{absent}");
        }
    }

    #[test]
    fn a_path_begins_with_one_slash() {
        let found = |path| variables("/{tenant}/oauth2/logout", path).is_some();
        assert!(found("/contoso.example/oauth2/logout"));
        for path in ["//contoso.example/oauth2/logout", "contoso.example/oauth2/logout", "*", ""] {
            assert!(!found(path), "{path}");
        }
    }

    #[test]
    fn one_slash_at_the_end_of_a_path_says_nothing_and_two_are_no_path() {
        let id = |path| variables("/v1.0/users/{id}", path).unwrap_or_default().concat();
        assert_eq!((id("/v1.0/users/ada"), id("/v1.0/users/ada/")), ("ada".into(), "ada".into()));
        for path in ["/v1.0/users/", "/v1.0/users//", "/v1.0/users/ada//", "/v1.0/users/ada/x", "/", "//"] {
            assert_eq!(id(path), "", "{path}");
        }
    }

    #[test]
    fn fixed_segments_fold_and_ids_do_not() {
        let found = variables("/{tenant}/oauth2/v2.0/token", "/Contoso.example/OAuth2/V2.0/TOKEN");
        assert_eq!(found, Some(vec!["Contoso.example".to_owned()]));
        assert_eq!(variables("/{tenant}/oauth2/token", "/a/oauth2/v2.0/token"), None);
        assert_eq!(variables("/{tenant}/oauth2/token", "//oauth2/token"), None);
    }

    #[test]
    fn a_keyed_segment_gives_its_key() {
        let found = variables("/v1.0/applications({key})", "/v1.0/Applications(appId='a%27b')").unwrap();
        assert_eq!(key_value(&found[0], "APPID").as_deref(), Some("a'b"));
        assert_eq!(key_value(&found[0], "uniqueName"), None);
        assert_eq!(variables("/v1.0/applications({key})", "/v1.0/applications"), None);
    }

    #[test]
    fn escapes_that_hide_something_are_no_path() {
        for path in ["/%00", "/%c0%af", "/%zz", "/%4"] {
            assert_eq!(variables("/{id}", path), None, "{path}");
        }
        assert_eq!(variables("/{id}", "/a%20b"), Some(vec!["a b".to_owned()]));
    }
}
