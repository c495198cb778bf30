//! The Power Platform administration API (BAP): registration of service principals, and environments.

mod admin_applications;
mod environments;

use carnet_http::route::{Endpoint, Host, Route, Surface};
use carnet_tenant::access::{
    Access, CHANGE_REGISTRATIONS, READ_ALL_ENVIRONMENTS, READ_OWN_ENVIRONMENTS, READ_REGISTRATIONS,
};
use http::Method;

/// This host.
#[must_use]
pub fn host() -> Host {
    Host::plain(Surface::Bap, ROUTES)
}

const ROUTES: &[Route] = &[
    route!(
        Bap GET "/providers/Microsoft.BusinessAppPlatform/adminApplications", READ_REGISTRATIONS,
        "platform/bap/admin_applications",
        admin_applications::list
    ),
    route!(
        Bap GET "/providers/Microsoft.BusinessAppPlatform/adminApplications/{application}", READ_REGISTRATIONS,
        "platform/bap/admin_applications",
        admin_applications::get
    ),
    route!(
        Bap PUT "/providers/Microsoft.BusinessAppPlatform/adminApplications/{application}", CHANGE_REGISTRATIONS,
        "platform/bap/admin_applications",
        admin_applications::put
    ),
    route!(
        Bap DELETE "/providers/Microsoft.BusinessAppPlatform/adminApplications/{application}", CHANGE_REGISTRATIONS,
        "platform/bap/admin_applications",
        admin_applications::delete
    ),
    route!(
        Bap GET "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments", READ_ALL_ENVIRONMENTS,
        "platform/bap/environments",
        environments::all
    ),
    route!(
        Bap GET "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments/{environment}", READ_ALL_ENVIRONMENTS,
        "platform/bap/environments",
        environments::one_of_all
    ),
    route!(Bap GET "/providers/Microsoft.BusinessAppPlatform/environments", READ_OWN_ENVIRONMENTS, "platform/bap/environments", environments::own),
    route!(
        Bap GET "/providers/Microsoft.BusinessAppPlatform/environments/{environment}", READ_OWN_ENVIRONMENTS,
        "platform/bap/environments",
        environments::one_of_own
    ),
];
