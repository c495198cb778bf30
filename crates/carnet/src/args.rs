//! The arguments. A secret is never one of them.

use crate::output::Format;
use carnet_wire::cloud::Cloud;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

/// Gets people into the Power Platform API: the five steps, done and explained, and a server of your own
/// to test them against.
#[derive(Debug, Parser)]
#[command(name = "carnet", version, propagate_version = true, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// How data is printed.
    #[arg(long, global = true, value_enum, default_value = "json", help_heading = "Output")]
    pub output: Format,
    /// What of it is printed, as a JMESPath.
    #[arg(long, global = true, value_name = "JMESPATH", help_heading = "Output")]
    pub query: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server: token service, Graph, Power Platform and its administration on one origin.
    Up(Box<Up>),
    /// Do the five steps end to end against a server of its own, showing each request and answer.
    Quickstart(Quickstart),
    /// Set an application up by the five steps; shows a plan first and changes only what is missing.
    Setup(Box<Setup>),
    /// Application registrations: steps 1 to 4 one by one.
    App(Box<AppCommand>),
    /// Register a service principal with Power Platform; only an administrator user may.
    RegisterAdmin(Box<RegisterAdmin>),
    /// Get an access token, as a user or as the application (step 5).
    Token(Box<Token>),
    /// Call the Power Platform API with a fresh token.
    Api(Box<Api>),
    /// Show what `apply` would do for a tenant file.
    Plan(Box<TenantFileArguments>),
    /// Apply a tenant file to a tenant through Microsoft Graph.
    Apply(Box<TenantFileArguments>),
    /// The server's signing keys.
    Keys {
        #[command(subcommand)]
        verb: KeysVerb,
    },
    /// List what the server answers: host, method, path and module.
    Routes,
}

/// `carnet keys`
#[derive(Debug, Subcommand)]
pub enum KeysVerb {
    /// Make each tenant's next signing key now, instead of when the running one is 30 days old.
    Rotate {
        /// The data folder of a server that is stopped [default: $XDG_DATA_HOME/carnet].
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// The server's PostgreSQL database; its nodes may run [env: CARNET_DATABASE_URL].
        #[arg(long, value_name = "URL")]
        database_url: Option<String>,
        /// The file of the seal key, when it is not in the data folder.
        #[arg(long, value_name = "FILE")]
        seal_key: Option<PathBuf>,
        /// In an emergency: the new key signs at once, the others are dropped and their tokens refused.
        #[arg(long)]
        now: bool,
    },
}

/// `carnet up`
#[derive(Debug, Args)]
pub struct Up {
    /// The data folder [default: $XDG_DATA_HOME/carnet].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A PostgreSQL database instead of a file in the data folder; an address with a password belongs into
    /// the environment, since arguments show in the process list [env: CARNET_DATABASE_URL].
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// The file of the seal key, when it is not in the data folder.
    #[arg(long, value_name = "FILE")]
    pub seal_key: Option<PathBuf>,
    /// Where to listen for TLS; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// What the server calls itself, and the issuer of its tokens [default: https://localhost:PORT]. A PostgreSQL
    /// database keeps the first one; its nodes use it by default and do not start with another.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Keep this `--public-url` in the PostgreSQL database instead of the former one, for all its nodes. Access and ID
    /// tokens of the former issuer are refused from then on, and programs and APIs have to be told the new one. Give
    /// it once, and restart the other nodes: until then they use the former URL.
    #[arg(long, requires = "public_url")]
    pub change_public_url: bool,
    /// A tenant file to apply (repeatable).
    #[arg(long, value_name = "FILE")]
    pub tenant_file: Vec<PathBuf>,
    /// A file to write once every listener accepts, besides `ready.json` in the data folder; removed at the stop.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// A further host name to answer to (repeatable).
    #[arg(long = "host", value_name = "NAME")]
    pub hosts: Vec<String>,
    /// Your own certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Its key, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// A file that holds the first administrator's password [default: a random one, shown in a terminal and
    /// otherwise written to `first-passwords.json` in the data folder].
    #[arg(long, value_name = "FILE")]
    pub admin_password_file: Option<PathBuf>,
    /// Also listen for plain HTTP, on a loopback address.
    #[arg(long, value_name = "ADDR")]
    pub danger_plain_http: Option<SocketAddr>,
    /// How much is logged, on standard error [env: CARNET_LOG] [default: info].
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub log: Option<LogLevel>,
    /// How it is logged [env: CARNET_LOG_FORMAT] [default: text in a terminal, else json].
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// Failures.
    Error,
    /// What an operator should look at, too.
    Warn,
    /// What the server does, too.
    Info,
    /// Details for finding a fault.
    Debug,
    /// Everything.
    Trace,
}

