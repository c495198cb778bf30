//! `carnet app consent` (step 2): admin consent for the permissions that an application lists.

use super::{
    Print, find,
    permission::{listed, present},
};
use crate::{failure::Failure, output};
use carnet_client::{
    graph::{Graph, text},
    setup::step2,
};
use serde_json::json;

/// Consents to all delegated permissions that the application lists.
pub async fn run(print: &Print, graph: &Graph, app: &str) -> Result<(), Failure> {
    let found = find(graph, app).await?;
    let id =
        text(&found, "appId").parse().map_err(|_| Failure::refused("the application has no client ID"))?;
    let principal = graph.principal(id).await?.0;
    let mut rows = Vec::new();
    let mut left = 0;
    for (resource, items) in listed(graph, &found).await? {
        left += items.iter().filter(|it| it.kind != "delegated").count();
        let scopes: Vec<String> =
            items.into_iter().filter(|it| it.kind == "delegated").map(|it| it.value).collect();
        if scopes.is_empty() {
            continue;
        }
        let api = text(&resource, "appId")
            .parse()
            .map_err(|_| Failure::refused("the API has no application ID"))?;
        let resource = if resource["id"].is_null() { present(graph, api).await? } else { resource };
        step2::consent(graph, &principal, &resource, &scopes).await?;
        rows.push(json!({ "api": resource["displayName"], "consented": scopes }));
    }
    if rows.is_empty() {
        return Err(Failure::usage(format!(
            "`{}` lists no delegated permissions",
            text(&found, "displayName")
        ))
        .hint(format!(
            "add one (step 2): carnet app permission add {app} AppManagement.ApplicationPackages.Read"
        )));
    }
    if left > 0 {
        output::say(&format!(
            "{left} application permission(s) were skipped: this command consents to delegated permissions only"
        ));
    }
    print.data(&rows.into())
}
