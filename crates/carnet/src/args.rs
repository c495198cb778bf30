//! Command-line arguments. Secrets are never passed as arguments, because process lists show them.

use crate::output::Format;
use carnet_wire::cloud::Cloud;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

const EXIT_CODES: &str = "Exit codes: 0 success, 1 refused by the server, 2 usage error, 3 internal error";

/// Set up and test access to the Power Platform API. Carnet performs and explains the five setup steps, and runs an
/// identity server of your own to test against.
#[derive(Debug, Parser)]
#[command(name = "carnet", version, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// Output format
    #[arg(long, global = true, value_enum, default_value = "json", help_heading = "Output")]
    pub output: Format,
    /// JMESPath query that selects the data to print
    #[arg(long, global = true, value_name = "JMESPATH", help_heading = "Output")]
    pub query: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server: token service, Microsoft Graph, Power Platform API and administration API on one origin
    Up(Box<Up>),
    /// Run the five setup steps against a temporary server, showing each request and response
    Quickstart(Quickstart),
    /// Set up an application in five steps; shows a plan, then changes only what is missing
    Setup(Box<Setup>),
    /// Manage application registrations: setup steps 1 to 4, one at a time
    App(Box<AppCommand>),
    /// Register a service principal with Power Platform (requires an administrator user)
    RegisterAdmin(Box<RegisterAdmin>),
    /// Get an access token as a user or as an application (step 5)
    Token(Box<Token>),
    /// Call the Power Platform API, Microsoft Graph or the administration API with a new token
    Api(Box<Api>),
    /// Show what `carnet apply` would change for a tenant file
    Plan(Box<TenantFileArguments>),
    /// Apply a tenant file to a tenant through Microsoft Graph
    Apply(Box<TenantFileArguments>),
    /// Manage the server's signing keys
    Keys {
        #[command(subcommand)]
        verb: KeysVerb,
    },
    /// List the routes that the server answers: host, method, path and module
    Routes,
}

impl Command {
    /// Whether the command runs a server.
    pub const fn serves(&self) -> bool {
        matches!(self, Self::Up(_) | Self::Quickstart(_))
    }
}

/// The subcommands of `carnet keys`.
#[derive(Debug, Subcommand)]
pub enum KeysVerb {
    /// Create each tenant's next signing key now, instead of when the current one is 30 days old
    Rotate {
        /// Data folder of a stopped server [default: $XDG_DATA_HOME/carnet]
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// PostgreSQL database of the server, whose nodes may be running [env: CARNET_DATABASE_URL]
        #[arg(long, value_name = "URL")]
        database_url: Option<String>,
        /// File with the seal key, if it is not in the data folder
        #[arg(long, value_name = "FILE")]
        seal_key: Option<PathBuf>,
        /// For emergencies: use the new key immediately, remove the other keys and reject tokens signed with them
        #[arg(long)]
        now: bool,
    },
}

/// The arguments of `carnet up`.
#[derive(Debug, Args)]
pub struct Up {
    /// Data folder [default: $XDG_DATA_HOME/carnet]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// PostgreSQL database to use instead of a file in the data folder. Use the environment variable for a URL with a
    /// password, because process lists show arguments [env: CARNET_DATABASE_URL]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// File with the seal key, if it is not in the data folder
    #[arg(long, value_name = "FILE")]
    pub seal_key: Option<PathBuf>,
    /// Address to listen on for TLS; port 0 selects a free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// Public URL of the server, which is part of the issuer of its tokens [default: https://localhost:PORT]. A
    /// PostgreSQL database stores the first URL: all its nodes use it by default and do not start with another one
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Store this `--public-url` in the PostgreSQL database instead of the previous one, for all nodes. Access and ID
    /// tokens of the previous issuer are then rejected, and programs and APIs have to be configured with the new one.
    /// Use this option once, then restart the other nodes; until then they use the previous URL
    #[arg(long, requires = "public_url")]
    pub change_public_url: bool,
    /// Tenant file to apply (repeatable)
    #[arg(long, value_name = "FILE")]
    pub tenant_file: Vec<PathBuf>,
    /// Additional ready file, written when the server accepts connections and removed when it stops; `ready.json` in
    /// the data folder is always written
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Additional host name of the server (repeatable)
    #[arg(long = "host", value_name = "NAME")]
    pub hosts: Vec<String>,
    /// TLS certificate in PEM format
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the TLS certificate in PEM format
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// File with the first administrator's password [default: a random password, shown in a terminal or written to
    /// `first-passwords.json` in the data folder]
    #[arg(long, value_name = "FILE")]
    pub admin_password_file: Option<PathBuf>,
    /// Additional loopback address to listen on for plain HTTP
    #[arg(long, value_name = "ADDR")]
    pub danger_plain_http: Option<SocketAddr>,
    /// Log level, on standard error [env: CARNET_LOG] [default: info]
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub log: Option<LogLevel>,
    /// Log format [env: CARNET_LOG_FORMAT] [default: text in a terminal, otherwise json]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

/// The log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// No log
    Off,
    /// Errors
    Error,
    /// Errors and warnings
    Warn,
    /// Errors, warnings and normal operation
    Info,
    /// Details for troubleshooting
    Debug,
    /// All details
    Trace,
}

