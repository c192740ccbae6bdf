//! A journal on one machine: an SQLite database in a folder of its own.
//!
//! One thread writes. It takes all batches that wait and makes them durable in one transaction with one sync (WAL,
//! `synchronous=FULL`) and one signature. Readers have connections of their own and never keep it waiting.

mod failure;
mod folder;
mod lookup;
mod nodes;
mod past;
mod read;
mod readers;
mod schema;
mod write;
mod writer;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use async_trait::async_trait;
use journal::key::{LogKey, Seed};
use journal::note::Checkpoint;
use journal::tree::Frontier;
use journal::{Draft, Head};
use model::{EntryHash, JournalId, PayloadDigest, StreamName};
use rusqlite::{Connection, OptionalExtension as _};
use tokio::sync::{mpsc, oneshot};

use self::folder::Folder;
use self::lookup::Lookup;
use self::nodes::StoredNodes;
use self::past::HotStreams;
use self::readers::Readers;
use self::write::{Counters, Remembered};
use self::writer::{Answer, Answered, Job, OutsideFile, WAITING_MAX, Writer};
use crate::clock::Watch;
use crate::outside::{self, Outside, OutsideError};
use crate::{
    AppendError, Appended, Clock, Consistency, Direction, OpenError, OutsideCheckpoint, ReadError,
    ReadOnlyReason, Receipt, RecoverError, Status, Store, Stored, StoredPayload,
};

/// Where a journal is kept on one machine.
#[derive(Clone)]
pub struct Options {
    /// The data folder.
    pub folder: PathBuf,
    /// The file outside the data folder in which the newest checkpoint is kept.
    pub outside: Option<PathBuf>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// How many reads run at the same time.
    pub readers: usize,
    /// The largest that the database may become, where there is a limit: then the store is full.
    pub bytes_max: Option<u64>,
}

impl Options {
    /// Takes a folder, and this machine's clock; nothing is kept outside.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            outside: None,
            clock: Arc::new(crate::SystemClock::start()),
            readers: 4,
            bytes_max: None,
        }
    }
}

/// A journal in an SQLite database.
///
/// Whoever can change the data folder can at most take entries away from its end, or put others in their place after
/// the newest checkpoint that someone else holds; everything else is found by the verifier.
pub struct Sqlite {
    journal: JournalId,
    status: Arc<RwLock<Status>>,
    readers: Readers,
    lookup: Lookup,
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    /// Released last, when the writer is done.
    _folder: Folder,
}

impl Sqlite {
    /// Creates a journal with its first entry.
    ///
    /// Dying on the way leaves a folder in which the journal can be created again.
    ///
    /// # Errors
    /// When a journal is there already, or the folder cannot be used.
    pub async fn create(
        options: Options,
        journal: &JournalId,
        seed: &Seed,
        genesis: Draft,
    ) -> Result<(Self, Appended), OpenError> {
        std::fs::create_dir_all(&options.folder)
            .map_err(|error| folder::unusable(&options.folder, error))?;
        let folder = Folder::lock(&options.folder)?;
        let exists = folder::probe(&folder.database())?;
        let mut connection = schema::writer(&folder.database())?;
        if !exists {
            schema::create(&mut connection, journal.as_str())?;
        }
        check_journal(&connection, Some(journal))?;
        if log_size(&connection)? > 0 {
            return Err(OpenError::Exists);
        }
        let store = Self::start(options, folder, connection, journal.clone(), seed)?;
        let appended = store
            .append(vec![genesis])
            .await
            .map_err(OpenError::Genesis)?;
        let genesis = appended
            .into_iter()
            .next()
            .ok_or(OpenError::Genesis(AppendError::Unanswered))?;
        Ok((store, genesis))
    }

    /// Opens a journal; where `expected` is given, that one.
    ///
    /// A store that lost entries opens all the same, read-only: [`Store::status`] says why.
    ///
    /// # Errors
    /// When there is none, another one, one of a later version, or another process uses it.
    pub fn open(
        options: Options,
        expected: Option<&JournalId>,
        seed: &Seed,
    ) -> Result<Self, OpenError> {
        if !folder::probe(&options.folder.join(schema::FILE))? {
            return Err(OpenError::NotFound);
        }
        let folder = Folder::lock(&options.folder)?;
        let connection = schema::writer(&folder.database())?;
        let journal = check_journal(&connection, expected)?;
        if log_size(&connection)? == 0 {
            return Err(OpenError::NotFound);
        }
        Self::start(options, folder, connection, journal, seed)
    }

