//! `/environmentmanagement/environments`: what the caller may see.

use carnet_http::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::environment::{Environment, visible, visible_named};
use serde_json::{Value, json};

/// `GET /environmentmanagement/environments`
pub(super) async fn list(_: Context, called: Called, _: Call) -> Result<Reply, Failure> {
    let tenant = called.directory.tenant.id.to_string();
    let shown = visible(&called.caller, &called.directory).into_iter().map(|it| body(it, &tenant));
    Reply::json(&json!({ "value": shown.collect::<Vec<_>>() }))
}

/// `GET /environmentmanagement/environments/{id}`
pub(super) async fn get(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let tenant = called.directory.tenant.id.to_string();
    let id = call.variable(0);
    let found = cx
        .confirmed(&mut called, |caller, directory| {
            visible_named(caller, directory, id).map(|it| body(it, &tenant))
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
