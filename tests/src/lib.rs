//! The test kit: a tenant of its own behind the real router, in process, with a clock that stands still and
//! chance that repeats itself. No test needs another's tenant, a network, a sleep or an order.

pub mod browser;
pub mod database;
pub mod fixture;
pub mod process;
pub mod setup;
pub mod signer;

use bytes::Bytes;
use carnet_http::{
    clock::{Clock, FixedClock},
    context::{Body, State},
    listen::accept::Peer,
    work::hash::Hasher,
};
use carnet_server::seed::{self, Seeding};
use carnet_store::{Store, engine::Engine};
use carnet_tenant::{
    change::{Change, Object},
    directory::Directory,
    permission_grant::{GrantKey, PermissionGrant},
    service_principal::ServicePrincipal,
};
use carnet_wire::{
    entropy::SeededEntropy,
    jose::{ClientKey, PublicKey, decode_base64url},
    secret::SecretBytes,
    time::Timestamp,
};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use setup::{Kept, Node, Setup};
use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tempfile::TempDir;

/// The tenant.
pub const TENANT: &str = "b7a1c0de-0000-4000-8000-000000000001";
/// The moment at which every test begins.
pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// Everyone's password.
pub const PASSWORD: &str = "Correct-horse-7";
/// The good secret of every application that has one.
pub const SECRET: &str = "s3cret-value~good";
/// An application that takes passwords.
pub const PUBLIC: &str = "a0000000-0000-4000-8000-000000000001";
/// An application with secrets, registered with Power Platform.
pub const CONFIDENTIAL: &str = "a0000000-0000-4000-8000-000000000002";
/// An application with a secret, not registered with Power Platform; may read applications at Graph.
pub const UNREGISTERED: &str = "a0000000-0000-4000-8000-000000000003";
/// An application that takes passwords, to which nobody consented.
pub const UNCONSENTED: &str = "a0000000-0000-4000-8000-000000000004";
/// Microsoft's own command line: a public client that every tenant knows.
pub const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
/// Microsoft's command line for Power Platform: a public client that may use its administration API.
pub const POWER_PLATFORM_CLI: &str = "9cee029c-6210-4654-90bb-17e6e9d36617";
/// Another tenant: the same users' object ids, applications of its own.
pub const FABRIKAM: &str = include_str!("fabrikam.toml");
/// Its id.
pub const OTHER_TENANT: &str = "b7a1c0de-0000-4000-8000-000000000002";
/// Its application that takes passwords.
pub const OTHER_PUBLIC: &str = "b0000000-0000-4000-8000-000000000001";
/// Its application with a secret, registered with Power Platform.
pub const OTHER_CONFIDENTIAL: &str = "b0000000-0000-4000-8000-000000000002";
/// The Power Platform API.
pub const PLATFORM: &str = "https://api.powerplatform.com";
/// The tenant's environment.
pub const ENVIRONMENT: &str = "Default-b7a1c0de-0000-4000-8000-000000000001";

/// A tenant file of the usual tenant; `policy` goes below `[tenant.policy]`, `more` at its end.
#[must_use]
pub fn tenant_file(policy: &str, more: &str) -> String {
    let text = include_str!("contoso.toml");
    let (tenant, rest) = text.split_once("[[user]]").expect("the file has users");
    format!("{tenant}[tenant.policy]\n{policy}\n[[user]]{rest}\n{more}\n")
}

/// The usual tenant behind the router: one node, or several over one database that take turns.
pub struct Contoso {
    /// The clock.
    pub clock: Arc<FixedClock>,
    /// What is kept, as the first node sees it.
    pub store: Store,
    nodes: Vec<Node>,
    turn: AtomicUsize,
    address: Mutex<IpAddr>,
    folder: TempDir,
    kept: Kept,
}

impl Contoso {
    /// The usual tenant.
    pub async fn start() -> Self {
        Self::with("", "").await
    }

    /// The usual tenant with a policy and further tables. Files that these name are in [`certificate`].
    pub async fn with(policy: &str, more: &str) -> Self {
        Setup::new(policy, more).start().await
    }

    /// The usual tenant over a folder with files that its tables name.
    pub async fn over(folder: TempDir, policy: &str, more: &str) -> Self {
        Setup::new(policy, more).over(folder).start().await
    }

