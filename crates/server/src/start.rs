//! Starting and stopping: folder, seal key, store, certificate, tenants, listeners, ready file, in this
//! order; what fails leaves nothing half-made. Reading certificate and tenant files again while running is `reload`.

use crate::{
    Server,
    certificate::Certificate,
    clock::{Clock, OsEntropy, SystemClock},
    context::{Names, State, host_name, microsoft_surface, without_default_port},
    copies,
    keys::Keys,
    listen::{
        accept::{self, ListenError},
        ca::{self, Authority},
        limits::Limits,
        tls::{Tls, TlsError},
    },
    notice::{self, Notice},
    ready::{Endpoints, Ready, ReadyFiles, ReadyTenant},
    reload::Reloading,
    seed::{self, SeedError},
    work::{bodies::Bodies, hash::Hasher, issuers::Issuers, pace::Pace, search::Searcher},
};
use carnet_store::{Options, Store, StoreError};
use carnet_tenant::tenant::Tenant;
use carnet_wire::{
    catalogue::Catalogue,
    cloud::is_microsoft_host,
    entropy::Entropy,
    secret::{DatabaseUrl, Password, SecretBytes},
};
use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle};

/// How to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// A PostgreSQL database instead of a file in the data folder.
    pub database: Option<DatabaseUrl>,
    /// The seal key's file; `None`: `seal.key` in the data folder.
    pub seal_key: Option<PathBuf>,
    /// The TLS listener.
    pub listen: SocketAddr,
    /// A plain listener on loopback.
    pub plain: Option<SocketAddr>,
    /// What the server calls itself; `None`: `https://localhost:PORT`.
    pub public_url: Option<String>,
    /// Further host names.
    pub hosts: Vec<String>,
    /// The operator's own certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Tenant files to apply.
    pub tenant_files: Vec<PathBuf>,
    /// Where to write the ready file.
    pub ready_file: Option<PathBuf>,
    /// What the first administrator's password is, when a tenant is made without a file.
    pub first_admin: FirstAdmin,
    /// Somebody will see secrets that are generated for a tenant file.
    pub show_generated: bool,
    /// Gives environment variables that tenant files name.
    pub variable: fn(&str) -> Option<String>,
}

/// The first administrator's password.
#[derive(Debug, Clone)]
pub enum FirstAdmin {
    /// This one.
    Password(Password),
    /// A random one, which the caller shows once.
    Generate,
    /// A random one, which is written to this file: an object of user name to password, for its owner alone.
    Write(PathBuf),
    /// None may be made: tenants come from files.
    Refuse,
}

/// The administrator of the first tenant, which this start made without a file.
#[derive(Debug, Clone)]
pub struct FirstAdministrator {
    /// The user name.
    pub name: String,
    /// Where the password is.
    pub password: AdminPassword,
}

/// Where the first administrator's password is.
#[derive(Debug, Clone)]
pub enum AdminPassword {
    /// The operator chose it.
    Given,
    /// It was generated and is to be shown once.
    Generated(Password),
    /// It was generated and is in this file.
    Written(PathBuf),
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder.
    #[error(
        "the data folder {path} cannot be used: {cause}; choose another with --data, or mend its permissions"
    )]
    Data {
        /// The folder.
        path: String,
        /// Why.
        cause: String,
    },
    /// The seal key.
    #[error("the seal key {path} cannot be used: {cause}")]
    SealKey {
        /// The file.
        path: String,
        /// Why.
        cause: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A listener.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A tenant file, or the first tenant.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The public URL.
    #[error("--public-url `{0}` is not an https address without a path, such as https://carnet.example:8443")]
    PublicUrl(String),
    /// A name of Microsoft's without a surface here.
    #[error(
        "the name `{0}` is Microsoft's, and this server does not play that host: leave it out of --host and --public-url"
    )]
    Host(String),
    /// A policy that only this machine may have.
    #[error(
        "the tenant `{tenant}` has {policy} in its policy, which is for loopback addresses only, and --listen is none"
    )]
    LoopbackOnly {
        /// Its domain.
        tenant: String,
        /// The policy.
        policy: &'static str,
    },
    /// The ready file.
    #[error("the ready file {path} cannot be written: {cause}")]
    ReadyFile {
        /// The file.
        path: String,
        /// Why.
        cause: String,
    },
    /// The machine.
    #[error("a thread cannot be started: {0}")]
    Thread(io::Error),
}

