//! Starting and stopping: folder, seal key, database, tenants, certificate, listeners, public URL, ready file, in this
//! order; what fails leaves nothing half-made. Reading certificate and tenant files again while running is `reload`.

mod config;
mod error;
mod folder;
mod housekeeping;
mod listeners;
mod policy;
mod public_url;
mod running;
mod seeding;

pub use config::{AdminPassword, Config, FirstAdmin, FirstAdministrator, PublicUrl};
pub use error::StartError;
pub(crate) use folder::read_seal_key;
pub(crate) use policy::check_files;
pub use running::Running;

use crate::{certificate::Certificate, notice::Notice, ready::ReadyFiles, reload::Reloading, seed};
use carnet_http::{
    clock::{Clock, OsEntropy, SystemClock},
    context::{Names, State},
    keys::{Keys, KeysError},
    work::{bodies::Bodies, hash::Hasher, issuers::Issuers, pace::Pace, search::Searcher},
};
use carnet_store::{Opening, Options, Store, StoreError};
use carnet_wire::{catalogue::Catalogue, entropy::Entropy};
use listeners::Listeners;
use public_url::Chosen;
use seeding::Seeded;
use std::{io, sync::Arc};
use tokio::sync::watch;

/// Starts a server.
///
/// # Errors
/// [`StartError`]
pub async fn start(config: Config) -> Result<Running, StartError> {
    let machine = Machine { clock: Arc::new(SystemClock::default()), entropy: Arc::new(OsEntropy) };
    let ready_files = ReadyFiles::new(&config.data, config.ready_file.as_deref());
    ready_files.remove_stale();
    let Prepared { store, chosen, hosts, workers, seeded } = prepare(&config, &machine, &ready_files).await?;
    let certificate = Certificate::of(&config, &store, &hosts, &machine.clock).await?;
    let listeners = Listeners::bind(&config, &certificate.tls).await?;
    // The port may be 0, so the name that clients use is known only now.
    let public_url = chosen.keep(&store, listeners.tls.addr.port()).await?;
    let names = Names::new(&public_url.url, &config.hosts);
    let known = Known { names, authorities: certificate.fingerprints() };
    let state = state(machine, store.clone(), workers, known).await?;
    let server = Arc::new(crate::server(state.clone()));
    let (stop, stopped) = watch::channel(false);
    let ready = running::ready(&state, certificate.ca_file.clone(), &listeners);
    let mut tasks = listeners.serve(&server, &stopped);
    tasks.push(tokio::spawn(housekeeping::run(state.clone(), certificate.renewal(), stopped)));
    running::write_ready(&ready_files, &ready)?;
    Ok(Running {
        ready,
        applied: seeded.applied,
        first_admin: seeded.first_admin,
        new_ca: certificate.new_ca,
        notices: told([seeded.notices, certificate.notices, public_url.notices]),
        server,
        files: ready_files,
        store,
        clock: state.clock.clone(),
        stop,
        tasks,
        reloading: Reloading { state, tls: certificate.tls, config },
    })
}

/// Time and randomness.
struct Machine {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// What there is before the server has a certificate and an address.
struct Prepared {
    store: Store,
    /// What the server is going to call itself.
    chosen: Chosen,
    /// Its host names; no port has a part in them.
    hosts: Vec<String>,
    workers: Workers,
    seeded: Seeded,
}

/// Opens the store and does there what a start does. What reads no store is read before anything is made.
async fn prepare(
    config: &Config,
    machine: &Machine,
    ready_files: &ReadyFiles,
) -> Result<Prepared, StartError> {
    let asked = public_url::asked(config)?;
    let files = seed::read(&config.tenant_files, config.variable)?;
    check_files(&files, config.listen)?;
    folder::prepare(&config.data)?;
    let options = Options {
        data: config.data.clone(),
        database: config.database.clone(),
        seal: folder::seal_key(config, &*machine.entropy)?,
        catalogue: Arc::new(Catalogue::builtin()),
        entropy: machine.entropy.clone(),
    };
    let opening = Opening::begin(options).await?;
    if config.database.is_none() {
        // The folder is this process's alone now, so the process that wrote them has ended.
        ready_files.remove();
    }
    let chosen = Chosen::of(&opening, asked).await?;
    let hosts = Names::new(chosen.known().unwrap_or("https://localhost"), &config.hosts).shared;
    let store = opening.for_hosts(&hosts).load().await?;
    policy::check_tenants(&store, config.listen)?;
    let workers = Workers::start().map_err(StartError::Thread)?;
    let seeding = seed::Seeding {
        store: &store,
        hasher: &workers.hasher,
        entropy: &*machine.entropy,
        now: machine.clock.now(),
        show: config.show_generated,
    };
    let seeded = seeding::seeded(&seeding, files, &config.first_admin).await?;
    Ok(Prepared { store, chosen, hosts, workers, seeded })
}

/// Threads for costly work.
struct Workers {
    hasher: Hasher,
    searcher: Searcher,
}

impl Workers {
    fn start() -> io::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        // Searching has half of the cores, so that costly lists leave the others to everybody else.
        Ok(Self { hasher: Hasher::start(threads)?, searcher: Searcher::start(threads / 2)? })
    }
}

/// How clients know the server.
struct Known {
    names: Names,
    /// Fingerprints of its certificate authorities.
    authorities: Vec<String>,
}

/// The running server's state, with the signing keys of all tenants.
async fn state(
    machine: Machine,
    store: Store,
    workers: Workers,
    known: Known,
) -> Result<Arc<State>, StartError> {
    let state = Arc::new(State {
        catalogue: store.catalogue().clone(),
        store,
        keys: Keys::default(),
        hasher: workers.hasher,
        issuers: Issuers::default(),
        searcher: workers.searcher,
        bodies: Bodies::default(),
        pace: Pace::default(),
        clock: machine.clock,
        entropy: machine.entropy,
        names: known.names,
        authorities: known.authorities,
    });
    let now = state.clock.now();
    for tenant in state.store.tenants() {
        let keys = state.keys.of(&state.store, tenant.id, now).await;
        keys.map_err(|error| match error {
            KeysError::Store(error) => error,
            KeysError::Broken(cause) => StoreError::Away(cause),
        })?;
    }
    Ok(state)
}

/// All notices of a start, which are logged as well.
fn told(notices: [Vec<Notice>; 3]) -> Vec<Notice> {
    let notices = notices.concat();
    for notice in &notices {
        tracing::warn!("{notice}");
    }
    notices
}
