//! `carnet up`: runs the server until it is stopped.

use crate::{
    args::{LogFormat, LogLevel, Up},
    commands::signals::Signals,
    config,
    failure::Failure,
    output,
};
use anstyle::AnsiColor;
use carnet_os::signal::Signal;
use carnet_server::{
    AdminPassword, Config, FirstAdmin, PublicUrl, Reloaded, Running, StartError, seed::Applied, start,
};
use carnet_wire::secret::{DatabaseUrl, Password};
use clap::ValueEnum;

/// Runs the server.
pub async fn run(up: Up) -> Result<(), Failure> {
    logging(&up)?;
    if let Err(error) = carnet_os::process::no_core_files() {
        tracing::warn!(cause = %error, "could not disable core files, which may contain keys");
    }
    let config = configuration(up)?;
    let mut signals = Signals::listen()?;
    // Checked now, because the terminal may be closed later.
    let in_terminal = output::watched();
    let mut running = tokio::select! {
        running = start(config) => running.map_err(failed)?,
        () = signals.stopped(in_terminal) => {
            output::say("stopped before the server was ready");
            return Ok(());
        }
    };
    tell(&running);
    while signals.next().await == Signal::Hangup && !in_terminal {
        tell_reloaded(&running.reload().await);
    }
    tracing::info!("stopping");
    let (requests, most) = (running.in_flight(), running.drain_time().as_secs());
    if requests > 0 {
        output::say(&format!(
            "stopping: waiting up to {most} s for {requests} request(s) in progress; press Ctrl+C to stop now"
        ));
    }
    signals.unless_interrupted(running.stop()).await
}

