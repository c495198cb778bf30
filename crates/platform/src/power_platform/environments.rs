//! `/environmentmanagement/environments`: what the caller may see.

use carnet_http::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::environment::{Environment, visible, visible_named};
use serde_json::{Value, json};

const READ: &str = "EnvironmentManagement.Environments.Read";

/// `GET /environmentmanagement/environments`
pub(super) async fn list(mut cx: Context, call: Call) -> Result<Reply, Failure> {
    let mut called = cx.caller(&call).await?;
    let tenant = called.directory.tenant.id.to_string();
    let list = cx
        .confirmed(&mut called, |caller, directory| {
            Ok(visible(caller, directory, &[READ])?
                .into_iter()
                .map(|it| body(it, &tenant))
                .collect::<Vec<_>>())
        })
        .await?;
    Reply::json(&json!({ "value": list }))
}

/// `GET /environmentmanagement/environments/{id}`
pub(super) async fn get(mut cx: Context, call: Call) -> Result<Reply, Failure> {
    let mut called = cx.caller(&call).await?;
    let tenant = called.directory.tenant.id.to_string();
    let id = call.variable(0);
    let found = cx
        .confirmed(&mut called, |caller, directory| {
            visible_named(caller, directory, &[READ], id).map(|it| body(it, &tenant))
        })
        .await?;
    Reply::json(&found)
}

/// The members that the published model names and that are known here.
fn body(it: &Environment, tenant: &str) -> Value {
    json!({
        "id": it.id,
        "displayName": it.display_name,
        "tenantId": tenant,
        "type": it.sku,
        "geo": it.location,
        "state": "Enabled",
        "createdDateTime": it.created.iso(),
    })
}
