//! The token service: `login.microsoftonline.com`, or the tenant paths of the shared origin.

mod account;
mod admin_consent;
mod answer;
mod authorize;
mod confirm;
mod consent;
mod cookie;
mod device_auth;
mod device_code;
mod discovery;
mod flow;
mod home;
mod issue;
mod keys;
mod logout;
mod new_password;
mod notices;
mod pace;
mod pages;
mod preflight;
mod second_factor;
mod session;
mod sign_in;
mod token;
mod user_info;

use carnet_http::route::{Endpoint, Host, Route, Surface};
use http::Method;
use std::borrow::Cow;

macro_rules! route {
    ($method:expr, $path:literal, $module:literal, $handler:expr) => {
        route!(Surface::Login, $method, $path, $module, $handler)
    };
    ($surface:expr, $method:expr, $path:literal, $module:literal, $handler:expr) => {
        Route {
            surface: $surface,
            method: $method,
            path: $path,
            module: $module,
            endpoint: Endpoint::Open(|cx, call| Box::pin($handler(cx, call))),
        }
    };
}

/// This host. Its endpoints decide themselves which scripts may read an answer.
#[must_use]
pub fn host() -> Host {
    Host { canonical: metadata_path, ..Host::plain(Surface::Login, ROUTES) }
}

/// The rows of this package on Graph's host: userinfo, which is there in Entra.
pub const GRAPH_ROUTES: &[Route] = &[
    route!(Surface::Graph, Some(&Method::GET), "/oidc/userinfo", "login/user_info", user_info::show),
    route!(Surface::Graph, Some(&Method::POST), "/oidc/userinfo", "login/user_info", user_info::show),
    route!(Surface::Graph, Some(&Method::OPTIONS), "/oidc/userinfo", "login/preflight", preflight::user_info),
];

const ROUTES: &[Route] = &[
    route!(None, "/{tenant}/oauth2/v2.0/token", "login/token", token::v2),
    route!(None, "/{tenant}/oauth2/token", "login/token", token::v1),
    route!(
        Some(&Method::GET),
        "/{tenant}/v2.0/.well-known/openid-configuration",
        "login/discovery",
        discovery::v2
    ),
    route!(
        Some(&Method::GET),
        "/{tenant}/.well-known/openid-configuration",
        "login/discovery",
        discovery::v1
    ),
    route!(Some(&Method::GET), "/{tenant}/discovery/instance", "login/discovery", discovery::instance),
    route!(Some(&Method::GET), "/{tenant}/userrealm/{user}", "login/discovery", discovery::user_realm),
    route!(Some(&Method::GET), "/{tenant}/discovery/v2.0/keys", "login/keys", keys::v2),
    route!(Some(&Method::GET), "/{tenant}/discovery/keys", "login/keys", keys::v1),
    route!(
        Some(&Method::OPTIONS),
        "/{tenant}/v2.0/.well-known/openid-configuration",
        "login/preflight",
        preflight::public
    ),
    route!(
        Some(&Method::OPTIONS),
        "/{tenant}/.well-known/openid-configuration",
        "login/preflight",
        preflight::public
    ),
    route!(Some(&Method::OPTIONS), "/{tenant}/discovery/instance", "login/preflight", preflight::public),
    route!(Some(&Method::OPTIONS), "/{tenant}/discovery/v2.0/keys", "login/preflight", preflight::public),
    route!(Some(&Method::OPTIONS), "/{tenant}/discovery/keys", "login/preflight", preflight::public),
    route!(None, "/{tenant}/oauth2/v2.0/authorize", "login/authorize", authorize::v2),
    route!(None, "/{tenant}/oauth2/authorize", "login/authorize", authorize::v1),
    route!(Some(&Method::GET), "/{tenant}/v2.0/adminconsent", "login/admin_consent", admin_consent::v2),
    route!(Some(&Method::GET), "/{tenant}/adminconsent", "login/admin_consent", admin_consent::v1),
    route!(Some(&Method::POST), "/{tenant}/login", "login/sign_in", sign_in::post),
    route!(Some(&Method::POST), "/{tenant}/consent", "login/consent", consent::post),
    route!(Some(&Method::POST), "/{tenant}/oauth2/v2.0/devicecode", "login/device_code", device_code::v2),
    route!(Some(&Method::POST), "/{tenant}/oauth2/devicecode", "login/device_code", device_code::v1),
    route!(Some(&Method::GET), "/devicelogin", "login/device_auth", device_auth::short),
    route!(Some(&Method::GET), "/{tenant}/oauth2/deviceauth", "login/device_auth", device_auth::get),
    route!(Some(&Method::POST), "/{tenant}/oauth2/deviceauth", "login/device_auth", device_auth::post),
    route!(None, "/{tenant}/oauth2/v2.0/logout", "login/logout", logout::v2),
    route!(None, "/{tenant}/oauth2/logout", "login/logout", logout::v1),
    route!(Some(&Method::GET), "/", "login/notices", notices::root),
    route!(Some(&Method::GET), "/error", "login/notices", notices::error),
    route!(Some(&Method::GET), "/{tenant}/oauth2/nativeclient", "login/notices", notices::native_client),
    route!(Some(&Method::GET), "/{tenant}/openid/userinfo", "login/user_info", user_info::show),
    route!(Some(&Method::POST), "/{tenant}/openid/userinfo", "login/user_info", user_info::show),
    route!(Some(&Method::GET), "/oidc/userinfo", "login/user_info", user_info::show),
    route!(Some(&Method::POST), "/oidc/userinfo", "login/user_info", user_info::show),
    route!(Some(&Method::OPTIONS), "/{tenant}/openid/userinfo", "login/preflight", preflight::user_info),
    route!(Some(&Method::OPTIONS), "/oidc/userinfo", "login/preflight", preflight::user_info),
];

/// The issuer of v1.0 tokens ends with a slash, and some clients append the metadata's path to it as it is.
fn metadata_path(path: &str) -> Cow<'_, str> {
    const METADATA: &str = "/.well-known/openid-configuration";
    match path.strip_suffix(METADATA).and_then(|tenant| tenant.strip_suffix('/')) {
        Some(tenant) if !tenant.ends_with('/') => [tenant, METADATA].concat().into(),
        _ => path.into(),
    }
}
