//! `revokeSignInSessions` and `changePassword`.

use super::{list::body, user_body};
use carnet_http::{
    context::Context,
    password,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    operation::{CHANGE_OWN_PASSWORD, Caller, authorize},
    refusal::Refusal,
    user,
};
use carnet_wire::ids::ObjectId;
use serde_json::json;

/// `POST /v1.0/users/{id or name}/revokeSignInSessions`
pub(super) async fn revoke(mut cx: Context, call: Call) -> Result<Reply, Failure> {
    let called = cx.caller(&call).await?;
    let name = call.variable(0).to_owned();
    revoke_named(&cx, called, &name).await
}

/// `POST /v1.0/me/revokeSignInSessions`
pub(super) async fn revoke_mine(mut cx: Context, call: Call) -> Result<Reply, Failure> {
    let called = cx.caller(&call).await?;
    let name = me(&called.caller)?.to_string();
    revoke_named(&cx, called, &name).await
}

async fn revoke_named(
    cx: &Context,
    mut called: carnet_http::caller::Called,
    name: &str,
) -> Result<Reply, Failure> {
    cx.apply_to_user(&mut called, name, |caller, directory, old, at| {
        user::revoke_sessions(caller, directory, (old, name), at)
    })
    .await?;
    let context = format!("{}/v1.0/$metadata#Edm.Boolean", cx.envelope.origin.graph());
    Reply::json(&json!({ "@odata.context": context, "value": true }))
}

/// `POST /v1.0/me/changePassword`
pub(super) async fn change_password(mut cx: Context, mut call: Call) -> Result<Reply, Failure> {
    let mut called = cx.caller(&call).await?;
    let (current, new) = user_body::passwords(&body(&mut call).await?)?;
    let id = me(&called.caller)?;
    authorize(&called.caller, &called.directory, &CHANGE_OWN_PASSWORD, &[])?;
    let own = cx.state.store.user(called.directory.tenant.id, id).await?;
    let own = own.ok_or(Refusal::NotFound { id: id.to_string() })?;
    password::change_own_password(&cx, &mut called, &own, (&current, &new), None).await?;
    Ok(Reply::no_content())
}

/// Who `/me` is.
pub(super) fn me(caller: &Caller) -> Result<ObjectId, Refusal> {
    match caller {
        Caller::User { user, .. } => Ok(*user),
        _ => {
            let message = "/me request is only valid with delegated authentication flow.".to_owned();
            Err(Refusal::BadRequest { message, target: None })
        }
    }
}
