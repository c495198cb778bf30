//! Response bodies of the Power Platform API (Microsoft, "Power Platform API reference"; observed).

use serde::Serialize;
use serde_json::{Value, json};

/// First path segments of the API. The list is closed so that no path of another host is taken for one of this API.
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

/// An error of the API gateway: no `error` wrapper, and `innererror` in lower case (observed).
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
    /// An error without an inner error.
    #[must_use]
    pub const fn new(code: &'a str, message: &'a str) -> Self {
        Self { code, message, innererror: None }
    }

    /// The gateway's 403, whose inner error has the reason.
    #[must_use]
    pub const fn forbidden(code: &'a str, message: &'a str) -> Self {
        let outer = "The caller is not authorized to perform the request.";
        Self { code: "Forbidden", message: outer, innererror: Some(Inner { code, message }) }
    }
}

/// The facts of an application package that its body shows.
#[derive(Debug)]
pub struct Package<'a> {
    /// The unique name, which is used in URLs.
    pub unique_name: &'a str,
    /// The display name.
    pub name: &'a str,
    /// The version, such as `1.0.0.0`.
    pub version: &'a str,
    /// The publisher's name.
    pub publisher: &'a str,
}

impl Package<'_> {
    /// The JSON body of a package that is not installed.
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