/// A server that runs.
pub struct Running {
    /// What its ready file says.
    pub ready: Ready,
    /// Files that were applied, with what each did.
    pub applied: Vec<seed::Applied>,
    /// The administrator of the first tenant, if this start made it without a file.
    pub first_admin: Option<FirstAdministrator>,
    /// The CA was made just now.
    pub new_ca: bool,
    /// What the operator has to know of the store.
    pub notices: Vec<Notice>,
    pub(crate) reloading: Reloading,
    server: Arc<Server>,
    files: ReadyFiles,
    store: Store,
    clock: Arc<dyn Clock>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
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
}

/// Starts a server.
///
/// # Errors
/// [`StartError`]
pub async fn start(config: Config) -> Result<Running, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let now = clock.now();
    let ready_files = ReadyFiles::new(&config.data, config.ready_file.as_deref());
    ready_files.remove_stale();
    let given_url = given_public_url(&config)?;
    check_names(&config, given_url.as_deref())?;
    // Everything that reads no store is read before anything is made.
    let files = seed::read(&config.tenant_files, config.variable)?;
    check_files(&files, config.listen)?;
    folder(&config.data)?;
    let seal = seal_key(&config, &*entropy)?;
    // The port says nothing of the names, so they are known before anything listens.
    let own = Names::new(given_url.as_deref().unwrap_or("https://localhost"), &config.hosts).shared;
    let catalogue = Arc::new(Catalogue::builtin().for_hosts(&own));
    let options = Options {
        data: config.data.clone(),
        database: config.database.clone(),
        seal,
        catalogue: catalogue.clone(),
        entropy: entropy.clone(),
    };
    let store = Store::open(options).await?;
    if config.database.is_none() {
        // The folder is this process's alone now, so the process that wrote them has ended.
        ready_files.remove();
    }
    check_tenants(&store, config.listen)?;
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let hasher = Hasher::start(threads).map_err(StartError::Thread)?;
    // Half of the cores, so that costly lists leave the others to everybody else.
    let searcher = Searcher::start(threads / 2).map_err(StartError::Thread)?;
    let seeding = seed::Seeding {
        store: &store,
        hasher: &hasher,
        entropy: &*entropy,
        now,
        show: config.show_generated,
    };
    let Seeded { applied, first_admin, notices } = seeded(&seeding, files, &config.first_admin).await?;

    let Certificate { tls, ca_file, authority } = Certificate::of(&config, &clock)?;
    let bound = accept::bind(config.listen, Some(tls.clone())).await?;
    let listen = bound.addr;
    // The port may be 0, so the name that clients use is known only now.
    let public_url = given_url.unwrap_or_else(|| format!("https://localhost:{}", listen.port()));
    let names = Names::new(&public_url, &config.hosts);
    let state = Arc::new(State {
        store: store.clone(),
        keys: Keys::default(),
        hasher,
        issuers: Issuers::default(),
        searcher,
        bodies: Bodies::default(),
        pace: Pace::default(),
        clock,
        entropy,
        catalogue,
        names,
    });
    for tenant in store.tenants() {
        state.keys.of(&store, tenant.id, now).await.map_err(|_| StoreError::Away("signing keys".into()))?;
    }
    let server = Arc::new(Server::new(state.clone()));
    let (stop, stopped) = watch::channel(false);
    let plain = match config.plain {
        Some(addr) => Some(accept::bind(addr, None).await?),
        None => None,
    };
    let plain_http = plain.as_ref().map(|plain| format!("http://{}", plain.addr));
    let mut tasks =
        vec![tokio::spawn(accept::serve(bound, server.clone(), Limits::default(), stopped.clone()))];
    if let Some(plain) = plain {
        tasks.push(tokio::spawn(accept::serve(plain, server.clone(), Limits::default(), stopped.clone())));
    }
    let new_ca = authority.as_ref().is_some_and(|authority| authority.made);
    let leaves = authority.map(|authority| (authority, tls.clone()));
    tasks.push(tokio::spawn(housekeeping(state.clone(), leaves, stopped)));
    let ready = ready(&state, &ca_file, (listen, plain_http));
    write_ready(&ready_files, &ready)?;
    let clock = state.clock.clone();
    let reloading = Reloading { state, tls, config };
    let files = ready_files;
    Ok(Running {
        ready,
        applied,
        first_admin,
        new_ca,
        notices,
        reloading,
        server,
        files,
        store,
        clock,
        stop,
        tasks,
    })
}

