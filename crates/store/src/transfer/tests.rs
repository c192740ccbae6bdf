//! From folder to folder, where every row can be compared; the other home's tests use the same journal.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::key::Seed;
use journal::kind::ClockCorrected;
use journal::{Draft, Receipt};
use model::StreamName;
use model::kind::Fields as _;
use rusqlite::Connection;
use rusqlite::types::Value;
use sha2::Digest as _;

use super::*;
use crate::conformance::bulk::kept;
use crate::conformance::{SEED, TestClock, attestation, genesis, journal_id, recovered, stream};
use crate::{Appended, OpenError, Options, Sqlite, SqliteOrigin, SqliteTarget, Store as _};

/// The log's key of the journal, once it was rotated.
pub(crate) const ROTATED: Seed = [21; 32];
const FILE: &str = "journal.sqlite3";

/// A journal with all that a journal can have, in a folder, closed.
pub(crate) struct Source {
    base: tempfile::TempDir,
    clock: Arc<TestClock>,
    /// What was appended under which draft.
    pub(crate) appended: Vec<(Draft, Receipt)>,
}

impl Source {
    /// Makes groups of one and of several entries, large payloads and small, a stream that goes on, a new log key, a
    /// corrected clock.
    pub(crate) async fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        let mut source = Self {
            base,
            clock: Arc::default(),
            appended: Vec::new(),
        };
        let journal = journal_id();
        let created = Sqlite::create(source.options(), &journal, &SEED, genesis(&journal)).await;
        let (store, _) = created.unwrap();
        source.append(&store, 0..9).await;
        store.rotate_log_key(&ROTATED).await.unwrap();
        source.append(&store, 9..12).await;
        source.clock.pass(1_000);
        source.clock.set(1_600_000_000_000);
        let correction = ClockCorrected {
            from_ms: 1_700_000_001_200,
            to_ms: 1_600_000_000_000,
        };
        let corrected = Draft {
            fields: correction.encode().unwrap(),
            kind: ClockCorrected::kind().unwrap(),
            ..recovered(0, 0)
        };
        store.append(vec![corrected]).await.unwrap();
        source.append(&store, 12..20).await;
        drop(store);
        source
    }

    /// Lets the journal grow.
    pub(crate) async fn grow(&mut self, numbers: std::ops::Range<u64>) {
        let store = Sqlite::open(self.options(), None, &ROTATED).unwrap();
        self.append(&store, numbers).await;
    }

    async fn append(&mut self, store: &Sqlite, numbers: std::ops::Range<u64>) {
        for number in numbers {
            self.clock.pass(10);
            let streams = [stream("a"), stream(&format!("s{}", number % 5))];
            let mut first = attestation(number * 2, &streams);
            if number % 4 == 0 {
                first.payloads[0].bytes = vec![b'x'; 6_000];
            }
            if number == 5 {
                first.large.push(kept(store, [5; 32]).await);
            }
            let mut second = attestation(number * 2 + 1, &streams[1..]);
            if number % 3 == 0 {
                second.idempotency = None;
                second.payloads.clear();
            }
            let drafts = if number % 2 == 0 {
                vec![first, second]
            } else {
                vec![first]
            };
            let appended = store.append(drafts.clone()).await.unwrap();
            let receipts = appended.into_iter().map(|appended| appended.receipt);
            self.appended.extend(drafts.into_iter().zip(receipts));
        }
    }

    pub(crate) fn clock(&self) -> Arc<TestClock> {
        Arc::clone(&self.clock)
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.base.path().join("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    pub(crate) fn options(&self) -> Options {
        self.options_of(&self.folder())
    }

    pub(crate) fn options_of(&self, folder: &Path) -> Options {
        Options {
            clock: self.clock(),
            ..Options::new(folder)
        }
    }

    pub(crate) fn origin(&self) -> SqliteOrigin {
        SqliteOrigin::open(&self.folder()).unwrap()
    }

    /// Drafts that can be sent again: what each was first answered with.
    pub(crate) fn repeatable(&self) -> impl Iterator<Item = &(Draft, Receipt)> {
        self.appended
            .iter()
            .filter(|(draft, _)| draft.idempotency.is_some())
    }
}

