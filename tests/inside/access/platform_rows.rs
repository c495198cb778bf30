//! How each route of the Power Platform API and of its administration API (BAP) is called.

use super::{objects::Kind, table::Row};
use carnet_http::route::Surface;
use serde_json::json;

const fn platform(method: &'static str, path: &'static str, on: Kind) -> Row {
    Row::new(Surface::PowerPlatform, method, path, on)
}
const fn bap(method: &'static str, path: &'static str, on: Kind) -> Row {
    Row::new(Surface::Bap, method, path, on)
}

/// The Power Platform API.
pub const POWER_PLATFORM: &[Row] = &[
    platform("GET", "/environmentmanagement/environments", Kind::Nothing),
    platform("GET", "/environmentmanagement/environments/{environment}", Kind::Nothing),
    platform("GET", "/appmanagement/environments/{environment}/applicationPackages", Kind::Nothing),
    platform(
        "POST",
        "/appmanagement/environments/{environment}/applicationPackages/{package}/install",
        Kind::Nothing,
    )
    .body(|_| json!({})),
    platform("GET", "/appmanagement/environments/{environment}/operations/{operation}", Kind::Installation),
];

const ADMIN_APPLICATIONS: &str = "/providers/Microsoft.BusinessAppPlatform/adminApplications";
const ADMIN_APPLICATION: &str = "/providers/Microsoft.BusinessAppPlatform/adminApplications/{application}";

/// The administration API.
pub const BAP: &[Row] = &[
    bap("GET", ADMIN_APPLICATIONS, Kind::Nothing),
    bap("GET", ADMIN_APPLICATION, Kind::Registration),
    bap("PUT", ADMIN_APPLICATION, Kind::Application),
    bap("PUT", ADMIN_APPLICATION, Kind::CallersClient).case("the application that calls"),
    bap("DELETE", ADMIN_APPLICATION, Kind::Registration),
    bap("GET", "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments", Kind::Nothing),
    bap(
        "GET",
        "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments/{environment}",
        Kind::Nothing,
    ),
    bap("GET", "/providers/Microsoft.BusinessAppPlatform/environments", Kind::Nothing),
    bap("GET", "/providers/Microsoft.BusinessAppPlatform/environments/{environment}", Kind::Nothing),
];
