//! A journal in a data folder, read or written as a whole while nobody else uses the folder.
//!
//! A copy is written beside where the journal will be, and takes that name when it is finished: until then the folder
//! holds no journal that could be opened.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use journal::tree::{Frontier, Nodes as _};
use journal::{Draft, Head, Idempotency};
use model::{Entry, EntryHash, JournalId, LargePayload, PayloadDigest, StreamName};
use rusqlite::{Connection, OptionalExtension as _};

use super::bulk::Files;
use super::failure::append_error;
use super::folder::{self, Folder};
use super::lookup::Lookup;
use super::nodes::StoredNodes;
use super::open::{check_journal, log_size, read_chain, read_counters};
use super::past::HotStreams;
use super::schema::PAYLOADS_PER_ENTRY;
use super::write::{Remembered, write};
use super::{read, schema};
use crate::bulk::{LargeStored, Parts};
use crate::outside;
use crate::seal::Sealed;
use crate::stage::Staged;
use crate::transfer::{Group, Origin, PutError, Record, Standing, Target};
use crate::{OpenError, ReadError, StoredPayload};

/// The name of the database while it is written.
const PART: &str = "journal.part.sqlite3";
/// Checkpoints that are read at once.
const PAGE: u64 = 1_000;

/// A data folder that a journal is read from.
pub struct SqliteOrigin {
    journal: JournalId,
    connection: Mutex<Connection>,
    files: Files,
    _folder: Folder,
}

impl SqliteOrigin {
    /// Opens a data folder that no process uses. No key is needed.
    ///
    /// # Errors
    /// When it holds no journal, or another process uses it.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        if !folder::probe(&path.join(schema::FILE))? {
            return Err(OpenError::NotFound);
        }
        let folder = Folder::lock(path)?;
        let connection = schema::writer(&folder.database())?;
        Ok(Self {
            journal: check_journal(&connection, None)?,
            connection: Mutex::new(connection),
            files: Files::new(path),
            _folder: folder,
        })
    }

    /// Compares the journal with the checkpoint that is kept outside the folder, if any is.
    ///
    /// # Errors
    /// When the journal lost entries since, or is another one.
    pub fn check_outside(&self, path: &Path) -> Result<(), OpenError> {
        let connection = &*self.lock();
        let note = match std::fs::read_to_string(path) {
            Ok(note) => note,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(folder::unusable(path, error)),
        };
        let chain = read_chain(connection, &self.journal)?;
        let root_at = |size| {
            let frontier = Frontier::from_nodes(&StoredNodes::new(connection), size).ok()?;
            Some(frontier.root())
        };
        outside::judge(
            &note,
            |note| chain.open(note),
            log_size(connection)?,
            root_at,
        )
        .map(drop)
        .map_err(OpenError::ReadOnly)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Origin for SqliteOrigin {
    fn journal(&self) -> &JournalId {
        &self.journal
    }

    async fn size(&self) -> Result<u64, ReadError> {
        let connection = &*self.lock();
        let newest = read::newest_checkpoint(connection)?;
        let newest = newest.map_or(0, |(size, _)| size);
        if log_size(connection).map_err(unreadable)? == newest {
            Ok(newest)
        } else {
            Err(ReadError::Corrupt(
                "the log is not that of its newest checkpoint",
            ))
        }
    }

    async fn waiting(&self) -> Result<u64, ReadError> {
        Ok(0)
    }

    async fn checkpoints(&self, after: u64) -> Result<Vec<String>, ReadError> {
        let connection = self.lock();
        let mut statement = connection
            .prepare_cached("SELECT note FROM checkpoint WHERE size > ?1 ORDER BY size LIMIT ?2")?;
        let notes = statement.query_map((after, PAGE), |row| row.get(0))?;
        Ok(notes.collect::<Result<_, _>>()?)
    }

    async fn entries(&self, from: u64, to: u64) -> Result<Vec<Entry>, ReadError> {
        entries(&self.lock(), from, to)
    }

    async fn uses(
        &self,
        from: u64,
        entries: &[Entry],
    ) -> Result<Vec<Option<Idempotency>>, ReadError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT key, content FROM entry WHERE idx >= ?1 AND idx < ?2 ORDER BY idx",
        )?;
        let uses = statement.query_map((from, from + entries.len() as u64), |row| {
            let used: (Option<[u8; 32]>, Option<[u8; 32]>) = (row.get(0)?, row.get(1)?);
            Ok(used.0.zip(used.1))
        })?;
        let uses = uses.map(|used| Ok(used?.map(|(key, content)| Idempotency { key, content })));
        uses.collect()
    }

    async fn payloads(
        &self,
        from: u64,
        entries: &[Entry],
    ) -> Result<Vec<Vec<StoredPayload>>, ReadError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT salt, bytes FROM payload
             WHERE id >= ?1 AND id < ?2 AND bytes IS NOT NULL ORDER BY id",
        )?;
        let mut payloads = Vec::with_capacity(entries.len());
        for (index, _) in (from..).zip(entries) {
            let first = index * PAYLOADS_PER_ENTRY;
            let found = statement.query_map((first, first + PAYLOADS_PER_ENTRY), |row| {
                Ok(StoredPayload {
                    salt: row.get(0)?,
                    bytes: row.get(1)?,
                })
            })?;
            payloads.push(found.collect::<Result<_, _>>()?);
        }
        Ok(payloads)
    }

    async fn large(
        &self,
        index: u64,
        place: usize,
        digest: &PayloadDigest,
    ) -> Result<Option<LargeStored>, ReadError> {
        let id = index * PAYLOADS_PER_ENTRY + place as u64;
        let salt = self
            .lock()
            .query_row("SELECT salt FROM payload WHERE id = ?1", [id], |row| {
                row.get(0)
            })
            .optional()?;
        salt.map(|salt| {
            let parts = self.files.payload(digest)?;
            Ok(LargeStored { salt, parts })
        })
        .transpose()
    }

    async fn tile(&self, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>, ReadError> {
        read::tile_bytes(&self.lock(), level, index, width)
    }
}

