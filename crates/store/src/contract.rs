use std::fmt;

use async_trait::async_trait;
use journal::{Draft, Head, Idempotency, Receipt};
use model::{Entry, EntryHash, JournalId, PayloadDigest, Root, Salt, StreamName};

use crate::bulk::Bulk;
use crate::{AppendError, ReadError, RecoverError};

/// A store of one journal: the contract that each of them keeps, and [`conformance`](crate) checks.
///
/// **Sealing.** A store seals as it appends, and then every receipt is a proof; or another seals after it, and then an
/// entry has no index, and its receipt is a promise, until that is done. What speaks of the log (its size, its
/// checkpoint, tiles, entries by index) speaks of what is sealed; streams and entries by hash are there at once.
///
/// **Order.** Entries have indexes 0, 1, 2 … without gaps; each comes after every entry that it links to. In each stream
/// seqs are 0, 1, 2 … without gaps, and recorded times never decrease, except across a `clock-corrected` entry.
///
/// **Durability.** What [`append`](Store::append) returned is on disk, payloads included, and is proved by its receipt.
/// Nothing is ever updated or deleted.
///
/// **Consistency.** A read that begins after an append returned sees it. One read sees one state of the log; two
/// reads may see two, the later never less than the earlier.
///
/// **Who retries.** The caller. `Moved` is worth trying again after reading anew. After any other transient error, and
/// after a lost answer, the same drafts with the same idempotency keys can be sent again without harm.
///
/// **Absent** is an empty answer or `None`, never an error.
#[async_trait]
pub trait Store: Send + Sync {
    /// Returns the journal's id.
    fn journal(&self) -> &JournalId;

    /// Says whether it seals as it appends.
    fn seals_at_once(&self) -> bool {
        true
    }

    /// Returns how the store is.
    async fn status(&self) -> Result<Status, ReadError>;

    /// Appends drafts: all of them, in order, or none.
    ///
    /// Each draft is linked after the heads of its streams, drafts before it in the batch included. A draft whose
    /// idempotency key is known with the same content is not written again: its place in the answer has the first
    /// entry and the very receipt that was first handed out. Such a draft's expectations are not looked at.
    ///
    /// A lost answer means nothing about the outcome: it is asked for by sending the same drafts again.
    ///
    /// # Errors
    /// Nothing was recorded, except after [`AppendError::Unanswered`], which does not know.
    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Appended>, AppendError>;

    /// Makes a read-only store writable again, with a `recovered` entry that names what was lost
    /// (see [`ReadOnlyReason`]).
    ///
    /// # Errors
    /// The store stays as it was.
    async fn recover(&self, draft: Draft) -> Result<Appended, RecoverError>;

    /// Returns the last entry of a stream.
    async fn head(&self, stream: &StreamName) -> Result<Option<Head>, ReadError> {
        let heads = self.heads(std::slice::from_ref(stream)).await?;
        Ok(heads.into_iter().next().flatten())
    }

    /// Returns the last entries of streams, in the order asked for, each as of a moment of this call.
    async fn heads(&self, streams: &[StreamName]) -> Result<Vec<Option<Head>>, ReadError>;

    /// Returns up to `limit` entries of a stream, from `from_seq` on (included) in a direction.
    ///
    /// To begin at the end, pass [`model::limits::INTEGER_MAX`] and [`Direction::Backward`].
    async fn range(
        &self,
        stream: &StreamName,
        from_seq: u64,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<Stored>, ReadError>;

    /// Returns the seq of a stream's last entry that was recorded at `recorded_ms` or before.
    async fn as_of(&self, stream: &StreamName, recorded_ms: u64) -> Result<Option<u64>, ReadError>;

    /// Returns the entry with a hash.
    async fn entry(&self, hash: &EntryHash) -> Result<Option<Stored>, ReadError>;

    /// Returns the places of entries in the log, in the order asked for; nothing for one that is not sealed.
    async fn positions(&self, hashes: &[EntryHash]) -> Result<Vec<Option<u64>>, ReadError>;

    /// Returns up to `limit` entries in the order of the log, from an index on (included).
    async fn entries(&self, from_index: u64, limit: usize) -> Result<Vec<Stored>, ReadError>;

    /// Returns what takes and gives payloads that are too large to be held in memory.
    fn bulk(&self) -> &dyn Bulk;

    /// Returns what was recorded under an idempotency key, if anything was: the very receipt that was first handed out.
    ///
    /// # Errors
    /// [`AppendError::KeyReused`] when it was other content.
    async fn repeated(&self, used: &Idempotency) -> Result<Option<Appended>, AppendError>;

    /// Returns payloads by their digests, in the order asked for. A large one is not among them: [`Store::bulk`] has it.
    async fn payloads(
        &self,
        digests: &[PayloadDigest],
    ) -> Result<Vec<Option<StoredPayload>>, ReadError>;

    /// Returns a receipt of an entry against the newest checkpoint, or the promise of one.
    async fn receipt(&self, hash: &EntryHash) -> Result<Option<Receipt>, ReadError>;

    /// Returns the newest checkpoint, a C2SP signed note.
    async fn checkpoint(&self) -> Result<String, ReadError>;

    /// Returns the first `width` (1 to 256) hashes of a tile, concatenated, where the log has that many (C2SP tlog-tiles).
    async fn tile(&self, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>, ReadError>;

    /// Returns the newest checkpoint and the proof that the log of its size continues that of `from` entries; nothing
    /// where the log is shorter.
    async fn consistency(&self, from: u64) -> Result<Option<Consistency>, ReadError>;

    /// Returns up to `limit` streams whose names begin with `prefix`, by name, after the one that was the last of the
    /// page before.
    async fn streams(
        &self,
        prefix: &str,
        after: Option<&StreamName>,
        limit: usize,
    ) -> Result<Vec<(StreamName, Head)>, ReadError>;

    /// Returns the last entry of every stream as of the log's first `size` entries, by name: the Merkle map's content.
    ///
    /// It reads all streams, and does not keep the writer waiting.
    async fn heads_at(&self, size: u64) -> Result<Vec<(StreamName, Head)>, ReadError>;
}

/// An entry and its place in the log.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its place in the log, from 0, where reading the entry told it; [`Store::positions`] tells it of any that is sealed.
    pub index: Option<u64>,
    /// The entry.
    pub entry: Entry,
}

impl Stored {
    /// Puts an entry at its place.
    #[must_use]
    pub const fn at(index: u64, entry: Entry) -> Self {
        Self {
            index: Some(index),
            entry,
        }
    }
}

/// What became of a draft.
#[derive(Debug, Clone)]
pub struct Appended {
    /// The entry, with its place.
    pub stored: Stored,
    /// Proves that place, or promises one.
    pub receipt: Receipt,
    /// Whether it had been appended before.
    pub replayed: bool,
}

/// A payload as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPayload {
    /// Its salt.
    pub salt: Salt,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for StoredPayload {
    /// Says how large it is, never what it holds.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "payload of {} bytes", self.bytes.len())
    }
}

