//! How each route of Microsoft Graph and each userinfo endpoint is called.

use super::{
    objects::{Kind, OWN_ROLE, Target},
    table::Row,
};
use carnet_http::route::Surface;
use carnet_tests::PASSWORD;
use serde_json::{Value, json};

const fn get(path: &'static str, on: Kind) -> Row {
    Row::new(Surface::Graph, "GET", path, on)
}
const fn post(path: &'static str, on: Kind) -> Row {
    Row::new(Surface::Graph, "POST", path, on)
}
const fn patch(path: &'static str, on: Kind) -> Row {
    Row::new(Surface::Graph, "PATCH", path, on)
}
const fn delete(path: &'static str, on: Kind) -> Row {
    Row::new(Surface::Graph, "DELETE", path, on)
}

/// The case of an object that is not there.
const ABSENT: &str = "one that is not there";

fn renamed(_: &Target) -> Value {
    json!({ "displayName": "Renamed" })
}
fn new_secret(_: &Target) -> Value {
    json!({ "passwordCredential": { "displayName": "new" } })
}
fn old_secret(it: &Target) -> Value {
    json!({ "keyId": it.inner })
}
fn no_certificates(_: &Target) -> Value {
    json!({ "keyCredentials": [] })
}
fn of_application(it: &Target) -> Value {
    json!({ "appId": it.app })
}
fn no_assignment(_: &Target) -> Value {
    json!({ "appRoleAssignmentRequired": false })
}
fn own_role(it: &Target) -> Value {
    json!({ "principalId": it.id, "resourceId": it.own_api, "appRoleId": OWN_ROLE })
}
/// `RoleManagement.ReadWrite.Directory`, by which an application makes itself an administrator.
fn graph_role(it: &Target) -> Value {
    let role = "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8";
    json!({ "principalId": it.id, "resourceId": it.graph, "appRoleId": role })
}
fn consent(it: &Target, who: Value, scope: &str) -> Value {
    let kind = if who.is_null() { "AllPrincipals" } else { "Principal" };
    json!({ "clientId": it.id, "consentType": kind, "principalId": who, "resourceId": it.graph, "scope": scope })
}
fn all_groups(_: &Target) -> Value {
    json!({ "securityEnabledOnly": false })
}
/// A group that nobody is in.
fn some_groups(_: &Target) -> Value {
    json!({ "groupIds": ["0d000000-0000-4000-8000-00000000dead"] })
}
fn some_objects(_: &Target) -> Value {
    json!({ "ids": ["0d000000-0000-4000-8000-00000000dead"] })
}
fn member(it: &Target) -> Value {
    json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{}", it.inner) })
}
fn closed(_: &Target) -> Value {
    json!({ "accountEnabled": false })
}
fn password(_: &Target) -> Value {
    json!({ "passwordProfile": { "password": "Another-horse-8", "forceChangePasswordNextSignIn": false } })
}
fn telephone(_: &Target) -> Value {
    json!({ "mobilePhone": "+1 425 555 0100" })
}

/// Registrations and their credentials.
pub const APPLICATIONS: &[Row] = &[
    get("/v1.0/applications", Kind::Nothing),
    post("/v1.0/applications", Kind::Nothing).body(|_| json!({ "displayName": "New" })),
    get("/v1.0/applications/{id}", Kind::Application),
    patch("/v1.0/applications/{id}", Kind::Application).body(renamed),
    patch("/v1.0/applications/{id}", Kind::ApplicationWithGraphRole)
        .case("the certificates of one that holds an application permission of Graph")
        .body(no_certificates),
    delete("/v1.0/applications/{id}", Kind::Application),
    delete("/v1.0/applications/{id}", Kind::Absent).case(ABSENT),
    get("/v1.0/applications({key})", Kind::Application),
    patch("/v1.0/applications({key})", Kind::Application).body(renamed),
    delete("/v1.0/applications({key})", Kind::Application),
    post("/v1.0/applications/{id}/addPassword", Kind::Application).body(new_secret),
    post("/v1.0/applications/{id}/addPassword", Kind::ApplicationWithDirectoryRole)
        .case("of one that holds a directory role")
        .body(new_secret),
    post("/v1.0/applications/{id}/addPassword", Kind::ApplicationWithGraphRole)
        .case("of one that holds an application permission of Graph")
        .body(new_secret),
    post("/v1.0/applications/{id}/addPassword", Kind::ApplicationWithOwnRole)
        .case("of one that holds an app role of another API")
        .body(new_secret),
    post("/v1.0/applications/{id}/addPassword", Kind::Registration)
        .case("of one that is registered with Power Platform")
        .body(new_secret),
    post("/v1.0/applications({key})/addPassword", Kind::Application).body(new_secret),
    post("/v1.0/applications/{id}/removePassword", Kind::Application).body(old_secret),
    post("/v1.0/applications({key})/removePassword", Kind::Application).body(old_secret),
];

