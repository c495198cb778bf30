//! The PostgreSQL engine, which several nodes can share: pooled connections, prepared and pipelined statements. Every
//! wait is bounded. A batch runs in its own task, so that a cancelled caller leaves no open transaction.

mod batch;
mod records;

use super::{Batch, Row, Value};
use crate::StoreError;
use batch::{BatchError, run};
use carnet_wire::secret::DatabaseUrl;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use std::{net::IpAddr, time::Duration};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Maximum number of connections of one node.
const CONNECTIONS: usize = 16;
/// Maximum wait for a connection, a statement or a lock.
const LONGEST: Duration = Duration::from_secs(2);
/// Maximum number of times that a batch is executed after conflicts with other transactions.
const TIMES: usize = 3;

/// A connection pool for one database.
pub struct Postgres {
    pool: Pool,
    records: records::Records,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Postgres")
    }
}

impl Postgres {
    /// Connects and updates the schema.
    ///
    /// # Errors
    /// [`StoreError::Away`], [`StoreError::Newer`] or [`StoreError::Damaged`]. No message contains the URL's
    /// password.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let (config, tls) = configuration(url)?;
        let (mut client, connection) = tokio::time::timeout(LONGEST * 3, config.connect(tls.clone()))
            .await
            .map_err(|_| away("the database did not answer"))?
            .map_err(|error| of_engine(&error))?;
        let driver = tokio::spawn(connection);
        let migrated = crate::migrate::postgres(&mut client).await;
        drop(client);
        let _ = driver.await;
        migrated?;
        let manager =
            Manager::from_config(config, tls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(LONGEST))
            .create_timeout(Some(LONGEST))
            .recycle_timeout(Some(LONGEST))
            .build()
            .map_err(|error| away(error.to_string()))?;
        Ok(Self { records: records::Records::start(pool.clone()), pool })
    }

    async fn connection(&self) -> Result<Object, StoreError> {
        connection(&self.pool).await
    }

    pub(super) async fn read(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let client = self.connection().await?;
        let done = tokio::time::timeout(LONGEST * 2, run(&client, sql, values)).await;
        match done {
            Ok(told) => told.map(|(rows, _)| rows).map_err(|error| of_engine(&error)),
            Err(_) => {
                // The state of the connection is unknown.
                drop(Object::take(client));
                Err(away("the database did not answer in time"))
            }
        }
    }

    pub(super) async fn write(&self, mut batch: Batch) -> Result<Vec<Vec<Row>>, StoreError> {
        if batch.mergeable && batch.statements.len() == 1 {
            return self.records.keep(batch).await;
        }
        let pool = self.pool.clone();
        let ticket = batch.ticket.take();
        let work = async move {
            let answer = repeated(&pool, &batch).await;
            if let Some(ticket) = ticket {
                ticket.answered(&answer);
            }
            answer
        };
        tokio::spawn(work).await.map_err(|_| StoreError::Unknown)?
    }

    pub(super) async fn close(&self) {
        self.records.close().await;
        self.pool.close();
    }
}

/// Runs a batch, and repeats it after conflicts with other transactions.
async fn repeated(pool: &Pool, batch: &Batch) -> Result<Vec<Vec<Row>>, StoreError> {
    let mut tries = 1;
    loop {
        let client = connection(pool).await?;
        match batch::transact(client, batch).await {
            Err(BatchError::Retry) if tries < TIMES => tries += 1,
            Err(BatchError::Retry) => return Err(StoreError::Conflict),
            Err(BatchError::Store(error)) => return Err(error),
            Ok(rows) => return Ok(rows),
        }
    }
}

/// Gets a connection from the pool.
async fn connection(pool: &Pool) -> Result<Object, StoreError> {
    pool.get().await.map_err(|error| match error {
        deadpool_postgres::PoolError::Backend(error) => of_engine(&error),
        other => away(other.to_string()),
    })
}

fn away(why: impl Into<String>) -> StoreError {
    StoreError::Away(why.into())
}

/// The configuration of a URL, with Carnet's own timeouts. The connection to another machine is encrypted unless the
/// URL has `sslmode=disable`.
fn configuration(url: &DatabaseUrl) -> Result<(Config, MakeRustlsConnect), StoreError> {
    let unreadable = "the database URL is not valid; its form is postgresql://USER@HOST:PORT/DATABASE";
    let mut config: Config = url.expose().parse().map_err(|_| away(unreadable))?;
    let local = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        Host::Unix(_) => true,
    };
    if config.get_ssl_mode() == SslMode::Prefer && !config.get_hosts().iter().all(local) {
        config.ssl_mode(SslMode::Require);
    }
    let options = config.get_options().unwrap_or_default();
    let bounds = format!(
        "{options} -c statement_timeout=2000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=5000"
    );
    config.options(bounds.trim()).application_name("carnet").connect_timeout(LONGEST);
    config.keepalives(true).keepalives_idle(Duration::from_secs(10)).tcp_user_timeout(Duration::from_secs(5));
    Ok((config, MakeRustlsConnect::new(tls()?)))
}

fn tls() -> Result<rustls::ClientConfig, StoreError> {
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| away(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Converts the driver's error. Its texts do not contain the URL.
pub(crate) fn of_engine(error: &tokio_postgres::Error) -> StoreError {
    use tokio_postgres::error::SqlState;
    match error.code() {
        Some(code) if *code == SqlState::UNIQUE_VIOLATION => StoreError::Exists,
        Some(code) if *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED => {
            StoreError::Damaged(error.to_string())
        }
        _ => {
            let cause = std::error::Error::source(error).map(|it| format!(": {it}")).unwrap_or_default();
            away(format!("{error}{cause}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> DatabaseUrl {
        DatabaseUrl::new(text.to_owned())
    }

    #[test]
    fn off_this_machine_a_connection_is_encrypted_unless_the_address_says_otherwise() {
        let mode = |text: &str| configuration(&url(text)).unwrap().0.get_ssl_mode();
        assert_eq!(mode("postgresql://a@127.0.0.1/b"), SslMode::Prefer);
        assert_eq!(mode("postgresql://a@db.example/b"), SslMode::Require);
        assert_eq!(mode("postgresql://a@db.example/b?sslmode=disable"), SslMode::Disable);
    }

    #[test]
    fn an_address_that_cannot_be_read_is_refused_without_showing_it() {
        let error = configuration(&url("mysql://a:Canary-1@b/c")).err().unwrap().to_string();
        assert!(error.contains("postgresql://") && !error.contains("Canary-1"), "{error}");
        assert!(!format!("{:?}", url("postgresql://a:Canary-1@b/c")).contains("Canary-1"));
    }
}
