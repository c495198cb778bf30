//! Microsoft Graph: what the article's steps and sign-ins need of it. `/beta` shows the same objects as `/v1.0`. After
//! the version a path may name the tenant: `myorganization`, or its id, which has to be the caller's own tenant.

mod app_role_assignments;
mod application_body;
mod application_credentials;
mod applications;
mod directory_objects;
mod group_members;
mod groups;
mod list;
mod memberships;
mod organization;
mod permission_grants;
mod profile;
mod service_principals;
mod shape;
mod user_actions;
mod user_body;
mod users;

use carnet_http::route::{Endpoint, Host, Route, Scripts, Surface};
use carnet_tenant::access::{self, Access};
use carnet_wire::ids::TenantId;
use http::Method;
use memberships::Reach::{Direct, Transitive};
use std::borrow::Cow;

/// Whose record, memberships or profile a path is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// `/me`: the signed-in user's.
    Me,
    /// `/users/{id or name}`.
    User,
    /// `/servicePrincipals/{id}`.
    Principal,
    /// `/groups/{id}`.
    Group,
}
use Whose::{Group, Me, Principal, User};

macro_rules! route {
    ($access:ident($($operation:ident),+) $method:ident $path:literal, $module:literal, $handler:path $(, $argument:expr)*) => {
        Route {
            surface: Surface::Graph,
            method: Some(&Method::$method),
            path: $path,
            module: $module,
            endpoint: Endpoint::Guarded(&Access::$access(&[$(&access::$operation),+]), |cx, called, call| {
                Box::pin($handler(cx, called, call $(, $argument)*))
            }),
        }
    };
}

/// This host. Scripts of registered single-page origins may call all of it.
#[must_use]
pub fn host() -> Host {
    Host {
        surface: Surface::Graph,
        routes: ROUTES.to_vec(),
        canonical,
        tenant: tenant_of,
        scripts: Scripts::Registered,
    }
}

