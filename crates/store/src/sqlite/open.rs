//! Creating and opening: everything is checked before the first write.

use std::sync::{Arc, RwLock};

use journal::Draft;
use journal::key::{KeyChain, LogKey, Seed};
use journal::note::Checkpoint;
use journal::tree::Frontier;
use model::{JournalId, StreamName};
use rusqlite::{Connection, OptionalExtension as _};
use tokio::sync::mpsc;

use super::bulk::Files;
use super::folder::{self, Folder};
use super::lookup::Lookup;
use super::nodes::StoredNodes;
use super::past::HotStreams;
use super::readers::Readers;
use super::write::{Counters, Remembered};
use super::writer::{OutsideFile, WAITING_MAX, Writer};
use super::{Options, Sqlite, read, schema};
use crate::clock::Watch;
use crate::keys::{self, Told};
use crate::outside::{self, Outside, OutsideError};
use crate::{
    AppendError, Appended, Direction, OpenError, OutsideCheckpoint, ReadOnlyReason, Status,
    Store as _,
};

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
            folder.sync()?;
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
    /// A store that lost entries opens all the same, read-only: [`Store::status`] says why. The seed is that of the log's
    /// newest key; what the keys before it signed is told by the journal itself.
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
        let keys = read_keys(&connection, &journal, &key)?;
        let frontier = read_frontier(&connection, &key)?;
        let (outside, found) = open_outside(&options, &connection, keys.as_ref(), &frontier)?;
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
        let files = Files::new(&options.folder);
        files.sweep_at_start()?;
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
            files,
            jobs: Some(jobs),
            writer: Some(writer),
            _folder: folder,
        })
    }
}

/// Opens the checkpoint outside and compares it with the log.
fn open_outside(
    options: &Options,
    connection: &Connection,
    keys: Option<&KeyChain>,
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
    let Some(keys) = keys else {
        // A new journal.
        return match outside.note() {
            "" => Ok((Some(outside), Ok(OutsideCheckpoint::Missing))),
            _ => Err(OpenError::OutsideExists),
        };
    };
    let open = |note: &str| keys.open(note);
    let root_at = |size| {
        let frontier = Frontier::from_nodes(&StoredNodes::new(connection), size).ok()?;
        Some(frontier.root())
    };
    let found = outside::judge(outside.note(), open, frontier.size(), root_at);
    if found.is_ok()
        && let Some((_, newest)) = read::newest_checkpoint(connection)?
    {
        outside
            .write(&newest)
            .map_err(|error| folder::unusable(path, error))?;
    }
    Ok((Some(outside), found))
}

pub(super) fn check_journal(
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

pub(super) fn log_size(connection: &Connection) -> Result<u64, OpenError> {
    Ok(
        connection.query_row("SELECT coalesce(max(idx) + 1, 0) FROM entry", [], |row| {
            row.get(0)
        })?,
    )
}

/// Reads which keys signed the log, and checks that this one is the newest; a new journal has none yet.
fn read_keys(
    connection: &Connection,
    journal: &JournalId,
    key: &LogKey,
) -> Result<Option<KeyChain>, OpenError> {
    if log_size(connection)? == 0 {
        return Ok(None);
    }
    let chain = read_chain(connection, journal)?;
    if chain.log() == key.vkey() {
        Ok(Some(chain))
    } else {
        Err(OpenError::OtherKey(key.vkey().to_string()))
    }
}

pub(super) fn read_chain(
    connection: &Connection,
    journal: &JournalId,
) -> Result<KeyChain, OpenError> {
    let admin = StreamName::admin();
    let mut told = Told::default();
    while told.wants_more() {
        let (from, limit) = (told.next(), keys::PAGE);
        let page = read::range(connection, &admin, from, limit, Direction::Forward)?;
        told.take(page);
    }
    Ok(told.chain(journal)?)
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

pub(super) fn read_counters(connection: &Connection) -> Result<Counters, OpenError> {
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