    fn start(
        options: Options,
        folder: Folder,
        connection: Connection,
        journal: JournalId,
        seed: &Seed,
    ) -> Result<Self, OpenError> {
        if let Some(bytes_max) = options.bytes_max {
            schema::limit(&connection, bytes_max)?;
        }
        let key = LogKey::new(&journal, seed);
        let frontier = read_frontier(&connection, &key)?;
        let (outside, found) = open_outside(&options, &connection, &key, &frontier)?;
        let status = Arc::new(RwLock::new(Status {
            size: frontier.size(),
            outside: found.clone().unwrap_or(OutsideCheckpoint::Contradicted),
            read_only: found.err(),
        }));
        let lookup = Lookup::read(&connection)?;
        let writer = Writer {
            remembered: Remembered {
                hot: HotStreams::default(),
                counters: read_counters(&connection)?,
                lookup: lookup.clone(),
            },
            journal: journal.clone(),
            key,
            connection,
            frontier,
            watch: Watch::start(Arc::clone(&options.clock)),
            outside: OutsideFile {
                path: options.outside,
                file: outside,
            },
            status: Arc::clone(&status),
        };
        let readers = Readers::open(&folder.database(), options.readers)?;
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let writer = std::thread::Builder::new()
            .name("journal-writer".to_owned())
            .spawn(move || writer.run(waiting))
            .map_err(|error| OpenError::Unavailable(error.into()))?;
        Ok(Self {
            journal,
            status,
            readers,
            lookup,
            jobs: Some(jobs),
            writer: Some(writer),
            _folder: folder,
        })
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.jobs.as_ref()?.send(job(reply)).await.ok()?;
        answer.await.ok()
    }

    /// Makes the answer's receipts, on the caller's thread.
    async fn answered(&self, answer: Answer) -> Result<Vec<Appended>, AppendError> {
        let mut appended = Vec::with_capacity(answer.drafts.len());
        for Answered { index, new } in answer.drafts {
            appended.push(match (new, &answer.sealed) {
                (Some(entry), Some(sealed)) => Appended {
                    receipt: sealed
                        .receipt(index, entry.hash())
                        .ok_or(AppendError::Unanswered)?,
                    stored: Stored { index, entry },
                    replayed: false,
                },
                _ => self.first_appended(index).await?,
            });
        }
        Ok(appended)
    }

    async fn first_appended(&self, index: u64) -> Result<Appended, AppendError> {
        let first = self
            .readers
            .read(move |connection| read::first_receipt(connection, index))
            .await;
        match first {
            Ok((stored, receipt)) => Ok(Appended {
                stored,
                receipt,
                replayed: true,
            }),
            Err(ReadError::Corrupt(what)) => Err(AppendError::Corrupt(what)),
            Err(ReadError::Unavailable(_)) => Err(AppendError::Unanswered),
        }
    }
}

impl Drop for Sqlite {
    /// Lets the writer finish what it took on, so that the folder is free afterwards. It is the last to close the
    /// database, and leaves everything in one file.
    fn drop(&mut self) {
        self.readers.close();
        self.jobs.take();
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
    }
}

#[async_trait]
impl Store for Sqlite {
    fn journal(&self) -> &JournalId {
        &self.journal
    }

