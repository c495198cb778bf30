//! Endpoints that the metadata announces and that no request is served at yet: each answers with a
//! refusal of Entra's shape.

use crate::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::token::Denial;

/// `POST /{tenant}/oauth2/v2.0/devicecode`
pub(super) async fn device_code(_: Context, _: Call) -> Result<Reply, Failure> {
    Err(Denial::NotServed("Device code sign-in").into())
}

/// `GET /{tenant}/oauth2/v2.0/logout`
pub(super) async fn logout(_: Context, _: Call) -> Result<Reply, Failure> {
    Err(Denial::NotServed("Sign-out").into())
}
