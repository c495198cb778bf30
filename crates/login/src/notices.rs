//! Pages that belong to no sign-in: `/`, `/error?code=` (the `error_uri` of every error), and the empty page at which
//! native applications have their answer sent.

use super::pages;
use carnet_http::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_wire::{aadsts, token::form::Form};

pub(super) async fn root(cx: Context, _: Call) -> Result<Reply, Failure> {
    let (tenants, authorities) = (cx.state.store.tenants(), &cx.state.authorities);
    Ok(pages::about(&pages::About { origin: &cx.envelope.origin, tenants: &tenants, authorities }))
}

/// `GET /error?code=50126`; `AADSTS50126` is understood too.
pub(super) async fn error(_: Context, call: Call) -> Result<Reply, Failure> {
    let form = Form::parse(call.query().as_bytes()).ok();
    let code = form.as_ref().and_then(|form| form.get("code")).unwrap_or_default().trim();
    let digits = code.strip_prefix("AADSTS").unwrap_or(code);
    let row =
        digits.parse::<u32>().ok().and_then(|number| aadsts::ALL.iter().find(|row| row.number == number));
    Ok(row.map_or_else(|| pages::unknown_code().not_found(), |row| pages::explained(row)))
}

/// `GET /common/oauth2/nativeclient`: the application that shows this page reads the address and closes it.
pub(super) async fn native_client(_: Context, _: Call) -> Result<Reply, Failure> {
    Ok(pages::empty())
}
