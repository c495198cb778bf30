//! Response bodies of the Business Application Platform (BAP) administration API (Microsoft, "Power Platform and
//! Power Apps administration REST API"; observed).

use crate::ids::{AppId, TenantId};
use serde::Serialize;
use serde_json::{Value, json};

/// The path prefix of the administration API.
pub const ROOT: &str = "/providers/Microsoft.BusinessAppPlatform";

/// The error body, `{"error": {"code", "message"}}`.
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
    /// An error body with a code and a message.
    #[must_use]
    pub const fn new(code: &'a str, message: &'a str) -> Self {
        Self { error: Inner { code, message } }
    }
}

/// An application that is registered for administration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdminApplication {
    /// The application's client id.
    pub application_id: AppId,
}

/// The facts of an environment that its body shows.
#[derive(Debug)]
pub struct Environment<'a> {
    /// The id: a GUID or `Default-GUID`.
    pub id: &'a str,
    /// The display name.
    pub display_name: &'a str,
    /// The region, such as `europe`.
    pub location: &'a str,
    /// The environment type, such as `Default`.
    pub sku: &'a str,
    /// Creation time in ISO 8601.
    pub created: &'a str,
    /// The tenant to which the environment belongs.
    pub tenant: TenantId,
}

impl Environment<'_> {
    /// The JSON body. The admin endpoint shows another `id` and `type` than the endpoint for makers.
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