/// The log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines of text
    Text,
    /// One JSON object per line
    Json,
}

/// The arguments of `carnet quickstart`.
#[derive(Debug, Args)]
pub struct Quickstart {
    /// Keep the server running and print commands to try
    #[arg(long)]
    pub keep: bool,
}

/// Options that select a tenant.
#[derive(Debug, Clone, Default, Args)]
pub struct TenantOptions {
    /// Base URL of the token service of a Carnet server [env: CARNET_AUTHORITY, AZURE_AUTHORITY_HOST]
    #[arg(long, global = true, help_heading = "Tenant", value_name = "URL")]
    pub authority: Option<String>,
    /// Certificate authority of that server, in PEM format [env: CARNET_CA_FILE]
    #[arg(long, global = true, help_heading = "Tenant", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Ready file of `carnet up`, instead of --authority and --ca-file [env: CARNET_READY_FILE]
    #[arg(long, global = true, help_heading = "Tenant", value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Tenant ID or domain [env: CARNET_TENANT, AZURE_TENANT_ID]
    #[arg(long, global = true, help_heading = "Tenant", value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Microsoft cloud, if no other server is selected [env: CARNET_CLOUD]
    #[arg(long, global = true, help_heading = "Tenant", value_name = "CLOUD", value_parser = cloud)]
    pub cloud: Option<Cloud>,
}

fn cloud(text: &str) -> Result<Cloud, String> {
    text.parse().map_err(|_| {
        let names: Vec<&str> = Cloud::all().map(Cloud::name).collect();
        format!("use one of {}", names.join(", "))
    })
}

/// Options for the administrator's sign-in.
#[derive(Debug, Clone, Default, Args)]
pub struct Administrator {
    /// User name of the administrator [env: CARNET_USERNAME, AZURE_USERNAME]
    #[arg(long, global = true, help_heading = "Administrator", value_name = "NAME")]
    pub username: Option<String>,
    /// File with the password
    #[arg(long, global = true, help_heading = "Administrator", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Environment variable with the password [default: CARNET_PASSWORD, AZURE_PASSWORD]
    #[arg(long, global = true, help_heading = "Administrator", value_name = "VARIABLE")]
    pub password_env: Option<String>,
    /// Read the password from standard input
    #[arg(long, global = true, help_heading = "Administrator")]
    pub password_stdin: bool,
    /// File with a Microsoft Graph access token, instead of user name and password
    #[arg(long, global = true, help_heading = "Administrator", value_name = "FILE")]
    pub graph_token_file: Option<PathBuf>,
    /// Environment variable with a Microsoft Graph access token
    #[arg(long, global = true, help_heading = "Administrator", value_name = "VARIABLE")]
    pub graph_token_env: Option<String>,
    /// File with an access token for https://service.powerapps.com/, which registration with Power Platform needs
    #[arg(long, global = true, help_heading = "Administrator", value_name = "FILE")]
    pub bap_token_file: Option<PathBuf>,
    /// Environment variable with an access token for https://service.powerapps.com/
    #[arg(long, global = true, help_heading = "Administrator", value_name = "VARIABLE")]
    pub bap_token_env: Option<String>,
}

