//! Microsoft Graph: what the article's steps need of it. `/beta` shows the same objects as `/v1.0`, and
//! the extra segment `myorganization` says nothing.

mod app_role_assignments;
mod application_body;
mod application_credentials;
mod applications;
mod group_members;
mod groups;
mod list;
mod memberships;
mod organization;
mod permission_grants;
mod service_principals;
mod shape;
mod user_actions;
mod user_body;
mod users;

use crate::{
    login::{preflight, user_info},
    route::{Route, Surface},
};
use http::Method;
use std::borrow::Cow;

macro_rules! route {
    ($method:ident $path:literal, $module:literal, $handler:expr) => {
        Route {
            surface: Surface::Graph,
            method: Some(&Method::$method),
            path: $path,
            module: $module,
            handler: |cx, call| Box::pin($handler(cx, call)),
        }
    };
}

/// The rows of this host.
pub(crate) const ROUTES: &[Route] = &[
    route!(GET "/v1.0/applications", "graph/applications", applications::list),
    route!(POST "/v1.0/applications", "graph/applications", applications::post),
    route!(GET "/v1.0/applications/{id}", "graph/applications", applications::get),
    route!(PATCH "/v1.0/applications/{id}", "graph/applications", applications::patch),
    route!(DELETE "/v1.0/applications/{id}", "graph/applications", applications::delete),
    route!(GET "/v1.0/applications({key})", "graph/applications", applications::get),
    route!(PATCH "/v1.0/applications({key})", "graph/applications", applications::patch),
    route!(DELETE "/v1.0/applications({key})", "graph/applications", applications::delete),
    route!(POST "/v1.0/applications/{id}/addPassword", "graph/application_credentials", application_credentials::add),
    route!(POST "/v1.0/applications({key})/addPassword", "graph/application_credentials", application_credentials::add),
    route!(POST "/v1.0/applications/{id}/removePassword", "graph/application_credentials", application_credentials::remove),
    route!(POST "/v1.0/applications({key})/removePassword", "graph/application_credentials", application_credentials::remove),
    route!(GET "/v1.0/servicePrincipals", "graph/service_principals", service_principals::list),
    route!(POST "/v1.0/servicePrincipals", "graph/service_principals", service_principals::post),
    route!(GET "/v1.0/servicePrincipals/{id}", "graph/service_principals", service_principals::get),
    route!(PATCH "/v1.0/servicePrincipals/{id}", "graph/service_principals", service_principals::patch),
    route!(DELETE "/v1.0/servicePrincipals/{id}", "graph/service_principals", service_principals::delete),
    route!(GET "/v1.0/servicePrincipals({key})", "graph/service_principals", service_principals::get),
    route!(PATCH "/v1.0/servicePrincipals({key})", "graph/service_principals", service_principals::patch),
    route!(DELETE "/v1.0/servicePrincipals({key})", "graph/service_principals", service_principals::delete),
    route!(GET "/v1.0/servicePrincipals/{id}/oauth2PermissionGrants", "graph/permission_grants", permission_grants::of_client),
    route!(GET "/v1.0/servicePrincipals/{id}/appRoleAssignments", "graph/app_role_assignments", app_role_assignments::list),
    route!(POST "/v1.0/servicePrincipals/{id}/appRoleAssignments", "graph/app_role_assignments", app_role_assignments::post),
    route!(DELETE "/v1.0/servicePrincipals/{id}/appRoleAssignments/{assignment}", "graph/app_role_assignments", app_role_assignments::delete),
    route!(GET "/v1.0/oauth2PermissionGrants", "graph/permission_grants", permission_grants::list),
    route!(POST "/v1.0/oauth2PermissionGrants", "graph/permission_grants", permission_grants::post),
    route!(GET "/v1.0/oauth2PermissionGrants/{id}", "graph/permission_grants", permission_grants::get),
    route!(PATCH "/v1.0/oauth2PermissionGrants/{id}", "graph/permission_grants", permission_grants::patch),
    route!(DELETE "/v1.0/oauth2PermissionGrants/{id}", "graph/permission_grants", permission_grants::delete),
    route!(GET "/v1.0/servicePrincipals/{id}/memberOf", "graph/memberships", memberships::of_principal),
    route!(POST "/v1.0/servicePrincipals/{id}/getMemberGroups", "graph/memberships", memberships::ids_of_principal),
    route!(POST "/v1.0/servicePrincipals/{id}/getMemberObjects", "graph/memberships", memberships::ids_of_principal),
    route!(GET "/v1.0/groups", "graph/groups", groups::list),
    route!(POST "/v1.0/groups", "graph/groups", groups::post),
    route!(GET "/v1.0/groups/{id}", "graph/groups", groups::get),
    route!(PATCH "/v1.0/groups/{id}", "graph/groups", groups::patch),
    route!(DELETE "/v1.0/groups/{id}", "graph/groups", groups::delete),
    route!(GET "/v1.0/groups/{id}/members", "graph/group_members", group_members::list),
    route!(POST "/v1.0/groups/{id}/members/$ref", "graph/group_members", group_members::add),
    route!(DELETE "/v1.0/groups/{id}/members/{member}/$ref", "graph/group_members", group_members::remove),
    route!(GET "/v1.0/groups/{id}/appRoleAssignments", "graph/app_role_assignments", app_role_assignments::list_of_group),
    route!(POST "/v1.0/groups/{id}/appRoleAssignments", "graph/app_role_assignments", app_role_assignments::post_of_group),
    route!(DELETE "/v1.0/groups/{id}/appRoleAssignments/{assignment}", "graph/app_role_assignments", app_role_assignments::delete_of_group),
    route!(GET "/v1.0/users", "graph/users", users::list),
    route!(POST "/v1.0/users", "graph/users", users::post),
    route!(GET "/v1.0/users/{id}", "graph/users", users::get),
    route!(PATCH "/v1.0/users/{id}", "graph/users", users::patch),
    route!(DELETE "/v1.0/users/{id}", "graph/users", users::delete),
    route!(POST "/v1.0/users/{id}/revokeSignInSessions", "graph/user_actions", user_actions::revoke),
    route!(GET "/v1.0/me", "graph/users", users::me),
    route!(POST "/v1.0/me/revokeSignInSessions", "graph/user_actions", user_actions::revoke_mine),
    route!(POST "/v1.0/me/changePassword", "graph/user_actions", user_actions::change_password),
    route!(GET "/v1.0/users/{id}/memberOf", "graph/memberships", memberships::of_user),
    route!(POST "/v1.0/users/{id}/getMemberGroups", "graph/memberships", memberships::ids_of_user),
    route!(POST "/v1.0/users/{id}/getMemberObjects", "graph/memberships", memberships::ids_of_user),
    route!(GET "/v1.0/users/{id}/appRoleAssignments", "graph/app_role_assignments", app_role_assignments::list_of_user),
    route!(POST "/v1.0/users/{id}/appRoleAssignments", "graph/app_role_assignments", app_role_assignments::post_of_user),
    route!(DELETE "/v1.0/users/{id}/appRoleAssignments/{assignment}", "graph/app_role_assignments", app_role_assignments::delete_of_user),
    route!(GET "/v1.0/me/memberOf", "graph/memberships", memberships::of_me),
    route!(POST "/v1.0/me/getMemberGroups", "graph/memberships", memberships::ids_of_me),
    route!(POST "/v1.0/me/getMemberObjects", "graph/memberships", memberships::ids_of_me),
    route!(GET "/oidc/userinfo", "login/user_info", user_info::show),
    route!(POST "/oidc/userinfo", "login/user_info", user_info::show),
    route!(OPTIONS "/oidc/userinfo", "login/preflight", preflight::user_info),
    route!(GET "/v1.0/organization", "graph/organization", organization::list),
];

/// The path under which the table has it: `/beta` as `/v1.0`, without `myorganization`.
pub(crate) fn canonical(path: &str) -> Cow<'_, str> {
    let mut rest = path.trim_start_matches('/').split('/');
    let version = rest.next().unwrap_or_default();
    let mut segments: Vec<&str> = rest.collect();
    let mine = segments.first().is_some_and(|first| first.eq_ignore_ascii_case("myorganization"));
    if !mine && !version.eq_ignore_ascii_case("beta") {
        return Cow::Borrowed(path);
    }
    if mine {
        segments.remove(0);
    }
    Cow::Owned(format!("/v1.0/{}", segments.join("/")))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn versions_and_myorganization_are_one_path() {
        for path in ["/v1.0/me", "/beta/me", "/v1.0/myorganization/me", "/BETA/MyOrganization/me"] {
            assert!(canonical(path).eq_ignore_ascii_case("/v1.0/me"), "{path}");
        }
        assert_eq!(canonical("/v1.0/users/myorganization"), "/v1.0/users/myorganization");
    }
}
