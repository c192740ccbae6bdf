use std::any::Any;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use journal::Draft;
use model::{Class, JournalId};

use super::{Options, Sqlite, read, schema};
use crate::conformance::{
    Home, SEED, TestClock, Witness, attestation, genesis, journal_id, stream,
};
use crate::{AppendError, Appended, OpenError, Store};

#[derive(Clone)]
pub(super) struct SqliteHome {
    base: Arc<tempfile::TempDir>,
    copies: Arc<AtomicU32>,
    folder: PathBuf,
    clock: Arc<TestClock>,
}

impl SqliteHome {
    pub(super) fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        Self {
            folder: base.path().join("data"),
            base: Arc::new(base),
            copies: Arc::default(),
            clock: Arc::default(),
        }
    }

    pub(super) fn options(&self) -> Options {
        Options {
            outside: Some(self.outside_path()),
            clock: Arc::clone(&self.clock) as Arc<dyn crate::Clock>,
            ..Options::new(&self.folder)
        }
    }

    fn outside_path(&self) -> PathBuf {
        self.base.path().join("state/checkpoint")
    }
}

fn copy_folder(from: &Path, to: &Path) {
    drop(fs::remove_dir_all(to));
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[async_trait]
impl Home for SqliteHome {
    async fn create(
        &self,
        journal: &JournalId,
        genesis: Draft,
    ) -> Result<(Arc<dyn Store>, Appended), OpenError> {
        let (store, first) = Sqlite::create(self.options(), journal, &SEED, genesis).await?;
        Ok((Arc::new(store), first))
    }

    async fn open(&self, expected: Option<&JournalId>) -> Result<Arc<dyn Store>, OpenError> {
        Ok(Arc::new(Sqlite::open(self.options(), expected, &SEED)?))
    }

    async fn copy(&self) -> Box<dyn Home> {
        let number = self.copies.fetch_add(1, Ordering::SeqCst);
        let folder = self.base.path().join(format!("copy-{number}"));
        copy_folder(&self.folder, &folder);
        Box::new(Self {
            folder,
            ..self.clone()
        })
    }

    async fn put_back(&self, copy: &dyn Home) {
        let copy: &Self = copy.as_any().downcast_ref().unwrap();
        copy_folder(&copy.folder, &self.folder);
    }

    async fn raise_format(&self) {
        let database = rusqlite::Connection::open(self.folder.join(schema::FILE)).unwrap();
        database
            .pragma_update(None, "user_version", schema::VERSION + 1)
            .unwrap();
    }

    /// The bytes of all files but the lock, and the memory that SQLite's readers share.
    async fn content(&self) -> String {
        let Ok(files) = fs::read_dir(&self.folder) else {
            return String::new();
        };
        let mut described: Vec<String> = files
            .map(|file| file.unwrap().path())
            .filter(|path| !path.ends_with("lock") && !path.to_string_lossy().ends_with("-shm"))
            .map(|path| {
                let bytes = fs::read(&path).unwrap();
                let digest = model::Payload::digest_of(&[0; 32], &bytes);
                format!("{} {} {digest}", path.display(), bytes.len())
            })
            .filter(|file| !file.contains("-wal 0 "))
            .collect();
        described.sort();
        described.join("\n")
    }

    fn outside(&self) -> String {
        fs::read_to_string(self.outside_path()).unwrap()
    }

    fn set_outside(&self, note: &str) {
        fs::write(self.outside_path(), note).unwrap();
    }

    fn clock(&self) -> Arc<TestClock> {
        Arc::clone(&self.clock)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

conformance_tests!(SqliteHome::new);
conformance_alone_tests!(SqliteHome::new);

#[tokio::test]
async fn a_full_store_refuses_and_loses_nothing() {
    let home = SqliteHome::new();
    let journal = journal_id();
    let limited = Options {
        bytes_max: Some(512 * 1024),
        ..home.options()
    };
    let (store, first) = Sqlite::create(limited, &journal, &SEED, genesis(&journal))
        .await
        .unwrap();
    let mut witness = Witness::of(&store);
    witness.keep([&first]);
    let mut number = 0;
    let error = loop {
        let drafts = (number..number + 20)
            .map(|number| attestation(number, &[stream("a"), stream(&format!("n{number}"))]))
            .collect();
        match store.append(drafts).await {
            Ok(appended) => witness.keep(&appended),
            Err(error) => break error,
        }
        number += 20;
    };
    assert!(matches!(error, AppendError::Full(_)), "{error}");
    assert_eq!(error.class(), Class::Unavailable);
    assert_eq!(store.status().await.unwrap().size, number + 1);
    assert_eq!(store.status().await.unwrap().read_only, None);
    witness.check(&store).await;
    drop(store);
    // With room again, the very same drafts are taken.
    let store = Sqlite::open(home.options(), None, &SEED).unwrap();
    let again = attestation(number, &[stream("a")]);
    let appended = store.append(vec![again]).await.unwrap();
    assert!(!appended[0].replayed);
    witness.keep(&appended);
    witness.check(&store).await;
}

#[tokio::test]
async fn another_key_is_refused() {
    let home = SqliteHome::new();
    let journal = journal_id();
    drop(home.create(&journal, genesis(&journal)).await.unwrap());
    let error = Sqlite::open(home.options(), None, &[9; 32]).err();
    assert!(matches!(error, Some(OpenError::OtherKey(_))), "{error:?}");
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_untouched() {
    let home = SqliteHome::new();
    let journal = journal_id();
    fs::create_dir_all(&home.folder).unwrap();
    for content in ["SQLite format 3\0 of somebody else", "short"] {
        fs::write(home.folder.join(schema::FILE), content).unwrap();
        let before = home.content().await;
        let opened = home.open(None).await.err();
        assert!(matches!(opened, Some(OpenError::Foreign)), "{opened:?}");
        let created = home.create(&journal, genesis(&journal)).await.err();
        assert!(matches!(created, Some(OpenError::Foreign)), "{created:?}");
        assert_eq!(home.content().await, before);
    }
}

#[tokio::test]
async fn a_journal_half_created_is_created_again() {
    let home = SqliteHome::new();
    let journal = journal_id();
    fs::create_dir_all(&home.folder).unwrap();
    let database = home.folder.join(schema::FILE);
    let mut connection = schema::writer(&database).unwrap();
    schema::create(&mut connection, journal.as_str()).unwrap();
    drop(connection);
    let opened = home.open(None).await.err();
    assert!(matches!(opened, Some(OpenError::NotFound)), "{opened:?}");
    let (store, _) = home.create(&journal, genesis(&journal)).await.unwrap();
    assert_eq!(store.status().await.unwrap().size, 1);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let journal = journal_id();
    let nowhere = Options::new("/proc/trailmark");
    let error = Sqlite::create(nowhere, &journal, &SEED, genesis(&journal))
        .await
        .err();
    assert!(
        matches!(error, Some(OpenError::Folder { ref path, .. }) if path == "/proc/trailmark"),
        "{error:?}"
    );
}

#[tokio::test]
async fn nothing_in_the_database_can_be_updated_or_deleted() {
    let home = SqliteHome::new();
    let journal = journal_id();
    let (store, _) = home.create(&journal, genesis(&journal)).await.unwrap();
    let drafts = (0..40).map(|number| attestation(number, &[stream("a")]));
    store.append(drafts.collect()).await.unwrap();
    drop(store);
    let database = rusqlite::Connection::open(home.folder.join(schema::FILE)).unwrap();
    for (table, column) in [
        ("journal", "id"),
        ("entry", "header"),
        ("payload", "bytes"),
        ("checkpoint", "note"),
        ("stream", "name"),
        ("link", "idx"),
        ("moment", "seq"),
    ] {
        let update = format!("UPDATE {table} SET {column} = {column}");
        assert!(database.execute(&update, []).is_err(), "{update}");
        let delete = format!("DELETE FROM {table}");
        assert!(database.execute(&delete, []).is_err(), "{delete}");
    }
}

/// Changes a word in every header that has it, as another program could.
fn change_headers(home: &SqliteHome, from: &str, to: &str) {
    let database = rusqlite::Connection::open(home.folder.join(schema::FILE)).unwrap();
    database
        .execute_batch("DROP TRIGGER entry_is_never_updated;")
        .unwrap();
    let changed = database.execute(
        "UPDATE entry SET header = CAST(replace(CAST(header AS TEXT), ?1, ?2) AS BLOB)
         WHERE instr(CAST(header AS TEXT), ?1)",
        [from, to],
    );
    assert_eq!(changed.unwrap(), 1);
}

#[tokio::test]
async fn a_byte_changed_in_the_database_is_noticed_when_it_is_read() {
    let home = SqliteHome::new();
    let journal = journal_id();
    let (store, _) = home.create(&journal, genesis(&journal)).await.unwrap();
    let draft = attestation(7, &[stream("a")]);
    let appended = store.append(vec![draft]).await.unwrap();
    drop(store);
    change_headers(&home, "\"number\":7", "\"number\":8");
    let store = home.open(None).await.unwrap();
    let read = store.entry(&appended[0].stored.entry.hash()).await;
    assert_eq!(read.unwrap_err().class(), Class::Corrupt);
}

#[tokio::test]
async fn a_byte_changed_in_what_tells_the_keys_is_noticed_at_once() {
    let home = SqliteHome::new();
    let journal = journal_id();
    drop(home.create(&journal, genesis(&journal)).await.unwrap());
    change_headers(&home, "Conformance", "Conformanse");
    let refused = home.open(None).await.err().unwrap();
    assert_eq!(refused.class(), Class::Corrupt);
}

#[tokio::test]
async fn hashes_that_left_memory_are_found_in_their_run() {
    let home = SqliteHome::new();
    let journal = journal_id();
    let (store, _) = home.create(&journal, genesis(&journal)).await.unwrap();
    let draft = |number| attestation(number, &[stream("a")]);
    // Three hashes each: more than one run takes.
    let mut first = None;
    for batch in 0..460 {
        let drafts = (batch * 49..(batch + 1) * 49).map(draft).collect();
        let appended = store.append(drafts).await.unwrap();
        first.get_or_insert(appended);
    }
    let first = first.unwrap();
    drop(store);
    let store = home.open(None).await.unwrap();
    for (number, appended) in (0..).zip(&first) {
        let hash = appended.stored.entry.hash();
        let found = store.entry(&hash).await.unwrap().unwrap();
        assert_eq!(found.index, appended.stored.index);
        let digest = draft(number).payloads[0].reference().digest;
        assert!(store.payloads(&[digest]).await.unwrap()[0].is_some());
    }
    let again = store.append((0..49).map(draft).collect()).await.unwrap();
    for (first, again) in first.iter().zip(&again) {
        assert!(again.replayed);
        assert_eq!(first.receipt, again.receipt);
    }
    let newest = draft(22_539);
    assert!(store.append(vec![newest]).await.unwrap()[0].replayed);
    assert_eq!(store.status().await.unwrap().size, 22_541);
}

#[tokio::test]
async fn a_reader_that_takes_its_time_keeps_no_writer_waiting() {
    let home = SqliteHome::new();
    let journal = journal_id();
    let (store, _) = home.create(&journal, genesis(&journal)).await.unwrap();
    let reader = schema::reader(&home.folder.join(schema::FILE)).unwrap();
    let slow = reader.unchecked_transaction().unwrap();
    let count = || -> u64 {
        slow.query_row("SELECT count(*) FROM entry", [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(count(), 1);
    for number in 0..5 {
        let draft = attestation(number, &[stream("a")]);
        store.append(vec![draft]).await.unwrap();
    }
    assert_eq!(count(), 1);
    assert_eq!(store.status().await.unwrap().size, 6);
}

#[tokio::test]
async fn looking_up_scans_no_table() {
    let home = SqliteHome::new();
    let journal = journal_id();
    drop(home.create(&journal, genesis(&journal)).await.unwrap());
    let database = rusqlite::Connection::open(home.folder.join(schema::FILE)).unwrap();
    for sql in read::LOOK_UPS {
        let mut plan = database
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let parameters = rusqlite::params_from_iter(vec![1; plan.parameter_count()]);
        let steps: Vec<String> = plan
            .query_map(parameters, |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let scans = steps
            .iter()
            .any(|step| step.starts_with("SCAN") || step.contains("TEMP B-TREE"));
        assert!(!scans, "{sql}: {steps:?}");
    }
}
