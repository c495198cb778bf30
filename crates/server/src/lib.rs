//! What answers: one folder for each host, one file for each path. Rules are `carnet_tenant`'s, keeping
//! is `carnet_store`'s; here requests are read, proofs computed, answers made.

mod apply;
mod bap;
mod body;
pub mod caller;
mod certificate;
pub mod clock;
pub mod context;
mod copies;
pub mod cross_origin;
mod graph;
mod health;
pub mod keys;
pub mod listen;
mod login;
pub mod notice;
pub mod own_token;
pub mod password;
mod power_platform;
mod ready;
mod reload;
pub mod reply;
mod rotate;
pub mod route;
pub mod seed;
pub mod serve;
mod start;
pub mod web;
pub mod work;

pub use notice::Notice;
pub use ready::Ready;
pub use reload::Reloaded;
pub use rotate::{RotateError, Rotated, Rotating, rotate_keys};
pub use start::{
    AdminPassword, Config, FirstAdmin, FirstAdministrator, PublicUrl, Running, StartError, start,
};

use context::State;
use route::{Host, Route};
use serve::Server;
use std::sync::Arc;

/// All hosts.
#[must_use]
pub fn hosts() -> Vec<Host> {
    let mut graph = graph::host();
    graph.routes.extend_from_slice(login::GRAPH_ROUTES);
    vec![login::host(), graph, power_platform::host(), bap::host(), health::host()]
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
