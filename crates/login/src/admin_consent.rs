//! `/{tenant}/v2.0/adminconsent` and the same without `v2.0`: an administrator signs in and consents to an
//! application for the whole tenant. It is a sign-in that ends in the answer instead of a code, so everything
//! else is where sign-ins are: `authorize`, `consent`.

use super::authorize::start;
use carnet_http::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_wire::token::request::Version;

pub(super) async fn v2(cx: Context, call: Call) -> Result<Reply, Failure> {
    start(cx, call, (Version::V2, true)).await
}

pub(super) async fn v1(cx: Context, call: Call) -> Result<Reply, Failure> {
    start(cx, call, (Version::V1, true)).await
}
