//! `carnet up`: runs the server until it is told to stop.

use crate::{args::Up, config, failure::Failure, output};
use anstyle::AnsiColor;
use carnet_server::{Config, FirstAdmin, Running, StartError, start};
use carnet_wire::secret::{DatabaseUrl, Password};
use tokio::signal::unix::{SignalKind, signal};

/// Runs the server.
pub async fn run(up: Up) -> Result<(), Failure> {
    logging();
    no_core_dumps();
    let config = configuration(up)?;
    let running = start(config).await.map_err(failed)?;
    tell(&running);
    wait().await?;
    tracing::info!("stopping");
    running.stop().await;
    Ok(())
}

fn configuration(up: Up) -> Result<Config, Failure> {
    let data = up.data.or_else(config::data_folder);
    let data = data
        .ok_or_else(|| Failure::asked("there is no home folder; say where to keep data with --data DIR"))?;
    let first_admin = match &up.admin_password_file {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|error| {
                Failure::asked(format!("--admin-password-file {}: {error}", path.display()))
            })?;
            FirstAdmin::Password(Password::new(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        None if output::watched() => FirstAdmin::Generate,
        None => FirstAdmin::Refuse,
    };
    Ok(Config {
        data,
        database: up.database_url.or_else(|| config::variable("CARNET_DATABASE_URL")).map(DatabaseUrl::new),
        seal_key: up.seal_key,
        listen: up.listen,
        plain: up.danger_plain_http,
        public_url: up.public_url,
        hosts: up.hosts,
        tls: up.tls_cert.zip(up.tls_key),
        tenant_files: up.tenant_file,
        ready_file: up.ready_file,
        first_admin,
        show_generated: output::watched(),
        variable: config::variable,
    })
}

/// A server that does not start was asked wrongly, whatever the reason: another port, folder or file.
pub fn failed(error: StartError) -> Failure {
    Failure::asked(error.to_string())
}

/// What people want to know once it runs. Generated secrets go to a terminal only.
fn tell(running: &Running) {
    let ready = &running.ready;
    output::say(&format!("{} {}", coloured("ready"), ready.public_url));
    output::say(&format!("  CA to trust  {}", ready.ca_file.display()));
    if running.new_ca {
        output::say("  this CA is new: clients that trusted an older one need this one");
    }
    for tenant in &ready.tenants {
        output::say(&format!("  tenant       {} ({})", tenant.id, tenant.domain));
    }
    for notice in &running.notices {
        output::say(&format!("{} {notice}", output::coloured(AnsiColor::Yellow, "notice:")));
    }
    for applied in &running.applied {
        let all = applied.report.len();
        let changed =
            applied.report.iter().filter(|line| line.2 != carnet_server::seed::Did::Unchanged).count();
        let file = applied.path.display();
        match all {
            0 => output::say(&format!("  {file}: applied before, unchanged")),
            _ => output::say(&format!("  {file}: {changed} of {all} objects created or changed")),
        }
        for (application, name, value) in applied.generated.iter().filter(|_| output::watched()) {
            output::say(&format!(
                "  secret `{name}` of `{application}`, shown this once: {}",
                value.expose()
            ));
        }
    }
    if let Some((name, password)) = running.first_admin.as_ref().filter(|_| output::watched()) {
        output::say(&format!("  administrator {name}, password shown this once: {}", password.expose()));
    }
}

fn coloured(word: &str) -> String {
    output::coloured(AnsiColor::Green, word)
}

/// SIGTERM or the first SIGINT stops; a second SIGINT while stopping ends the process the usual way.
pub async fn wait() -> Result<(), Failure> {
    let wrong = |error: std::io::Error| Failure::bug(format!("signals cannot be heard: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(wrong)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(wrong)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {
            tokio::spawn(async move {
                interrupt.recv().await;
                output::say("stopped at once");
                let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            });
        }
    }
    Ok(())
}

/// Structured logs on standard error: lines for people in a terminal, JSON elsewhere.
fn logging() {
    use tracing_subscriber::{EnvFilter, fmt};
    let level = config::variable("CARNET_LOG").unwrap_or_else(|| "info".into());
    // The migration library tells of every step at `info`.
    let directives =
        format!("warn,refinery_core=warn,carnet={level},carnet_server={level},carnet_store={level}");
    let filter = EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true);
    // Somebody may have set a subscriber before; then theirs stays.
    let _ = match output::watched() {
        true => builder.compact().try_init(),
        false => builder.json().flatten_event(true).try_init(),
    };
}

/// A core file would hold keys.
fn no_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(cause = %error, "core dumps could not be switched off");
    }
}
