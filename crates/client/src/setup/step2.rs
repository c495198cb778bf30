//! Step 2: API permissions. Creates the API's service principal if it is missing, adds the permissions to the
//! registration, and consents to them for all users.

use super::{
    DesiredState,
    plan::{Action, Change, CurrentState},
};
use crate::{
    failure::ClientError,
    graph::{Graph, text},
};
use carnet_wire::ids::AppId;
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn plan(current: &CurrentState, desired: &DesiredState) -> Vec<Action> {
    let mut actions = Vec::new();
    for (api, scopes) in &desired.permissions {
        let resource = current.resource(*api);
        actions.push(Action {
            step: 2,
            what: format!("create the service principal of the API {api}"),
            done: resource.is_some(),
            change: Change::CreateResource(*api),
        });
        let listed = lists(current, *api, |resource| scope_ids(resource, scopes), "Scope");
        actions.push(Action {
            step: 2,
            what: format!("add {} to its API permissions", scopes.join(", ")),
            done: listed,
            change: Change::Require(*api, scopes.clone()),
        });
        if desired.admin_consent {
            actions.push(Action {
                step: 2,
                what: format!("grant admin consent for {}", scopes.join(", ")),
                done: resource.is_some_and(|resource| consented(&current.grants, resource, scopes)),
                change: Change::Consent(*api, scopes.clone()),
            });
        }
    }
    actions.extend(desired.roles.iter().flat_map(|(api, roles)| plan_roles(current, desired, *api, roles)));
    actions
}

fn plan_roles(current: &CurrentState, desired: &DesiredState, api: AppId, roles: &[String]) -> Vec<Action> {
    let resource = current.resource(api);
    let mut actions = Vec::new();
    if !desired.permissions.iter().any(|(delegated, _)| *delegated == api) {
        actions.push(Action {
            step: 2,
            what: format!("create the service principal of the API {api}"),
            done: resource.is_some(),
            change: Change::CreateResource(api),
        });
    }
    actions.push(Action {
        step: 2,
        what: format!("add the application permissions {} to its API permissions", roles.join(", ")),
        done: lists(current, api, |resource| role_ids(resource, roles), "Role"),
        change: Change::RequireRoles(api, roles.to_vec()),
    });
    if desired.admin_consent {
        let held = |resource: &Value| {
            role_ids(resource, roles)
                .is_ok_and(|ids| ids.iter().all(|id| holds(&current.assignments, resource, id)))
        };
        actions.push(Action {
            step: 2,
            what: format!("grant it the application permissions {}", roles.join(", ")),
            done: resource.is_some_and(held),
            change: Change::Assign(api, roles.to_vec()),
        });
    }
    actions
}

/// Whether the registration lists all of these permissions.
fn lists(
    current: &CurrentState,
    api: AppId,
    ids: impl Fn(&Value) -> Result<Vec<String>, ClientError>,
    kind: &str,
) -> bool {
    current.application.as_ref().zip(current.resource(api)).is_some_and(|(application, resource)| {
        ids(resource).is_ok_and(|ids| ids.iter().all(|id| requires(application, api, id, kind)))
    })
}

fn holds(assignments: &[Value], resource: &Value, role: &str) -> bool {
    assignments.iter().any(|it| it["resourceId"] == resource["id"] && text(it, "appRoleId") == role)
}

/// The ids of an API's delegated permissions, by value.
///
/// # Errors
/// [`ClientError::Input`] for the first value that the API does not publish.
pub fn scope_ids(resource: &Value, scopes: &[String]) -> Result<Vec<String>, ClientError> {
    ids(resource, scopes, "oauth2PermissionScopes", "a delegated permission")
}

/// The ids of an API's application permissions, by value.
///
/// # Errors
/// [`ClientError::Input`] for the first value that the API does not publish.
pub fn role_ids(resource: &Value, roles: &[String]) -> Result<Vec<String>, ClientError> {
    ids(resource, roles, "appRoles", "an application permission")
}

fn ids(resource: &Value, values: &[String], list: &str, kind: &str) -> Result<Vec<String>, ClientError> {
    let published = resource[list].as_array().map(Vec::as_slice).unwrap_or_default();
    let find = |value: &String| {
        let entry = published.iter().find(|entry| text(entry, "value").eq_ignore_ascii_case(value));
        entry.map(|entry| text(entry, "id").to_owned()).ok_or_else(|| {
            let name = text(resource, "displayName");
            ClientError::Input(format!("`{value}` is not {kind} of {name}"))
        })
    };
    values.iter().map(find).collect()
}

fn requires(application: &Value, api: AppId, id: &str, kind: &str) -> bool {
    let api = api.to_string();
    let resources = application["requiredResourceAccess"].as_array().into_iter().flatten();
    resources
        .filter(|resource| text(resource, "resourceAppId") == api)
        .flat_map(|resource| resource["resourceAccess"].as_array().into_iter().flatten())
        .any(|access| text(access, "id") == id && text(access, "type") == kind)
}

