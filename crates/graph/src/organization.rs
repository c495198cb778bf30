//! `/v1.0/organization`: a collection of one.

use super::{list::Page, shape};
use carnet_http::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};

/// `GET /v1.0/organization`
pub(super) async fn list(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let page = Page::of(&call, &[])?;
    let tenant = &called.directory.tenant;
    page.reply(&cx, "organization", [(tenant.id.to_string(), shape::organization(tenant))])
}
