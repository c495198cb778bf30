//! The schema: one folder of statements for both engines, applied forwards only. A store that a newer
//! Carnet made is refused, because an older one would write what the newer does not expect.

use crate::StoreError;

mod embedded {
    refinery::embed_migrations!("src/schema");
}

/// The newest version this program knows.
#[must_use]
pub fn known() -> i32 {
    let migrations = embedded::migrations::runner();
    migrations.get_migrations().iter().map(|it| it.version() as i32).max().unwrap_or(0)
}

/// Brings a SQLite file up to date.
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
