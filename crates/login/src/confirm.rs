//! A no that rests on something that is not there, which another node may have made meanwhile: asked again of
//! the newest directory before it leaves (`style.md`, section 2).

use carnet_http::{context::Context, reply::Failure};
use carnet_tenant::{directory::Directory, token::Denial};
use carnet_wire::ids::AppId;
use std::sync::Arc;

/// Asks a rule about a client of a directory, and once more of a newer one where the no rests on absence.
///
/// # Errors
/// [`Failure`] when the store fails; the rule's no is the inner error.
pub(super) async fn confirmed_denial<T>(
    cx: &Context,
    (directory, client): (&mut Arc<Directory>, AppId),
    rule: impl Fn(&Directory) -> Result<T, Denial>,
) -> Result<Result<T, Denial>, Failure> {
    let denial = match rule(directory) {
        Ok(value) => return Ok(Ok(value)),
        Err(denial) => denial,
    };
    if denial.rests_on_absence()
        && let Some(newer) = cx.state.store.confirm_client(directory, client).await?
    {
        *directory = newer;
        return Ok(rule(directory));
    }
    Ok(Err(denial))
}