fn configuration(up: Up) -> Result<Config, Failure> {
    let data = up.data.or_else(config::data_folder);
    let data =
        data.ok_or_else(|| Failure::usage("there is no home folder: specify a data folder with --data DIR"))?;
    let first_admin = match &up.admin_password_file {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|error| {
                Failure::usage(format!("--admin-password-file {}: {error}", path.display()))
            })?;
            FirstAdmin::Password(Password::new(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        None if output::watched() => FirstAdmin::Generate,
        None => FirstAdmin::Write(data.join("first-passwords.json")),
    };
    Ok(Config {
        data,
        database: up.database_url.or_else(|| config::variable("CARNET_DATABASE_URL")).map(DatabaseUrl::new),
        seal_key: up.seal_key,
        listen: up.listen,
        plain: up.danger_plain_http,
        public_url: match up.public_url {
            None => PublicUrl::Unsaid,
            Some(url) if up.change_public_url => PublicUrl::Changed(url),
            Some(url) => PublicUrl::Given(url),
        },
        hosts: up.hosts,
        tls: up.tls_cert.zip(up.tls_key),
        tenant_files: up.tenant_file,
        ready_file: up.ready_file,
        first_admin,
        show_generated: output::watched(),
        variable: config::variable,
    })
}

/// Converts a start error. It counts as a usage error, because another port, folder or file would help.
pub fn failed(error: StartError) -> Failure {
    Failure::usage(error.to_string())
}

/// Prints the addresses and notices of the started server. Generated secrets are printed in a terminal only.
fn tell(running: &Running) {
    let ready = &running.ready;
    output::say(&format!("{} {}", coloured("ready"), ready.public_url));
    output::say(&format!("  listening    {} (TLS)", ready.listen));
    if let Some(url) = &ready.plain_http {
        output::say(&format!("  listening    {url} (plain HTTP, this machine only)"));
    }
    output::say(&format!("  CA to trust  {}", ready.ca_file.display()));
    if running.new_ca {
        output::say("  this CA is new: clients that trust an older one have to trust this one");
    }
    for tenant in &ready.tenants {
        output::say(&format!("  tenant       {} ({})", tenant.id, tenant.domain));
    }
    for notice in &running.notices {
        output::say(&format!("{} {notice}", output::coloured(AnsiColor::Yellow, "notice:")));
    }
    tell_applied(&running.applied);
    if let Some(admin) = &running.first_admin {
        let name = &admin.name;
        match &admin.password {
            AdminPassword::Given => {
                output::say(&format!("  administrator {name}, with the password of --admin-password-file"));
            }
            AdminPassword::Written(path) => {
                output::say(&format!("  administrator {name}, password written to {}", path.display()));
            }
            AdminPassword::Generated(password) if output::watched() => {
                output::say(&format!("  administrator {name}, password (shown once): {}", password.expose()));
            }
            AdminPassword::Generated(_) => {}
        }
    }
}

/// Prints what was reloaded and what could not be used.
fn tell_reloaded(reloaded: &Reloaded) {
    match &reloaded.certificate {
        Some(Ok(())) => output::say("reloaded the certificate"),
        Some(Err(error)) => say_kept("the certificate", &error.to_string()),
        None => {}
    }
    match &reloaded.files {
        Ok(applied) => {
            output::say(&format!("reloaded {} tenant file(s)", applied.len()));
            tell_applied(applied);
        }
        Err(error) => say_kept("the tenant files", &error.to_string()),
    }
}

fn say_kept(what: &str, why: &str) {
    output::say(&format!(
        "{} could not reload {what}, which did not change: {why}",
        output::coloured(AnsiColor::Red, "error:")
    ));
}

fn tell_applied(all: &[Applied]) {
    for applied in all {
        let all = applied.report.len();
        let changed =
            applied.report.iter().filter(|line| line.2 != carnet_server::seed::Did::Unchanged).count();
        let file = applied.path.display();
        match all {
            0 => output::say(&format!("  {file}: unchanged since it was applied")),
            _ => output::say(&format!("  {file}: {changed} of {all} objects created or changed")),
        }
        for (application, name, value) in applied.generated.iter().filter(|_| output::watched()) {
            output::say(&format!("  secret `{name}` of `{application}` (shown once): {}", value.expose()));
        }
    }
}

fn coloured(word: &str) -> String {
    output::coloured(AnsiColor::Green, word)
}

/// The value of an option, or else of its environment variable.
fn chosen<T: ValueEnum>(flag: Option<T>, name: &str) -> Result<Option<T>, Failure> {
    let Some(value) = config::variable(name).filter(|_| flag.is_none()) else { return Ok(flag) };
    let words = || {
        let words = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        words.map(|it| it.get_name().to_owned()).collect::<Vec<_>>().join(", ")
    };
    let wrong = |_| {
        Failure::usage(format!("{name} has the unknown value {value:?}"))
            .hint(format!("use one of {}", words()))
    };
    T::from_str(&value, true).map(Some).map_err(wrong)
}

/// Starts logging on standard error: text in a terminal, otherwise JSON, unless the options say something else.
fn logging(up: &Up) -> Result<(), Failure> {
    use tracing_subscriber::{EnvFilter, fmt};
    let level = chosen(up.log, "CARNET_LOG")?.unwrap_or(LogLevel::Info);
    let usual = if output::watched() { LogFormat::Text } else { LogFormat::Json };
    let format = chosen(up.log_format, "CARNET_LOG_FORMAT")?.unwrap_or(usual);
    // Libraries log warnings only; the migration library logs every step at `info`.
    let (word, libraries) = match level {
        LogLevel::Off => ("off", "off"),
        LogLevel::Error => ("error", "error"),
        LogLevel::Warn => ("warn", "warn"),
        LogLevel::Info => ("info", "warn"),
        LogLevel::Debug => ("debug", "warn"),
        LogLevel::Trace => ("trace", "warn"),
    };
    // A directive is the beginning of a target, so `carnet` stands for all packages.
    let directives = format!("{libraries},carnet={word}");
    let filter = EnvFilter::try_new(directives)
        .map_err(|error| Failure::bug(format!("the log filter is not valid: {error}")))?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true);
    // A closed terminal must not make logging fail.
    let builder = builder.with_ansi(output::watched()).log_internal_errors(false);
    // A subscriber that is already set stays.
    let _ = match format {
        LogFormat::Text => builder.compact().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}
