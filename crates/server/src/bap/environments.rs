//! `/providers/Microsoft.BusinessAppPlatform/[scopes/admin/]environments`: all of the tenant's for
//! administrators, the caller's own for everyone.

use crate::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    directory::Directory,
    environment::{admit_administrator, visible},
    operation::Caller,
    refusal::Refusal,
};
use carnet_wire::bap::Environment;
use serde_json::{Value, json};

/// The delegated permission of this API's audience.
const USER: &str = "User";

/// `GET …/scopes/admin/environments`
pub(super) async fn all(cx: Context, call: Call) -> Result<Reply, Failure> {
    list(cx, call, true).await
}

/// `GET …/environments`
pub(super) async fn own(cx: Context, call: Call) -> Result<Reply, Failure> {
    list(cx, call, false).await
}

/// `GET …/scopes/admin/environments/{id}`
pub(super) async fn one_of_all(cx: Context, call: Call) -> Result<Reply, Failure> {
    one(cx, call, true).await
}

/// `GET …/environments/{id}`
pub(super) async fn one_of_own(cx: Context, call: Call) -> Result<Reply, Failure> {
    one(cx, call, false).await
}

async fn list(mut cx: Context, call: Call, admin: bool) -> Result<Reply, Failure> {
    let mut called = cx.caller(&call).await?;
    let list = cx.confirmed(&mut called, |caller, directory| shown(caller, directory, admin)).await?;
    Reply::json(&json!({ "value": list.into_iter().map(|(_, body)| body).collect::<Vec<_>>() }))
}

async fn one(mut cx: Context, call: Call, admin: bool) -> Result<Reply, Failure> {
    let mut called = cx.caller(&call).await?;
    let id = call.variable(0);
    let found = cx
        .confirmed(&mut called, |caller, directory| {
            let mut all = shown(caller, directory, admin)?.into_iter();
            let found = all.find(|(name, _)| name == id).map(|(_, body)| body);
            found.ok_or_else(|| Refusal::NotFound { id: id.to_owned() })
        })
        .await?;
    Reply::json(&found)
}

/// Id and body of each environment that the caller may see here.
fn shown(caller: &Caller, directory: &Directory, admin: bool) -> Result<Vec<(String, Value)>, Refusal> {
    if admin {
        admit_administrator(caller, directory, &[USER])?;
    }
    let tenant = directory.tenant.id;
    let body = |it: &carnet_tenant::environment::Environment| {
        let created = it.created.iso();
        let body = Environment {
            id: &it.id,
            display_name: &it.display_name,
            location: &it.location,
            sku: &it.sku,
            created: &created,
            tenant,
        };
        (it.id.clone(), body.body(admin))
    };
    Ok(visible(caller, directory, &[USER])?.into_iter().map(|it| body(it)).collect())
}