    /// The usual tenant and further ones, by their files.
    pub async fn with_tenants(files: &[&str]) -> Self {
        files.iter().fold(Setup::new("", ""), |setup, file| setup.and(file)).start().await
    }

    async fn of(folder: TempDir, mut kept: Kept, clock: Arc<FixedClock>, files: &[String]) -> Self {
        let mut nodes = Vec::new();
        for number in 0..kept.nodes {
            let files = if number == 0 { files } else { &[] };
            nodes.push(Node::start((&folder, &kept), kept.started, &clock, files).await);
            kept.started += 1;
        }
        let store = nodes.first().expect("a node").store.clone();
        let address = Mutex::new(Ipv4Addr::LOCALHOST.into());
        Self { clock, store, nodes, turn: AtomicUsize::new(0), address, folder, kept }
    }

    /// Stops all nodes and starts them again over what they kept.
    pub async fn again(self) -> Self {
        let Self { clock, store, nodes, folder, kept, .. } = self;
        drop(store);
        for node in nodes {
            drop(node.server);
            node.store.close().await;
        }
        Self::of(folder, kept, clock, &[]).await
    }

    /// Applies another tenant file to the same store.
    pub async fn seed(&self, text: &str) {
        let path = self.folder.path().join("another.toml");
        fs::write(&path, text).expect("a file");
        let files = seed::read(&[path], |_| None).expect("the tenant file is sound");
        let (hasher, entropy) = (Hasher::start(1).expect("a thread starts"), SeededEntropy::new(9));
        let seeding =
            Seeding { store: &self.store, hasher: &hasher, entropy: &entropy, now: NOW, show: false };
        seeding.apply(files).await.expect("the tenant file is sound");
    }

    /// Its database once more, for looking at rows.
    pub async fn engine(&self) -> Engine {
        database::engine(self.folder.path(), self.kept.database.as_ref()).await
    }

    /// Closes the database that all nodes share: it is away.
    ///
    /// # Panics
    /// Where the nodes share none.
    pub async fn database_away(&self) {
        database::close(self.kept.database.as_ref().expect("a database")).await;
    }

    /// Opens the database again.
    ///
    /// # Panics
    /// Where the nodes share none.
    pub async fn database_back(&self) {
        database::open(self.kept.database.as_ref().expect("a database")).await;
    }

    /// The folder of its files.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Lets time go on.
    pub fn later(&self, seconds: i64) {
        self.clock.set(self.clock.now().plus_seconds(seconds));
    }

    /// Lets every further request come from this address; the first ones come from 127.0.0.1.
    pub fn come_from(&self, address: &str) {
        *self.address.lock().expect("nobody panicked") = address.parse().expect("an address");
    }

    /// What the first node does with its signing keys every minute.
    pub async fn tend_keys(&self) {
        let tenant = TENANT.parse().expect("an id");
        let done = self.nodes[0].state.keys.tend(&self.store, tenant, self.clock.now()).await;
        done.expect("the keys are looked after");
    }

    /// Sends a request as it is, to the node whose turn it is.
    pub async fn send(&self, request: Request<Bytes>) -> Reply {
        self.send_to(self.turn.fetch_add(1, Ordering::Relaxed), request).await
    }

    /// Sends a request to the node with this number; they are counted round.
    pub async fn send_to(&self, node: usize, request: Request<Bytes>) -> Reply {
        let node = &self.nodes[node % self.nodes.len()];
        self.answered(node, request.map(whole), self.peer()).await
    }

    /// Sends a request to the first node from this address.
    ///
    /// # Panics
    /// Where the text is no address.
    pub async fn send_from(&self, address: &str, request: Request<Bytes>) -> Reply {
        let address: IpAddr = address.parse().expect("an address");
        let peer = Peer { addr: SocketAddr::from((address, 50_000)), tls: true };
        self.answered(&self.nodes[0], request.map(whole), peer).await
    }

    /// Who sends what names no address: see [`Self::come_from`].
    ///
    /// # Panics
    /// Where another test thread panicked.
    #[must_use]
    pub fn peer(&self) -> Peer {
        let address = *self.address.lock().expect("nobody panicked");
        Peer { addr: SocketAddr::new(address, 50_000), tls: true }
    }

    /// Sends a request whose body arrives as it likes, as this peer.
    pub async fn send_as(&self, peer: Peer, request: Request<Body>) -> Reply {
        let node = self.turn.fetch_add(1, Ordering::Relaxed) % self.nodes.len();
        self.answered(&self.nodes[node], request, peer).await
    }

