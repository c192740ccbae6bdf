use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::Head;
use journal::kind::ClockCorrected;
use journal::tree::{Frontier, Hash, Nodes, node_hash};
use model::kind::Fields as _;
use model::{Entry, EntryHash, JournalId, PayloadDigest, StreamName};

use super::VERSION;
use crate::error::Cause;
use crate::stage::{KeyUse, Last, Past, Staged};
use crate::{ReadError, Stored, StoredPayload};

/// What outlives a [`super::Memory`] store, as a data folder outlives a process.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<Content>>);

/// The file in which a store's newest checkpoint is kept outside it.
#[derive(Clone, Default)]
pub struct OutsideFile(Arc<Mutex<(String, bool)>>);

#[derive(Clone)]
pub(super) struct Content {
    pub(super) journal: Option<JournalId>,
    pub(super) version: u32,
    pub(super) rows: Vec<Row>,
    pub(super) checkpoints: BTreeMap<u64, String>,
    /// What was sent and not used yet, by its name.
    pub(super) uploads: BTreeMap<String, Vec<u8>>,
    /// Large payloads, whether anything names them or not.
    pub(super) large: BTreeMap<PayloadDigest, StoredPayload>,
    streams: BTreeMap<StreamName, Vec<u64>>,
    in_use: bool,
}

/// An entry and what came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    header: Vec<u8>,
    hash: EntryHash,
    key: Option<([u8; 32], [u8; 32])>,
    payloads: Vec<(PayloadDigest, StoredPayload)>,
}

impl Default for Disk {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Content {
            journal: None,
            version: VERSION,
            rows: Vec::new(),
            checkpoints: BTreeMap::new(),
            uploads: BTreeMap::new(),
            large: BTreeMap::new(),
            streams: BTreeMap::new(),
            in_use: false,
        })))
    }
}

impl Disk {
    /// Copies everything, as a backup does.
    #[must_use]
    pub fn copy(&self) -> Self {
        let mut content = self.lock().clone();
        content.in_use = false;
        Self(Arc::new(Mutex::new(content)))
    }

    /// Puts the content of another disk in the place of this one's.
    pub fn put_back(&self, other: &Self) {
        let content = other.lock().clone();
        *self.lock() = content;
    }

    /// Marks the content as written by a later version.
    pub fn raise_version(&self) {
        self.lock().version += 1;
    }

    /// Describes everything on it, to show that nothing changed.
    #[must_use]
    pub fn describe(&self) -> String {
        let content = self.lock();
        format!("{} {:?}", content.version, content.rows)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self) -> bool {
        !std::mem::replace(&mut self.lock().in_use, true)
    }

    pub(super) fn release(&self) {
        self.lock().in_use = false;
    }
}

impl OutsideFile {
    /// Returns what it holds.
    #[must_use]
    pub fn read(&self) -> String {
        self.lock().0.clone()
    }

    /// Writes it, as another copy of the store would.
    pub fn write(&self, note: &str) {
        note.clone_into(&mut self.lock().0);
    }

    pub(super) fn take(&self) -> bool {
        !std::mem::replace(&mut self.lock().1, true)
    }

    pub(super) fn release(&self) {
        self.lock().1 = false;
    }

    fn lock(&self) -> MutexGuard<'_, (String, bool)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    pub(super) fn new(staged: Staged) -> Self {
        let references = staged.entry.header().payloads.iter();
        let payloads = references
            .filter(|reference| !reference.is_large())
            .zip(staged.draft.payloads)
            .map(|(reference, payload)| {
                let stored = StoredPayload {
                    salt: payload.salt,
                    bytes: payload.bytes,
                };
                (reference.digest, stored)
            })
            .collect();
        Self {
            hash: staged.entry.hash(),
            header: staged.entry.bytes().to_vec(),
            key: staged
                .draft
                .idempotency
                .map(|used| (used.key, used.content)),
            payloads,
        }
    }

    fn entry(&self) -> Option<Entry> {
        Entry::parse(&self.header)
            .ok()
            .filter(|entry| entry.hash() == self.hash)
    }
}

impl Content {
    pub(super) fn size(&self) -> u64 {
        self.rows.len() as u64
    }

    pub(super) fn push(&mut self, row: Row) {
        let index = self.size();
        if let Some(entry) = row.entry() {
            for link in &entry.header().links {
                let indexes = self.streams.entry(link.stream.clone()).or_default();
                indexes.push(index);
            }
        }
        self.rows.push(row);
    }

