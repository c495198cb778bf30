//! What a running server reads again when it is told to (SIGHUP): the operator's certificate and the tenant files.

use crate::{
    seed,
    start::{Config, Running, StartError, check_files},
};
use carnet_http::{
    context::State,
    listen::tls::{Tls, TlsError},
};
use std::sync::Arc;

/// What a reload needs.
pub(crate) struct Reloading {
    pub(crate) state: Arc<State>,
    pub(crate) tls: Tls,
    pub(crate) config: Config,
}

/// What a reload did. Each part is done on its own: a tenant file that is refused keeps no certificate from being used.
#[derive(Debug)]
pub struct Reloaded {
    /// The operator's certificate was read again; `None`: the server makes its own.
    pub certificate: Option<Result<(), TlsError>>,
    /// What the tenant files did.
    pub files: Result<Vec<seed::Applied>, StartError>,
}

impl Running {
    /// Reads certificate and tenant files again. What cannot be used changes nothing.
    pub async fn reload(&mut self) -> Reloaded {
        let Reloading { tls, config, .. } = &self.reloading;
        let certificate = config.tls.as_ref().map(|(certificate, key)| tls.reload(certificate, key));
        let applied = self.apply_files().await;
        let files = applied.and_then(|applied| self.refresh_ready().map(|()| applied));
        Reloaded { certificate, files }
    }

    async fn apply_files(&self) -> Result<Vec<seed::Applied>, StartError> {
        let Reloading { state, config, .. } = &self.reloading;
        let files = seed::read(&config.tenant_files, config.variable)?;
        check_files(&files, config.listen)?;
        let seeding = seed::Seeding {
            store: &state.store,
            hasher: &state.hasher,
            entropy: &*state.entropy,
            now: state.clock.now(),
            show: config.show_generated,
        };
        Ok(seeding.apply(files).await?)
    }
}