    /// What the first node runs with.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.nodes[0].state
    }

    /// A server like the first node, over the same store, for a listener.
    #[must_use]
    pub fn server(&self) -> carnet_http::serve::Server {
        carnet_server::server(self.nodes[0].state.clone())
    }

    async fn answered(&self, node: &Node, request: Request<Body>, peer: Peer) -> Reply {
        let response = node.server.handle(request, peer).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("the whole body is there").to_bytes();
        Reply { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// Sends a form.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.send(form(path, fields)).await
    }

    /// Asks the v2.0 token endpoint.
    pub async fn token(&self, fields: &[(&str, &str)]) -> Reply {
        self.form(&format!("/{TENANT}/oauth2/v2.0/token"), fields).await
    }

    /// A user's token, by password; `scope` is a whole scope parameter.
    pub async fn by_password(&self, client: &str, user: &str, scope: &str) -> Reply {
        let name = format!("{user}@contoso.example");
        let fields = [("grant_type", "password"), ("username", &name), ("password", PASSWORD)];
        self.token(&[&fields[..], &[("client_id", client), ("scope", scope)]].concat()).await
    }

    /// An application's token, by secret, for `RESOURCE/.default`.
    pub async fn by_secret(&self, client: &str, secret: &str, resource: &str) -> Reply {
        let scope = format!("{resource}/.default");
        let fields = [("grant_type", "client_credentials"), ("client_secret", secret)];
        self.token(&[&fields[..], &[("client_id", client), ("scope", &scope)]].concat()).await
    }

    /// A user's token for Microsoft Graph, got with Microsoft's own command line.
    pub async fn graph_token(&self, user: &str) -> String {
        self.by_password(AZURE_CLI, user, "https://graph.microsoft.com/.default").await.access_token()
    }

    /// A user's token for the administration API of Power Platform.
    pub async fn bap_token(&self, user: &str) -> String {
        let scope = "https://service.powerapps.com//.default";
        self.by_password(POWER_PLATFORM_CLI, user, scope).await.access_token()
    }

    /// Calls an API; a `null` body is none.
    pub async fn call(&self, method: &str, path: &str, token: &str, body: Value) -> Reply {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost:8443");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let bytes = match body {
            Value::Null => Bytes::new(),
            body => {
                request = request.header("content-type", "application/json");
                body.to_string().into()
            }
        };
        self.send(request.body(bytes).expect("a sound request")).await
    }

    /// Changes an application's service principal in the store, as no request may: built-in ones are refused to
    /// everybody.
    pub async fn change_principal(&self, app: &str, change: impl FnOnce(&mut ServicePrincipal)) {
        let app = app.parse().expect("an id");
        let seen = self.directory().await;
        let mut principal = ServicePrincipal::clone(seen.principal_by_app(app).expect("it is there"));
        change(&mut principal);
        self.keep(&seen, vec![Change::Put(Object::ServicePrincipal(principal.into()))]).await;
    }

    /// Makes the consent for everyone to a client for an API exactly these delegated permissions. A token holds all of
    /// them, whatever it is asked for.
    pub async fn consent_to(&self, client: &str, api: &str, scopes: &[&str]) {
        let seen = self.directory().await;
        let id = |app: &str| seen.principal_by_app(app.parse().expect("an id")).expect("it is there").id;
        let key = GrantKey { client: id(client), resource: id(api), principal: None };
        let scopes = scopes.iter().map(|it| (*it).to_owned()).collect();
        let grant = PermissionGrant { key, scopes, created: NOW };
        self.keep(&seen, vec![Change::Put(Object::PermissionGrant(grant.into()))]).await;
    }

    /// Keeps changes that no rule decided.
    pub async fn keep(&self, seen: &Directory, changes: Vec<Change>) {
        let kept = self.store.apply(seen, (changes, Vec::new()), self.clock.now(), None).await;
        kept.expect("the store keeps it");
    }

    /// The tenant's directory as it is now.
    pub async fn directory(&self) -> Arc<Directory> {
        let found = self.store.directory(TENANT.parse().expect("an id")).await;
        found.expect("the store answers").expect("the tenant is there")
    }

    /// Does what a start of the server does about built-in service principals.
    pub async fn restore_built_in(&self) -> Vec<seed::RestoredIn> {
        let (hasher, entropy) = (Hasher::start(1).expect("a thread starts"), SeededEntropy::new(10));
        let seeding =
            Seeding { store: &self.store, hasher: &hasher, entropy: &entropy, now: NOW, show: false };
        seeding.restore_built_in().await.expect("the store keeps it")
    }

    /// Reads from an API.
    pub async fn get(&self, path: &str, token: &str) -> Reply {
        self.call("GET", path, token, Value::Null).await
    }
}

