//! `/healthz` and `/readyz`: whether the process lives, and whether it can answer.

use carnet_http::{
    context::Context,
    reply::{Failure, Reply},
    route::{Call, Endpoint, Host, Route, Surface},
};
use http::Method;

/// The health checks.
#[must_use]
pub(crate) fn host() -> Host {
    Host::plain(Surface::Health, ROUTES)
}

const ROUTES: &[Route] = &[
    Route {
        surface: Surface::Health,
        method: Some(&Method::GET),
        path: "/healthz",
        module: "server/health",
        endpoint: Endpoint::Open(|cx, call| Box::pin(alive(cx, call))),
    },
    Route {
        surface: Surface::Health,
        method: Some(&Method::GET),
        path: "/readyz",
        module: "server/health",
        endpoint: Endpoint::Open(|cx, call| Box::pin(ready(cx, call))),
    },
];

async fn alive(_: Context, _: Call) -> Result<Reply, Failure> {
    Ok(Reply::text("ok\n"))
}

async fn ready(cx: Context, _: Call) -> Result<Reply, Failure> {
    let tenants = cx.state.store.tenants();
    let Some(first) = tenants.first() else { return Ok(Reply::unready("no tenant\n")) };
    if let Err(error) = cx.state.store.applied_file(first.id).await {
        carnet_store::log::away("not ready: the store cannot be read", &error);
        return Ok(Reply::unready("the store cannot be read\n"));
    }
    if let Err(error) = cx.state.store.probe_write(cx.state.entropy.uuid(), cx.now()).await {
        carnet_store::log::away("not ready: the store cannot be written", &error);
        return Ok(Reply::unready("the store cannot be written\n"));
    }
    Ok(Reply::text("ok\n"))
}
