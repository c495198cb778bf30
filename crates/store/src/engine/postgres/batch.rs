//! Execution of one statement or one batch on one connection.

use super::{LONGEST, of_engine};
use crate::{
    StoreError,
    engine::{Batch, Expect, Row, Value},
};
use bytes::BytesMut;
use deadpool_postgres::Object;
use futures_util::{TryStreamExt, future::join_all};
use std::{error::Error, pin::pin};
use tokio_postgres::{
    error::SqlState,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

/// Why a batch was not committed.
pub(super) enum BatchError {
    /// A conflict with another transaction; the batch may be repeated.
    Retry,
    /// A final error.
    Store(StoreError),
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Int(value) => value.to_sql(kind, out),
            Self::Text(value) => value.to_sql(kind, out),
            Self::Bytes(value) => value.to_sql(kind, out),
            Self::Null => Ok(IsNull::Yes),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA)
    }

    to_sql_checked!();
}

/// Runs a statement. Returns its rows, and the number of rows that it changed or returned.
pub(super) async fn run(
    client: &Object,
    sql: &str,
    values: &[Value],
) -> Result<(Vec<Row>, u64), tokio_postgres::Error> {
    let statement = client.prepare_cached(sql).await?;
    let mut stream = pin!(client.query_raw(&statement, values).await?);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        let cells = (0..row.len()).map(|column| value_of(&row, column)).collect::<Result<_, _>>()?;
        rows.push(Row(cells));
    }
    let touched = stream.rows_affected().unwrap_or(rows.len() as u64);
    Ok((rows, touched))
}

fn value_of(row: &tokio_postgres::Row, column: usize) -> Result<Value, tokio_postgres::Error> {
    let kind = row.columns().get(column).map_or(&Type::TEXT, |column| column.type_());
    Ok(match *kind {
        Type::INT8 => row.try_get::<_, Option<i64>>(column)?.map_or(Value::Null, Value::Int),
        Type::INT4 => {
            row.try_get::<_, Option<i32>>(column)?.map_or(Value::Null, |value| Value::Int(value.into()))
        }
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(column)?.map_or(Value::Null, Value::Bytes),
        _ => row.try_get::<_, Option<String>>(column)?.map_or(Value::Null, Value::Text),
    })
}

/// Runs a batch in a transaction. A connection that does not answer in time is discarded.
pub(super) async fn transact(client: Object, batch: &Batch) -> Result<Vec<Vec<Row>>, BatchError> {
    let done = match batch.statements.as_slice() {
        [only] => {
            let told = tokio::time::timeout(LONGEST * 2, run(&client, only.sql, &only.values)).await;
            told.map(|told| {
                let (rows, touched) = told.map_err(|error| batch_error(&error))?;
                met(only.expect, touched)?;
                Ok(vec![rows])
            })
        }
        _ => tokio::time::timeout(LONGEST * 4, several(&client, batch)).await,
    };
    done.unwrap_or_else(|_| {
        drop(Object::take(client));
        Err(BatchError::Store(StoreError::Unknown))
    })
}

async fn several(client: &Object, batch: &Batch) -> Result<Vec<Vec<Row>>, BatchError> {
    let open = batch.statements.iter().all(|statement| statement.expect == Expect::Any);
    // Statements are prepared before the transaction begins, so that the transaction is sent as a whole.
    for statement in &batch.statements {
        client.prepare_cached(statement.sql).await.map_err(|error| batch_error(&error))?;
    }
    let each = batch.statements.iter().map(|statement| run(client, statement.sql, &statement.values));
    let (begun, told, ended) = if open {
        let (begun, told, ended) = futures_util::future::join3(
            client.batch_execute("begin"),
            join_all(each),
            client.batch_execute("commit"),
        )
        .await;
        (begun, told, Some(ended))
    } else {
        let (begun, told) = futures_util::future::join(client.batch_execute("begin"), join_all(each)).await;
        (begun, told, None)
    };
    begun.map_err(|error| batch_error(&error))?;
    let counted = counted(batch, told);
    match (counted, ended) {
        // After an error, `commit` rolls back.
        (counted, Some(ended)) => {
            let rows = counted?;
            ended.map(|()| rows).map_err(|error| lost(&error))
        }
        (Ok(rows), None) => client.batch_execute("commit").await.map(|()| rows).map_err(|error| lost(&error)),
        (Err(error), None) => {
            client.batch_execute("rollback").await.map_err(|error| batch_error(&error))?;
            Err(error)
        }
    }
}

/// The rows of all statements, if each changed the expected number. The first error has the cause; later ones only
/// say that the transaction is aborted.
fn counted(
    batch: &Batch,
    told: Vec<Result<(Vec<Row>, u64), tokio_postgres::Error>>,
) -> Result<Vec<Vec<Row>>, BatchError> {
    let mut all = Vec::with_capacity(told.len());
    for (statement, told) in batch.statements.iter().zip(told) {
        let (rows, touched) = told.map_err(|error| batch_error(&error))?;
        met(statement.expect, touched)?;
        all.push(rows);
    }
    Ok(all)
}

fn met(expect: Expect, touched: u64) -> Result<(), BatchError> {
    match expect {
        Expect::Rows(wanted) if wanted != touched => Err(BatchError::Store(StoreError::Conflict)),
        _ => Ok(()),
    }
}

fn batch_error(error: &tokio_postgres::Error) -> BatchError {
    match error.code() {
        Some(code)
            if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED =>
        {
            BatchError::Retry
        }
        _ => BatchError::Store(of_engine(error)),
    }
}

/// A commit without an answer may have been executed.
fn lost(error: &tokio_postgres::Error) -> BatchError {
    match error.code() {
        Some(_) => batch_error(error),
        None => BatchError::Store(StoreError::Unknown),
    }
}
