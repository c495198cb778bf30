//! `revokeSignInSessions` and `changePassword`.

use super::{list::body, user_body, users::prove_new};
use crate::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    lockout::Attempt,
    operation::{CHANGE_OWN_PASSWORD, Caller, authorize},
    refusal::Refusal,
    token::PasswordProof,
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

async fn revoke_named(cx: &Context, mut called: crate::caller::Called, name: &str) -> Result<Reply, Failure> {
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
    let tenant = called.directory.tenant.id;
    let from = (cx.envelope.address, cx.now());
    let own = cx.state.store.user(tenant, id).await?.ok_or(Refusal::NotFound { id: id.to_string() })?;
    // A guess at the current password is a guess like one at a sign-in, and counts as one.
    let (attempt, held) = cx.state.store.reserve(tenant, (&own.name_key, &current), from).await?;
    let (proof, _) = cx.check_password(tenant, &own.name_key, &current, (attempt, held.as_deref())).await;
    let hash = match (proof, attempt) {
        (PasswordProof::Right, Attempt::Reserved(_) | Attempt::Repeated) => {
            Some(prove_new(&cx, &called, (&own.name, &new)).await?)
        }
        _ => None,
    };
    let name = id.to_string();
    let proved = held.and_then(|it| it.password.clone());
    cx.apply_to_user(&mut called, &name, |caller, directory, old, at| {
        // What was proved is the password that is held now.
        let same = old.map(|it| &it.password) == Some(&proved);
        let proof = if same { proof } else { PasswordProof::Wrong };
        user::change_own_password(caller, directory, old, (attempt, proof, hash.clone()), at)
    })
    .await?;
    cx.state.store.forgive(tenant, &own.name_key, from).await?;
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