/// Checks that every draft, sent again, is answered as it first was.
pub(crate) async fn check_retries(store: &dyn crate::Store, source: &Source) {
    for (draft, receipt) in source.repeatable() {
        let again: Vec<Appended> = store.append(vec![draft.clone()]).await.unwrap();
        assert!(again[0].replayed);
        assert_eq!(again[0].receipt, *receipt);
    }
}

/// Lists every row of every table of a closed journal.
pub(crate) fn rows(folder: &Path) -> Vec<String> {
    let database = Connection::open(folder.join(FILE)).unwrap();
    let mut names = database
        .prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")
        .unwrap();
    let schema: Vec<(String, String)> = names
        .query_map([], |row| {
            Ok((
                row.get(0)?,
                row.get::<_, Option<String>>(1)?.unwrap_or_default(),
            ))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut rows = Vec::new();
    for (name, sql) in schema {
        rows.push(sql.clone());
        if sql.starts_with("CREATE TABLE") {
            let mut statement = database.prepare(&format!("SELECT * FROM {name}")).unwrap();
            let columns = statement.column_count();
            let read = statement.query_map([], |row| {
                (0..columns)
                    .map(|column| row.get::<_, Value>(column))
                    .collect::<Result<Vec<_>, _>>()
            });
            let mut read: Vec<_> = read
                .unwrap()
                .map(|row| format!("{name} {:?}", row.unwrap()))
                .collect();
            read.sort();
            rows.extend(read);
        }
    }
    for file in fs::read_dir(folder.join("large")).unwrap() {
        let file = file.unwrap();
        let digest = sha2::Sha256::digest(fs::read(file.path()).unwrap());
        rows.push(format!("{:?} {digest:x?}", file.file_name()));
    }
    rows
}

pub(crate) async fn copy_whole(
    from: &dyn Origin,
    to: &mut dyn Target,
) -> Result<Copied, CopyError> {
    copy(from, to, Extent::Whole, &mut |_| ()).await
}

/// A target that takes some groups, and then nothing any more.
struct Stopping<'a> {
    target: &'a mut SqliteTarget,
    left: usize,
}

#[async_trait]
impl Target for Stopping<'_> {
    fn journal(&self) -> &JournalId {
        self.target.journal()
    }

    async fn standing(&mut self) -> Result<Standing, ReadError> {
        self.target.standing().await
    }

    async fn put(&mut self, groups: &[Group]) -> Result<(), PutError> {
        for group in groups {
            let left = self.left.checked_sub(1);
            self.left = left.ok_or_else(|| PutError::Unavailable("it stops here".into()))?;
            self.target.put(std::slice::from_ref(group)).await?;
        }
        Ok(())
    }

    async fn put_large(&mut self, payload: &LargePayload, parts: Parts) -> Result<(), PutError> {
        self.target.put_large(payload, parts).await
    }

    async fn checkpoint(&mut self) -> Result<String, ReadError> {
        self.target.checkpoint().await
    }

    async fn entries(&mut self, from: u64, to: u64) -> Result<Vec<Entry>, ReadError> {
        self.target.entries(from, to).await
    }

    async fn tile(
        &mut self,
        level: u8,
        index: u64,
        width: u16,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        self.target.tile(level, index, width).await
    }

    async fn heads(&mut self) -> Result<Vec<(StreamName, Head)>, ReadError> {
        self.target.heads().await
    }

    async fn finish(&mut self) -> Result<(), PutError> {
        self.target.finish().await
    }
}

