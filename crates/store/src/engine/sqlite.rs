//! The SQLite engine: bundled library, WAL, `synchronous=FULL`. Reads run on the caller's thread; one writer thread
//! commits waiting batches in groups. A failing batch does not affect others of its group, and answers are sent after
//! the commit.

use super::{
    Batch, Expect, Row, Value,
    queue::{Answer, Job, Queue},
};
use crate::StoreError;
use carnet_os::private;
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig, hooks::Wal, types::ValueRef};
use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI32, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Number of pages in the write-ahead log at which it is copied into the database (checkpoint).
const LOGGED: i32 = 500;
/// With `unix-excl`, locks and the WAL index stay within the process, which saves a system call for each lock. That
/// is safe because the process has the data folder exclusively (`FolderLock`). Windows uses its default VFS.
const VFS: Option<&str> = if cfg!(unix) { Some("unix-excl") } else { None };
/// Page size of new files, in bytes: the rows of a commit are on fewer pages than with SQLite's 4096.
const PAGE: i64 = 8192;
/// Names of parameters in SQL texts.
const NAMES: [&str; 12] = ["$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12"];
/// The oldest version without the WAL-reset defect (`docs/security.md#f5`).
const OLDEST: i32 = 3_051_003;

/// An open SQLite file and its writer thread.
pub struct Sqlite {
    readers: Mutex<Vec<Connection>>,
    queue: Arc<Queue>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sqlite")
    }
}

impl Sqlite {
    /// Opens or creates the file and updates its schema.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Newer`] or [`StoreError::Away`]
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if rusqlite::version_number() < OLDEST {
            return Err(StoreError::Damaged(format!("SQLite {} is older than 3.51.3", rusqlite::version())));
        }
        // SQLite gives the write-ahead log the mode of this file.
        private::create(path).map_err(|error| StoreError::Away(format!("{}: {error}", path.display())))?;
        let mut writer = connect(path, false)?;
        crate::migrate::sqlite(&mut writer)?;
        let count = std::thread::available_parallelism().map_or(2, usize::from) + 1;
        let readers = (0..count).map(|_| connect(path, true)).collect::<Result<_, _>>()?;
        // Without a hook, SQLite runs the checkpoint inside the commit, before the answers are sent.
        let logged = Arc::new(AtomicI32::new(0));
        let pages = logged.clone();
        writer
            .wal_hook(Some(move |_: &mut Wal, count| {
                pages.store(count, Ordering::Relaxed);
                Ok(())
            }))
            .map_err(|error| of_engine(&error))?;
        let queue = Arc::new(Queue::default());
        let jobs = queue.clone();
        let thread = std::thread::Builder::new()
            .name("carnet-writer".into())
            .spawn(move || write_all(&writer, &jobs, &logged))
            .map_err(|error| StoreError::Away(error.to_string()))?;
        Ok(Self { readers: Mutex::new(readers), queue, writer: Mutex::new(Some(thread)) })
    }

    pub(super) fn read(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let taken = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(connection) = taken else { return Err(StoreError::Away("all readers are busy".into())) };
        let rows = run(&connection, sql, values).map(|(rows, _)| rows);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        rows.map_err(|error| of_engine(&error))
    }

    pub(super) async fn write(&self, batch: Batch) -> Answer {
        let (answer, wait) = oneshot::channel();
        self.queue.submit(Job { batch, answer })?;
        wait.await.unwrap_or(Err(StoreError::Unknown))
    }

    pub(super) async fn close(&self) {
        self.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // The writer completes the waiting batches.
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    }
}

fn connect(path: &Path, reader: bool) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_READ_WRITE;
    if !reader {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let open = || -> rusqlite::Result<Connection> {
        let connection = match VFS {
            Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs)?,
            None => Connection::open_with_flags(path, flags)?,
        };
        connection.busy_timeout(Duration::from_secs(2))?;
        connection.pragma_update(None, "page_size", PAGE)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        if cfg!(target_os = "macos") {
            // On macOS, `fsync` alone leaves data in the drive's cache.
            connection.pragma_update(None, "fullfsync", "on")?;
        }
        connection.pragma_update(None, "cell_size_check", "on")?;
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.pragma_update(None, "cache_size", if reader { -1024 } else { -2048 })?;
        if reader {
            connection.pragma_update(None, "query_only", "on")?;
        }
        // Query plans do not depend on the values. Without this option, SQLite plans again when other values are
        // bound.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    open().map_err(|error| of_engine(&error))
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // The writer thread ends after the waiting batches.
        self.queue.close();
    }
}