/// What the start did in the store.
struct Seeded {
    applied: Vec<seed::Applied>,
    first_admin: Option<FirstAdministrator>,
    notices: Vec<Notice>,
}

/// Restores what is built in, applies the tenant files, makes the first tenant where there is none, and tells what
/// the operator has to know of the store.
async fn seeded(
    seeding: &seed::Seeding<'_>,
    files: Vec<seed::Loaded>,
    first_admin: &FirstAdmin,
) -> Result<Seeded, StartError> {
    let restored = seeding.restore_built_in().await?;
    let declared: Vec<Vec<String>> = files.iter().map(seed::Loaded::identifier_uris).collect();
    let applied = seeding.apply(files).await?;
    copies::publish_all(seeding.store, seeding.now).await;
    let made = seeding.first_tenant(first_admin).await?;
    let mut notices = notices(seeding.store, restored, &applied, declared).await?;
    if matches!(first_admin, FirstAdmin::Password(_)) && made.is_none() {
        notices.push(Notice::PasswordUnused);
    }
    Ok(Seeded { applied, first_admin: made, notices })
}

fn write_ready(files: &ReadyFiles, ready: &Ready) -> Result<(), StartError> {
    files.write(ready).map_err(|(path, error)| StartError::ReadyFile {
        path: path.display().to_string(),
        cause: error.to_string(),
    })
}

/// What the operator has to know of the store, which is logged as well. `declared` are the identifier URIs of each
/// file that was applied.
async fn notices(
    store: &Store,
    restored: Vec<seed::RestoredIn>,
    applied: &[seed::Applied],
    declared: Vec<Vec<String>>,
) -> Result<Vec<Notice>, StoreError> {
    let of_file = |(file, uris): (&seed::Applied, Vec<String>)| {
        let tenant = file.tenant;
        uris.into_iter().map(move |uri| (tenant, uri))
    };
    let declared = applied.iter().zip(declared).flat_map(of_file).collect();
    let mut notices: Vec<Notice> = restored.into_iter().map(Notice::BuiltIn).collect();
    notices.extend(notice::foreign_identifier_uris(store, &declared).await?);
    for notice in &notices {
        tracing::warn!("{notice}");
    }
    Ok(notices)
}

/// The janitor and the signing keys' calendar every minute; a new leaf every month.
async fn housekeeping(
    state: Arc<State>,
    tls: Option<(Arc<Authority>, Tls)>,
    mut stop: watch::Receiver<bool>,
) {
    const LEAF: i64 = 30 * 24 * 3600;
    let mut renewed = state.clock.now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(60)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let now = state.clock.now();
        if let Err(error) = state.store.attest_records(now).await {
            tracing::warn!(cause = %error, "the head of the sign-in records was not written; it is tried again in a minute");
        }
        if let Err(error) = state.store.tidy(now).await {
            tracing::warn!(cause = %error, "tidying failed; it is tried again in a minute");
        }
        copies::publish_all(&state.store, now).await;
        for tenant in state.store.tenants() {
            if let Err(error) = state.keys.tend(&state.store, tenant.id, now).await {
                tracing::warn!(tenant.id = %tenant.id, cause = ?error, "the signing keys were not looked after; it is tried again in a minute");
            }
        }
        if let Some((authority, tls)) = &tls
            && renewed.plus_seconds(LEAF) < now
        {
            let done = authority.leaf(now).and_then(|leaf| tls.renew(leaf.chain, leaf.key));
            match done {
                Ok(()) => renewed = now,
                Err(error) => tracing::error!(cause = %error, "the certificate could not be renewed"),
            }
        }
    }
}

/// Refuses files with policies that are unsafe on a network.
pub(crate) fn check_files(files: &[seed::Loaded], listen: SocketAddr) -> Result<(), StartError> {
    for file in files.iter().filter(|_| !listen.ip().is_loopback()) {
        let policy = &file.file.tenant.policy;
        let lax = (policy.reveal_user == Some(true), !policy.danger_allow_issuers.is_empty());
        loopback_only(&file.file.tenant.domain, lax)?;
    }
    Ok(())
}

