//! The listeners of a server.

use super::{Config, StartError};
use carnet_http::{
    listen::{
        accept::{self, Bound},
        limits::Limits,
        tls::Tls,
    },
    serve::Server,
};
use std::sync::Arc;
use tokio::{sync::watch, task::JoinHandle};

/// Bound listeners that do not accept yet.
pub(super) struct Listeners {
    pub(super) tls: Bound,
    /// Without TLS, on a loopback address.
    pub(super) plain: Option<Bound>,
}

impl Listeners {
    /// Binds the addresses.
    pub(super) async fn bind(config: &Config, tls: &Tls) -> Result<Self, StartError> {
        let tls = accept::bind(config.listen, Some(tls.clone())).await?;
        let plain = match config.plain {
            Some(address) => Some(accept::bind(address, None).await?),
            None => None,
        };
        Ok(Self { tls, plain })
    }

    /// Accepts until `stopped` says so.
    pub(super) fn serve(self, server: &Arc<Server>, stopped: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
        let serve = |bound| accept::serve(bound, server.clone(), Limits::default(), stopped.clone());
        [self.tls].into_iter().chain(self.plain).map(|bound| tokio::spawn(serve(bound))).collect()
    }
}
