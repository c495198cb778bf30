//! The Power Platform API's bodies (`reference/power-platform.md`, 6 and 7).

use serde::Serialize;
use serde_json::{Value, json};

/// First segments of its paths: a closed list, so that they never hide another host's.
pub const NAMESPACES: [&str; 18] = [
    "analytics",
    "appmanagement",
    "authorization",
    "connectivity",
    "copilotstudio",
    "environmentmanagement",
    "gateway",
    "governance",
    "licensing",
    "monitoringhub",
    "powerapps",
    "powerautomate",
    "powerpages",
    "resourcequery",
    "security",
    "usermanagement",
    "aitools",
    "aiflows",
];

/// The gateway's error: no wrapper, a lower-case `innererror`.
#[derive(Debug, Serialize)]
pub struct GatewayError<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    innererror: Option<Inner<'a>>,
}

#[derive(Debug, Serialize)]
struct Inner<'a> {
    code: &'a str,
    message: &'a str,
}

impl<'a> GatewayError<'a> {
    /// An error without an inner one.
    #[must_use]
    pub const fn new(code: &'a str, message: &'a str) -> Self {
        Self { code, message, innererror: None }
    }

    /// The 403 of the gateway, with the reason inside.
    #[must_use]
    pub const fn forbidden(code: &'a str, message: &'a str) -> Self {
        let outer = "The caller is not authorized to perform the request.";
        Self { code: "Forbidden", message: outer, innererror: Some(Inner { code, message }) }
    }
}

/// What a package's body says.
#[derive(Debug)]
pub struct Package<'a> {
    /// Its name in addresses.
    pub unique_name: &'a str,
    /// The name people see.
    pub name: &'a str,
    /// `1.0.0.0`
    pub version: &'a str,
    /// Who publishes it.
    pub publisher: &'a str,
}

impl Package<'_> {
    /// The body of an application package that is not installed.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({
            "uniqueName": self.unique_name,
            "applicationName": self.name,
            "localizedName": self.name,
            "version": self.version,
            "publisherName": self.publisher,
            "state": "None",
        })
    }
}
