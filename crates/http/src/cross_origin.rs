//! Scripts that call from a browser: those of registered single-page origins may, and no others
//! (`security.md`, S23). No answer allows credentials: a script sends a bearer token or nothing.

use crate::{
    context::Context,
    reply::{Failure, Reply},
};
use http::{Method, header, request::Parts};

/// Headers of Graph's answers that a script may read besides those that every script may.
const EXPOSED: &str = "request-id, client-request-id, location, retry-after, www-authenticate";

/// The origin of a script that sent this request; `None`: no script did, as far as the browser says.
pub fn origin(head: &Parts) -> Option<String> {
    head.headers.get(header::ORIGIN)?.to_str().ok().map(str::to_owned)
}

/// What a browser asks before it sends a script's request (Fetch, 4.8).
pub fn is_preflight(head: &Parts) -> bool {
    head.method == Method::OPTIONS && head.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Answers a preflight. It has no token and so names no tenant: an origin of any tenant may ask.
///
/// # Errors
/// [`Failure`] when the store fails.
pub async fn preflight(cx: &Context, origin: &str, head: &Parts) -> Result<Reply, Failure> {
    let reply = Reply::no_content();
    Ok(match any_tenant_has(cx, origin).await? {
        true => readable_by(reply, origin).accepting("GET, POST, PATCH, PUT, DELETE, OPTIONS", &wanted(head)),
        false => reply,
    })
}

/// Lets a script read an answer if its origin is one of the tenant's whose token was sent. Where no token counted, an
/// origin of any tenant may read the refusal.
pub async fn readable(cx: &Context, origin: &str, reply: Reply) -> Reply {
    let known = match cx.envelope.known.tenant.get() {
        Some(tenant) => {
            let directory = cx.state.store.directory(*tenant).await;
            directory.map(|it| it.is_some_and(|it| it.has_spa_origin(origin))).map_err(Failure::from)
        }
        None => any_tenant_has(cx, origin).await,
    };
    // While the store is away no origin is known, and the answer goes out unread.
    if known.unwrap_or(false) { readable_by(reply, origin) } else { reply }
}

fn readable_by(reply: Reply, origin: &str) -> Reply {
    reply.readable_by(origin).header(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED)
}

/// A single-page application of some tenant lives at this origin.
///
/// # Errors
/// [`Failure`] when the store fails.
pub async fn any_tenant_has(cx: &Context, origin: &str) -> Result<bool, Failure> {
    let store = &cx.state.store;
    for tenant in store.tenants() {
        if store.directory(tenant.id).await?.is_some_and(|it| it.has_spa_origin(origin)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The headers that the script wants to send, as far as they are names: clients send many of their own.
pub fn wanted(head: &Parts) -> String {
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ',' | ' ');
    let asked = head.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).and_then(|it| it.to_str().ok());
    let asked = asked.filter(|it| it.len() <= 1024);
    asked.filter(|it| it.chars().all(name)).unwrap_or("content-type").to_owned()
}
