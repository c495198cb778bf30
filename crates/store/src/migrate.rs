//! Schema migrations: one folder of statements for both engines, applied in order. A store with a newer schema is
//! refused, because an older release would write data that the newer one does not expect.

use crate::StoreError;

mod embedded {
    refinery::embed_migrations!("src/schema");
}

/// The newest schema version that this program supports.
#[must_use]
pub fn known() -> i32 {
    let migrations = embedded::migrations::runner();
    migrations.get_migrations().iter().map(|it| it.version()).max().unwrap_or(0)
}

/// Updates the schema of a SQLite file.
pub(crate) fn sqlite(connection: &mut rusqlite::Connection) -> Result<(), StoreError> {
    const FOUND: &str = "select coalesce(max(version), 0) from refinery_schema_history";
    const TABLE: &str = "select count(*) from sqlite_master where name = 'refinery_schema_history'";
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i32>(0));
    let wrong = |error: rusqlite::Error| crate::engine::sqlite::of_engine(&error);
    if number(TABLE).map_err(wrong)? > 0 {
        let found = number(FOUND).map_err(wrong)?;
        if found > known() {
            return Err(StoreError::Newer { found, known: known() });
        }
    }
    let done = embedded::migrations::runner().run(connection);
    done.map(drop).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// Updates the schema of a PostgreSQL database. Nodes that start at the same time take turns.
pub(crate) async fn postgres(client: &mut tokio_postgres::Client) -> Result<(), StoreError> {
    // A fixed number for Carnet's migrations. The lock is released with the connection.
    const TURN: &str = "select pg_advisory_lock(4820114371)";
    const TABLE: &str = "select to_regclass('refinery_schema_history') is not null";
    const FOUND: &str = "select coalesce(max(version), 0) from refinery_schema_history";
    let wrong = |error: tokio_postgres::Error| crate::engine::postgres::of_engine(&error);
    client.batch_execute("set statement_timeout = 60000; set lock_timeout = 60000").await.map_err(wrong)?;
    client.query_one(TURN, &[]).await.map_err(wrong)?;
    if client.query_one(TABLE, &[]).await.map_err(wrong)?.get::<_, bool>(0) {
        let found: i32 = client.query_one(FOUND, &[]).await.map_err(wrong)?.get(0);
        if found > known() {
            return Err(StoreError::Newer { found, known: known() });
        }
    }
    let done = embedded::migrations::runner().run_async(client).await;
    done.map(drop).map_err(|error| StoreError::Damaged(error.to_string()))
}
