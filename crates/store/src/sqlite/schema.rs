use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// Says that an SQLite file is Trailmark's: "Trmk".
pub(super) const APPLICATION: u32 = 0x5472_6d6b;
/// The version of this schema.
pub(super) const VERSION: u32 = 1;
/// The name of the database in the data folder.
pub(super) const FILE: &str = "journal.sqlite3";

/// Payload ids: the entry's index and the payload's place in it.
pub(super) const PAYLOADS_PER_ENTRY: u64 = model::limits::PAYLOADS_MAX as u64;
/// Every so many entries of a stream one is indexed by its recorded time.
pub(super) const AS_OF_STEP: u64 = 16;

/// Tables that are truth: `entry`, `payload`, `checkpoint`. The others can be rebuilt from them.
///
/// A payload without bytes is a large one: a file has them (`bulk`).
///
/// Rows are only ever added. The triggers say so to anyone who opens the file with another program.
pub(super) const TABLES: &str = "
CREATE TABLE journal(id TEXT NOT NULL) STRICT;
CREATE TABLE entry(
    idx INTEGER PRIMARY KEY, hash BLOB NOT NULL, key BLOB, content BLOB, header BLOB NOT NULL
) STRICT;
CREATE TABLE payload(
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL, salt BLOB NOT NULL, bytes BLOB
) STRICT;
CREATE TABLE checkpoint(size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;
CREATE TABLE stream(name TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE link(
    stream INTEGER NOT NULL, seq INTEGER NOT NULL, idx INTEGER NOT NULL, recorded_ms INTEGER NOT NULL,
    PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE moment(
    stream INTEGER NOT NULL, era INTEGER NOT NULL, recorded_ms INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (stream, era, recorded_ms, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE correction(idx INTEGER PRIMARY KEY) STRICT;
CREATE TABLE node(
    level INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE lookup(
    run INTEGER NOT NULL, prefix INTEGER NOT NULL, idx INTEGER NOT NULL,
    PRIMARY KEY (run, prefix, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE run(run INTEGER PRIMARY KEY, next INTEGER NOT NULL, filter BLOB NOT NULL) STRICT;
";

const GUARDED: [&str; 11] = [
    "journal",
    "entry",
    "payload",
    "checkpoint",
    "stream",
    "link",
    "moment",
    "correction",
    "node",
    "lookup",
    "run",
];

/// Creates the tables in an empty database, and moves them into its file.
pub(super) fn create(connection: &mut Connection, journal: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    for table in GUARDED {
        transaction.execute_batch(&format!(
            "CREATE TRIGGER {table}_is_never_updated BEFORE UPDATE ON {table}
                 BEGIN SELECT RAISE(ABORT, 'nothing is ever updated'); END;
             CREATE TRIGGER {table}_is_never_deleted BEFORE DELETE ON {table}
                 BEGIN SELECT RAISE(ABORT, 'nothing is ever deleted'); END;"
        ))?;
    }
    transaction.execute("INSERT INTO journal(id) VALUES (?1)", [journal])?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    // From here on the version stands in the file itself, where it can be read without touching anything.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Opens the one connection that writes.
pub(super) fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA cache_size = -65536;
         PRAGMA foreign_keys = OFF;",
    )?;
    // Pages that many groups write to go from the log to the file once, not at each group.
    connection.query_row("PRAGMA wal_autocheckpoint = 8192", [], |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Limits the size of the database.
pub(super) fn limit(connection: &Connection, bytes_max: u64) -> rusqlite::Result<()> {
    let page_bytes: u64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let pages_max = bytes_max / page_bytes.max(1);
    connection.query_row(&format!("PRAGMA max_page_count = {pages_max}"), [], |_| {
        Ok(())
    })
}

/// Opens a connection that reads.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