const ROUTES: &[Route] = &[
    route!(Graph(READ_APPLICATIONS) GET "/v1.0/applications", "graph/applications", applications::list),
    route!(Graph(CREATE_APPLICATION) POST "/v1.0/applications", "graph/applications", applications::post),
    route!(Graph(READ_APPLICATIONS) GET "/v1.0/applications/{id}", "graph/applications", applications::get),
    route!(Graph(CHANGE_APPLICATION) PATCH "/v1.0/applications/{id}", "graph/applications", applications::patch),
    route!(Graph(CHANGE_APPLICATION) DELETE "/v1.0/applications/{id}", "graph/applications", applications::delete),
    route!(Graph(READ_APPLICATIONS) GET "/v1.0/applications({key})", "graph/applications", applications::get),
    route!(Graph(CHANGE_APPLICATION) PATCH "/v1.0/applications({key})", "graph/applications", applications::patch),
    route!(Graph(CHANGE_APPLICATION) DELETE "/v1.0/applications({key})", "graph/applications", applications::delete),
    route!(Graph(CHANGE_CREDENTIALS) POST "/v1.0/applications/{id}/addPassword", "graph/application_credentials", application_credentials::add),
    route!(Graph(CHANGE_CREDENTIALS) POST "/v1.0/applications({key})/addPassword", "graph/application_credentials", application_credentials::add),
    route!(Graph(CHANGE_CREDENTIALS) POST "/v1.0/applications/{id}/removePassword", "graph/application_credentials", application_credentials::remove),
    route!(Graph(CHANGE_CREDENTIALS) POST "/v1.0/applications({key})/removePassword", "graph/application_credentials", application_credentials::remove),
    route!(Graph(READ_APPLICATIONS) GET "/v1.0/servicePrincipals", "graph/service_principals", service_principals::list),
    route!(Graph(CHANGE_PRINCIPAL) POST "/v1.0/servicePrincipals", "graph/service_principals", service_principals::post),
    route!(Graph(READ_APPLICATIONS) GET "/v1.0/servicePrincipals/{id}", "graph/service_principals", service_principals::get),
    route!(Graph(CHANGE_PRINCIPAL) PATCH "/v1.0/servicePrincipals/{id}", "graph/service_principals", service_principals::patch),
    route!(Graph(CHANGE_PRINCIPAL) DELETE "/v1.0/servicePrincipals/{id}", "graph/service_principals", service_principals::delete),
    route!(Graph(READ_APPLICATIONS) GET "/v1.0/servicePrincipals({key})", "graph/service_principals", service_principals::get),
    route!(Graph(CHANGE_PRINCIPAL) PATCH "/v1.0/servicePrincipals({key})", "graph/service_principals", service_principals::patch),
    route!(Graph(CHANGE_PRINCIPAL) DELETE "/v1.0/servicePrincipals({key})", "graph/service_principals", service_principals::delete),
    route!(Graph(READ_GRANTS) GET "/v1.0/servicePrincipals/{id}/oauth2PermissionGrants", "graph/permission_grants", permission_grants::of_client),
    route!(Graph(READ_APPLICATIONS) GET "/v1.0/servicePrincipals/{id}/appRoleAssignments", "graph/app_role_assignments", app_role_assignments::list),
    route!(Graph(ASSIGN_APP_ROLES) POST "/v1.0/servicePrincipals/{id}/appRoleAssignments", "graph/app_role_assignments", app_role_assignments::post),
    route!(Graph(UNASSIGN_APP_ROLES) DELETE "/v1.0/servicePrincipals/{id}/appRoleAssignments/{assignment}", "graph/app_role_assignments", app_role_assignments::delete),
    route!(Graph(READ_GRANTS) GET "/v1.0/oauth2PermissionGrants", "graph/permission_grants", permission_grants::list),
    route!(Graph(CHANGE_GRANTS) POST "/v1.0/oauth2PermissionGrants", "graph/permission_grants", permission_grants::post),
    route!(Graph(READ_GRANTS) GET "/v1.0/oauth2PermissionGrants/{id}", "graph/permission_grants", permission_grants::get),
    route!(Graph(CHANGE_GRANTS) PATCH "/v1.0/oauth2PermissionGrants/{id}", "graph/permission_grants", permission_grants::patch),
    route!(Graph(CHANGE_GRANTS) DELETE "/v1.0/oauth2PermissionGrants/{id}", "graph/permission_grants", permission_grants::delete),
    route!(Graph(READ_GROUPS) GET "/v1.0/servicePrincipals/{id}/memberOf", "graph/memberships", memberships::list, Principal, Direct),
    route!(Graph(READ_GROUPS) GET "/v1.0/servicePrincipals/{id}/memberOf/{cast}", "graph/memberships", memberships::list, Principal, Direct),
    route!(Graph(READ_GROUPS) GET "/v1.0/servicePrincipals/{id}/transitiveMemberOf", "graph/memberships", memberships::list, Principal, Transitive),
    route!(Graph(READ_GROUPS) GET "/v1.0/servicePrincipals/{id}/transitiveMemberOf/{cast}", "graph/memberships", memberships::list, Principal, Transitive),
    route!(Graph(READ_GROUPS) POST "/v1.0/servicePrincipals/{id}/getMemberGroups", "graph/memberships", memberships::ids, Principal),
    route!(Graph(READ_GROUPS) POST "/v1.0/servicePrincipals/{id}/getMemberObjects", "graph/memberships", memberships::ids, Principal),
    route!(Graph(READ_GROUPS) POST "/v1.0/servicePrincipals/{id}/checkMemberGroups", "graph/memberships", memberships::check, Principal, "groupIds"),
    route!(Graph(READ_GROUPS) POST "/v1.0/servicePrincipals/{id}/checkMemberObjects", "graph/memberships", memberships::check, Principal, "ids"),
    route!(Graph(READ_GROUPS) GET "/v1.0/groups", "graph/groups", groups::list),
    route!(Graph(CREATE_GROUP) POST "/v1.0/groups", "graph/groups", groups::post),
    route!(Graph(READ_GROUPS) GET "/v1.0/groups/{id}", "graph/groups", groups::get),
    route!(Graph(CHANGE_GROUP) PATCH "/v1.0/groups/{id}", "graph/groups", groups::patch),
    route!(Graph(DELETE_GROUP) DELETE "/v1.0/groups/{id}", "graph/groups", groups::delete),
    route!(Graph(READ_GROUPS) GET "/v1.0/groups/{id}/members", "graph/group_members", group_members::list),
    route!(Graph(CHANGE_GROUP) POST "/v1.0/groups/{id}/members/$ref", "graph/group_members", group_members::add),
    route!(Graph(CHANGE_GROUP) DELETE "/v1.0/groups/{id}/members/{member}/$ref", "graph/group_members", group_members::remove),
    route!(Graph(READ_GROUPS) GET "/v1.0/groups/{id}/memberOf", "graph/memberships", memberships::list, Group, Direct),
    route!(Graph(READ_GROUPS) GET "/v1.0/groups/{id}/memberOf/{cast}", "graph/memberships", memberships::list, Group, Direct),
    route!(Graph(READ_GROUPS) GET "/v1.0/groups/{id}/transitiveMemberOf", "graph/memberships", memberships::list, Group, Transitive),
    route!(Graph(READ_GROUPS) GET "/v1.0/groups/{id}/transitiveMemberOf/{cast}", "graph/memberships", memberships::list, Group, Transitive),
    route!(Graph(READ_GROUPS) POST "/v1.0/groups/{id}/getMemberGroups", "graph/memberships", memberships::ids, Group),
    route!(Graph(READ_GROUPS) POST "/v1.0/groups/{id}/getMemberObjects", "graph/memberships", memberships::ids, Group),
    route!(Graph(READ_GROUPS) POST "/v1.0/groups/{id}/checkMemberGroups", "graph/memberships", memberships::check, Group, "groupIds"),
    route!(Graph(READ_GROUPS) POST "/v1.0/groups/{id}/checkMemberObjects", "graph/memberships", memberships::check, Group, "ids"),
    route!(Graph(READ_ASSIGNMENTS_OF_MEMBERS) GET "/v1.0/groups/{id}/appRoleAssignments", "graph/app_role_assignments", app_role_assignments::list_of_group),
    route!(Graph(ASSIGN_APP_ROLES_TO_MEMBERS) POST "/v1.0/groups/{id}/appRoleAssignments", "graph/app_role_assignments", app_role_assignments::post_of_group),
    route!(Graph(ASSIGN_APP_ROLES_TO_MEMBERS) DELETE "/v1.0/groups/{id}/appRoleAssignments/{assignment}", "graph/app_role_assignments", app_role_assignments::delete_of_group),
    route!(Graph(READ_USERS) GET "/v1.0/users", "graph/users", users::list),
    route!(Graph(CHANGE_USERS) POST "/v1.0/users", "graph/users", users::post),
    route!(Graph(READ_USERS, READ_ME) GET "/v1.0/users/{id}", "graph/users", users::get),
    route!(Graph(CHANGE_USERS, RESET_PASSWORD) PATCH "/v1.0/users/{id}", "graph/users", users::patch),
    route!(Graph(DELETE_USERS) DELETE "/v1.0/users/{id}", "graph/users", users::delete),
    route!(Graph(REVOKE_SESSIONS, REVOKE_OWN_SESSIONS) POST "/v1.0/users/{id}/revokeSignInSessions", "graph/user_actions", user_actions::revoke),
    route!(Me(READ_ME) GET "/v1.0/me", "graph/users", users::me),
    route!(Me(REVOKE_OWN_SESSIONS) POST "/v1.0/me/revokeSignInSessions", "graph/user_actions", user_actions::revoke_mine),
    route!(Me(CHANGE_OWN_PASSWORD) POST "/v1.0/me/changePassword", "graph/user_actions", user_actions::change_password),
    route!(Graph(READ_GROUPS, READ_OWN_GROUPS) GET "/v1.0/users/{id}/memberOf", "graph/memberships", memberships::list, User, Direct),
    route!(Graph(READ_GROUPS, READ_OWN_GROUPS) GET "/v1.0/users/{id}/memberOf/{cast}", "graph/memberships", memberships::list, User, Direct),
    route!(Graph(READ_GROUPS, READ_OWN_GROUPS) GET "/v1.0/users/{id}/transitiveMemberOf", "graph/memberships", memberships::list, User, Transitive),
    route!(Graph(READ_GROUPS, READ_OWN_GROUPS) GET "/v1.0/users/{id}/transitiveMemberOf/{cast}", "graph/memberships", memberships::list, User, Transitive),
    route!(Graph(READ_GROUPS, READ_OWN_GROUPS) POST "/v1.0/users/{id}/getMemberGroups", "graph/memberships", memberships::ids, User),
    route!(Graph(READ_GROUPS, READ_OWN_GROUPS) POST "/v1.0/users/{id}/getMemberObjects", "graph/memberships", memberships::ids, User),
    route!(Graph(READ_GROUPS, READ_OWN_GROUPS) POST "/v1.0/users/{id}/checkMemberGroups", "graph/memberships", memberships::check, User, "groupIds"),
    route!(Graph(READ_GROUPS, READ_OWN_GROUPS) POST "/v1.0/users/{id}/checkMemberObjects", "graph/memberships", memberships::check, User, "ids"),
    route!(Graph(READ_MANAGER) GET "/v1.0/users/{id}/manager", "graph/profile", profile::manager),
    route!(Graph(READ_USERS, READ_ME) GET "/v1.0/users/{id}/photo", "graph/profile", profile::photo),
    route!(Graph(READ_USERS, READ_ME) GET "/v1.0/users/{id}/photo/$value", "graph/profile", profile::photo),
    route!(Graph(READ_USERS, READ_ME) GET "/v1.0/users/{id}/photos/{size}", "graph/profile", profile::photo),
    route!(Graph(READ_USERS, READ_ME) GET "/v1.0/users/{id}/photos/{size}/$value", "graph/profile", profile::photo),
    route!(Graph(READ_ASSIGNMENTS_OF_MEMBERS) GET "/v1.0/users/{id}/appRoleAssignments", "graph/app_role_assignments", app_role_assignments::list_of_user),
    route!(Graph(ASSIGN_APP_ROLES_TO_MEMBERS) POST "/v1.0/users/{id}/appRoleAssignments", "graph/app_role_assignments", app_role_assignments::post_of_user),
    route!(Graph(ASSIGN_APP_ROLES_TO_MEMBERS) DELETE "/v1.0/users/{id}/appRoleAssignments/{assignment}", "graph/app_role_assignments", app_role_assignments::delete_of_user),
    route!(Me(READ_OWN_GROUPS) GET "/v1.0/me/memberOf", "graph/memberships", memberships::list, Me, Direct),
    route!(Me(READ_OWN_GROUPS) GET "/v1.0/me/memberOf/{cast}", "graph/memberships", memberships::list, Me, Direct),
    route!(Me(READ_OWN_GROUPS) GET "/v1.0/me/transitiveMemberOf", "graph/memberships", memberships::list, Me, Transitive),
    route!(Me(READ_OWN_GROUPS) GET "/v1.0/me/transitiveMemberOf/{cast}", "graph/memberships", memberships::list, Me, Transitive),
    route!(Me(READ_OWN_GROUPS) POST "/v1.0/me/getMemberGroups", "graph/memberships", memberships::ids, Me),
    route!(Me(READ_OWN_GROUPS) POST "/v1.0/me/getMemberObjects", "graph/memberships", memberships::ids, Me),
    route!(Me(READ_OWN_GROUPS) POST "/v1.0/me/checkMemberGroups", "graph/memberships", memberships::check, Me, "groupIds"),
    route!(Me(READ_OWN_GROUPS) POST "/v1.0/me/checkMemberObjects", "graph/memberships", memberships::check, Me, "ids"),
    route!(Me(READ_MANAGER) GET "/v1.0/me/manager", "graph/profile", profile::my_manager),
    route!(Me(READ_ME) GET "/v1.0/me/photo", "graph/profile", profile::my_photo),
    route!(Me(READ_ME) GET "/v1.0/me/photo/$value", "graph/profile", profile::my_photo),
    route!(Me(READ_ME) GET "/v1.0/me/photos/{size}", "graph/profile", profile::my_photo),
    route!(Me(READ_ME) GET "/v1.0/me/photos/{size}/$value", "graph/profile", profile::my_photo),
    route!(Graph(READ_OBJECTS) POST "/v1.0/directoryObjects/getByIds", "graph/directory_objects", directory_objects::by_ids),
    route!(Graph(READ_ORGANIZATION) GET "/v1.0/organization", "graph/organization", organization::list),
];

