//! Sign-in records: single-row inserts wait briefly and are written as one insert of several rows. Each caller still
//! waits for the commit.

use super::{LONGEST, batch::run, connection, of_engine};
use crate::{
    StoreError,
    chain::Ticket,
    engine::{Batch, Row, Statement, Value},
};
use deadpool_postgres::Pool;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};

/// Maximum number of rows in one insert.
const GROUP: usize = 64;
/// Time for which the first row waits for others.
const GATHER: Duration = Duration::from_millis(1);
/// Maximum number of waiting rows.
const QUEUE: usize = 4096;
/// Maximum number of inserts in progress.
const AT_ONCE: usize = 2;

type Answer = Result<(), StoreError>;

/// A row to insert, its chain position, and the channel for its answer.
struct Job {
    statement: Statement,
    ticket: Option<Ticket>,
    answer: oneshot::Sender<Answer>,
}

/// The queue and the task that inserts.
pub(super) struct Records {
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Records {
    pub(super) fn start(pool: Pool) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let task = tokio::spawn(work(pool, jobs));
        Self { queue: Mutex::new(Some(queue)), task: Mutex::new(Some(task)) }
    }

    /// Writes a batch of one row.
    pub(super) async fn keep(&self, mut batch: Batch) -> Result<Vec<Vec<Row>>, StoreError> {
        let Some(statement) = batch.statements.pop() else { return Ok(Vec::new()) };
        let (answer, wait) = oneshot::channel();
        {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let queue = queue.as_ref().ok_or_else(|| StoreError::Away("the store is closed".into()))?;
            queue
                .try_send(Job { statement, ticket: batch.ticket.take(), answer })
                .map_err(|_| StoreError::Away("too many writes are waiting".into()))?;
        }
        wait.await.unwrap_or(Err(StoreError::Unknown)).map(|()| vec![Vec::new()])
    }

    /// Completes waiting inserts and stops.
    pub(super) async fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

async fn work(pool: Pool, mut jobs: mpsc::Receiver<Job>) {
    let permits = std::sync::Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    while let Some(first) = jobs.recv().await {
        let until = Instant::now() + GATHER;
        let mut group = vec![first];
        while group.len() < GROUP {
            match timeout_at(until, jobs.recv()).await {
                Ok(Some(job)) => group.push(job),
                Ok(None) | Err(_) => break,
            }
        }
        let permit = permits.clone().acquire_owned().await;
        let pool = pool.clone();
        tokio::spawn(async move {
            insert(&pool, group).await;
            drop(permit);
        });
    }
    // With both permits back, no insert is in progress.
    let _ = permits.acquire_many(AT_ONCE as u32).await;
}

/// Inserts a group. Rows of the same SQL text are combined into one statement.
async fn insert(pool: &Pool, group: Vec<Job>) {
    let mut results: Vec<Option<Answer>> = vec![None; group.len()];
    for at in 0..group.len() {
        if results[at].is_some() {
            continue;
        }
        let sql = group[at].statement.sql;
        let same_text: Vec<usize> =
            (at..group.len()).filter(|other| group[*other].statement.sql == sql).collect();
        let rows: Vec<&[Value]> = same_text.iter().map(|at| group[*at].statement.values.as_slice()).collect();
        let done = rows_of(pool, sql, &rows).await;
        for at in same_text {
            results[at] = Some(done.clone());
        }
    }
    for (job, result) in group.into_iter().zip(results) {
        let result = result.unwrap_or(Err(StoreError::Unknown));
        if let Some(ticket) = job.ticket {
            ticket.answered(&result);
        }
        let _ = job.answer.send(result);
    }
}

async fn rows_of(pool: &Pool, sql: &str, rows: &[&[Value]]) -> Answer {
    let client = connection(pool).await?;
    let values: Vec<Value> = rows.iter().flat_map(|row| row.iter().cloned()).collect();
    let text = multiplied(sql, rows.first().map_or(0, |row| row.len()), rows.len());
    match timeout(LONGEST * 2, run(&client, &text, &values)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(of_engine(&error)),
        Err(_) => {
            drop(deadpool_postgres::Object::take(client));
            Err(StoreError::Unknown)
        }
    }
}

/// Extends `… values ($1, $2)` to several rows: `… values ($1, $2), ($3, $4)`.
fn multiplied(sql: &str, columns: usize, rows: usize) -> String {
    let head = sql.rfind("values").map_or(sql, |at| &sql[..at]);
    let row = |number: usize| {
        let places = (1..=columns).map(|column| format!("${}", number * columns + column));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    format!("{head}values {}", (0..rows).map(row).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::multiplied;

    #[test]
    fn an_insert_grows_by_rows() {
        let one = "insert into t(a, b) values ($1, $2)";
        assert_eq!(multiplied(one, 2, 1), one);
        assert_eq!(multiplied(one, 2, 2), "insert into t(a, b) values ($1, $2), ($3, $4)");
    }
}
