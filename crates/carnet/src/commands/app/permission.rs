//! `carnet app permission` (step 2): the permissions that an application lists.

use super::{Print, find};
use crate::{args::PermissionVerb, failure::Failure, output};
use carnet_client::{
    graph::{Graph, text},
    setup::step2,
};
use carnet_wire::{
    catalogue::Catalogue,
    ids::{AppId, KeyId},
};
use serde_json::{Value, json};

/// Adds or lists permissions.
pub async fn run(print: &Print, graph: &Graph, verb: PermissionVerb) -> Result<(), Failure> {
    match verb {
        PermissionVerb::Add { app, permissions, api } => {
            let found = find(graph, &app).await?;
            let resource = present(graph, api).await?;
            step2::require(graph, &found, &resource, &permissions).await?;
            list(print, graph, &app).await
        }
        PermissionVerb::List { app } => list(print, graph, &app).await,
    }
}

/// Finds or creates the service principal of an API.
pub async fn present(graph: &Graph, api: AppId) -> Result<Value, Failure> {
    let (principal, made) = graph.principal(api).await?;
    if made {
        let name = text(&principal, "displayName");
        output::say(&format!("created the missing service principal of {name}"));
    }
    Ok(principal)
}

/// The catalogue's facts of an API that the tenant has no service principal for, in the form of a service principal.
fn published(catalogue: &Catalogue, api: AppId) -> Value {
    let named = |id: KeyId, value: &str| json!({ "id": id, "value": value });
    match catalogue.application(api) {
        Some(known) => json!({
            "appId": api,
            "displayName": known.display_name,
            "oauth2PermissionScopes": known.scopes().iter().map(|it| named(it.id, &it.value)).collect::<Vec<_>>(),
            "appRoles": known.roles().iter().map(|it| named(it.id, &it.value)).collect::<Vec<_>>(),
        }),
        None => json!({ "appId": api, "displayName": null }),
    }
}

/// Prints all listed permissions and whether they have admin consent.
async fn list(print: &Print, graph: &Graph, app: &str) -> Result<(), Failure> {
    let found = find(graph, app).await?;
    let mut rows: Vec<Value> = Vec::new();
    for (resource, access) in listed(graph, &found).await? {
        for item in access {
            rows.push(json!({
                "api": text(&resource, "displayName"),
                "apiId": resource["appId"],
                "permission": item.value,
                "kind": item.kind,
                "consented": item.consented,
            }));
        }
    }
    print.data(&rows.into())
}

/// A permission that an application lists.
pub struct ListedPermission {
    /// The permission's value.
    pub value: String,
    /// `delegated` or `application`.
    pub kind: &'static str,
    /// Whether it has admin consent.
    pub consented: bool,
}

/// The permissions that an application lists, by API.
pub async fn listed(
    graph: &Graph,
    application: &Value,
) -> Result<Vec<(Value, Vec<ListedPermission>)>, Failure> {
    let app: AppId = text(application, "appId")
        .parse()
        .map_err(|_| Failure::refused("the application has no client ID"))?;
    let grants = match graph.find_principal(app).await? {
        Some(principal) => graph.grants_of(text(&principal, "id")).await?,
        None => Vec::new(),
    };
    let mut all = Vec::new();
    for entry in application["requiredResourceAccess"].as_array().into_iter().flatten() {
        let Ok(api) = text(entry, "resourceAppId").parse::<AppId>() else { continue };
        let resource =
            graph.find_principal(api).await?.unwrap_or_else(|| published(&Catalogue::builtin(), api));
        let held: Vec<&str> = grants
            .iter()
            .filter(|grant| {
                resource["id"].is_string()
                    && grant["resourceId"] == resource["id"]
                    && text(grant, "consentType") == "AllPrincipals"
            })
            .flat_map(|grant| text(grant, "scope").split_whitespace())
            .collect();
        let one = |item: &Value| {
            let scope = text(item, "type") == "Scope";
            let value = name_of(&resource, text(item, "id"), scope);
            ListedPermission {
                consented: scope && held.contains(&value.as_str()),
                value,
                kind: if scope { "delegated" } else { "application" },
            }
        };
        let items = entry["resourceAccess"].as_array().into_iter().flatten().map(one).collect();
        all.push((resource, items));
    }
    Ok(all)
}

/// The value of a permission, or its id if the API is unknown.
fn name_of(resource: &Value, id: &str, scope: bool) -> String {
    let list = &resource[if scope { "oauth2PermissionScopes" } else { "appRoles" }];
    let mut found = list.as_array().into_iter().flatten().filter(|it| text(it, "id") == id);
    found.next().map_or_else(|| id.to_owned(), |it| text(it, "value").to_owned())
}
