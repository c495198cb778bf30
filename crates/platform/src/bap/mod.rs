//! The Power Platform administration API (BAP): registration of service principals, and environments.

mod admin_applications;
mod environments;

use carnet_http::route::{Endpoint, Host, Route, Surface};
use carnet_tenant::access::{
    Access, CHANGE_REGISTRATIONS, READ_ALL_ENVIRONMENTS, READ_OWN_ENVIRONMENTS, READ_REGISTRATIONS,
};
use http::Method;

macro_rules! route {
    ($method:ident $path:literal, $access:ident, $module:literal, $handler:expr) => {
        Route {
            surface: Surface::Bap,
            method: Some(&Method::$method),
            path: $path,
            module: $module,
            endpoint: Endpoint::Guarded(&Access::Platform(&$access), |cx, called, call| {
                Box::pin($handler(cx, called, call))
            }),
        }
    };
}

/// This host.
#[must_use]
pub fn host() -> Host {
    Host::plain(Surface::Bap, ROUTES)
}

const ROUTES: &[Route] = &[
    route!(
        GET "/providers/Microsoft.BusinessAppPlatform/adminApplications", READ_REGISTRATIONS,
        "platform/bap/admin_applications",
        admin_applications::list
    ),
    route!(
        GET "/providers/Microsoft.BusinessAppPlatform/adminApplications/{application}", READ_REGISTRATIONS,
        "platform/bap/admin_applications",
        admin_applications::get
    ),
    route!(
        PUT "/providers/Microsoft.BusinessAppPlatform/adminApplications/{application}", CHANGE_REGISTRATIONS,
        "platform/bap/admin_applications",
        admin_applications::put
    ),
    route!(
        DELETE "/providers/Microsoft.BusinessAppPlatform/adminApplications/{application}", CHANGE_REGISTRATIONS,
        "platform/bap/admin_applications",
        admin_applications::delete
    ),
    route!(
        GET "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments", READ_ALL_ENVIRONMENTS,
        "platform/bap/environments",
        environments::all
    ),
    route!(
        GET "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments/{environment}", READ_ALL_ENVIRONMENTS,
        "platform/bap/environments",
        environments::one_of_all
    ),
    route!(GET "/providers/Microsoft.BusinessAppPlatform/environments", READ_OWN_ENVIRONMENTS, "platform/bap/environments", environments::own),
    route!(
        GET "/providers/Microsoft.BusinessAppPlatform/environments/{environment}", READ_OWN_ENVIRONMENTS,
        "platform/bap/environments",
        environments::one_of_own
    ),
];