#[tokio::test]
async fn a_copy_has_every_row_and_answers_retries_as_the_source_did() {
    let source = Source::new().await;
    let to = source.path("copy");
    let mut target = SqliteTarget::open(&to, &journal_id()).unwrap();
    let mut told = Vec::new();
    let mut tell = |progress| told.push(progress);
    let copied = copy(&source.origin(), &mut target, Extent::Whole, &mut tell)
        .await
        .unwrap();
    drop(target);
    assert_eq!((copied.size, copied.written), (33, 33));
    assert_eq!(
        told.last().map(|told| (told.copied, told.total)),
        Some((33, 33))
    );
    assert_eq!(rows(&to), rows(&source.folder()));
    let store = Sqlite::open(source.options_of(&to), None, &ROTATED).unwrap();
    check_retries(&store, &source).await;
    let more = attestation(1_000, &[stream("a"), stream("new")]);
    store.append(vec![more]).await.unwrap();
}

#[tokio::test]
async fn a_copy_that_stops_after_any_group_goes_on_from_there() {
    let source = Source::new().await;
    let to = source.path("copy");
    for groups in 0.. {
        let folder = source.path(&format!("copy-{groups}"));
        let mut target = SqliteTarget::open(&folder, &journal_id()).unwrap();
        let mut stopping = Stopping {
            target: &mut target,
            left: groups,
        };
        let stopped = copy_whole(&source.origin(), &mut stopping).await;
        drop(target);
        if stopped.is_ok() {
            assert!(groups > 15, "{groups} groups");
            break;
        }
        // Nobody can use what is there, and nothing is taken for a journal.
        let opened = Sqlite::open(Options::new(&folder), None, &ROTATED);
        assert!(matches!(opened.err(), Some(OpenError::NotFound)));
        let mut target = SqliteTarget::open(&folder, &journal_id()).unwrap();
        copy_whole(&source.origin(), &mut target).await.unwrap();
        drop(target);
        fs::rename(&folder, &to).unwrap();
        assert_eq!(rows(&to), rows(&source.folder()));
        fs::remove_dir_all(&to).unwrap();
    }
}

#[tokio::test]
async fn what_is_written_after_a_copy_follows_with_the_next_until_one_is_the_last() {
    let mut source = Source::new().await;
    let to = source.path("copy");
    for round in 0..3 {
        let mut target = SqliteTarget::open(&to, &journal_id()).unwrap();
        let copied = copy(&source.origin(), &mut target, Extent::SoFar, &mut |_| ())
            .await
            .unwrap();
        assert_eq!(copied.written, if round == 0 { 33 } else { 3 });
        drop(target);
        assert!(!to.join(FILE).exists());
        source.grow(20 + round * 2..22 + round * 2).await;
    }
    let mut target = SqliteTarget::open(&to, &journal_id()).unwrap();
    copy_whole(&source.origin(), &mut target).await.unwrap();
    drop(target);
    assert_eq!(rows(&to), rows(&source.folder()));
    let again = SqliteTarget::open(&to, &journal_id());
    assert!(matches!(again.err(), Some(OpenError::Exists)));
}

/// Changes a source as nothing of ours can, and returns why it is not copied; nothing wrong is in the target then.
async fn damaged(sql: &str) -> CopyError {
    let source = Source::new().await;
    let to = source.path("copy");
    {
        let database = Connection::open(source.folder().join(FILE)).unwrap();
        let mut triggers = database
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
            .unwrap();
        let triggers: Vec<String> = triggers
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        for trigger in triggers {
            database
                .execute_batch(&format!("DROP TRIGGER {trigger}"))
                .unwrap();
        }
        assert!(database.execute(sql, []).unwrap() > 0, "{sql}");
    }
    let mut target = SqliteTarget::open(&to, &journal_id()).unwrap();
    let error = copy_whole(&source.origin(), &mut target).await.unwrap_err();
    assert_eq!(target.standing().await.unwrap().size, 0);
    error
}

