//! A database of its own in the PostgreSQL cluster that the test command prepares.

use carnet_client::clock::OsEntropy;
use carnet_store::engine::{Engine, postgres::Postgres, sqlite::Sqlite};
use carnet_wire::{entropy::Entropy, secret::DatabaseUrl};
use std::path::Path;

/// A fresh database; `None` where no cluster is prepared and none is demanded.
///
/// # Panics
/// Where `CI` is `true` and no cluster is prepared: what is not run there is not run at all.
pub async fn database() -> Option<DatabaseUrl> {
    let Some(cluster) = variable("CARNET_TEST_POSTGRES") else {
        let demanded = variable("CI").is_some_and(|value| value == "true");
        assert!(!demanded, "CARNET_TEST_POSTGRES is missing; `cargo xtask test` prepares it");
        return None;
    };
    let name = format!("law_{}", OsEntropy.uuid().simple());
    let (client, connection) =
        tokio_postgres::connect(&cluster, tokio_postgres::NoTls).await.expect("the cluster answers");
    let driver = tokio::spawn(connection);
    client.batch_execute(&format!("create database {name}")).await.expect("a database of this name is new");
    drop(client);
    driver.await.expect("the driver ends").expect("the connection ends well");
    let (base, options) = cluster.split_once('?').unwrap_or((&cluster, ""));
    let base = base.rsplit_once('/').map_or(base, |(base, _)| base);
    Some(DatabaseUrl::new(format!("{base}/{name}?{options}")))
}

/// A fresh database with what a dump of another one holds; `None` as for [`database`].
///
/// # Panics
/// As [`database`] does, and where the dump is not SQL.
pub async fn restored(dump: &str) -> Option<DatabaseUrl> {
    let url = database().await?;
    run(&url, dump).await;
    Some(url)
}

/// One more connection to a store's database, for looking at its rows: to a SQLite file in this folder, or to
/// PostgreSQL.
///
/// # Panics
/// Where the database does not answer.
pub async fn engine(folder: &Path, database: Option<&DatabaseUrl>) -> Engine {
    match database {
        Some(url) => Engine::Postgres(Postgres::open(url).await.expect("the database answers")),
        None => Engine::Sqlite(Sqlite::open(&folder.join("carnet.db")).expect("a file")),
    }
}

/// Ends all connections to a database and lets nobody connect, as if it were away.
///
/// # Panics
/// Where the cluster does not do so.
pub async fn close(url: &DatabaseUrl) {
    let name = name_of(url);
    let end = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
    at_cluster(&format!("alter database {name} allow_connections false; {end}")).await;
}

/// Lets everybody connect to a database again.
///
/// # Panics
/// Where the cluster does not do so.
pub async fn open(url: &DatabaseUrl) {
    at_cluster(&format!("alter database {} allow_connections true", name_of(url))).await;
}

/// Runs statements in a database.
///
/// # Panics
/// Where one of them fails.
pub async fn run(url: &DatabaseUrl, sql: &str) {
    let (client, connection) =
        tokio_postgres::connect(url.expose(), tokio_postgres::NoTls).await.expect("the database answers");
    let driver = tokio::spawn(connection);
    client.batch_execute(sql).await.expect("the statements are sound");
    drop(client);
    driver.await.expect("the driver ends").expect("the connection ends well");
}

fn name_of(url: &DatabaseUrl) -> &str {
    let path = url.expose().split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

async fn at_cluster(sql: &str) {
    let cluster = variable("CARNET_TEST_POSTGRES").expect("a database was made in it");
    run(&DatabaseUrl::new(cluster), sql).await;
}

/// What the test command prepared.
#[expect(clippy::disallowed_methods, reason = "the test command hands its preparations over in variables")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
