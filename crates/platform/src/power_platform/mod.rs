//! The Power Platform API: environments and application packages. A user needs the operation's delegated
//! permission; a service principal needs to be registered.

mod application_packages;
mod environments;

use carnet_http::route::{Endpoint, Host, Route, Surface};
use carnet_tenant::access::{
    Access, FOLLOW_INSTALLATIONS, INSTALL_PACKAGES, READ_ENVIRONMENTS, READ_PACKAGES,
};
use http::Method;

/// This host.
#[must_use]
pub fn host() -> Host {
    Host::plain(Surface::PowerPlatform, ROUTES)
}

const ROUTES: &[Route] = &[
    route!(PowerPlatform GET "/environmentmanagement/environments", READ_ENVIRONMENTS, "platform/power_platform/environments", environments::list),
    route!(PowerPlatform GET "/environmentmanagement/environments/{environment}", READ_ENVIRONMENTS, "platform/power_platform/environments", environments::get),
    route!(
        PowerPlatform GET "/appmanagement/environments/{environment}/applicationPackages", READ_PACKAGES,
        "platform/power_platform/application_packages",
        application_packages::list
    ),
    route!(
        PowerPlatform POST "/appmanagement/environments/{environment}/applicationPackages/{package}/install", INSTALL_PACKAGES,
        "platform/power_platform/application_packages",
        application_packages::install
    ),
    route!(
        PowerPlatform GET "/appmanagement/environments/{environment}/operations/{operation}", FOLLOW_INSTALLATIONS,
        "platform/power_platform/application_packages",
        application_packages::follow
    ),
];