fn for_everyone<'a>(grants: &'a [Value], resource: &Value) -> Option<&'a Value> {
    let id = text(resource, "id");
    grants
        .iter()
        .find(|grant| text(grant, "resourceId") == id && text(grant, "consentType") == "AllPrincipals")
}

fn consented(grants: &[Value], resource: &Value, scopes: &[String]) -> bool {
    for_everyone(grants, resource).is_some_and(|grant| {
        let held: Vec<&str> = text(grant, "scope").split_whitespace().collect();
        scopes.iter().all(|scope| held.contains(&scope.as_str()))
    })
}

/// Adds delegated permissions to the registration. Listed ones stay.
///
/// # Errors
/// [`ClientError`]
pub async fn require(
    graph: &Graph,
    application: &Value,
    resource: &Value,
    scopes: &[String],
) -> Result<(), ClientError> {
    add(graph, application, resource, scope_ids(resource, scopes)?, "Scope").await
}

/// Adds application permissions to the registration. Listed ones stay.
///
/// # Errors
/// [`ClientError`]
pub async fn require_roles(
    graph: &Graph,
    application: &Value,
    resource: &Value,
    roles: &[String],
) -> Result<(), ClientError> {
    add(graph, application, resource, role_ids(resource, roles)?, "Role").await
}

async fn add(
    graph: &Graph,
    application: &Value,
    resource: &Value,
    ids: Vec<String>,
    kind: &str,
) -> Result<(), ClientError> {
    let api: AppId = text(resource, "appId")
        .parse()
        .map_err(|_| ClientError::Input("the API's service principal has no application id".into()))?;
    let mut list = application["requiredResourceAccess"].as_array().cloned().unwrap_or_default();
    let missing: Vec<Value> = ids
        .into_iter()
        .filter(|id| !requires(application, api, id, kind))
        .map(|id| json!({ "id": id, "type": kind }))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let name = api.to_string();
    match list.iter_mut().find(|entry| text(entry, "resourceAppId") == name) {
        Some(entry) => {
            let mut access = entry["resourceAccess"].as_array().cloned().unwrap_or_default();
            access.extend(missing);
            entry["resourceAccess"] = access.into();
        }
        None => list.push(json!({ "resourceAppId": api, "resourceAccess": missing })),
    }
    let path = format!("/applications/{}", text(application, "id"));
    graph.call(Method::PATCH, &path, Some(&json!({ "requiredResourceAccess": list }))).await.map(drop)
}

/// Assigns the application permissions that a service principal does not hold.
///
/// # Errors
/// [`ClientError`]
pub async fn assign(
    graph: &Graph,
    principal: &Value,
    resource: &Value,
    roles: &[String],
    held: &[Value],
) -> Result<(), ClientError> {
    let path = format!("/servicePrincipals/{}/appRoleAssignments", text(principal, "id"));
    for role in role_ids(resource, roles)?.into_iter().filter(|id| !holds(held, resource, id)) {
        let body = json!({ "principalId": principal["id"], "resourceId": resource["id"], "appRoleId": role });
        graph.call(Method::POST, &path, Some(&body)).await?;
    }
    Ok(())
}

/// Consents for all users: creates the permission grant, or adds the missing scopes to it.
///
/// # Errors
/// [`ClientError`]
pub async fn consent(
    graph: &Graph,
    principal: &Value,
    resource: &Value,
    scopes: &[String],
) -> Result<(), ClientError> {
    scope_ids(resource, scopes)?;
    let grants = graph.grants_of(text(principal, "id")).await?;
    let Some(grant) = for_everyone(&grants, resource) else {
        let body = json!({
            "clientId": text(principal, "id"), "resourceId": text(resource, "id"),
            "consentType": "AllPrincipals", "principalId": null, "scope": scopes.join(" "),
        });
        return graph.call(Method::POST, "/oauth2PermissionGrants", Some(&body)).await.map(drop);
    };
    let mut held: Vec<&str> = text(grant, "scope").split_whitespace().collect();
    let before = held.len();
    for scope in scopes {
        if !held.contains(&scope.as_str()) {
            held.push(scope);
        }
    }
    if held.len() == before {
        return Ok(());
    }
    let path = format!("/oauth2PermissionGrants/{}", text(grant, "id"));
    graph.call(Method::PATCH, &path, Some(&json!({ "scope": held.join(" ") }))).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_that_the_api_does_not_publish_is_named() {
        let resource =
            json!({"displayName": "API", "oauth2PermissionScopes": [{"id": "1", "value": "A.Read"}]});
        assert_eq!(scope_ids(&resource, &["A.Read".into()]).unwrap(), ["1"]);
        let error = scope_ids(&resource, &["A.Write".into()]).unwrap_err();
        assert!(error.to_string().contains("A.Write"), "{error}");
    }
}
