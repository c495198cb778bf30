//! `/providers/Microsoft.BusinessAppPlatform/[scopes/admin/]environments`: all of the tenant's for
//! administrators, the caller's own for everyone.

use carnet_http::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::environment::{self, visible, visible_named};
use carnet_wire::{bap::Environment, ids::TenantId};
use serde_json::{Value, json};

/// `GET …/scopes/admin/environments`
pub(super) async fn all(_: Context, called: Called, _: Call) -> Result<Reply, Failure> {
    list(&called, true)
}

/// `GET …/environments`
pub(super) async fn own(_: Context, called: Called, _: Call) -> Result<Reply, Failure> {
    list(&called, false)
}

/// `GET …/scopes/admin/environments/{id or ~default}`
pub(super) async fn one_of_all(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    one(cx, called, call, true).await
}

/// `GET …/environments/{id or ~default}`
pub(super) async fn one_of_own(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    one(cx, called, call, false).await
}

fn list(called: &Called, admin: bool) -> Result<Reply, Failure> {
    let directory = &called.directory;
    let shown = visible(&called.caller, directory).into_iter().map(|it| body(it, directory.tenant.id, admin));
    Reply::json(&json!({ "value": shown.collect::<Vec<_>>() }))
}

async fn one(cx: Context, mut called: Called, call: Call, admin: bool) -> Result<Reply, Failure> {
    let id = call.variable(0);
    let found = cx
        .confirmed(&mut called, |caller, directory| {
            visible_named(caller, directory, id).map(|it| body(it, directory.tenant.id, admin))
        })
        .await?;
    Reply::json(&found)
}

fn body(it: &environment::Environment, tenant: TenantId, admin: bool) -> Value {
    let created = it.created.iso();
    let body = Environment {
        id: &it.id,
        display_name: &it.display_name,
        location: &it.location,
        sku: &it.sku,
        created: &created,
        tenant,
    };
    body.body(admin)
}
