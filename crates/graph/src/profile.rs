//! `manager` and `photo` of users. The server stores neither, so callers who may read them are told that there is none:
//! sign-ins ask for both and go on.

use super::users::found;
use carnet_http::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{refusal::Refusal, user};

/// `GET /v1.0/me/manager`
pub(super) async fn my_manager(_: Context, _: Called, _: Call) -> Result<Reply, Failure> {
    Err(Refusal::NotFound { id: "manager".into() }.into())
}

/// `GET /v1.0/users/{id or name}/manager`
pub(super) async fn manager(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let name = call.variable(0);
    let user = found(&cx, &called, name).await?;
    let id = user.map_or_else(|| name.chars().take(120).collect(), |_| "manager".to_owned());
    Err(Refusal::NotFound { id }.into())
}

/// `GET /v1.0/me/photo`, `…/photo/$value`, `…/photos/{size}` and `…/photos/{size}/$value`
pub(super) async fn my_photo(_: Context, _: Called, _: Call) -> Result<Reply, Failure> {
    Err(Refusal::NoPhoto.into())
}

/// `GET /v1.0/users/{id or name}/photo`, `…/photo/$value`, `…/photos/{size}` and `…/photos/{size}/$value`
pub(super) async fn photo(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let name = call.variable(0);
    let user = found(&cx, &called, name).await?;
    user::may_read(&called.caller, &called.directory, user.as_ref().map(|it| it.id))?;
    Err(match user {
        Some(_) => Refusal::NoPhoto,
        None => Refusal::NotFound { id: name.chars().take(120).collect() },
    }
    .into())
}