#[tokio::test]
async fn a_damaged_source_is_refused_before_anything_wrong_is_written() {
    for (sql, entry) in [
        (
            "UPDATE entry SET header = (SELECT header FROM entry WHERE idx = 6), hash = (SELECT hash FROM entry WHERE idx = 6) WHERE idx = 5",
            None,
        ),
        (
            "UPDATE payload SET bytes = zeroblob(7) WHERE id = (SELECT max(id) FROM payload)",
            Some(32),
        ),
        (
            "DELETE FROM payload WHERE id = (SELECT max(id) FROM payload)",
            Some(32),
        ),
        (
            "UPDATE checkpoint SET note = replace(note, '—', '-') WHERE size = 3",
            None,
        ),
        ("DELETE FROM entry WHERE idx = 20", None),
        ("DELETE FROM checkpoint WHERE size = 33", None),
        ("UPDATE entry SET header = zeroblob(9) WHERE idx = 20", None),
    ] {
        let error = damaged(sql).await;
        match (&error, entry) {
            (CopyError::Entry { index, .. }, Some(entry)) => assert_eq!(*index, entry, "{sql}"),
            (CopyError::Origin(_) | CopyError::Checkpoint { .. }, None) => {}
            (error, _) => panic!("{sql}: {error:?}"),
        }
    }
}

#[tokio::test]
async fn another_journal_is_not_added_to() {
    let (one, other) = (Source::new().await, Source::new().await);
    let to = one.path("copy");
    let mut target = SqliteTarget::open(&to, &journal_id()).unwrap();
    copy(&one.origin(), &mut target, Extent::SoFar, &mut |_| ())
        .await
        .unwrap();
    drop(target);
    let store = Sqlite::open(other.options(), None, &ROTATED).unwrap();
    store.append(vec![recovered(1, 2)]).await.unwrap();
    drop(store);
    // The same entries up to there: it goes on. Then it is another's, and one that is shorter.
    let mut target = SqliteTarget::open(&to, &journal_id()).unwrap();
    copy(&other.origin(), &mut target, Extent::SoFar, &mut |_| ())
        .await
        .unwrap();
    let shorter = copy_whole(&one.origin(), &mut target).await.unwrap_err();
    assert!(
        matches!(shorter, CopyError::Ahead { from: 33, to: 34 }),
        "{shorter}"
    );
    let mut one = one;
    one.grow(20..24).await;
    let forked = copy_whole(&one.origin(), &mut target).await.unwrap_err();
    assert!(matches!(forked, CopyError::Forked { size: 34 }), "{forked}");
    drop(target);

    let elsewhere: JournalId = "trailmark/elsewhere".parse().unwrap();
    let refused = SqliteTarget::open(&to, &elsewhere).err().unwrap();
    assert!(
        matches!(refused, OpenError::OtherJournal { .. }),
        "{refused}"
    );
    let mut target = SqliteTarget::open(&one.path("empty"), &elsewhere).unwrap();
    let refused = copy_whole(&one.origin(), &mut target).await.unwrap_err();
    assert!(
        matches!(refused, CopyError::OtherJournal { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_source_that_lost_entries_is_found_by_the_checkpoint_outside() {
    let mut source = Source::new().await;
    let old = source.path("old");
    fs::create_dir(&old).unwrap();
    fs::copy(source.folder().join(FILE), old.join(FILE)).unwrap();
    source.grow(20..22).await;
    let store = Sqlite::open(source.options(), None, &ROTATED).unwrap();
    let outside = source.path("checkpoint");
    fs::write(&outside, store.checkpoint().await.unwrap()).unwrap();
    drop(store);
    source.origin().check_outside(&outside).unwrap();
    let origin = SqliteOrigin::open(&old).unwrap();
    let refused = origin.check_outside(&outside).unwrap_err();
    assert!(matches!(refused, OpenError::ReadOnly(_)), "{refused}");
    origin.check_outside(&source.path("none")).unwrap();
}