/// Proves that one state of the log continues another (RFC 6962, section 2.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// The later state's signed checkpoint.
    pub checkpoint: String,
    /// The proof.
    pub proof: Vec<Root>,
}

/// In which order a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    Backward,
}

/// How a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Entries in the log: those that are sealed.
    pub size: u64,
    /// Why it takes no writes, if so.
    pub read_only: Option<ReadOnlyReason>,
    /// What was found outside the store when it was opened.
    pub outside: OutsideCheckpoint,
}

/// What was found in the place outside the store where its newest checkpoint is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutsideCheckpoint {
    /// This store keeps none.
    NotKept,
    /// None was there, as for a new journal; nothing is known about what the store may have lost.
    Missing,
    /// One was there, and the log continues it.
    Continued,
    /// One was there, and the log does not continue it.
    Contradicted,
}

/// Why a store takes no writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadOnlyReason {
    /// The log is shorter than the checkpoint kept outside it: an old copy was put back. `recover` ends it.
    Behind {
        /// Entries in the log.
        stored: u64,
        /// Entries that there once were: those from `stored` on are lost.
        outside: u64,
    },
    /// The log has other entries than the checkpoint kept outside it. `recover` ends it.
    Forked {
        /// The size of the checkpoint that does not fit.
        outside: u64,
    },
    /// The checkpoint kept outside changed under the running store: another copy writes too. `recover` ends it, once
    /// the other copy is stopped.
    OutsideChanged,
    /// Another process has locked the checkpoint kept outside: another copy runs. `recover` ends it, once that is
    /// stopped.
    OutsideHeld,
    /// The checkpoint kept outside cannot be read as one of this journal. `recover` ends it.
    OutsideUnreadable,
    /// The checkpoint kept outside cannot be written. Opening anew ends it, once it can.
    OutsideUnwritable,
    /// The storage did not confirm a write: what is durable is known only after opening anew.
    WriteUnconfirmed,
}

impl ReadOnlyReason {
    /// Says whether a `recovered` entry ends it.
    #[must_use]
    pub const fn is_recoverable(&self) -> bool {
        match self {
            Self::Behind { .. }
            | Self::Forked { .. }
            | Self::OutsideChanged
            | Self::OutsideHeld
            | Self::OutsideUnreadable => true,
            Self::OutsideUnwritable | Self::WriteUnconfirmed => false,
        }
    }
}

impl fmt::Display for ReadOnlyReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Behind { stored, outside } => write!(
                out,
                "it has `{stored}` entries, and the checkpoint outside it `{outside}`"
            ),
            Self::Forked { outside } => write!(
                out,
                "its first `{outside}` entries are not those of the checkpoint outside it"
            ),
            Self::OutsideChanged => out.write_str("the checkpoint outside it was changed"),
            Self::OutsideHeld => {
                out.write_str("the checkpoint outside it is used by another process")
            }
            Self::OutsideUnreadable => {
                out.write_str("the checkpoint outside it is none of this journal")
            }
            Self::OutsideUnwritable => out.write_str("the checkpoint outside it cannot be written"),
            Self::WriteUnconfirmed => out.write_str("the storage did not confirm a write"),
        }
    }
}