/// This machine, over TLS.
#[must_use]
pub fn here() -> Peer {
    Peer { addr: SocketAddr::from(([127, 0, 0, 1], 50_000)), tls: true }
}

/// A body that is there as a whole.
#[must_use]
pub fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

/// A form post to the shared origin.
#[must_use]
pub fn form(path: &str, fields: &[(&str, &str)]) -> Request<Bytes> {
    let mut text = String::new();
    for (name, value) in fields {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(&format!("{name}={}", percent(value)));
    }
    Request::post(path)
        .header("host", "localhost:8443")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(text.into())
        .expect("a sound request")
}

/// Percent-encodes everything but letters and digits.
#[must_use]
pub fn percent(text: &str) -> String {
    let one = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Reply {
    /// The body.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's text; empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body; fails the test unless it is a success's.
    pub fn good(&self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The access token of a success.
    #[must_use]
    pub fn access_token(&self) -> String {
        self.good()["access_token"].as_str().expect("an access token").to_owned()
    }

    /// The access token's claims.
    #[must_use]
    pub fn claims(&self) -> Value {
        part(&self.access_token(), 1)
    }

    /// Status, OAuth error and AADSTS number of a denial, or status and code of an API's refusal.
    #[must_use]
    pub fn no(&self) -> String {
        assert!(self.status >= 400, "{self:?}");
        let body = self.json();
        match body["error"].as_str() {
            Some(error) => format!("{} {error} {}", self.status, body["error_codes"][0]),
            None => format!("{} {}", self.status, body["error"]["code"].as_str().unwrap_or_default()),
        }
    }
}

/// A segment of a compact token, read.
#[must_use]
pub fn part(token: &str, which: usize) -> Value {
    let text = token.split('.').nth(which).expect("three segments");
    serde_json::from_slice(&decode_base64url(text).expect("base64url")).expect("JSON")
}

/// A certificate with its key, in a folder under the name `cert.pem`.
#[must_use]
pub fn certificate() -> (TempDir, ClientKey) {
    let folder = tempfile::tempdir().expect("a folder");
    let key = client_key(365);
    fs::write(folder.path().join("cert.pem"), key.1).expect("a file");
    (folder, key.0)
}

/// A key, and the PEM text of a certificate over it that is valid for so many days from a year before now;
/// a negative number ends it before now.
#[must_use]
pub fn client_key(days: i64) -> (ClientKey, String) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    let mut params = rcgen::CertificateParams::new(vec!["tests".into()]).expect("a name");
    params.not_before = NOW.plus_seconds(-365 * 86_400).date_time();
    params.not_after = NOW.plus_seconds(days * 86_400).date_time();
    let made = params.self_signed(&pair).expect("a certificate").pem();
    let pem = SecretBytes::new(format!("{made}{}", pair.serialize_pem()).into_bytes());
    (ClientKey::from_pem(&pem).expect("they belong together"), made)
}

/// The key of a keys document with this id.
#[must_use]
pub fn public_key(document: &Value, kid: &str) -> Option<PublicKey> {
    let key = document["keys"].as_array()?.iter().find(|key| key["kid"] == kid)?;
    let number = |name: &str| decode_base64url(key[name].as_str()?).ok();
    PublicKey::from_parts(&number("n")?, &number("e")?).ok()
}

/// A value with what differs from run to run replaced by its name: ids that are made up, signatures, times
/// that are the machine's.
#[must_use]
pub fn steady(mut value: Value, members: &[&str]) -> Value {
    fn walk(value: &mut Value, members: &[&str]) {
        match value {
            Value::Object(map) => {
                for (name, value) in map.iter_mut() {
                    match members.contains(&name.as_str()) && !value.is_null() {
                        true => *value = json!(format!("[{name}]")),
                        false => walk(value, members),
                    }
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|value| walk(value, members)),
            _ => {}
        }
    }
    walk(&mut value, members);
    value
}