/// The arguments of `carnet setup`.
#[derive(Debug, Args)]
pub struct Setup {
    /// Name of the application, by which a later run finds it
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// Delegated permission of the Power Platform API (repeatable)
    #[arg(
        long = "permission",
        value_name = "SCOPE",
        default_value = "AppManagement.ApplicationPackages.Read"
    )]
    pub permissions: Vec<String>,
    /// Do not grant admin consent
    #[arg(long)]
    pub no_consent: bool,
    /// Enable the public client switch, so that a user name and password are accepted (step 3)
    #[arg(long)]
    pub public_client: bool,
    /// Add a client secret with this name (step 4); its value is printed once
    #[arg(long, value_name = "NAME")]
    pub secret: Option<String>,
    /// Register this certificate (step 4)
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// Register the service principal with Power Platform
    #[arg(long)]
    pub register_admin: bool,
    /// Show the plan without applying it
    #[arg(long)]
    pub dry_run: bool,
    /// Apply the plan without confirmation
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub tenant: TenantOptions,
    #[command(flatten)]
    pub administrator: Administrator,
}

/// The arguments of `carnet app`.
#[derive(Debug, Args)]
pub struct AppCommand {
    #[command(subcommand)]
    pub verb: AppVerb,
    #[command(flatten)]
    pub tenant: TenantOptions,
    #[command(flatten)]
    pub administrator: Administrator,
}

#[derive(Debug, Subcommand)]
pub enum AppVerb {
    /// Register a single-tenant application with its service principal (step 1)
    Create {
        /// Name of the application
        name: String,
    },
    /// List applications
    List,
    /// Show an application
    Show {
        /// Name, client ID or object ID of the application
        app: String,
    },
    /// Delete an application, its service principal and its permission grants
    Delete {
        /// Name, client ID or object ID of the application
        app: String,
    },
    /// Change an application (step 3)
    Set {
        /// Name, client ID or object ID of the application
        app: String,
        /// Whether a user name and password are accepted without a client credential
        #[arg(long, value_enum, required = true)]
        public_client: Option<Switch>,
    },
    /// Manage API permissions (step 2)
    Permission {
        #[command(subcommand)]
        verb: PermissionVerb,
    },
    /// Grant admin consent for the listed delegated permissions (step 2)
    Consent {
        /// Name, client ID or object ID of the application
        app: String,
    },
    /// Manage client secrets (step 4)
    Secret {
        #[command(subcommand)]
        verb: SecretVerb,
    },
    /// Manage certificates (step 4)
    Certificate {
        #[command(subcommand)]
        verb: CertificateVerb,
    },
}

/// A switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Enabled
    On,
    /// Disabled
    Off,
}

