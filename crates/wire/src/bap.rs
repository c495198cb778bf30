//! The administration API's bodies (`reference/power-platform.md`, 4, 6 and 7).

use crate::ids::{AppId, TenantId};
use serde::Serialize;
use serde_json::{Value, json};

/// The root of its paths.
pub const ROOT: &str = "/providers/Microsoft.BusinessAppPlatform";

/// `{"error": {"code", "message"}}`
#[derive(Debug, Serialize)]
pub struct ErrorBody<'a> {
    error: Inner<'a>,
}

#[derive(Debug, Serialize)]
struct Inner<'a> {
    code: &'a str,
    message: &'a str,
}

impl<'a> ErrorBody<'a> {
    /// The body of a code word and a sentence.
    #[must_use]
    pub const fn new(code: &'a str, message: &'a str) -> Self {
        Self { error: Inner { code, message } }
    }
}

/// A registered application.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdminApplication {
    /// The application.
    pub application_id: AppId,
}

/// What an environment's body says.
#[derive(Debug)]
pub struct Environment<'a> {
    /// A GUID or `Default-GUID`.
    pub id: &'a str,
    /// The name people see.
    pub display_name: &'a str,
    /// `europe`, …
    pub location: &'a str,
    /// `Default`, …
    pub sku: &'a str,
    /// ISO 8601.
    pub created: &'a str,
    /// The tenant.
    pub tenant: TenantId,
}

impl Environment<'_> {
    /// The body; administrators see another id and type than makers.
    #[must_use]
    pub fn body(&self, admin: bool) -> Value {
        let (scope, kind) =
            if admin { ("/scopes/admin", "/scopes/environments") } else { ("", "/environments") };
        json!({
            "id": format!("{ROOT}{scope}/environments/{}", self.id),
            "type": format!("Microsoft.BusinessAppPlatform{kind}"),
            "location": self.location,
            "name": self.id,
            "properties": {
                "tenantId": self.tenant,
                "displayName": self.display_name,
                "createdTime": self.created,
                "provisioningState": "Succeeded",
                "creationType": if self.sku.eq_ignore_ascii_case("Default") { "DefaultTenant" } else { "User" },
                "environmentSku": self.sku,
                "isDefault": self.sku.eq_ignore_ascii_case("Default"),
                "databaseType": "None",
                "states": { "management": { "id": "Ready" }, "runtime": { "id": "Enabled" } },
            },
        })
    }
}
