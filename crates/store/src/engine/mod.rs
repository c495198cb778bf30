//! The two verbs. A read is one statement; a write is a batch: statements in order, each with the
//! number of rows it must touch. No transaction is interactive, and nothing else crosses this seam.

pub mod postgres;
mod queue;
pub mod sqlite;
mod values;

pub(crate) use values::values;
pub use values::{Row, Sql, Value};

use crate::{StoreError, chain::Ticket};

/// How many rows a statement must touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Any number.
    Any,
    /// Exactly so many; otherwise the whole batch fails with `Conflict`.
    Rows(u64),
}

/// One statement of a batch.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The text.
    pub sql: Sql,
    /// Its parameters.
    pub values: Vec<Value>,
    /// What must come of it.
    pub expect: Expect,
}

/// Statements that happen together or not at all.
#[derive(Debug, Default)]
pub struct Batch {
    /// In order.
    pub statements: Vec<Statement>,
    /// It is one insert of one row, which may be kept together with others of the same text.
    pub alike: bool,
    /// What waits for it has something to do meanwhile: its token is being signed.
    pub beside: bool,
    /// The place in its chain of a record in this batch; the engine tells it what became of the batch.
    pub(crate) ticket: Option<Ticket>,
}

impl Batch {
    /// Adds a statement.
    pub fn push(&mut self, sql: Sql, values: Vec<Value>, expect: Expect) {
        self.statements.push(Statement { sql, values, expect });
    }
}

/// The engine that keeps.
#[derive(Debug)]
pub enum Engine {
    /// A file of this process alone.
    Sqlite(sqlite::Sqlite),
    /// A database that other nodes may use too.
    Postgres(postgres::Postgres),
}

impl Engine {
    /// Other processes may change what is kept.
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
            // Boxed, so that what waits for a file is small.
            Self::Postgres(engine) => Box::pin(engine.read(sql, &values)).await,
        }
    }

    /// Runs a batch; the answer holds each statement's rows. It is durable when the answer is there.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a statement touched another number of rows than expected,
    /// [`StoreError::Exists`] when a key is taken; then nothing of the batch was done.
    pub async fn write(&self, batch: Batch) -> Result<Vec<Vec<Row>>, StoreError> {
        match self {
            Self::Sqlite(engine) => engine.write(batch).await,
            Self::Postgres(engine) => Box::pin(engine.write(batch)).await,
        }
    }

    /// Finishes what waits and stops.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(engine) => engine.close().await,
            Self::Postgres(engine) => engine.close().await,
        }
    }
}
