//! What asks: gets tokens, calls Microsoft Graph, Power Platform and its administration API, and sets
//! an application up by the five steps of Microsoft's article. It knows nothing of the server half: the
//! two meet in `carnet_wire` alone, so each is a witness against the other.

pub mod acquire;
pub mod authority;
pub mod clock;
pub mod failure;
pub mod graph;
pub mod power_platform;
pub mod setup;
pub mod transport;

pub use authority::Place;
pub use failure::{ClientError, Refused};
pub use transport::{Exchange, Transport};
