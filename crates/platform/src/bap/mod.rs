//! The Power Platform administration API (BAP): registration of service principals, and environments.

mod admin_applications;
mod environments;

use carnet_http::route::{Host, Route, Surface};
use http::Method;

macro_rules! route {
    ($method:ident $path:literal, $module:literal, $handler:expr) => {
        Route {
            surface: Surface::Bap,
            method: Some(&Method::$method),
            path: $path,
            module: $module,
            handler: |cx, call| Box::pin($handler(cx, call)),
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
        GET "/providers/Microsoft.BusinessAppPlatform/adminApplications",
        "platform/bap/admin_applications",
        admin_applications::list
    ),
    route!(
        GET "/providers/Microsoft.BusinessAppPlatform/adminApplications/{application}",
        "platform/bap/admin_applications",
        admin_applications::get
    ),
    route!(
        PUT "/providers/Microsoft.BusinessAppPlatform/adminApplications/{application}",
        "platform/bap/admin_applications",
        admin_applications::put
    ),
    route!(
        DELETE "/providers/Microsoft.BusinessAppPlatform/adminApplications/{application}",
        "platform/bap/admin_applications",
        admin_applications::delete
    ),
    route!(
        GET "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments",
        "platform/bap/environments",
        environments::all
    ),
    route!(
        GET "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments/{environment}",
        "platform/bap/environments",
        environments::one_of_all
    ),
    route!(GET "/providers/Microsoft.BusinessAppPlatform/environments", "platform/bap/environments", environments::own),
    route!(
        GET "/providers/Microsoft.BusinessAppPlatform/environments/{environment}",
        "platform/bap/environments",
        environments::one_of_own
    ),
];