/// Service principals, consent, application roles.
pub const PRINCIPALS: &[Row] = &[
    get("/v1.0/servicePrincipals", Kind::Nothing),
    post("/v1.0/servicePrincipals", Kind::ApplicationAlone).body(of_application),
    post("/v1.0/servicePrincipals", Kind::MicrosoftsAbsent)
        .case("of Microsoft's Dataverse")
        .body(of_application),
    get("/v1.0/servicePrincipals/{id}", Kind::Application),
    patch("/v1.0/servicePrincipals/{id}", Kind::Application).body(no_assignment),
    patch("/v1.0/servicePrincipals/{id}", Kind::BuiltIn).case("a built-in one").body(no_assignment),
    delete("/v1.0/servicePrincipals/{id}", Kind::Application),
    delete("/v1.0/servicePrincipals/{id}", Kind::Absent).case(ABSENT),
    delete("/v1.0/servicePrincipals/{id}", Kind::BuiltIn).case("a built-in one that every tenant has"),
    delete("/v1.0/servicePrincipals/{id}", Kind::MicrosoftsPresent).case("Microsoft's Dataverse"),
    get("/v1.0/servicePrincipals({key})", Kind::Application),
    patch("/v1.0/servicePrincipals({key})", Kind::Application).body(no_assignment),
    delete("/v1.0/servicePrincipals({key})", Kind::Application),
    get("/v1.0/servicePrincipals/{id}/oauth2PermissionGrants", Kind::Application),
    get("/v1.0/oauth2PermissionGrants", Kind::Nothing),
    post("/v1.0/oauth2PermissionGrants", Kind::Application).body(|it| consent(it, Value::Null, "User.Read")),
    post("/v1.0/oauth2PermissionGrants", Kind::Application)
        .case("a permission that changes the directory")
        .body(|it| consent(it, Value::Null, "RoleManagement.ReadWrite.Directory")),
    post("/v1.0/oauth2PermissionGrants", Kind::Application)
        .case("for the caller alone")
        .body(|it| consent(it, json!(it.caller), "User.Read")),
    post("/v1.0/oauth2PermissionGrants", Kind::Application)
        .case("for another person alone")
        .body(|it| consent(it, json!(it.person), "User.Read")),
    post("/v1.0/oauth2PermissionGrants", Kind::ApplicationWithGraphRole)
        .case("to one that holds an application permission of Graph")
        .body(|it| consent(it, Value::Null, "User.Read")),
    get("/v1.0/oauth2PermissionGrants/{id}", Kind::Grant),
    patch("/v1.0/oauth2PermissionGrants/{id}", Kind::Grant).body(|_| json!({ "scope": "User.Read profile" })),
    delete("/v1.0/oauth2PermissionGrants/{id}", Kind::Grant),
    get("/v1.0/servicePrincipals/{id}/appRoleAssignments", Kind::Application),
    post("/v1.0/servicePrincipals/{id}/appRoleAssignments", Kind::Application).body(own_role),
    post("/v1.0/servicePrincipals/{id}/appRoleAssignments", Kind::Application)
        .case("an application permission of Graph")
        .body(graph_role),
    post("/v1.0/servicePrincipals/{id}/appRoleAssignments", Kind::ApplicationWithGraphRole)
        .case("to one that holds an application permission of Graph")
        .body(own_role),
    post("/v1.0/servicePrincipals/{id}/appRoleAssignments", Kind::BuiltIn)
        .case("to a built-in one")
        .body(own_role),
    post("/v1.0/servicePrincipals/{id}/appRoleAssignments", Kind::Caller)
        .case("an application permission of Graph for the caller itself")
        .body(graph_role),
    delete("/v1.0/servicePrincipals/{id}/appRoleAssignments/{assignment}", Kind::ApplicationWithOwnRole),
    delete("/v1.0/servicePrincipals/{id}/appRoleAssignments/{assignment}", Kind::ApplicationWithGraphRole)
        .case("an application permission of Graph"),
    get("/v1.0/servicePrincipals/{id}/memberOf", Kind::Application),
    post("/v1.0/servicePrincipals/{id}/getMemberGroups", Kind::Application).body(all_groups),
    post("/v1.0/servicePrincipals/{id}/getMemberObjects", Kind::Application).body(all_groups),
    get("/v1.0/servicePrincipals/{id}/memberOf/{cast}", Kind::Application),
    get("/v1.0/servicePrincipals/{id}/transitiveMemberOf", Kind::Application),
    get("/v1.0/servicePrincipals/{id}/transitiveMemberOf/{cast}", Kind::Application),
    post("/v1.0/servicePrincipals/{id}/checkMemberGroups", Kind::Application).body(some_groups),
    post("/v1.0/servicePrincipals/{id}/checkMemberObjects", Kind::Application).body(some_objects),
];

