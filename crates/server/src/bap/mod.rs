//! The Power Platform administration API (BAP): registration of service principals, and environments.

mod admin_applications;
mod environments;

use crate::route::{Host, Route, Surface};
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
        "bap/admin_applications",
        admin_applications::list
    ),
    route!(
        GET "/providers/Microsoft.BusinessAppPlatform/adminApplications/{application}",
        "bap/admin_applications",
        admin_applications::get
    ),
    route!(
        PUT "/providers/Microsoft.BusinessAppPlatform/adminApplications/{application}",
        "bap/admin_applications",
        admin_applications::put
    ),
    route!(
        DELETE "/providers/Microsoft.BusinessAppPlatform/adminApplications/{application}",
        "bap/admin_applications",
        admin_applications::delete
    ),
    route!(
        GET "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments",
        "bap/environments",
        environments::all
    ),
    route!(
        GET "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments/{environment}",
        "bap/environments",
        environments::one_of_all
    ),
    route!(GET "/providers/Microsoft.BusinessAppPlatform/environments", "bap/environments", environments::own),
    route!(
        GET "/providers/Microsoft.BusinessAppPlatform/environments/{environment}",
        "bap/environments",
        environments::one_of_own
    ),
];