/// The writer thread: collects a group, commits it, sends the answers, and then runs a checkpoint if the log is long.
fn write_all(connection: &Connection, queue: &Queue, logged: &AtomicI32) {
    let mut last = None;
    while let Some(group) = queue.group(last) {
        last = Some(Instant::now());
        let answers = commit(connection, &group).unwrap_or_else(|error| {
            if !connection.is_autocommit() {
                let _ = plain(connection, "rollback");
            }
            vec![Err(error); group.len()]
        });
        queue.committed(group.len());
        for (mut job, answer) in group.into_iter().zip(answers) {
            if let Some(ticket) = job.batch.ticket.take() {
                ticket.answered(&answer);
            }
            // The caller may have been cancelled.
            let _ = job.answer.send(answer);
        }
        if logged.load(Ordering::Relaxed) >= LOGGED {
            // Pages that a reader still uses are copied at a later checkpoint.
            let _ = connection.execute_batch("pragma wal_checkpoint(passive)");
        }
    }
    let _ = connection.execute_batch("pragma optimize");
}

/// Commits a group and returns the answer of each batch. An error concerns all batches.
fn commit(connection: &Connection, group: &[Job]) -> Result<Vec<Answer>, StoreError> {
    plain(connection, "begin immediate")?;
    let answers = match run_group(connection, group) {
        Some(answers) => answers,
        None => run_each(connection, group)?,
    };
    plain(connection, "commit")?;
    Ok(answers)
}

/// Runs all batches without savepoints, each of which costs SQLite a copy of every changed page. `None` if a batch
/// failed; then nothing is changed.
fn run_group(connection: &Connection, group: &[Job]) -> Option<Vec<Answer>> {
    let answers = group.iter().map(|job| statements(connection, &job.batch).map(Ok)).collect();
    if let Ok(answers) = answers {
        return Some(answers);
    }
    if !connection.is_autocommit() {
        let _ = plain(connection, "rollback");
    }
    None
}

/// Runs the batches again, each in a savepoint, so that only the failing ones are undone.
fn run_each(connection: &Connection, group: &[Job]) -> Result<Vec<Answer>, StoreError> {
    plain(connection, "begin immediate")?;
    let mut answers = Vec::with_capacity(group.len());
    for job in group {
        let answer = savepoint(connection, &job.batch);
        if connection.is_autocommit() {
            // FULL, IOERR or NOMEM rolled back the whole group, so every batch of it failed.
            return Err(answer
                .err()
                .unwrap_or_else(|| StoreError::Away("the commit was rolled back".into())));
        }
        answers.push(answer);
    }
    Ok(answers)
}

/// Runs a statement without parameters, prepared once.
fn plain(connection: &Connection, sql: &'static str) -> Result<(), StoreError> {
    let done = connection.prepare_cached(sql).and_then(|mut statement| statement.raw_execute());
    done.map(drop).map_err(|error| of_engine(&error))
}

fn savepoint(connection: &Connection, batch: &Batch) -> Answer {
    plain(connection, "savepoint b")?;
    let answer = statements(connection, batch);
    if answer.is_err() && !connection.is_autocommit() {
        plain(connection, "rollback to b")?;
    }
    if !connection.is_autocommit() {
        plain(connection, "release b")?;
    }
    answer
}

fn statements(connection: &Connection, batch: &Batch) -> Answer {
    let mut answers = Vec::with_capacity(batch.statements.len());
    for statement in &batch.statements {
        let (rows, touched) =
            run(connection, statement.sql, &statement.values).map_err(|error| of_engine(&error))?;
        match statement.expect {
            Expect::Rows(wanted) if wanted != touched => return Err(StoreError::Conflict),
            _ => answers.push(rows),
        }
    }
    Ok(answers)
}

/// Runs a statement. Returns its rows, and the number of rows that it changed or returned.
fn run(connection: &Connection, sql: &'static str, values: &[Value]) -> rusqlite::Result<(Vec<Row>, u64)> {
    let mut statement = connection.prepare_cached(sql)?;
    // SQLite treats `$2` as a name and numbers names by first appearance, so parameters are bound by name.
    for (number, value) in values.iter().enumerate() {
        let Some(name) = NAMES.get(number) else {
            return Err(rusqlite::Error::InvalidParameterCount(number, NAMES.len()));
        };
        if let Some(index) = statement.parameter_index(name)? {
            match value {
                Value::Int(value) => statement.raw_bind_parameter(index, value)?,
                Value::Text(value) => statement.raw_bind_parameter(index, value)?,
                Value::Bytes(value) => statement.raw_bind_parameter(index, value)?,
                Value::Null => statement.raw_bind_parameter(index, rusqlite::types::Null)?,
            }
        }
    }
    if statement.column_count() == 0 {
        let changed = statement.raw_execute()?;
        return Ok((Vec::new(), changed as u64));
    }
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = (0..columns).map(|column| row.get_ref(column).map(value_of)).collect::<Result<_, _>>()?;
        list.push(Row(cells));
    }
    let count = list.len() as u64;
    Ok((list, count))
}

