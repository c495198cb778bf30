//! `manager` and `photo` of people. Neither is kept here, so whoever may read them is told that there is none: sign-ins
//! ask for both and go on.

use super::{Whose, user_actions, users::found};
use carnet_http::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    operation::{Caller, Operation, READ_MANAGER, READ_ME, READ_USERS, authorize},
    refusal::Refusal,
};

/// `GET /v1.0/me/manager` and `GET /v1.0/users/{id or name}/manager`
pub(super) async fn manager(cx: Context, call: Call, whose: Whose) -> Result<Reply, Failure> {
    person(cx, &call, whose, [&READ_MANAGER; 2]).await?;
    Err(Refusal::NotFound { id: "manager".into() }.into())
}

/// `GET …/photo`, `…/photo/$value`, `…/photos/{size}` and `…/photos/{size}/$value`
pub(super) async fn photo(cx: Context, call: Call, whose: Whose) -> Result<Reply, Failure> {
    person(cx, &call, whose, [&READ_ME, &READ_USERS]).await?;
    Err(Refusal::NoPhoto.into())
}

/// Checks that the caller may read this of the person whom the path names, and that the person is there. The first
/// operation is asked for the caller's own record, the second for anybody's.
async fn person(
    mut cx: Context,
    call: &Call,
    whose: Whose,
    [own, anybody]: [&Operation; 2],
) -> Result<(), Failure> {
    let called = cx.caller(call).await?;
    if whose == Whose::Me {
        user_actions::me(&called.caller)?;
        return Ok(authorize(&called.caller, &called.directory, own, &[])?);
    }
    let name = call.variable(0);
    let user = found(&cx, &called, name).await?;
    let is_caller =
        matches!((&called.caller, &user), (Caller::User { user: own, .. }, Some(it)) if it.id == *own);
    authorize(&called.caller, &called.directory, if is_caller { own } else { anybody }, &[])?;
    match user {
        Some(_) => Ok(()),
        None => Err(Refusal::NotFound { id: name.chars().take(120).collect() }.into()),
    }
}
