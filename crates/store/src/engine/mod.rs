//! The engine's two operations. A read is one statement. A write is a batch: statements in order, each with the
//! number of rows it must change. There are no interactive transactions.

pub mod postgres;
mod queue;
pub mod sqlite;
mod values;

pub(crate) use values::values;
pub use values::{Row, Sql, Value};

use crate::{StoreError, chain::Ticket};

/// The number of rows that a statement must change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Any number.
    Any,
    /// Exactly this number. Otherwise the whole batch fails with [`StoreError::Conflict`].
    Rows(u64),
}

/// One statement of a batch.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The SQL text.
    pub sql: Sql,
    /// The parameters.
    pub values: Vec<Value>,
    /// The number of rows it must change.
    pub expect: Expect,
}

/// Statements that are executed together or not at all.
#[derive(Debug, Default)]
pub struct Batch {
    /// The statements, in order.
    pub statements: Vec<Statement>,
    /// Whether the batch is a single insert of one row, which may be combined with others of the same text.
    pub mergeable: bool,
    /// Whether the caller works meanwhile (it signs a token), so that the commit need not hurry.
    pub can_wait: bool,
    /// The chain position of a sign-in record in this batch. The engine reports the outcome to it.
    pub(crate) ticket: Option<Ticket>,
}

impl Batch {
    /// Adds a statement.
    pub fn push(&mut self, sql: Sql, values: Vec<Value>, expect: Expect) {
        self.statements.push(Statement { sql, values, expect });
    }
}

/// The database engine.
#[derive(Debug)]
pub enum Engine {
    /// A SQLite file that only this process uses.
    Sqlite(sqlite::Sqlite),
    /// A PostgreSQL database that other nodes may use too.
    Postgres(postgres::Postgres),
}

impl Engine {
    /// Whether other processes may change the data.
    #[must_use]
    pub const fn shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Runs one statement that changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn read(&self, sql: Sql, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(engine) => engine.read(sql, &values),
            // Boxed, so that the future for SQLite stays small.
            Self::Postgres(engine) => Box::pin(engine.read(sql, &values)).await,
        }
    }

    /// Runs a batch and returns each statement's rows. The batch is durable when this function returns.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if a statement changed an unexpected number of rows, [`StoreError::Exists`] if a key
    /// is taken. In both cases nothing is changed.
    pub async fn write(&self, batch: Batch) -> Result<Vec<Vec<Row>>, StoreError> {
        match self {
            Self::Sqlite(engine) => engine.write(batch).await,
            Self::Postgres(engine) => Box::pin(engine.write(batch)).await,
        }
    }

    /// Completes waiting writes and stops.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(engine) => engine.close().await,
            Self::Postgres(engine) => engine.close().await,
        }
    }
}
