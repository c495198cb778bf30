//! What answers: one folder for each host, one file for each path. Rules are `carnet_tenant`'s, keeping
//! is `carnet_store`'s; here requests are read, proofs computed, answers made.

mod apply;
mod bap;
mod body;
pub mod caller;
pub mod clock;
pub mod context;
mod graph;
mod health;
pub mod issue;
pub mod keys;
pub mod listen;
mod login;
pub mod notice;
pub mod own_token;
mod power_platform;
mod ready;
pub mod reply;
mod rotate;
pub mod route;
pub mod seed;
mod start;
pub mod work;

pub use notice::Notice;
pub use ready::Ready;
pub use rotate::{RotateError, Rotated, Rotating, rotate_keys};
pub use start::{Config, FirstAdmin, Running, StartError, start};

use bytes::Bytes;
use carnet_tenant::token::Denial;
use carnet_wire::token::request::RequestError;
use context::{Context, State, envelope};
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use listen::accept::{Answer, Peer};
use reply::Failure;
use route::{Call, Found, Route};
use std::{future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc};

/// Every row of every host, in the order in which they are looked up.
#[must_use]
pub fn routes() -> Vec<Route> {
    [login::ROUTES, graph::ROUTES, power_platform::ROUTES, bap::ROUTES, health::ROUTES].concat()
}

/// The server as the listener sees it.
pub struct Server {
    state: Arc<State>,
    routes: Vec<Route>,
}

impl Server {
    /// A server over a state.
    #[must_use]
    pub fn new(state: Arc<State>) -> Self {
        Self { state, routes: routes() }
    }

    /// Answers a request whose body may come from anywhere. A panic in a handler costs that request alone.
    pub async fn handle(&self, request: Request<context::Body>, peer: Peer) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        let found = context::host_of(&head, peer.tls)
            .and_then(|host| self.state.names.surface(host, path).ok_or(Failure::Misdirected));
        let found = match found {
            Ok(found) => found,
            Err(failure) => {
                let shared = context::Origin::Shared(self.state.names.public_url.clone());
                let envelope = envelope(&self.state, &head, peer, (route::Surface::Health, shared));
                return reply::failure(failure, &envelope).into_response(&envelope);
            }
        };
        let surface = found.0;
        let envelope = envelope(&self.state, &head, peer, found);
        let failed = |failure| reply::failure(failure, &envelope).into_response(&envelope);
        // Which of two is meant, somebody in between may see differently.
        if head.headers.get_all(http::header::AUTHORIZATION).iter().nth(1).is_some() {
            return failed(match surface {
                route::Surface::Login => Denial::Malformed(RequestError::HeaderTwice("Authorization")).into(),
                _ => Failure::BadRequest("the header Authorization is sent more than once"),
            });
        }
        let path = if surface == route::Surface::Graph { graph::canonical(path) } else { path.into() };
        match route::find(&self.routes, surface, &head.method, &path) {
            Found::Nothing => failed(Failure::NoRoute),
            Found::WrongMethod => failed(carnet_tenant::refusal::Refusal::MethodNotAllowed.into()),
            Found::Row(row, variables) => {
                let handler = row.handler;
                let context = Context { state: self.state.clone(), envelope: envelope.clone() };
                let (bodies, address) = (self.state.bodies.clone(), envelope.address);
                let call = Call { head, body, variables, bodies, address };
                match caught(handler(context, call)).await {
                    Ok(reply) => reply.into_response(&envelope),
                    Err(failure) => failed(failure),
                }
            }
        }
    }
}

impl Answer for Server {
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Peer,
    ) -> Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>> {
        Box::pin(async move {
            let request = request.map(|body| body.map_err(Into::into).boxed());
            self.handle(request, peer).await
        })
    }
}

/// What a handler says; a panic in it is a failure like another.
async fn caught<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let made = AssertUnwindSafe(answer).catch_unwind().await;
    made.unwrap_or_else(|_| Err(Failure::Broken("an answer panicked".into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure_and_nothing_else_is() {
        let panics = caught(async { if true { panic!("on purpose") } else { Ok(()) } }).await;
        assert!(matches!(panics, Err(Failure::Broken(_))));
        assert!(matches!(caught(async { Err::<(), _>(Failure::Cut) }).await, Err(Failure::Cut)));
        assert!(matches!(caught(async { Ok(7) }).await, Ok(7)));
    }
}