#[derive(Debug, Subcommand)]
pub enum PermissionVerb {
    /// Add delegated permissions; creates the API's service principal if the tenant has none
    Add {
        /// Name, client ID or object ID of the application
        app: String,
        /// Permissions, such as AppManagement.ApplicationPackages.Read
        #[arg(required = true)]
        permissions: Vec<String>,
        /// Application ID of the API
        #[arg(long, value_name = "GUID", default_value = carnet_wire::catalogue::POWER_PLATFORM)]
        api: carnet_wire::ids::AppId,
    },
    /// List the permissions and whether they have admin consent
    List {
        /// Name, client ID or object ID of the application
        app: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum SecretVerb {
    /// Add a client secret; its value is printed once
    Add {
        /// Name, client ID or object ID of the application
        app: String,
        /// Name of the secret
        #[arg(long, default_value = "carnet")]
        name: String,
        /// Last day of validity, such as 2027-11-22 [default: two years from now]
        #[arg(long, value_name = "DATE")]
        expires: Option<String>,
    },
    /// List the client secrets
    List {
        /// Name, client ID or object ID of the application
        app: String,
    },
    /// Remove a client secret
    Remove {
        /// Name, client ID or object ID of the application
        app: String,
        /// Key ID of the secret
        key_id: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum CertificateVerb {
    /// Add a certificate, without its private key
    Add {
        /// Name, client ID or object ID of the application
        app: String,
        /// Certificate file in PEM or DER format
        file: PathBuf,
    },
    /// List the certificates
    List {
        /// Name, client ID or object ID of the application
        app: String,
    },
    /// Remove a certificate
    Remove {
        /// Name, client ID or object ID of the application
        app: String,
        /// Key ID or thumbprint of the certificate
        which: String,
    },
}

/// The arguments of `carnet register-admin`.
#[derive(Debug, Args)]
pub struct RegisterAdmin {
    /// Client ID of the application
    #[arg(value_name = "CLIENT_ID", required_unless_present = "list")]
    pub app: Option<carnet_wire::ids::AppId>,
    /// Remove the registration
    #[arg(long, conflicts_with = "list")]
    pub remove: bool,
    /// List the registered applications
    #[arg(long)]
    pub list: bool,
    #[command(flatten)]
    pub tenant: TenantOptions,
    #[command(flatten)]
    pub administrator: Administrator,
}

/// The identity for which a token is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum As {
    /// A user, with user name and password
    User,
    /// The application, with a secret or certificate
    App,
}

/// Options for authentication.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Authentication")]
pub struct SignInOptions {
    /// Identity to sign in as [default: user if --username is given, otherwise app]
    #[arg(long = "as", value_name = "IDENTITY", value_enum)]
    pub sign_in_as: Option<As>,
    /// Client ID of the application [env: CARNET_CLIENT_ID, AZURE_CLIENT_ID]
    #[arg(long, value_name = "GUID")]
    pub client_id: Option<carnet_wire::ids::AppId>,
    /// User name [env: CARNET_USERNAME, AZURE_USERNAME]
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// File with the password
    #[arg(long, value_name = "FILE", group = "password_source")]
    pub password_file: Option<PathBuf>,
    /// Environment variable with the password [default: CARNET_PASSWORD, AZURE_PASSWORD]
    #[arg(long, value_name = "VARIABLE", group = "password_source")]
    pub password_env: Option<String>,
    /// Read the password from standard input
    #[arg(long, group = "password_source")]
    pub password_stdin: bool,
    /// File with the client secret
    #[arg(long, value_name = "FILE", group = "proof_source")]
    pub secret_file: Option<PathBuf>,
    /// Environment variable with the client secret [default: CARNET_CLIENT_SECRET, AZURE_CLIENT_SECRET]
    #[arg(long, value_name = "VARIABLE", group = "proof_source")]
    pub secret_env: Option<String>,
    /// Read the client secret from standard input
    #[arg(long, group = "proof_source", conflicts_with = "password_stdin")]
    pub secret_stdin: bool,
    /// PEM file with a certificate and its private key [env: AZURE_CLIENT_CERTIFICATE_PATH]
    #[arg(long, value_name = "FILE", group = "proof_source")]
    pub certificate: Option<PathBuf>,
    /// File with the private key, if it is not in the certificate file
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub certificate_key: Option<PathBuf>,
    /// Accepted only to explain why it is refused.
    #[arg(long, value_name = "VALUE", hide = true)]
    pub client_secret: Option<String>,
    /// Accepted only to explain why it is refused.
    #[arg(long, value_name = "VALUE", hide = true)]
    pub password: Option<String>,
}

/// The arguments of `carnet token`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Token {
    #[command(subcommand)]
    pub verb: Option<TokenVerb>,
    /// Scope [default: /.default of the Power Platform API]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<String>,
    #[command(flatten)]
    pub sign_in: SignInOptions,
    #[command(flatten)]
    pub tenant: TenantOptions,
}

#[derive(Debug, Subcommand)]
pub enum TokenVerb {
    /// Show the header and claims of a token without verifying it
    Decode {
        /// File with the token or the JSON output of `carnet token` [default: standard input]
        file: Option<PathBuf>,
    },
}

/// The arguments of `carnet api`.
#[derive(Debug, Args)]
pub struct Api {
    /// HTTP method
    pub method: String,
    /// Path of the request, such as /environmentmanagement/environments
    pub path: String,
    /// File with a JSON body; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub body: Option<PathBuf>,
    /// API to call
    #[arg(long, value_enum, default_value = "power-platform")]
    pub to: Host,
    #[command(flatten)]
    pub sign_in: SignInOptions,
    #[command(flatten)]
    pub tenant: TenantOptions,
}

/// An API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Host {
    /// Power Platform API
    PowerPlatform,
    /// Power Platform administration API
    Bap,
    /// Microsoft Graph
    Graph,
}

/// The arguments of `carnet plan` and `carnet apply`.
#[derive(Debug, Args)]
pub struct TenantFileArguments {
    /// Tenant file
    pub file: PathBuf,
    #[command(flatten)]
    pub tenant: TenantOptions,
    #[command(flatten)]
    pub administrator: Administrator,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_fit_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn no_verb_takes_a_secret_that_it_would_use() {
        fn walk(command: &clap::Command) {
            for argument in command.get_arguments().filter(|it| !it.is_hide_set()) {
                let name = argument.get_id().as_str();
                assert!(!matches!(name, "password" | "client_secret" | "secret_value"), "{name}");
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Arguments::command());
    }
}
