//! Servers that start as `carnet up` starts them, with listeners and certificates of their own.

mod certificates;
mod public_url;
mod seeding;

use carnet_server::{Config, FirstAdmin, PublicUrl, Running, StartError};
use carnet_tests::{TENANT, database};
use carnet_wire::secret::DatabaseUrl;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// The seal key of all stores here, of the fixtures too.
const SEAL_KEY: &[u8] = include_bytes!("../../fixtures/seal.key");

/// A law about starts: one body, run with SQLite files always and with PostgreSQL where a cluster is prepared.
macro_rules! starts {
    (async fn $name:ident($site:ident) $body:block) => {
        mod $name {
            use super::*;

            async fn law($site: Site) $body

            #[tokio::test]
            async fn sqlite() {
                law(Site::sqlite()).await;
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(site) = Site::postgres().await {
                    law(site).await;
                }
            }
        }
    };
}
use starts;

/// Where servers of one store keep what they have: each node of a PostgreSQL store has a folder of its own, and a
/// SQLite store has one.
struct Site {
    folder: TempDir,
    database: Option<DatabaseUrl>,
    tenant_files: Vec<PathBuf>,
}

impl Site {
    /// A store without tenants, and the file of one.
    fn new(database: Option<DatabaseUrl>) -> Self {
        let site = Self::over(tempfile::tempdir().unwrap(), database);
        let file = site.folder.path().join("tenant.toml");
        let text = format!(
            "version = 1\n[tenant]\nid = \"{TENANT}\"\ndomain = \"contoso.example\"\nname = \"Contoso\"\n"
        );
        fs::write(&file, text).unwrap();
        Self { tenant_files: vec![file], ..site }
    }

    /// A store that is there, with its tenants.
    fn over(folder: TempDir, database: Option<DatabaseUrl>) -> Self {
        let key = folder.path().join("seal.key");
        fs::write(&key, SEAL_KEY).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        Self { folder, database, tenant_files: Vec::new() }
    }

    fn sqlite() -> Self {
        Self::new(None)
    }

    async fn postgres() -> Option<Self> {
        Some(Self::new(Some(database::database().await?)))
    }

    /// The data folder of a node.
    fn data(&self, node: &str) -> PathBuf {
        let node = if self.database.is_some() { node } else { "data" };
        self.folder.path().join(node)
    }

    /// How a node starts without any wish.
    fn config(&self, node: &str) -> Config {
        Config {
            data: self.data(node),
            database: self.database.clone(),
            seal_key: Some(self.folder.path().join("seal.key")),
            listen: ([127, 0, 0, 1], 0).into(),
            plain: None,
            public_url: PublicUrl::Unsaid,
            hosts: Vec::new(),
            tls: None,
            tenant_files: self.tenant_files.clone(),
            ready_file: None,
            first_admin: FirstAdmin::Refuse,
            show_generated: false,
            variable: |_| None,
        }
    }

    /// Starts a node with a public URL and further names.
    async fn start(&self, node: &str, url: PublicUrl, hosts: &[&str]) -> Result<Running, StartError> {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        carnet_server::start(Config { public_url: url, hosts, ..self.config(node) }).await
    }
}

fn given(url: &str) -> PublicUrl {
    PublicUrl::Given(url.to_owned())
}

fn pem(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// Asks a server for `/healthz` under a name, as a client that trusts these CAs. The status; `None`: the client does not
/// take the certificate for that name.
async fn status(server: &Running, trusted: &str, name: &str) -> Option<u16> {
    let answer = get(server, trusted, (name, "/healthz")).await?;
    answer.split(' ').nth(1).and_then(|status| status.parse().ok())
}

/// The whole answer to GET for a path under a name, as [`status`] asks.
async fn get(server: &Running, trusted: &str, (name, path): (&str, &str)) -> Option<String> {
    let address: SocketAddr = server.ready.listen.parse().unwrap();
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(trusted.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let server_name = ServerName::try_from(name.to_owned()).unwrap();
    let mut stream = match TlsConnector::from(Arc::new(config)).connect(server_name, stream).await {
        Ok(stream) => stream,
        Err(error) => {
            assert!(error.to_string().contains("certificate"), "{name}: {error}");
            return None;
        }
    };
    let host = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    Some(answer)
}
