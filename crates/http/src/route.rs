//! The segment table: which file answers which path.
//!
//! Microsoft's paths match case-insensitively while the ids in them do not fold, and
//! `applications(appId='…')` is a key. So all hosts' paths go through this table: fixed segments are
//! folded, the others are kept as sent. The table is also the map that `carnet routes` prints.

use crate::{context::Context, reply::Failure, reply::Reply, work::bodies::Bodies};
use carnet_wire::{ids::TenantId, percent};
use http::Method;
use std::{borrow::Cow, future::Future, net::IpAddr, pin::Pin};

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

/// A handler. Version and variables are in the call.
pub type Handler = fn(Context, Call) -> Answer;

/// One row of the table.
#[derive(Clone, Copy)]
pub struct Route {
    /// The host.
    pub surface: Surface,
    /// The method; `None` takes any.
    pub method: Option<&'static Method>,
    /// The path, with `{name}` for a variable segment and `things({key})` for a keyed one.
    pub path: &'static str,
    /// The module that answers, as a path below `server`.
    pub module: &'static str,
    /// The function.
    pub handler: Handler,
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

/// Looks a path up among the rows of a host. An earlier row wins. One slash at the end of a path says nothing:
/// clients build addresses by putting names after a base that ends in one.
#[must_use]
pub fn find<'a>(rows: &'a [Route], method: &Method, path: &str) -> Found<'a> {
    // A path that begins with two is no path here: whatever repeats it would name another host.
    let Some(path) = path.strip_prefix('/') else { return Found::Nothing };
    let path = match path.strip_suffix('/') {
        Some(before) if !before.is_empty() && !before.ends_with('/') => before,
        _ => path,
    };
    let segments: Vec<&str> = path.split('/').collect();
    let mut found = Found::Nothing;
    for row in rows {
        let Some(variables) = matches(row.path, &segments) else { continue };
        match row.method {
            Some(wanted) if wanted != method => found = Found::WrongMethod,
            _ => return Found::Row(row, variables),
        }
    }
    found
}

/// Compares a pattern with the segments of a path.
fn matches(pattern: &str, segments: &[&str]) -> Option<Vec<String>> {
    let mut variables = Vec::new();
    let mut rest = segments.iter();
    for wanted in pattern.trim_start_matches('/').split('/') {
        let segment = rest.next()?;
        if wanted.starts_with('{') {
            variables.push(decode(segment).filter(|value| !value.is_empty())?);
        } else if let Some((name, _)) = wanted.split_once("({") {
            let (head, tail) = segment.split_at_checked(name.len())?;
            let key = tail.strip_prefix('(')?.strip_suffix(')')?;
            if !head.eq_ignore_ascii_case(name) {
                return None;
            }
            variables.push(decode(key)?);
        } else if !wanted.eq_ignore_ascii_case(segment) {
            return None;
        }
    }
    rest.next().is_none().then_some(variables)
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

    fn variables(pattern: &str, path: &str) -> Option<Vec<String>> {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        matches(pattern, &segments)
    }

    #[test]
    fn a_path_begins_with_one_slash() {
        let handler: Handler = |_, _| Box::pin(async { Err(Failure::NoRoute) });
        let (surface, path) = (Surface::Login, "/{tenant}/oauth2/logout");
        let rows = [Route { surface, method: None, path, module: "login/logout", handler }];
        let found = |path| matches!(find(&rows, &Method::GET, path), Found::Row(..));
        assert!(found("/contoso.example/oauth2/logout"));
        for path in ["//contoso.example/oauth2/logout", "contoso.example/oauth2/logout", "*", ""] {
            assert!(!found(path), "{path}");
        }
    }

    #[test]
    fn one_slash_at_the_end_of_a_path_says_nothing_and_two_are_no_path() {
        let handler: Handler = |_, _| Box::pin(async { Err(Failure::NoRoute) });
        let (surface, path) = (Surface::Graph, "/v1.0/users/{id}");
        let rows = [Route { surface, method: None, path, module: "graph/users", handler }];
        let id = |path| match find(&rows, &Method::GET, path) {
            Found::Row(_, variables) => variables.concat(),
            _ => String::new(),
        };
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
