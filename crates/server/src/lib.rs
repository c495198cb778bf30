//! The server as a whole: the routes of all hosts, start-up, seeding, certificates, background jobs and health checks.

pub mod certificate;
mod health;
mod notice;
mod ready;
mod reload;
mod rotate;
pub mod seed;
mod start;

pub use notice::Notice;
pub use ready::Ready;
pub use reload::Reloaded;
pub use rotate::{RotateError, Rotated, Rotating, rotate_keys};
pub use start::{
    AdminPassword, Config, FirstAdmin, FirstAdministrator, PublicUrl, Running, StartError, start,
};

use carnet_http::{
    context::State,
    route::{Host, Route},
    serve::Server,
};
use std::sync::Arc;

/// All hosts.
#[must_use]
pub fn hosts() -> Vec<Host> {
    let mut graph = carnet_graph::host();
    graph.routes.extend_from_slice(carnet_login::GRAPH_ROUTES);
    vec![
        carnet_login::host(),
        graph,
        carnet_platform::power_platform::host(),
        carnet_platform::bap::host(),
        health::host(),
    ]
}

/// Every row of every host, in the order in which they are looked up.
#[must_use]
pub fn routes() -> Vec<Route> {
    hosts().into_iter().flat_map(|host| host.routes).collect()
}

/// The server as the listener sees it.
#[must_use]
pub fn server(state: Arc<State>) -> Server {
    Server::new(state, hosts())
}
