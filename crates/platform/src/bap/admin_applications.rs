//! `/providers/Microsoft.BusinessAppPlatform/adminApplications`: registration of a service principal with
//! Power Platform, by an administrator user only.

use carnet_http::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    admin_registration::{register, unregister},
    refusal::Refusal,
};
use carnet_wire::{bap::AdminApplication, ids::AppId};
use serde_json::json;

fn named(call: &Call) -> Result<AppId, Refusal> {
    let text = call.variable(0);
    text.parse().map_err(|_| Refusal::BadRequest {
        message: format!("the application id '{text}' in the path is not a GUID"),
        target: Some("applicationId".into()),
    })
}

/// `GET …/adminApplications`
pub(super) async fn list(_: Context, called: Called, _: Call) -> Result<Reply, Failure> {
    let registered = called.directory.registrations();
    let list: Vec<_> = registered.map(|it| AdminApplication { application_id: it.app_id }).collect();
    Reply::json(&json!({ "value": list }))
}

/// `GET …/adminApplications/{id}`
pub(super) async fn get(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let app = named(&call)?;
    cx.confirmed(&mut called, |_, directory| {
        directory.registration(app).map(drop).ok_or_else(|| Refusal::NotFound { id: app.to_string() })
    })
    .await?;
    Reply::json(&AdminApplication { application_id: app })
}

/// `PUT …/adminApplications/{id}`
pub(super) async fn put(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let app = named(&call)?;
    let application_id =
        cx.apply(&mut called, |caller, directory, at| register(caller, directory, app, at)).await?;
    Reply::json(&AdminApplication { application_id })
}

/// `DELETE …/adminApplications/{id}`
pub(super) async fn delete(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let app = named(&call)?;
    cx.apply(&mut called, |caller, directory, _| unregister(caller, directory, app)).await?;
    Ok(Reply::no_content())
}
