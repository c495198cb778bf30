//! The request pipeline: finds the host and the row of a request, calls its handler, and makes an answer of whatever
//! it says.

use crate::{
    context::{self, Context, Envelope, Origin, State, envelope},
    cross_origin,
    listen::{
        accept::{Answer, Peer},
        drain,
    },
    reply::{self, Failure, Reply},
    route::{self, Call, Found, Host, Scripts, Surface},
};
use bytes::Bytes;
use carnet_tenant::token::Denial;
use carnet_wire::token::request::RequestError;

use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// The server as the listener sees it.
pub struct Server {
    state: Arc<State>,
    hosts: Vec<Host>,
    in_flight: AtomicUsize,
}

/// A request that is counted until this is dropped.
struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Server {
    /// A server over a state, which answers for these hosts.
    #[must_use]
    pub fn new(state: Arc<State>, hosts: Vec<Host>) -> Self {
        Self { state, hosts, in_flight: AtomicUsize::new(0) }
    }

    /// How many requests of connections are being answered.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Answers a request whose body may come from anywhere. A panic in a handler costs that request alone. HEAD is
    /// answered as GET, without the body (RFC 9110, 9.3.2).
    pub async fn handle(&self, mut request: Request<context::Body>, peer: Peer) -> Response<Full<Bytes>> {
        if request.method() != Method::HEAD {
            return self.answer_whole(request, peer).await;
        }
        *request.method_mut() = Method::GET;
        without_body(self.answer_whole(request, peer).await)
    }

    async fn answer_whole(&self, request: Request<context::Body>, peer: Peer) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        let found = context::host_of(&head, peer.tls)
            .and_then(|host| self.state.names.surface(host, path).ok_or(Failure::Misdirected));
        let found = match found {
            Ok(found) => found,
            Err(failure) => {
                let shared = Origin::Shared(self.state.names.public_url.clone());
                let envelope = envelope(&self.state, &head, peer, (Surface::Health, shared));
                return reply::failure(failure, &envelope).into_response(&envelope);
            }
        };
        let surface = found.0;
        let envelope = envelope(&self.state, &head, peer, found);
        let failed = |failure| reply::failure(failure, &envelope).into_response(&envelope);
        // Which of two is meant, somebody in between may see differently.
        if head.headers.get_all(header::AUTHORIZATION).iter().nth(1).is_some() {
            return failed(match surface {
                Surface::Login => Denial::Malformed(RequestError::HeaderTwice("Authorization")).into(),
                _ => Failure::BadRequest("The header Authorization is sent more than once."),
            });
        }
        let Some(host) = self.hosts.iter().find(|host| host.surface == surface) else {
            return failed(Failure::NoRoute);
        };
        let script = cross_origin::origin(&head).filter(|_| host.scripts == Scripts::Registered);
        let Some(origin) = script else {
            return match self.routed(host, (head, body), &envelope).await {
                Ok(reply) => reply.into_response(&envelope),
                Err(failure) => failed(failure),
            };
        };
        let cx = Context { state: self.state.clone(), envelope: envelope.clone() };
        let answer = async {
            if cross_origin::is_preflight(&head) {
                return cross_origin::preflight(&cx, &origin, &head).await;
            }
            let told = self.routed(host, (head, body), &envelope).await;
            let reply = told.unwrap_or_else(|failure| reply::failure(failure, &envelope));
            Ok(cross_origin::readable(&cx, &origin, reply).await)
        };
        // Boxed so that the future stays small where no script asks.
        match Box::pin(answer).await {
            Ok(reply) => reply.into_response(&envelope),
            Err(failure) => failed(failure),
        }
    }

    /// What the row of a request's path answers.
    async fn routed(
        &self,
        host: &Host,
        (head, body): (http::request::Parts, context::Body),
        envelope: &Envelope,
    ) -> Result<Reply, Failure> {
        let path = (host.canonical)(head.uri.path());
        match route::find(&host.routes, &head.method, &path) {
            Found::Nothing => Err(Failure::NoRoute),
            Found::WrongMethod => Err(carnet_tenant::refusal::Refusal::MethodNotAllowed.into()),
            Found::Row(row, variables) => {
                let handler = row.handler;
                let context = Context { state: self.state.clone(), envelope: envelope.clone() };
                let (bodies, address) = (self.state.bodies.clone(), envelope.address);
                let tenant = (host.tenant)(head.uri.path());
                let call = Call { head, body, variables, tenant, bodies, address };
                caught(handler(context, call)).await
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
            self.in_flight.fetch_add(1, Relaxed);
            let _counted = InFlight(&self.in_flight);
            // Such a client waits for a word before it sends a body, and reading would be that word.
            let asks_first = request.headers().contains_key(header::EXPECT);
            let mut rest = None;
            let request = request.map(|body| {
                let (body, left) = drain::lend(body.map_err(Into::into).boxed());
                rest = Some(left);
                body
            });
            let response = self.handle(request, peer).await;
            if let Some(rest) = rest.filter(|_| !asks_first) {
                rest.drain(&self.state.bodies, peer.addr.ip().to_canonical()).await;
            }
            response
        })
    }
}

/// The answer to HEAD: that to GET, whose body is told by its length alone.
fn without_body(response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    let (mut head, body) = response.into_parts();
    let length = body.size_hint().exact().unwrap_or(0);
    if head.status != http::StatusCode::NO_CONTENT {
        head.headers.entry(header::CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    Response::from_parts(head, Full::default())
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
