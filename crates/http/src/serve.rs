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
    route::{Call, Endpoint, Found, GuardedHandler, Host, Scripts, Surface, Table},
};
use bytes::Bytes;
use carnet_tenant::{access::Access, token::Denial};
use carnet_wire::token::request::RequestError;

use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
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
use tracing::Level;

/// The server as the listener sees it.
pub struct Server {
    state: Arc<State>,
    hosts: Vec<Served>,
    in_flight: AtomicUsize,
}

/// A host with the table of its routes.
struct Served {
    host: Host,
    table: Table,
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
        let served = |mut host: Host| {
            let table = Table::new(std::mem::take(&mut host.routes));
            Served { host, table }
        };
        Self { state, hosts: hosts.into_iter().map(served).collect(), in_flight: AtomicUsize::new(0) }
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
        let found = context::host_of(&head, peer.tls)
            .and_then(|host| self.state.names.surface(host, head.uri.path()).ok_or(Failure::Misdirected));
        let (surface, origin, misdirected) = match found {
            Ok((surface, origin)) => (surface, origin, None),
            Err(failure) => {
                let shared = Origin::Shared(self.state.names.public_url.clone());
                (Surface::Health, shared, Some(failure))
            }
        };
        let envelope = envelope(&self.state, &head, peer, (surface, origin));
        let method = head.method.clone();
        let answered = match misdirected {
            Some(failure) => Err(failure),
            None => self.answered((head, body), &envelope).await,
        };
        let reply = answered.unwrap_or_else(|failure| reply::failure(failure, &envelope));
        let response = reply.into_response(&envelope);
        self.observe(&envelope, &method, response.status());
        response
    }

    /// The answer of the host that was asked.
    async fn answered(
        &self,
        (head, body): (http::request::Parts, context::Body),
        envelope: &Envelope,
    ) -> Result<Reply, Failure> {
        let surface = envelope.surface;
        // Which of two is meant, somebody in between may see differently.
        if head.headers.get_all(header::AUTHORIZATION).iter().nth(1).is_some() {
            return Err(match surface {
                Surface::Login => Denial::Malformed(RequestError::HeaderTwice("Authorization")).into(),
                _ => Failure::BadRequest("The header Authorization is sent more than once."),
            });
        }
        let served = self.hosts.iter().find(|served| served.host.surface == surface);
        let served = served.ok_or(Failure::NoRoute)?;
        let script = cross_origin::origin(&head).filter(|_| served.host.scripts == Scripts::Registered);
        let Some(origin) = script else {
            return self.routed(served, (head, body), envelope).await;
        };
        let cx = Context { state: self.state.clone(), envelope: envelope.clone() };
        // Boxed so that the future stays small where no script asks.
        Box::pin(async {
            if cross_origin::is_preflight(&head) {
                return cross_origin::preflight(&cx, &origin, &head).await;
            }
            let told = self.routed(served, (head, body), envelope).await;
            let reply = told.unwrap_or_else(|failure| reply::failure(failure, envelope));
            Ok(cross_origin::readable(&cx, &origin, reply).await)
        })
        .await
    }

    /// Writes the log line of a request. Health checks, which come every few seconds, are left to the level `debug`.
    fn observe(&self, envelope: &Envelope, method: &Method, status: StatusCode) {
        macro_rules! log {
            ($level:expr) => {
                tracing::event!(
                    $level,
                    host = envelope.surface.name(),
                    method = method.as_str(),
                    route = envelope.known.route.get().copied(),
                    status = status.as_u16(),
                    duration_ms = self.state.clock.now().millis() - envelope.now.millis(),
                    tenant.id = envelope.known.tenant.get().map(tracing::field::display),
                    app.id = envelope.known.app.get().map(tracing::field::display),
                    correlation.id = %envelope.correlation,
                    "request answered"
                )
            };
        }
        if envelope.surface == Surface::Health { log!(Level::DEBUG) } else { log!(Level::INFO) }
    }

    /// What the row of a request's path answers.
    async fn routed(
        &self,
        served: &Served,
        (head, body): (http::request::Parts, context::Body),
        envelope: &Envelope,
    ) -> Result<Reply, Failure> {
        let path = (served.host.canonical)(head.uri.path());
        match served.table.find(&head.method, &path) {
            Found::Nothing => Err(Failure::NoRoute),
            Found::WrongMethod => Err(carnet_tenant::refusal::Refusal::MethodNotAllowed.into()),
            Found::Row(row, variables) => {
                envelope.known.route.get_or_init(|| row.path);
                let context = Context { state: self.state.clone(), envelope: envelope.clone() };
                let (bodies, address) = (self.state.bodies.clone(), envelope.address);
                let tenant = (served.host.tenant)(head.uri.path());
                let call = Call { head, body, variables, tenant, bodies, address };
                match row.endpoint {
                    Endpoint::Open(handler) => caught(handler(context, call)).await,
                    // Boxed so that the future stays small on the path of tokens.
                    Endpoint::Guarded(access, handler) => {
                        caught(Box::pin(guarded(context, call, access, handler))).await
                    }
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
    if head.status != StatusCode::NO_CONTENT {
        head.headers.entry(header::CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    Response::from_parts(head, Full::default())
}

/// Calls a handler for a caller to whom the route is open.
async fn guarded(
    mut cx: Context,
    call: Call,
    access: &'static Access,
    handler: GuardedHandler,
) -> Result<Reply, Failure> {
    let mut called = cx.caller(&call).await?;
    cx.confirmed(&mut called, |caller, directory| access.check(caller, directory)).await?;
    handler(cx, called, call).await
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
