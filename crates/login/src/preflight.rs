//! What browsers ask before a script sends something across origins. It names no client, so any single-page
//! origin of the tenant may ask for a token; whose the request itself is, the token endpoint judges
//! (`security.md`, S23). Discovery and keys are for everyone.

use carnet_http::{
    context::Context,
    cross_origin::{any_tenant_has, wanted},
    reply::{Failure, Reply},
    route::Call,
};
use carnet_wire::authority::TenantName;

/// `OPTIONS /{tenant}/oauth2/v2.0/token`
pub(super) async fn token(cx: &Context, call: &Call) -> Result<Reply, Failure> {
    let reply = Reply::no_content();
    let (Some(origin), Ok(tenant)) = (call.header("origin"), TenantName::parse(call.variable(0))) else {
        return Ok(reply);
    };
    let store = &cx.state.store;
    let known = match tenant.is_alias() {
        false => store.directory_named(&tenant).await?.is_some_and(|it| it.has_spa_origin(origin)),
        true => any_tenant_has(cx, origin).await?,
    };
    Ok(match known {
        true => reply.readable_by(origin).accepting("POST, OPTIONS", &wanted(&call.head)),
        false => reply,
    })
}

/// `OPTIONS` of userinfo, which names no tenant that could be trusted: any registered single-page origin may ask.
pub(super) async fn user_info(cx: Context, call: Call) -> Result<Reply, Failure> {
    let reply = Reply::no_content();
    let Some(origin) = call.header("origin") else { return Ok(reply) };
    Ok(match any_tenant_has(&cx, origin).await? {
        true => reply.readable_by(origin).accepting("GET, POST, OPTIONS", &wanted(&call.head)),
        false => reply,
    })
}

/// `OPTIONS` of what everyone may read.
pub(super) async fn public(_: Context, call: Call) -> Result<Reply, Failure> {
    Ok(Reply::no_content().public().accepting("GET, OPTIONS", &wanted(&call.head)))
}
