//! How a [`Contoso`] is made: its tenant files, its engine, its number of nodes.

use crate::{Contoso, NOW, database::database, tenant_file};
use carnet_http::{
    clock::FixedClock,
    context::{Names, State},
    keys::Keys,
    serve::Server,
    work::{bodies::Bodies, hash::Hasher, issuers::Issuers, pace::Pace, search::Searcher},
};
use carnet_server::seed::{self, Seeding};
use carnet_store::{Options, Store};
use carnet_wire::{
    catalogue::Catalogue,
    entropy::{Entropy, SeededEntropy},
    secret::{DatabaseUrl, SecretBytes},
};
use std::{fs, sync::Arc};
use tempfile::TempDir;

/// The seal key of every store, of the fixtures too.
pub(crate) const SEAL_KEY: &[u8] = include_bytes!("../fixtures/seal.key");

/// What a [`Contoso`] is made of.
pub struct Setup {
    folder: TempDir,
    files: Vec<String>,
    kept: Kept,
}

/// Where it is kept and how many nodes share it; enough to start it once more.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub database: Option<DatabaseUrl>,
    pub nodes: u64,
    /// How many nodes were started so far: each has chance of its own.
    pub started: u64,
    /// What the server calls itself.
    pub public_url: &'static str,
}

impl Kept {
    /// On SQLite, with one node.
    pub fn new() -> Self {
        Self { database: None, nodes: 1, started: 0, public_url: "https://localhost:8443" }
    }
}

impl Setup {
    /// The usual tenant with a policy and further tables, on SQLite, with one node.
    #[must_use]
    pub fn new(policy: &str, more: &str) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            files: vec![tenant_file(policy, more)],
            kept: Kept::new(),
        }
    }

    /// Over a folder with files that the tables name.
    #[must_use]
    pub fn over(mut self, folder: TempDir) -> Self {
        self.folder = folder;
        self
    }

    /// Under this public URL.
    #[must_use]
    pub fn called(mut self, public_url: &'static str) -> Self {
        self.kept.public_url = public_url;
        self
    }

    /// A further tenant, by its file.
    #[must_use]
    pub fn and(mut self, file: &str) -> Self {
        self.files.push(file.to_owned());
        self
    }

    /// On PostgreSQL, with so many nodes over one database; `None` where no cluster is prepared.
    pub async fn postgres(mut self, nodes: u64) -> Option<Self> {
        self.kept.database = Some(database().await?);
        self.kept.nodes = nodes;
        Some(self)
    }

    /// Starts all nodes; the first one applies the files.
    pub async fn start(self) -> Contoso {
        let Self { folder, files, kept } = self;
        Contoso::of(folder, kept, Arc::new(FixedClock::at(NOW)), &files).await
    }
}

/// One server.
pub(crate) struct Node {
    pub store: Store,
    pub state: Arc<State>,
    pub server: Server,
}

impl Node {
    /// The node with this number over the folder and database; it applies the files first.
    pub async fn start(
        (folder, kept): (&TempDir, &Kept),
        number: u64,
        clock: &Arc<FixedClock>,
        files: &[String],
    ) -> Self {
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(7 + number));
        let names = Names::new(kept.public_url, &[]);
        let catalogue = Arc::new(Catalogue::builtin().for_hosts(&names.shared));
        let options = Options {
            data: folder.path().to_path_buf(),
            database: kept.database.clone(),
            seal: SecretBytes::new(SEAL_KEY.to_vec()),
            catalogue: catalogue.clone(),
            entropy: entropy.clone(),
        };
        let store = Store::open(options).await.expect("a store opens");
        let hasher = Hasher::start(1).expect("a thread starts");
        let paths: Vec<_> =
            (0..files.len()).map(|it| folder.path().join(format!("tenant{it}.toml"))).collect();
        for (path, text) in paths.iter().zip(files) {
            fs::write(path, text).expect("a file");
        }
        let files = seed::read(&paths, |_| None).expect("the tenant file is sound");
        let seeding = Seeding { store: &store, hasher: &hasher, entropy: &*entropy, now: NOW, show: false };
        seeding.apply(files).await.expect("the tenant file is sound");
        let state = Arc::new(State {
            store: store.clone(),
            keys: Keys::default(),
            hasher,
            issuers: Issuers::default(),
            searcher: Searcher::start(1).expect("a thread starts"),
            bodies: Bodies::default(),
            pace: Pace::default(),
            clock: clock.clone(),
            entropy,
            catalogue,
            names,
            authorities: Vec::new(),
        });
        Self { store, server: carnet_server::server(state.clone()), state }
    }
}
