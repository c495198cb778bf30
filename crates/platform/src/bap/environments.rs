//! `/providers/Microsoft.BusinessAppPlatform/[scopes/admin/]environments`: all of the tenant's for
//! administrators, the caller's own for everyone.

use carnet_http::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    admin_registration::USER_SCOPES,
    directory::Directory,
    environment::{self, admit_administrator, visible, visible_named},
    operation::Caller,
    refusal::Refusal,
};
use carnet_wire::{bap::Environment, ids::TenantId};
use serde_json::{Value, json};

/// `GET …/scopes/admin/environments`
pub(super) async fn all(cx: Context, call: Call) -> Result<Reply, Failure> {
    list(cx, call, true).await
}

/// `GET …/environments`
pub(super) async fn own(cx: Context, call: Call) -> Result<Reply, Failure> {
    list(cx, call, false).await
}

/// `GET …/scopes/admin/environments/{id or ~default}`
pub(super) async fn one_of_all(cx: Context, call: Call) -> Result<Reply, Failure> {
    one(cx, call, true).await
}

/// `GET …/environments/{id or ~default}`
pub(super) async fn one_of_own(cx: Context, call: Call) -> Result<Reply, Failure> {
    one(cx, call, false).await
}

async fn list(mut cx: Context, call: Call, admin: bool) -> Result<Reply, Failure> {
    let mut called = cx.caller(&call).await?;
    let list = cx.confirmed(&mut called, |caller, directory| shown(caller, directory, admin)).await?;
    Reply::json(&json!({ "value": list }))
}

async fn one(mut cx: Context, call: Call, admin: bool) -> Result<Reply, Failure> {
    let mut called = cx.caller(&call).await?;
    let id = call.variable(0);
    let found = cx
        .confirmed(&mut called, |caller, directory| {
            if admin {
                admit_administrator(caller, directory, USER_SCOPES)?;
            }
            visible_named(caller, directory, USER_SCOPES, id).map(|it| body(it, directory.tenant.id, admin))
        })
        .await?;
    Reply::json(&found)
}

/// The body of each environment that the caller may see here.
fn shown(caller: &Caller, directory: &Directory, admin: bool) -> Result<Vec<Value>, Refusal> {
    if admin {
        admit_administrator(caller, directory, USER_SCOPES)?;
    }
    let tenant = directory.tenant.id;
    Ok(visible(caller, directory, USER_SCOPES)?.into_iter().map(|it| body(it, tenant, admin)).collect())
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
