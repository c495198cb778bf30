//! The quickstart's temporary server: a temporary folder, a tenant file with users and one environment, and a free
//! port. The folder is removed when the server stops.

use crate::{commands::up::failed, config, failure::Failure};
use carnet_client::{Authority, clock::OsEntropy};
use carnet_os::private;
use carnet_server::{Config, FirstAdmin, PublicUrl, Running, start};
use carnet_wire::{entropy::Entropy, secret::Password};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The tenant's domain.
pub const DOMAIN: &str = "contoso.example";
/// The environment whose packages are listed.
pub const ENVIRONMENT: &str = "Default-b7a1c0de-0000-4000-8000-000000000001";

/// The tenant's users.
#[derive(Debug, Clone, Copy)]
pub enum Person {
    /// Global Administrator, who performs the setup.
    Admin,
    /// Power Platform Administrator, who calls the API.
    Ada,
    /// A user with a second factor.
    Grace,
}

impl Person {
    const ALL: [Self; 3] = [Self::Admin, Self::Ada, Self::Grace];

    /// The user name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin@contoso.example",
            Self::Ada => "ada@contoso.example",
            Self::Grace => "grace@contoso.example",
        }
    }

    const fn table(self) -> &'static str {
        match self {
            Self::Admin => "display_name = \"Administrator\"\nroles = [\"Global Administrator\"]\n",
            Self::Ada => "display_name = \"Ada\"\nroles = [\"Power Platform Administrator\"]\n",
            Self::Grace => "display_name = \"Grace\"\ntotp = \"",
        }
    }
}

/// The running server with its folder and users.
pub struct LocalServer {
    running: Running,
    folder: PathBuf,
    passwords: Vec<Password>,
    /// The authority of the server.
    pub authority: Authority,
}

impl LocalServer {
    /// Starts the server.
    pub async fn start() -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("carnet-quickstart-{}", OsEntropy.uuid()));
        let wrong = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
        private::create_folder(&folder).map_err(wrong)?;
        let secret =
            |length: usize| OsEntropy.client_secret().expose().chars().take(length).collect::<String>();
        let passwords: Vec<Password> = Person::ALL.iter().map(|_| Password::new(secret(20))).collect();
        let file = folder.join("tenant.toml");
        write(&file, &tenant_file(&passwords)).map_err(wrong)?;
        write(&folder.join("admin.password"), passwords[0].expose()).map_err(wrong)?;
        let made = start(Config {
            data: folder.join("data"),
            database: None,
            seal_key: None,
            listen: ([127, 0, 0, 1], 0).into(),
            plain: None,
            public_url: PublicUrl::Unsaid,
            hosts: Vec::new(),
            tls: None,
            tenant_files: vec![file],
            ready_file: Some(folder.join("ready.json")),
            first_admin: FirstAdmin::Refuse,
            show_generated: false,
            variable: config::variable,
        });
        let running = match made.await {
            Ok(running) => running,
            Err(error) => {
                let _ = fs::remove_dir_all(&folder);
                return Err(failed(error));
            }
        };
        let authority =
            Authority::of_authority(&running.ready.public_url, DOMAIN, Some(running.ready.ca_file.clone()))?;
        Ok(Self { running, folder, passwords, authority })
    }

    /// The public URL.
    pub fn url(&self) -> &str {
        &self.running.ready.public_url
    }

    /// The password of a user.
    pub fn password(&self, person: Person) -> Password {
        self.passwords[person as usize].clone()
    }

    /// Commands to try while the server runs.
    pub fn commands_to_try(&self, app: &str) -> Vec<String> {
        let folder = self.folder.display();
        let common = format!("--ready-file {folder}/ready.json");
        let admin = format!("--username {} --password-file {folder}/admin.password", Person::Admin.name());
        vec![
            "The server runs until you press Ctrl+C; then its folder is removed. Commands to try in another terminal:".into(),
            format!("  carnet app list --output table {common} {admin}"),
            format!("  carnet app show {app} {common} {admin}"),
            format!("  carnet setup --name mine --secret ci --register-admin {common} {admin}"),
        ]
    }

    /// Stops the server and removes its folder, also if the stop is interrupted.
    pub async fn stop(self) {
        let _removed = Removed(self.folder);
        self.running.stop().await;
    }
}

/// A folder that is removed on drop.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    private::create_new(path)?.write_all(text.as_bytes())
}

fn tenant_file(passwords: &[Password]) -> String {
    let id = ENVIRONMENT.trim_start_matches("Default-");
    let mut text =
        format!("version = 1\n[tenant]\nid = \"{id}\"\ndomain = \"{DOMAIN}\"\nname = \"Contoso\"\n");
    for (person, password) in Person::ALL.iter().zip(passwords) {
        let (name, password) = (person.name(), password.expose());
        text += &format!("[[user]]\nname = \"{name}\"\npassword = \"{password}\"\n{}", person.table());
        if matches!(person, Person::Grace) {
            text += &format!("{}\"\n", base32(&OsEntropy));
        }
    }
    text += &format!(
        "[[environment]]\nname = \"Contoso (default)\"\nid = \"{ENVIRONMENT}\"\nlocation = \"europe\"\nsku = \"Default\"\n"
    );
    for (unique, name) in [("contoso_base", "Contoso Base"), ("contoso_travel", "Contoso Travel")] {
        text += &format!(
            "[[application_package]]\nunique_name = \"{unique}\"\nname = \"{name}\"\nversion = \"1.0.0.0\"\npublisher = \"Contoso\"\n"
        );
    }
    text
}

/// A random key of an authenticator: 32 base32 characters.
fn base32(entropy: &dyn Entropy) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}