/// The path under which the table of routes has it: `/beta` as `/v1.0`, without the segment that names the tenant.
fn canonical(path: &str) -> Cow<'_, str> {
    let mut rest = path.trim_start_matches('/').split('/');
    let version = rest.next().unwrap_or_default();
    let mut segments: Vec<&str> = rest.collect();
    let named = segments.first().is_some_and(|first| names_tenant(first));
    if !named && !version.eq_ignore_ascii_case("beta") {
        return Cow::Borrowed(path);
    }
    if named {
        segments.remove(0);
    }
    Cow::Owned(format!("/v1.0/{}", segments.join("/")))
}

fn names_tenant(segment: &str) -> bool {
    segment.eq_ignore_ascii_case("myorganization") || segment.parse::<TenantId>().is_ok()
}

/// The tenant whose id stands after the version: `/v1.0/{tenant id}/users/…`, the form in which clients write the
/// address of a groups claim that did not fit into the token.
fn tenant_of(path: &str) -> Option<TenantId> {
    path.trim_start_matches('/').split('/').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{canonical, tenant_of};

    #[test]
    fn versions_and_myorganization_are_one_path() {
        for path in ["/v1.0/me", "/beta/me", "/v1.0/myorganization/me", "/BETA/MyOrganization/me"] {
            assert!(canonical(path).eq_ignore_ascii_case("/v1.0/me"), "{path}");
        }
        assert_eq!(canonical("/v1.0/users/myorganization"), "/v1.0/users/myorganization");
    }

    #[test]
    fn a_path_may_name_its_tenant_by_id() {
        let id = "b7a1c0de-0000-4000-8000-000000000001";
        let path = format!("/beta/{id}/users/x");
        assert_eq!((canonical(&path).as_ref(), tenant_of(&path)), ("/v1.0/users/x", id.parse().ok()));
        for path in ["/v1.0/users/x".to_owned(), format!("/v1.0/users/{id}"), "/v1.0".into(), "/".into()] {
            assert_eq!((canonical(&path).as_ref(), tenant_of(&path)), (path.as_str(), None));
        }
    }
}