/// Groups and who is in them.
pub const GROUPS: &[Row] = &[
    get("/v1.0/groups", Kind::Nothing),
    post("/v1.0/groups", Kind::Nothing).body(
        |_| json!({ "displayName": "New", "mailNickname": "new", "mailEnabled": false, "securityEnabled": true }),
    ),
    get("/v1.0/groups/{id}", Kind::Group),
    patch("/v1.0/groups/{id}", Kind::Group).body(renamed),
    delete("/v1.0/groups/{id}", Kind::Group),
    delete("/v1.0/groups/{id}", Kind::Absent).case(ABSENT),
    get("/v1.0/groups/{id}/members", Kind::Group),
    post("/v1.0/groups/{id}/members/$ref", Kind::Group).body(member),
    post("/v1.0/groups/{id}/members/$ref", Kind::GroupWithOwnRole)
        .case("of one that holds an app role")
        .body(member),
    delete("/v1.0/groups/{id}/members/{member}/$ref", Kind::GroupWithMember),
    get("/v1.0/groups/{id}/memberOf", Kind::Group),
    get("/v1.0/groups/{id}/memberOf/{cast}", Kind::Group),
    get("/v1.0/groups/{id}/transitiveMemberOf", Kind::Group),
    get("/v1.0/groups/{id}/transitiveMemberOf/{cast}", Kind::Group),
    post("/v1.0/groups/{id}/getMemberGroups", Kind::Group).body(all_groups),
    post("/v1.0/groups/{id}/getMemberObjects", Kind::Group).body(all_groups),
    post("/v1.0/groups/{id}/checkMemberGroups", Kind::Group).body(some_groups),
    post("/v1.0/groups/{id}/checkMemberObjects", Kind::Group).body(some_objects),
    get("/v1.0/groups/{id}/appRoleAssignments", Kind::Group),
    post("/v1.0/groups/{id}/appRoleAssignments", Kind::Group).body(own_role),
    delete("/v1.0/groups/{id}/appRoleAssignments/{assignment}", Kind::GroupWithOwnRole),
];

