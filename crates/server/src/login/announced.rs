//! Endpoints that the metadata announces and that no request is served at yet: each answers with a
//! refusal of Entra's shape.

use crate::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::token::Denial;

/// `GET /{tenant}/oauth2/v2.0/logout`
pub(super) async fn logout(_: Context, _: Call) -> Result<Reply, Failure> {
    Err(Denial::NotServed("Sign-out").into())
}