    fn status(&self) -> Status {
        self.status
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Appended>, AppendError> {
        let answer = self
            .ask(|reply| Job::Append(drafts, reply))
            .await
            .ok_or(AppendError::Unanswered)??;
        self.answered(answer).await
    }

    async fn recover(&self, draft: Draft) -> Result<Appended, RecoverError> {
        let answer = self
            .ask(|reply| Job::Recover(Box::new(draft), reply))
            .await
            .ok_or(AppendError::Unanswered)??;
        let appended = self.answered(answer).await?.into_iter().next();
        Ok(appended.ok_or(AppendError::Unanswered)?)
    }

    async fn heads(&self, streams: &[StreamName]) -> Result<Vec<Option<Head>>, ReadError> {
        let streams = streams.to_vec();
        self.readers
            .read(move |connection| read::heads(connection, &streams))
            .await
    }

    async fn range(
        &self,
        stream: &StreamName,
        from_seq: u64,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<Stored>, ReadError> {
        let stream = stream.clone();
        self.readers
            .read(move |connection| read::range(connection, &stream, from_seq, limit, direction))
            .await
    }

    async fn as_of(&self, stream: &StreamName, recorded_ms: u64) -> Result<Option<u64>, ReadError> {
        let stream = stream.clone();
        self.readers
            .read(move |connection| read::as_of(connection, &stream, recorded_ms))
            .await
    }

    async fn entry(&self, hash: &EntryHash) -> Result<Option<Stored>, ReadError> {
        let (hint, hash) = (self.lookup.hint(&hash.0), *hash);
        self.readers
            .read(move |connection| read::entry(connection, &hint, &hash))
            .await
    }

    async fn entries(&self, from_index: u64, limit: usize) -> Result<Vec<Stored>, ReadError> {
        self.readers
            .read(move |connection| read::entries(connection, from_index, limit))
            .await
    }

    async fn payloads(
        &self,
        digests: &[PayloadDigest],
    ) -> Result<Vec<Option<StoredPayload>>, ReadError> {
        let wanted: Vec<_> = digests
            .iter()
            .map(|digest| (self.lookup.hint(&digest.0), *digest))
            .collect();
        self.readers
            .read(move |connection| {
                wanted
                    .iter()
                    .map(|(hint, digest)| read::payload(connection, hint, digest))
                    .collect()
            })
            .await
    }

    async fn receipt(&self, hash: &EntryHash) -> Result<Option<Receipt>, ReadError> {
        let (hint, hash) = (self.lookup.hint(&hash.0), *hash);
        self.readers
            .read(move |connection| read::receipt(connection, &hint, &hash))
            .await
    }

    async fn checkpoint(&self) -> Result<String, ReadError> {
        self.readers
            .read(|connection| {
                read::newest_checkpoint(connection)?
                    .map(|(_, note)| note)
                    .ok_or(ReadError::Corrupt("a checkpoint is missing"))
            })
            .await
    }

    async fn tile(&self, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>, ReadError> {
        self.readers
            .read(move |connection| read::tile_bytes(connection, level, index, width))
            .await
    }

    async fn consistency(&self, from: u64) -> Result<Option<Consistency>, ReadError> {
        self.readers
            .read(move |connection| read::consistency(connection, from))
            .await
    }

    async fn streams(
        &self,
        prefix: &str,
        after: Option<&StreamName>,
        limit: usize,
    ) -> Result<Vec<(StreamName, Head)>, ReadError> {
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.readers
            .read(move |connection| read::streams(connection, &prefix, after.as_ref(), limit))
            .await
    }

    async fn heads_at(&self, size: u64) -> Result<Vec<(StreamName, Head)>, ReadError> {
        self.readers
            .read(move |connection| read::heads_at(connection, size))
            .await
    }
}

/// Opens the checkpoint outside and compares it with the log.
fn open_outside(
    options: &Options,
    connection: &Connection,
    key: &LogKey,
    frontier: &Frontier,
) -> Result<(Option<Outside>, Result<OutsideCheckpoint, ReadOnlyReason>), OpenError> {
    let Some(path) = &options.outside else {
        return Ok((None, Ok(OutsideCheckpoint::NotKept)));
    };
    let mut outside = match Outside::open(path) {
        Ok(outside) => outside,
        Err(OutsideError::Held) => return Ok((None, Err(ReadOnlyReason::OutsideHeld))),
        Err(OutsideError::Io(error)) => return Err(folder::unusable(path, error)),
    };
    if frontier.size() == 0 && !outside.note().is_empty() {
        return Err(OpenError::OutsideExists);
    }
    let root_at = |size| {
        let frontier = Frontier::from_nodes(&StoredNodes::new(connection), size).ok()?;
        Some(frontier.root())
    };
    let found = outside::judge(outside.note(), key.vkey(), frontier.size(), root_at);
    if found.is_ok()
        && let Some((_, newest)) = read::newest_checkpoint(connection)?
    {
        outside
            .write(&newest)
            .map_err(|error| folder::unusable(path, error))?;
    }
    Ok((Some(outside), found))
}

fn check_journal(
    connection: &Connection,
    expected: Option<&JournalId>,
) -> Result<JournalId, OpenError> {
    let found: String = connection
        .query_row("SELECT id FROM journal", [], |row| row.get(0))
        .optional()?
        .ok_or(OpenError::NotFound)?;
    match expected {
        Some(expected) if expected.as_str() != found => Err(OpenError::OtherJournal {
            expected: expected.to_string(),
            found,
        }),
        _ => found
            .parse()
            .map_err(|_| OpenError::Corrupt("the journal's id is none")),
    }
}

fn log_size(connection: &Connection) -> Result<u64, OpenError> {
    Ok(
        connection.query_row("SELECT coalesce(max(idx) + 1, 0) FROM entry", [], |row| {
            row.get(0)
        })?,
    )
}

/// Takes the tree up again, and checks that it is the one that was last signed, with this key.
fn read_frontier(connection: &Connection, key: &LogKey) -> Result<Frontier, OpenError> {
    let size = log_size(connection)?;
    let Some((_, note)) = read::newest_checkpoint(connection)? else {
        return if size == 0 {
            Ok(Frontier::new())
        } else {
            Err(OpenError::Corrupt("a checkpoint is missing"))
        };
    };
    let checkpoint = Checkpoint::open(&note, key.vkey())
        .map_err(|_| OpenError::OtherKey(key.vkey().to_string()))?;
    let frontier = Frontier::from_nodes(&StoredNodes::new(connection), size)
        .map_err(|_| OpenError::Corrupt("a node of the tree is missing"))?;
    if checkpoint.size == size && checkpoint.root == frontier.root() {
        Ok(frontier)
    } else {
        Err(OpenError::Corrupt(
            "the log is not that of its newest checkpoint",
        ))
    }
}

fn read_counters(connection: &Connection) -> Result<Counters, OpenError> {
    let next_stream =
        connection.query_row("SELECT coalesce(max(stream) + 1, 0) FROM link", [], |row| {
            row.get(0)
        })?;
    let (era, corrected) =
        connection.query_row("SELECT count(*), max(idx) FROM correction", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(Counters {
        next_stream,
        era,
        corrected,
    })
}

#[cfg(test)]
mod crash;
#[cfg(test)]
mod tests;
