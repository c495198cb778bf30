//! The token service behind the router: each grant with its nearest noes, discovery, and the shapes of whole
//! answers.

mod browser;
mod certificate;
mod device;
mod discovery;
mod federated;
mod forms;
mod interactive;
mod on_behalf;
mod password;
mod refresh;
mod rotation;
mod secret;
mod shapes;
mod spa;