/// People, oneself, the organisation, and userinfo.
pub const PEOPLE: &[Row] = &[
    get("/v1.0/users", Kind::Nothing),
    post("/v1.0/users", Kind::Nothing).body(|it| {
        json!({
            "accountEnabled": true, "displayName": "New", "mailNickname": "new",
            "userPrincipalName": format!("new{}@contoso.example", it.fresh),
            "passwordProfile": { "password": "Another-horse-8" },
        })
    }),
    get("/v1.0/users/{id}", Kind::User),
    get("/v1.0/users/{id}", Kind::Caller).case("oneself"),
    patch("/v1.0/users/{id}", Kind::User).body(renamed),
    patch("/v1.0/users/{id}", Kind::Caller).case("oneself").body(renamed),
    patch("/v1.0/users/{id}", Kind::User).case("accountEnabled").body(closed),
    patch("/v1.0/users/{id}", Kind::Administrator).case("an administrator's accountEnabled").body(closed),
    patch("/v1.0/users/{id}", Kind::Administrator).case("an administrator's mobilePhone").body(telephone),
    patch("/v1.0/users/{id}", Kind::User).case("passwordProfile").body(password),
    patch("/v1.0/users/{id}", Kind::Administrator).case("an administrator's passwordProfile").body(password),
    delete("/v1.0/users/{id}", Kind::User),
    delete("/v1.0/users/{id}", Kind::Absent).case(ABSENT),
    delete("/v1.0/users/{id}", Kind::Administrator).case("an administrator"),
    post("/v1.0/users/{id}/revokeSignInSessions", Kind::User),
    post("/v1.0/users/{id}/revokeSignInSessions", Kind::Administrator).case("an administrator"),
    post("/v1.0/users/{id}/revokeSignInSessions", Kind::Caller).case("oneself"),
    get("/v1.0/me", Kind::Caller),
    post("/v1.0/me/revokeSignInSessions", Kind::Caller),
    post("/v1.0/me/changePassword", Kind::Caller)
        .body(|_| json!({ "currentPassword": PASSWORD, "newPassword": "Another-horse-8" })),
    get("/v1.0/users/{id}/memberOf", Kind::User),
    get("/v1.0/users/{id}/memberOf", Kind::Caller).case("oneself"),
    post("/v1.0/users/{id}/getMemberGroups", Kind::User).body(all_groups),
    post("/v1.0/users/{id}/getMemberGroups", Kind::Caller).case("oneself").body(all_groups),
    post("/v1.0/users/{id}/getMemberObjects", Kind::User).body(all_groups),
    post("/v1.0/users/{id}/getMemberObjects", Kind::Caller).case("oneself").body(all_groups),
    get("/v1.0/users/{id}/appRoleAssignments", Kind::User),
    post("/v1.0/users/{id}/appRoleAssignments", Kind::User).body(own_role),
    delete("/v1.0/users/{id}/appRoleAssignments/{assignment}", Kind::UserWithOwnRole),
    get("/v1.0/me/memberOf", Kind::Caller),
    post("/v1.0/me/getMemberGroups", Kind::Caller).body(all_groups),
    post("/v1.0/me/getMemberObjects", Kind::Caller).body(all_groups),
    get("/v1.0/users/{id}/memberOf/{cast}", Kind::User),
    get("/v1.0/users/{id}/transitiveMemberOf", Kind::User),
    get("/v1.0/users/{id}/transitiveMemberOf/{cast}", Kind::User),
    post("/v1.0/users/{id}/checkMemberGroups", Kind::User).body(some_groups),
    post("/v1.0/users/{id}/checkMemberObjects", Kind::User).body(some_objects),
    get("/v1.0/users/{id}/manager", Kind::User).empty(),
    get("/v1.0/users/{id}/photo", Kind::User).empty(),
    get("/v1.0/users/{id}/photo/$value", Kind::User).empty(),
    get("/v1.0/users/{id}/photos/{size}", Kind::User).empty(),
    get("/v1.0/users/{id}/photos/{size}/$value", Kind::User).empty(),
    get("/v1.0/users/{id}/memberOf/{cast}", Kind::Caller).case("oneself"),
    get("/v1.0/users/{id}/transitiveMemberOf", Kind::Caller).case("oneself"),
    get("/v1.0/users/{id}/transitiveMemberOf/{cast}", Kind::Caller).case("oneself"),
    post("/v1.0/users/{id}/checkMemberGroups", Kind::Caller).case("oneself").body(some_groups),
    post("/v1.0/users/{id}/checkMemberObjects", Kind::Caller).case("oneself").body(some_objects),
    get("/v1.0/users/{id}/manager", Kind::Caller).case("oneself").empty(),
    get("/v1.0/users/{id}/photo", Kind::Caller).case("oneself").empty(),
    get("/v1.0/users/{id}/photo/$value", Kind::Caller).case("oneself").empty(),
    get("/v1.0/users/{id}/photos/{size}", Kind::Caller).case("oneself").empty(),
    get("/v1.0/users/{id}/photos/{size}/$value", Kind::Caller).case("oneself").empty(),
    get("/v1.0/me/memberOf/{cast}", Kind::Caller),
    get("/v1.0/me/transitiveMemberOf", Kind::Caller),
    get("/v1.0/me/transitiveMemberOf/{cast}", Kind::Caller),
    post("/v1.0/me/checkMemberGroups", Kind::Caller).body(some_groups),
    post("/v1.0/me/checkMemberObjects", Kind::Caller).body(some_objects),
    get("/v1.0/me/manager", Kind::Caller).empty(),
    get("/v1.0/me/photo", Kind::Caller).empty(),
    get("/v1.0/me/photo/$value", Kind::Caller).empty(),
    get("/v1.0/me/photos/{size}", Kind::Caller).empty(),
    get("/v1.0/me/photos/{size}/$value", Kind::Caller).empty(),
    post("/v1.0/directoryObjects/getByIds", Kind::Nothing)
        .body(|_| json!({ "ids": ["c0000000-0000-4000-8000-000000000002"], "types": ["user"] })),
    get("/v1.0/organization", Kind::Nothing),
    get("/oidc/userinfo", Kind::Nothing),
    post("/oidc/userinfo", Kind::Nothing),
    Row::new(Surface::Login, "GET", "/oidc/userinfo", Kind::Nothing),
    Row::new(Surface::Login, "POST", "/oidc/userinfo", Kind::Nothing),
    Row::new(Surface::Login, "GET", "/{tenant}/openid/userinfo", Kind::Nothing),
    Row::new(Surface::Login, "POST", "/{tenant}/openid/userinfo", Kind::Nothing),
];
