//! One row for each route and case: how it is called and what it acts on.

use super::objects::{Kind, Target};
use carnet_http::route::Surface;
use carnet_tests::{ENVIRONMENT, TENANT};
use http::Method;
use serde_json::Value;

/// How one route is called in one case.
#[derive(Clone, Copy)]
pub struct Row {
    /// The host.
    pub surface: Surface,
    /// The method.
    pub method: &'static str,
    /// The path as the server's table of routes has it.
    pub path: &'static str,
    /// What sets this row apart from the others of the same route; empty for the plain one.
    pub case: &'static str,
    /// What the request acts on.
    pub on: Kind,
    /// The body; null is none.
    pub body: fn(&Target) -> Value,
    /// There is never anything to read: whoever may ask is told so with 404.
    pub empty: bool,
}

impl Row {
    /// A row without a body.
    pub const fn new(surface: Surface, method: &'static str, path: &'static str, on: Kind) -> Self {
        Self { surface, method, path, case: "", on, body: |_| Value::Null, empty: false }
    }

    /// The row with this body.
    pub const fn body(mut self, body: fn(&Target) -> Value) -> Self {
        self.body = body;
        self
    }

    /// The row of something that nobody has here.
    pub const fn empty(mut self) -> Self {
        self.empty = true;
        self
    }

    /// The row as a further case of its route.
    pub const fn case(mut self, case: &'static str) -> Self {
        self.case = case;
        self
    }

    /// The request changes something when it is allowed.
    pub fn writes(&self) -> bool {
        self.method != "GET"
    }

    /// The name of a host that this surface answers for.
    pub const fn host(&self) -> &'static str {
        match self.surface {
            Surface::Graph => "graph.microsoft.com",
            Surface::PowerPlatform => "api.powerplatform.com",
            Surface::Bap => "api.bap.microsoft.com",
            Surface::Login | Surface::Health => "login.microsoftonline.com",
        }
    }

    /// The path with its variables filled in.
    pub fn address(&self, target: &Target) -> String {
        let path = [
            ("{id}", target.id.as_str()),
            ("{key}", &format!("appId='{}'", target.app)),
            ("{member}", &target.inner),
            ("{assignment}", &target.assignment),
            ("{application}", &target.app),
            ("{environment}", ENVIRONMENT),
            ("{package}", "contoso_base"),
            ("{operation}", &target.id),
            ("{tenant}", TENANT),
            ("{cast}", "microsoft.graph.group"),
            ("{size}", "48x48"),
        ]
        .iter()
        .fold(self.path.to_owned(), |path, (name, value)| path.replace(name, value));
        // One object of a list tells as much as a hundred.
        let list = self.method == "GET" && self.surface == Surface::Graph && self.on == Kind::Nothing;
        if list { format!("{path}?$top=1") } else { path }
    }

    /// The first line of its section: method, host, path, case.
    pub fn title(&self) -> String {
        let case = if self.case.is_empty() { String::new() } else { format!(": {}", self.case) };
        format!("{} {} {}{case}", self.method, self.surface.name(), self.path)
    }

    /// This row calls that route.
    pub fn calls(&self, route: &carnet_http::route::Route) -> bool {
        let method = route.method.map_or("any", Method::as_str);
        self.surface == route.surface && self.method == method && self.path == route.path
    }
}
