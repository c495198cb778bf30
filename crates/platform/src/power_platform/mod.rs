//! The Power Platform API: environments and application packages. A user needs the operation's delegated
//! permission; a service principal needs to be registered.

mod application_packages;
mod environments;

use carnet_http::route::{Host, Route, Surface};
use http::Method;

macro_rules! route {
    ($method:ident $path:literal, $module:literal, $handler:expr) => {
        Route {
            surface: Surface::PowerPlatform,
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
    Host::plain(Surface::PowerPlatform, ROUTES)
}

const ROUTES: &[Route] = &[
    route!(GET "/environmentmanagement/environments", "platform/power_platform/environments", environments::list),
    route!(GET "/environmentmanagement/environments/{environment}", "platform/power_platform/environments", environments::get),
    route!(
        GET "/appmanagement/environments/{environment}/applicationPackages",
        "platform/power_platform/application_packages",
        application_packages::list
    ),
    route!(
        POST "/appmanagement/environments/{environment}/applicationPackages/{package}/install",
        "platform/power_platform/application_packages",
        application_packages::install
    ),
    route!(
        GET "/appmanagement/environments/{environment}/operations/{operation}",
        "platform/power_platform/application_packages",
        application_packages::follow
    ),
];