    pub(super) fn stored(&self, index: u64) -> Option<Stored> {
        let entry = self.row(index)?.entry()?;
        Some(Stored::at(index, entry))
    }

    pub(super) fn all(
        &self,
        indexes: impl IntoIterator<Item = u64>,
    ) -> Result<Vec<Stored>, ReadError> {
        indexes
            .into_iter()
            .map(|index| {
                self.stored(index)
                    .ok_or(ReadError::Corrupt("an entry is none"))
            })
            .collect()
    }

    pub(super) fn hashes(&self, size: u64) -> impl Iterator<Item = EntryHash> + '_ {
        (0..size).zip(&self.rows).map(|(_, row)| row.hash)
    }

    pub(super) fn index_of(&self, hash: &EntryHash) -> Option<u64> {
        (0..)
            .zip(&self.rows)
            .find(|(_, row)| row.hash == *hash)
            .map(|(index, _)| index)
    }

    pub(super) fn payload(&self, digest: &PayloadDigest) -> Option<StoredPayload> {
        self.rows
            .iter()
            .flat_map(|row| &row.payloads)
            .find(|(found, _)| found == digest)
            .map(|(_, payload)| payload.clone())
    }

    pub(super) fn stream(&self, stream: &StreamName) -> &[u64] {
        self.streams.get(stream).map_or(&[], Vec::as_slice)
    }

    /// Returns the last entry of a stream within the log's first `size` entries.
    pub(super) fn last(&self, stream: &StreamName, size: u64) -> Option<Last> {
        let indexes = self.stream(stream);
        let index = *indexes.iter().rev().find(|index| **index < size)?;
        let entry = self.stored(index)?.entry;
        let head = Head {
            seq: entry.header().link(stream)?.seq,
            hash: entry.hash(),
            recorded_ms: entry.header().recorded_ms,
        };
        Some(Last {
            head,
            era: self.corrections(index + 1),
        })
    }

    pub(super) fn heads(&self, size: u64) -> impl Iterator<Item = (StreamName, Head)> + '_ {
        self.streams
            .keys()
            .filter_map(move |stream| Some((stream.clone(), self.last(stream, size)?.head)))
    }

    /// Counts how often the clock was corrected within the log's first `size` entries.
    pub(super) fn corrections(&self, size: u64) -> u64 {
        let admin = self.stream(&StreamName::admin()).iter();
        let corrects = |index: &&u64| {
            self.stored(**index)
                .is_some_and(|found| found.entry.header().kind.as_str() == ClockCorrected::KIND)
        };
        admin
            .filter(|index| **index < size)
            .filter(corrects)
            .count() as u64
    }

    pub(super) fn tile(&self, level: u8, index: u64, width: u16) -> Option<Vec<u8>> {
        let height = level.checked_mul(8).filter(|height| *height < 64)?;
        if !(1..=256).contains(&width) {
            return None;
        }
        let first = index.checked_mul(256)?;
        let last = first.checked_add(u64::from(width))?;
        (first..last)
            .map(|index| self.node(height, index).map(|hash| hash.0))
            .collect::<Option<Vec<_>>>()
            .map(|hashes| hashes.concat())
    }

    /// Takes the tree up as it was when the log had so many entries.
    pub(super) fn frontier(&self, size: u64) -> Frontier {
        let mut frontier = Frontier::new();
        for hash in self.hashes(size) {
            frontier.append(&hash);
        }
        frontier
    }

    fn row(&self, index: u64) -> Option<&Row> {
        self.rows.get(usize::try_from(index).ok()?)
    }
}

impl Nodes for Content {
    /// Computes the hash from the leaves, each time.
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        match level.checked_sub(1) {
            None => self.row(index).map(|row| Hash(row.hash.0)),
            Some(below) => Some(node_hash(
                &self.node(below, index.checked_mul(2)?)?,
                &self.node(below, index.checked_mul(2)? + 1)?,
            )),
        }
    }
}

impl Past for &Content {
    type Entry = u64;

    fn head(&mut self, stream: &StreamName) -> Result<Option<Last>, Cause> {
        Ok(self.last(stream, u64::MAX))
    }

    fn key(&mut self, key: &[u8; 32]) -> Result<Option<KeyUse<u64>>, Cause> {
        let used = (0..).zip(&self.rows).find_map(|(index, row)| {
            let (found, content) = row.key.as_ref()?;
            (found == key).then_some(KeyUse {
                content: *content,
                entry: index,
            })
        });
        Ok(used)
    }
}