/// A data folder that a journal is written to.
pub struct SqliteTarget {
    journal: JournalId,
    /// Gone once the journal has its name.
    open: Option<Open>,
    folder: Folder,
    path: PathBuf,
}

struct Open {
    connection: Connection,
    remembered: Remembered,
}

impl SqliteTarget {
    /// Takes a data folder for a journal: one that holds none, or the part of it that was copied so far.
    ///
    /// # Errors
    /// When it holds a journal that is in use, another one's part, or another process uses it.
    pub fn open(path: &Path, journal: &JournalId) -> Result<Self, OpenError> {
        std::fs::create_dir_all(path).map_err(|error| folder::unusable(path, error))?;
        if folder::probe(&path.join(schema::FILE))? {
            return Err(OpenError::Exists);
        }
        let folder = Folder::lock(path)?;
        let part = path.join(PART);
        let exists = folder::probe(&part)?;
        let mut connection = schema::writer(&part)?;
        if !exists {
            schema::create(&mut connection, journal.as_str())?;
            folder.sync()?;
        }
        check_journal(&connection, Some(journal))?;
        // What a crash takes away is copied again; it is synced when it is finished.
        connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        let remembered = Remembered {
            hot: HotStreams::default(),
            counters: read_counters(&connection)?,
            lookup: Lookup::read(&connection)?,
        };
        Ok(Self {
            journal: journal.clone(),
            open: Some(Open {
                connection,
                remembered,
            }),
            folder,
            path: path.to_owned(),
        })
    }

    fn connection(&self) -> Result<&Connection, ReadError> {
        let open = self.open.as_ref();
        let open = open.ok_or_else(|| ReadError::Unavailable("the copy is finished".into()))?;
        Ok(&open.connection)
    }
}

#[async_trait]
impl Target for SqliteTarget {
    fn journal(&self) -> &JournalId {
        &self.journal
    }

    async fn standing(&mut self) -> Result<Standing, ReadError> {
        let connection = self.connection()?;
        let size = log_size(connection).map_err(unreadable)?;
        let nodes = StoredNodes::new(connection);
        let frontier = Frontier::from_nodes(&nodes, size)
            .map_err(|_| ReadError::Corrupt("a node of the tree is missing"))?;
        Ok(Standing {
            size,
            root: frontier.root(),
            first: nodes.node(0, 0).map(|hash| EntryHash(hash.0)),
        })
    }

