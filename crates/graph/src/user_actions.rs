//! `revokeSignInSessions` and `changePassword`.

use super::{list::body, user_body};
use carnet_http::{
    caller::Called,
    context::Context,
    password,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{access::Caller, refusal::Refusal, user};
use carnet_wire::ids::ObjectId;
use serde_json::json;

/// `POST /v1.0/users/{id or name}/revokeSignInSessions`
pub(super) async fn revoke(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let name = call.variable(0).to_owned();
    revoke_named(&cx, called, &name).await
}

/// `POST /v1.0/me/revokeSignInSessions`
pub(super) async fn revoke_mine(cx: Context, called: Called, _call: Call) -> Result<Reply, Failure> {
    let name = me(&called.caller)?.to_string();
    revoke_named(&cx, called, &name).await
}

async fn revoke_named(cx: &Context, mut called: Called, name: &str) -> Result<Reply, Failure> {
    cx.apply_to_user(&mut called, name, |caller, directory, old, at| {
        user::revoke_sessions(caller, directory, (old, name), at)
    })
    .await?;
    let context = format!("{}/v1.0/$metadata#Edm.Boolean", cx.envelope.origin.graph());
    Reply::json(&json!({ "@odata.context": context, "value": true }))
}

/// `POST /v1.0/me/changePassword`
pub(super) async fn change_password(
    cx: Context,
    mut called: Called,
    mut call: Call,
) -> Result<Reply, Failure> {
    let (current, new) = user_body::passwords(&body(&mut call).await?)?;
    let id = me(&called.caller)?;
    let own = cx.state.store.user(called.directory.tenant.id, id).await?;
    let own = own.ok_or(Refusal::NotFound { id: id.to_string() })?;
    password::change_own_password(&cx, &mut called, &own, (&current, &new), None).await?;
    Ok(Reply::no_content())
}

/// Who `/me` is.
pub(super) fn me(caller: &Caller) -> Result<ObjectId, Refusal> {
    match caller {
        Caller::User { user, .. } => Ok(*user),
        _ => Err(Refusal::not_me()),
    }
}