/// Refuses tenants of the store with policies that are unsafe on a network.
fn check_tenants(store: &Store, listen: SocketAddr) -> Result<(), StartError> {
    for tenant in store.tenants().iter().filter(|_| !listen.ip().is_loopback()) {
        let lax = (tenant.policy.reveal_user, !tenant.policy.danger_allow_issuers.is_empty());
        loopback_only(tenant.domains.first().map_or("", String::as_str), lax)?;
    }
    Ok(())
}

/// Refuses what is unsafe on a network (`security.md`, P1).
fn loopback_only(tenant: &str, (reveals, issuers): (bool, bool)) -> Result<(), StartError> {
    let refuse = |policy| Err(StartError::LoopbackOnly { tenant: tenant.to_owned(), policy });
    match (reveals, issuers) {
        (true, _) => refuse("reveal_user"),
        (_, true) => refuse("danger_allow_issuers"),
        _ => Ok(()),
    }
}

fn folder(path: &Path) -> Result<(), StartError> {
    let wrong =
        |error: io::Error| StartError::Data { path: path.display().to_string(), cause: error.to_string() };
    if !path.exists() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(wrong)?;
    }
    let found = fs::metadata(path).map_err(wrong)?;
    if !found.is_dir() {
        return Err(wrong(io::Error::other("it is not a folder")));
    }
    if found.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(wrong)?;
    }
    Ok(())
}

/// Reads the seal key; the first start makes it.
fn seal_key(config: &Config, entropy: &dyn Entropy) -> Result<SecretBytes, StartError> {
    let path = config.seal_key.clone().unwrap_or_else(|| config.data.join("seal.key"));
    if path.exists() || config.seal_key.is_some() {
        return read_seal_key(&path);
    }
    let wrong = |cause: String| StartError::SealKey { path: path.display().to_string(), cause };
    if config.data.join("carnet.db").exists() {
        return Err(wrong("it is missing, though the store is there; put it back".into()));
    }
    let mut bytes = vec![0; 32];
    entropy.fill(&mut bytes);
    ca::write(&path, &bytes, 0o600).map_err(|error| wrong(error.to_string()))?;
    Ok(SecretBytes::new(bytes))
}

/// A seal key that is there.
pub(crate) fn read_seal_key(path: &Path) -> Result<SecretBytes, StartError> {
    let wrong = |cause: String| StartError::SealKey { path: path.display().to_string(), cause };
    let bytes = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() != 32 {
        return Err(wrong(format!("it has {} bytes and not 32", bytes.len())));
    }
    let mode = fs::metadata(path).map_err(|error| wrong(error.to_string()))?.permissions().mode();
    match mode & 0o077 {
        0 => Ok(SecretBytes::new(bytes)),
        _ => Err(wrong("others can read it; chmod 600 it".into())),
    }
}

/// The public URL that was asked for, without a port that is https's own.
fn given_public_url(config: &Config) -> Result<Option<String>, StartError> {
    let Some(url) = &config.public_url else { return Ok(None) };
    let wrong = || StartError::PublicUrl(url.clone());
    let host = url.trim_end_matches('/').strip_prefix("https://").ok_or_else(wrong)?;
    let authority: http::uri::Authority = host.parse().map_err(|_| wrong())?;
    let name = host_name(host);
    let port = host.get(name.len()..).unwrap_or_default();
    let sound = port.is_empty() || authority.port_u16().is_some_and(|port| port > 0);
    if host.contains('@') || name.is_empty() || !sound {
        return Err(wrong());
    }
    let url = format!("https://{name}{port}");
    Ok(Some(without_default_port(&url).to_owned()))
}

/// Refuses names of Microsoft's that this server cannot play: under them it would speak with somebody else's issuers.
fn check_names(config: &Config, public_url: Option<&str>) -> Result<(), StartError> {
    let public = public_url.and_then(|url| url.strip_prefix("https://")).map(host_name);
    let given = config.hosts.iter().map(|host| host_name(host)).chain(public);
    let foreign = |name: &String| is_microsoft_host(name) && microsoft_surface(name).is_none();
    given.into_iter().find(foreign).map_or(Ok(()), |name| Err(StartError::Host(name)))
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

impl Running {
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

fn ready(state: &State, ca_file: &Path, (listen, plain_http): (SocketAddr, Option<String>)) -> Ready {
    let url = state.names.public_url.to_string();
    Ready {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION"),
        public_url: url.clone(),
        listen: listen.to_string(),
        plain_http,
        ca_file: ca_file.to_path_buf(),
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
