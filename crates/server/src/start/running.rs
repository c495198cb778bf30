//! A server that runs: what it tells, and how it stops.

use super::{FirstAdministrator, StartError, listeners::Listeners};
use crate::{
    notice::Notice,
    ready::{Endpoints, Ready, ReadyFiles, ReadyTenant},
    reload::Reloading,
    seed,
};
use carnet_http::{clock::Clock, context::State, listen::limits::Limits, serve::Server};
use carnet_store::Store;
use carnet_tenant::tenant::Tenant;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle};

/// A server that runs.
pub struct Running {
    /// What its ready file says.
    pub ready: Ready,
    /// Files that were applied, with what each did.
    pub applied: Vec<seed::Applied>,
    /// The administrator of the first tenant, if this start made it without a file.
    pub first_admin: Option<FirstAdministrator>,
    /// The store's first CA was made just now.
    pub new_ca: bool,
    /// What the operator has to know of the store.
    pub notices: Vec<Notice>,
    pub(crate) reloading: Reloading,
    pub(super) server: Arc<Server>,
    pub(super) files: ReadyFiles,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// How many requests are being answered.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.server.in_flight()
    }

    /// How long a stop waits for requests at most.
    #[must_use]
    pub fn drain_time(&self) -> Duration {
        Limits::default().drain
    }

    /// Stops: ready files first, then listeners, then what is under way, then the store.
    pub async fn stop(self) {
        self.files.remove_own();
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = task.await;
        }
        if let Err(error) = self.store.attest_records(self.clock.now()).await {
            tracing::warn!(cause = %error, "the head of the sign-in records was not written");
        }
        self.store.close().await;
    }

    /// Writes the ready files again if there are other tenants than before.
    pub(crate) fn refresh_ready(&mut self) -> Result<(), StartError> {
        let tenants = ready_tenants(&self.reloading.state);
        if tenants != self.ready.tenants {
            self.ready.tenants = tenants;
            write_ready(&self.files, &self.ready)?;
        }
        Ok(())
    }
}

/// Writes the ready files.
pub(super) fn write_ready(files: &ReadyFiles, ready: &Ready) -> Result<(), StartError> {
    files.write(ready).map_err(|(path, error)| StartError::ReadyFile {
        path: path.display().to_string(),
        cause: error.to_string(),
    })
}

/// The tenants as the ready file lists them.
fn ready_tenants(state: &State) -> Vec<ReadyTenant> {
    let tenants = state.store.tenants();
    let of = |tenant: &Arc<Tenant>| ReadyTenant {
        id: tenant.id,
        domain: tenant.domains.first().cloned().unwrap_or_default(),
    };
    tenants.iter().map(of).collect()
}

/// What the ready file of a server says.
pub(super) fn ready(state: &State, ca_file: PathBuf, listeners: &Listeners) -> Ready {
    let url = state.names.public_url.to_string();
    Ready {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION"),
        public_url: url.clone(),
        listen: listeners.tls.addr.to_string(),
        plain_http: listeners.plain.as_ref().map(|plain| format!("http://{}", plain.addr)),
        ca_file,
        tenants: ready_tenants(state),
        endpoints: Endpoints {
            login: url.clone(),
            graph: url.clone(),
            power_platform: url.clone(),
            bap: url.clone(),
            portal: url,
        },
        metrics: None,
    }
}