/// How it is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `carnet quickstart`
#[derive(Debug, Args)]
pub struct Quickstart {
    /// Leave the server running and print how to go on.
    #[arg(long)]
    pub keep: bool,
}

/// Where the tenant is.
#[derive(Debug, Clone, Default, Args)]
pub struct Where {
    /// The token service's base URL: a server of your own [env: CARNET_AUTHORITY, AZURE_AUTHORITY_HOST].
    #[arg(long, global = true, help_heading = "Where", value_name = "URL")]
    pub authority: Option<String>,
    /// The CA to trust for that server, in PEM [env: CARNET_CA_FILE].
    #[arg(long, global = true, help_heading = "Where", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// The ready file of `carnet up`, instead of the two above [env: CARNET_READY_FILE].
    #[arg(long, global = true, help_heading = "Where", value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// The tenant: its id or a domain [env: CARNET_TENANT, AZURE_TENANT_ID].
    #[arg(long, global = true, help_heading = "Where", value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Microsoft's cloud, when it is not a server of your own [env: CARNET_CLOUD].
    #[arg(long, global = true, help_heading = "Where", value_name = "CLOUD", value_parser = cloud)]
    pub cloud: Option<Cloud>,
}

fn cloud(text: &str) -> Result<Cloud, String> {
    text.parse().map_err(|_| {
        let names: Vec<&str> = Cloud::all().map(Cloud::name).collect();
        format!("it is none of {}", names.join(", "))
    })
}

/// The administrator who does it.
#[derive(Debug, Clone, Default, Args)]
pub struct Administrator {
    /// The administrator's user name [env: CARNET_USERNAME, AZURE_USERNAME].
    #[arg(long, global = true, help_heading = "Administrator", value_name = "NAME")]
    pub username: Option<String>,
    /// A file that holds the password.
    #[arg(long, global = true, help_heading = "Administrator", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// An environment variable that holds the password [default: CARNET_PASSWORD, AZURE_PASSWORD].
    #[arg(long, global = true, help_heading = "Administrator", value_name = "VARIABLE")]
    pub password_env: Option<String>,
    /// Read the password from standard input.
    #[arg(long, global = true, help_heading = "Administrator")]
    pub password_stdin: bool,
    /// A file that holds a Microsoft Graph access token, instead of user name and password.
    #[arg(long, global = true, help_heading = "Administrator", value_name = "FILE")]
    pub graph_token_file: Option<PathBuf>,
    /// An environment variable that holds one.
    #[arg(long, global = true, help_heading = "Administrator", value_name = "VARIABLE")]
    pub graph_token_env: Option<String>,
    /// A file that holds an access token for https://service.powerapps.com/, for the registration.
    #[arg(long, global = true, help_heading = "Administrator", value_name = "FILE")]
    pub bap_token_file: Option<PathBuf>,
    /// An environment variable that holds one.
    #[arg(long, global = true, help_heading = "Administrator", value_name = "VARIABLE")]
    pub bap_token_env: Option<String>,
}

