//! `/v1.0/organization`: a collection of one.

use super::{list::Page, shape};
use carnet_http::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::operation::{READ_ORGANIZATION, authorize};

/// `GET /v1.0/organization`
pub(super) async fn list(mut cx: Context, call: Call) -> Result<Reply, Failure> {
    let called = cx.caller(&call).await?;
    let page = Page::of(&call, &[])?;
    authorize(&called.caller, &called.directory, &READ_ORGANIZATION, &[])?;
    let tenant = &called.directory.tenant;
    page.reply(&cx, "organization", [(tenant.id.to_string(), shape::organization(tenant))])
}
