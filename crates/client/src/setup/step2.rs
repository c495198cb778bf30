//! Step 2: API permissions. The API's service principal is made when the tenant lacks it, the
//! registration lists the permissions, and consent for everyone makes them count.

use super::{
    Wanted,
    plan::{Action, Deed, Seen},
};
use crate::{
    failure::ClientError,
    graph::{Graph, text},
};
use carnet_wire::ids::AppId;
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn plan(seen: &Seen, wanted: &Wanted) -> Vec<Action> {
    let mut actions = Vec::new();
    for (api, scopes) in &wanted.permissions {
        let resource = seen.resource(*api);
        actions.push(Action {
            step: 2,
            what: format!("make the service principal of the API {api} appear"),
            done: resource.is_some(),
            deed: Deed::CreateResource(*api),
        });
        let listed = seen.application.as_ref().zip(resource).is_some_and(|(application, resource)| {
            scope_ids(resource, scopes).is_ok_and(|ids| ids.iter().all(|id| requires(application, *api, id)))
        });
        actions.push(Action {
            step: 2,
            what: format!("list {} in its API permissions", scopes.join(", ")),
            done: listed,
            deed: Deed::Require(*api, scopes.clone()),
        });
        if wanted.admin_consent {
            actions.push(Action {
                step: 2,
                what: format!("grant admin consent for {}", scopes.join(", ")),
                done: resource.is_some_and(|resource| consented(&seen.grants, resource, scopes)),
                deed: Deed::Consent(*api, scopes.clone()),
            });
        }
    }
    actions
}

/// The ids of an API's delegated permissions by their values.
///
/// # Errors
/// [`ClientError::Input`] naming the first value that the API does not publish.
pub fn scope_ids(resource: &Value, scopes: &[String]) -> Result<Vec<String>, ClientError> {
    let published = resource["oauth2PermissionScopes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let find = |scope: &String| {
        let entry = published.iter().find(|entry| text(entry, "value").eq_ignore_ascii_case(scope));
        entry.map(|entry| text(entry, "id").to_owned()).ok_or_else(|| {
            let name = text(resource, "displayName");
            ClientError::Input(format!("`{scope}` is not a delegated permission of {name}"))
        })
    };
    scopes.iter().map(find).collect()
}

fn requires(application: &Value, api: AppId, id: &str) -> bool {
    let api = api.to_string();
    let resources = application["requiredResourceAccess"].as_array().into_iter().flatten();
    resources
        .filter(|resource| text(resource, "resourceAppId") == api)
        .flat_map(|resource| resource["resourceAccess"].as_array().into_iter().flatten())
        .any(|access| text(access, "id") == id && text(access, "type") == "Scope")
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

/// Adds delegated permissions to the registration's list; what is listed stays.
///
/// # Errors
/// [`ClientError`]
pub async fn require(
    graph: &Graph,
    application: &Value,
    resource: &Value,
    scopes: &[String],
) -> Result<(), ClientError> {
    let api: AppId =
        text(resource, "appId").parse().map_err(|_| ClientError::Input("the API has no id".into()))?;
    let mut list = application["requiredResourceAccess"].as_array().cloned().unwrap_or_default();
    let missing: Vec<Value> = scope_ids(resource, scopes)?
        .into_iter()
        .filter(|id| !requires(application, api, id))
        .map(|id| json!({ "id": id, "type": "Scope" }))
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

/// Consents for everyone: makes the grant, or adds the missing scopes to it.
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