/// `carnet setup`
#[derive(Debug, Args)]
pub struct Setup {
    /// The application's name; it is found by it again.
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// A delegated permission of the Power Platform API (repeatable).
    #[arg(
        long = "permission",
        value_name = "SCOPE",
        default_value = "AppManagement.ApplicationPackages.Read"
    )]
    pub permissions: Vec<String>,
    /// Leave out admin consent.
    #[arg(long)]
    pub no_consent: bool,
    /// Switch the public client on, so that a user name and password are accepted (step 3).
    #[arg(long)]
    pub public_client: bool,
    /// Add a client secret of this name (step 4); its value is printed once.
    #[arg(long, value_name = "NAME")]
    pub secret: Option<String>,
    /// Register this certificate (step 4).
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// Register the service principal with Power Platform.
    #[arg(long)]
    pub register_admin: bool,
    /// Show the plan and stop.
    #[arg(long)]
    pub dry_run: bool,
    /// Apply without asking.
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub administrator: Administrator,
}

/// `carnet app`
#[derive(Debug, Args)]
pub struct AppCommand {
    #[command(subcommand)]
    pub verb: AppVerb,
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub administrator: Administrator,
}

#[derive(Debug, Subcommand)]
pub enum AppVerb {
    /// Register an application, single tenant, with its service principal (step 1).
    Create {
        /// Its name.
        name: String,
    },
    /// List the applications.
    List,
    /// Show one.
    Show {
        /// Name, client id or object id.
        app: String,
    },
    /// Delete one, with its service principal and grants.
    Delete {
        /// Name, client id or object id.
        app: String,
    },
    /// Change one (step 3).
    Set {
        /// Name, client id or object id.
        app: String,
        /// Whether a user name and password are accepted.
        #[arg(long, value_enum, required = true)]
        public_client: Option<Switch>,
    },
    /// API permissions (step 2).
    Permission {
        #[command(subcommand)]
        verb: PermissionVerb,
    },
    /// Consent for everyone to the delegated permissions it lists (step 2).
    Consent {
        /// Name, client id or object id.
        app: String,
    },
    /// Client secrets (step 4).
    Secret {
        #[command(subcommand)]
        verb: SecretVerb,
    },
    /// Certificates (step 4).
    Certificate {
        #[command(subcommand)]
        verb: CertificateVerb,
    },
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

#[derive(Debug, Subcommand)]
pub enum PermissionVerb {
    /// Add delegated permissions; the API's service principal is made when the tenant lacks it.
    Add {
        /// Name, client id or object id.
        app: String,
        /// Permissions, such as AppManagement.ApplicationPackages.Read.
        #[arg(required = true)]
        permissions: Vec<String>,
        /// The API's application id.
        #[arg(long, value_name = "GUID", default_value = carnet_wire::catalogue::POWER_PLATFORM)]
        api: carnet_wire::ids::AppId,
    },
    /// List what it needs, and what is consented.
    List {
        /// Name, client id or object id.
        app: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum SecretVerb {
    /// Add one; its value is printed this once.
    Add {
        /// Name, client id or object id.
        app: String,
        /// The secret's name.
        #[arg(long, default_value = "carnet")]
        name: String,
        /// Its last day, such as 2027-11-22 [default: two years from now].
        #[arg(long, value_name = "DATE")]
        expires: Option<String>,
    },
    /// List them.
    List {
        /// Name, client id or object id.
        app: String,
    },
    /// Remove one.
    Remove {
        /// Name, client id or object id.
        app: String,
        /// Its key id.
        key_id: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum CertificateVerb {
    /// Add one; its private key stays with you.
    Add {
        /// Name, client id or object id.
        app: String,
        /// The certificate, PEM or DER.
        file: PathBuf,
    },
    /// List them.
    List {
        /// Name, client id or object id.
        app: String,
    },
    /// Remove one.
    Remove {
        /// Name, client id or object id.
        app: String,
        /// Its key id or thumbprint.
        which: String,
    },
}

/// `carnet register-admin`
#[derive(Debug, Args)]
pub struct RegisterAdmin {
    /// The application's client id.
    #[arg(value_name = "CLIENT_ID", required_unless_present = "list")]
    pub app: Option<carnet_wire::ids::AppId>,
    /// Take the registration back.
    #[arg(long, conflicts_with = "list")]
    pub remove: bool,
    /// List the registered applications.
    #[arg(long)]
    pub list: bool,
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub administrator: Administrator,
}

/// As whom a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum As {
    /// A user, with user name and password.
    User,
    /// The application, with secret or certificate.
    App,
}

/// Who asks for a token, and with what.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Who")]
pub struct Who {
    /// As whom [default: user when a user name is given, else app].
    #[arg(long = "as", value_enum)]
    pub whom: Option<As>,
    /// The application's client id [env: CARNET_CLIENT_ID, AZURE_CLIENT_ID].
    #[arg(long, value_name = "GUID")]
    pub client_id: Option<carnet_wire::ids::AppId>,
    /// The user name [env: CARNET_USERNAME, AZURE_USERNAME].
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// A file that holds the password.
    #[arg(long, value_name = "FILE", group = "password_source")]
    pub password_file: Option<PathBuf>,
    /// An environment variable that holds the password [default: CARNET_PASSWORD, AZURE_PASSWORD].
    #[arg(long, value_name = "VARIABLE", group = "password_source")]
    pub password_env: Option<String>,
    /// Read the password from standard input.
    #[arg(long, group = "password_source")]
    pub password_stdin: bool,
    /// A file that holds the client secret.
    #[arg(long, value_name = "FILE", group = "proof_source")]
    pub secret_file: Option<PathBuf>,
    /// An environment variable that holds the client secret [default: CARNET_CLIENT_SECRET, AZURE_CLIENT_SECRET].
    #[arg(long, value_name = "VARIABLE", group = "proof_source")]
    pub secret_env: Option<String>,
    /// Read the client secret from standard input.
    #[arg(long, group = "proof_source", conflicts_with = "password_stdin")]
    pub secret_stdin: bool,
    /// A certificate with its private key, in PEM [env: AZURE_CLIENT_CERTIFICATE_PATH].
    #[arg(long, value_name = "FILE", group = "proof_source")]
    pub certificate: Option<PathBuf>,
    /// The private key, when it is in a file of its own.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub certificate_key: Option<PathBuf>,
    /// There only to say why it is refused.
    #[arg(long, value_name = "VALUE", hide = true)]
    pub client_secret: Option<String>,
    /// There only to say why it is refused.
    #[arg(long, value_name = "VALUE", hide = true)]
    pub password: Option<String>,
}

/// `carnet token`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Token {
    #[command(subcommand)]
    pub verb: Option<TokenVerb>,
    /// The scope [default: the Power Platform API's /.default].
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<String>,
    #[command(flatten)]
    pub who: Who,
    #[command(flatten)]
    pub place: Where,
}

#[derive(Debug, Subcommand)]
pub enum TokenVerb {
    /// Show a token's header and claims; nothing is verified.
    Decode {
        /// A file that holds the token, or the JSON that `carnet token` printed [default: standard input].
        file: Option<PathBuf>,
    },
}

/// `carnet api`
#[derive(Debug, Args)]
pub struct Api {
    /// The HTTP method.
    pub method: String,
    /// The path below the API, such as /environmentmanagement/environments.
    pub path: String,
    /// A file with a JSON body; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub body: Option<PathBuf>,
    /// The API to call.
    #[arg(long, value_enum, default_value = "power-platform")]
    pub to: Host,
    #[command(flatten)]
    pub who: Who,
    #[command(flatten)]
    pub place: Where,
}

/// An API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Host {
    /// The Power Platform API.
    PowerPlatform,
    /// The Power Platform administration API.
    Bap,
    /// Microsoft Graph.
    Graph,
}

/// `carnet plan`, `carnet apply`
#[derive(Debug, Args)]
pub struct TenantFileArguments {
    /// The tenant file.
    pub file: PathBuf,
    #[command(flatten)]
    pub place: Where,
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