    async fn put(&mut self, groups: &[Group]) -> Result<(), PutError> {
        let Some(Open {
            connection,
            remembered,
        }) = &mut self.open
        else {
            return Err(PutError::Unavailable("the copy is finished".into()));
        };
        for group in groups {
            remembered
                .hot
                .fill(connection, &streams(group))
                .map_err(ReadError::from)?;
            let hashes: Vec<EntryHash> = group
                .records
                .iter()
                .map(|record| record.entry.hash())
                .collect();
            let sealed = Sealed {
                group: group.before.clone().append_group(&hashes),
                checkpoint: group.checkpoint.clone(),
            };
            let staged: Vec<Staged> = group.records.iter().map(staged).collect();
            write(connection, &staged, &sealed, remembered).map_err(append_error)?;
            remembered.hot.trim();
        }
        Ok(())
    }

    async fn put_large(&mut self, payload: &LargePayload, parts: Parts) -> Result<(), PutError> {
        let (files, payload) = (Files::new(&self.path), payload.clone());
        let LargePayload { reference, salt } = payload;
        let copied = tokio::task::spawn_blocking(move || {
            files.copy(reference.size, &salt, &reference.digest, parts)
        });
        copied
            .await
            .map_err(|error| PutError::Unavailable(error.into()))?
            .map_err(|error| PutError::Unavailable(error.into()))
    }

    async fn checkpoint(&mut self) -> Result<String, ReadError> {
        let newest = read::newest_checkpoint(self.connection()?)?;
        newest
            .map(|(_, note)| note)
            .ok_or(ReadError::Corrupt("a checkpoint is missing"))
    }

    async fn entries(&mut self, from: u64, to: u64) -> Result<Vec<Entry>, ReadError> {
        entries(self.connection()?, from, to)
    }

    async fn tile(
        &mut self,
        level: u8,
        index: u64,
        width: u16,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        read::tile_bytes(self.connection()?, level, index, width)
    }

    async fn heads(&mut self) -> Result<Vec<(StreamName, Head)>, ReadError> {
        read::heads_at(self.connection()?, u64::MAX)
    }

    /// Makes everything durable, and gives it the name by which it is opened: before that there is no journal, after it
    /// the whole one.
    async fn finish(&mut self) -> Result<(), PutError> {
        let Some(Open { connection, .. }) = self.open.take() else {
            return Ok(());
        };
        connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(ReadError::from)?;
        connection
            .close()
            .map_err(|(_, error)| ReadError::from(error))?;
        let (part, whole) = (self.path.join(PART), self.folder.database());
        let named = File::open(&part)
            .and_then(|file| file.sync_all())
            .and_then(|()| std::fs::rename(&part, &whole));
        named.map_err(|error| PutError::Unavailable(folder::unusable(&whole, error).into()))?;
        Ok(self.folder.sync()?)
    }
}

fn entries(connection: &Connection, from: u64, to: u64) -> Result<Vec<Entry>, ReadError> {
    let limit = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    let found = read::entries(connection, from, limit)?;
    let in_order = (from..to).eq(found.iter().filter_map(|stored| stored.index));
    if in_order {
        Ok(found.into_iter().map(|stored| stored.entry).collect())
    } else {
        Err(ReadError::Corrupt("an entry is missing"))
    }
}

fn streams(group: &Group) -> Vec<&StreamName> {
    let entries = group.records.iter().map(|record| record.entry.header());
    let links = entries.flat_map(|header| &header.links);
    links.map(|link| &link.stream).collect()
}

/// Puts a record into the form in which the writer takes what it linked itself.
fn staged(record: &Record) -> Staged {
    let header = record.entry.header();
    Staged {
        entry: record.entry.clone(),
        draft: Draft {
            by: header.by.clone(),
            claimed_ms: header.claimed_ms,
            fields: header.fields.clone(),
            kind: header.kind.clone(),
            streams: header
                .links
                .iter()
                .map(|link| link.stream.clone())
                .collect(),
            payloads: record.payloads.clone(),
            idempotency: record.used,
            expected: Vec::new(),
            large: record.large.clone(),
        },
    }
}

fn unreadable(error: OpenError) -> ReadError {
    match error {
        OpenError::Corrupt(what) => ReadError::Corrupt(what),
        other => ReadError::Unavailable(other.into()),
    }
}