fn value_of(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        #[expect(clippy::cast_possible_truncation, reason = "no statement returns a fraction")]
        ValueRef::Real(value) => Value::Int(value as i64),
        ValueRef::Text(value) => Value::Text(String::from_utf8_lossy(value).into_owned()),
        ValueRef::Blob(value) => Value::Bytes(value.to_vec()),
    }
}

pub(crate) fn of_engine(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => StoreError::Exists,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged(error.to_string()),
        Some(ErrorCode::DatabaseBusy) => StoreError::Away("another program has its file open".into()),
        _ => StoreError::Away(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUT: &str = "insert into meta(name, value) values ($2, $1)";
    const GET: &str = "select name, value from meta where name >= $1 order by name";

    fn open() -> (tempfile::TempDir, Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let engine = Sqlite::open(&folder.path().join("s.db")).unwrap();
        (folder, engine)
    }

    fn put(name: &str) -> Batch {
        let mut batch = Batch::default();
        batch.push(PUT, crate::engine::values![&b"v"[..], name], Expect::Rows(1));
        batch
    }

    fn names(engine: &Sqlite) -> Vec<String> {
        let rows = engine.read(GET, &[Value::from("t-")]).unwrap();
        rows.iter().map(|row| row.text(0).to_owned()).filter(|name| name.starts_with("t-")).collect()
    }

    #[tokio::test]
    async fn parameters_are_bound_by_name_whatever_the_order_in_the_text() {
        let (_folder, engine) = open();
        engine.write(put("t-a")).await.unwrap();
        let rows = engine.read(GET, &[Value::from("t-a")]).unwrap();
        assert_eq!((rows[0].text(0), rows[0].bytes(1)), ("t-a", Some(&b"v"[..])));
    }

    #[tokio::test]
    async fn a_failed_batch_leaves_nothing_and_its_neighbours_stay() {
        let (_folder, engine) = open();
        engine.write(put("t-taken")).await.unwrap();
        let mut bad = put("t-lost");
        bad.statements.extend(put("t-taken").statements);
        let mut short = put("t-short");
        short.push(
            "update meta set value = $1 where name = $2",
            crate::engine::values![&b"x"[..], "t-none"],
            Expect::Rows(1),
        );
        let (one, two, three, four) = tokio::join!(
            engine.write(put("t-one")),
            engine.write(bad),
            engine.write(short),
            engine.write(put("t-two"))
        );
        assert!(one.is_ok() && four.is_ok());
        assert_eq!((two, three), (Err(StoreError::Exists), Err(StoreError::Conflict)));
        assert_eq!(names(&engine), ["t-one", "t-taken", "t-two"]);
    }

    #[tokio::test]
    async fn what_was_answered_is_there_after_opening_again() {
        let (folder, engine) = open();
        engine.write(put("t-kept")).await.unwrap();
        engine.close().await;
        assert!(engine.write(put("t-late")).await.is_err());
        let again = Sqlite::open(&folder.path().join("s.db")).unwrap();
        assert_eq!(names(&again), ["t-kept"]);
    }

    #[tokio::test]
    async fn the_files_are_their_owners_alone() {
        let (folder, engine) = open();
        engine.write(put("t-kept")).await.unwrap();
        for name in ["s.db", "s.db-wal"] {
            assert!(private::is_private(&folder.path().join(name)).unwrap(), "{name}");
        }
    }

    #[tokio::test]
    async fn the_log_does_not_grow_with_what_is_written() {
        let (folder, engine) = open();
        // Fifty pages each, so that the log would be six times as long as its limit.
        for number in 0..60 {
            let mut batch = Batch::default();
            let values = crate::engine::values![vec![7; 50 * 8192], format!("t-{number}")];
            batch.push(PUT, values, Expect::Rows(1));
            engine.write(batch).await.unwrap();
        }
        let log = std::fs::metadata(folder.path().join("s.db-wal")).unwrap().len() as i64;
        assert!(log < 2 * i64::from(LOGGED) * PAGE, "{log} bytes");
        assert_eq!(names(&engine).len(), 60);
    }
}
