use std::fmt;

use model::{EntryError, EntryHash, PayloadDigest, StreamName};

use crate::note::NoteError;
use crate::tree::Disproved;

/// The first thing that is wrong with a bundle.
#[derive(Debug, thiserror::Error)]
#[error("verification failed at {place}")]
pub struct Fault {
    /// Where.
    pub place: Box<Place>,
    /// What.
    #[source]
    pub wrong: Wrong,
}

/// Where a fault is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The line of the bundle, from 1.
    pub line: u64,
    /// The index of the entry, as the line says it.
    pub index: Option<u64>,
    /// The hash of the entry, as the line says it.
    pub entry: Option<EntryHash>,
    /// The stream.
    pub stream: Option<StreamName>,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line `{}`", self.line)?;
        if let Some(index) = self.index {
            write!(out, ", entry `{index}`")?;
        }
        if let Some(entry) = self.entry {
            write!(out, ", hash `{entry}`")?;
        }
        if let Some(stream) = &self.stream {
            write!(out, ", stream `{stream}`")?;
        }
        Ok(())
    }
}

/// What can be wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Wrong {
    /// The bytes cannot be read.
    #[error("the bundle cannot be read")]
    Unreadable(#[from] std::io::Error),
    /// The bundle is cut off.
    #[error("the bundle is cut off: it has no `end` line")]
    Truncated,
    /// A line is none of a bundle's, or stands where it must not.
    #[error("the bundle is malformed: {0}")]
    Malformed(&'static str),
    /// The last line's count or hash is not that of the lines before.
    #[error("the bundle's lines are not those that its last line counted and hashed")]
    End,
    /// The header's bytes are not those that were hashed.
    #[error("the header does not have the hash that is said of it")]
    BadHash,
    /// The header is not an entry's.
    #[error("the header is not an entry")]
    NotAnEntry(#[source] EntryError),
    /// The entry is another journal's.
    #[error("the entry belongs to journal `{0}`")]
    WrongJournal(String),
    /// Entry 0 is not there, or is no genesis.
    #[error("the journal does not begin with its genesis entry")]
    NoGenesis,
    /// An entry of the journal's own kinds stands in the wrong stream.
    #[error("an entry of kind `{0}` does not belong there")]
    Misplaced(String),
    /// The entry is in none of the ranges that the bundle claims.
    #[error("the entry lies in none of the claimed ranges")]
    Unclaimed,
    /// The entry stands at another place in the log.
    #[error("the entry stands out of its order: index `{expected}` was due")]
    Reordered {
        /// The index that was due.
        expected: u64,
    },
    /// An entry of the log is not there.
    #[error("the entry at index `{0}` is missing")]
    Missing(u64),
    /// An entry of the stream is not there.
    #[error("the stream's entry with seq `{seq}` is missing")]
    Gap {
        /// Its seq.
        seq: u64,
    },
    /// The entry that this one links to comes after it in the log.
    #[error("the entry comes before `{previous}`, which it links to")]
    SealedBefore {
        /// The entry that it links to.
        previous: EntryHash,
    },
    /// The seq is taken already.
    #[error("seq `{seq}` of the stream is taken twice")]
    Fork {
        /// The seq.
        seq: u64,
    },
    /// The entry before it in the stream is not the one it links to.
    #[error("the entry links to `{linked}`, but `{found}` stands before it in the stream")]
    BrokenLink {
        /// What it links to.
        linked: EntryHash,
        /// What is there.
        found: EntryHash,
    },
    /// It is recorded before what stands before it.
    #[error(
        "the entry is recorded at `{recorded_ms}`, before `{before_ms}` of the entry before it in the stream"
    )]
    TimeBackwards {
        /// Its time.
        recorded_ms: u64,
        /// The time of the entry before it.
        before_ms: u64,
    },
    /// The entry is not in the checkpoint's tree.
    #[error("the entry is not in the tree of the checkpoint")]
    NotInTree(#[source] Disproved),
    /// The entries are not those of the checkpoint's tree.
    #[error("the entries do not give the root of the checkpoint")]
    WrongRoot,
    /// The payload's bytes are not those that the header names.
    #[error("payload `{0}` does not have the digest or the size that its entry names")]
    Payload(PayloadDigest),
    /// The checkpoint is not signed by the log's key.
    #[error("the checkpoint does not hold")]
    BadSignature(#[source] NoteError),
    /// A new key is not vouched for by the one before it.
    #[error("the new key is not vouched for by the one before it")]
    NotVouched,
    /// The journal's keys are not the pinned one's.
    #[error("the journal's log keys do not include the pinned one")]
    OtherKey,
    /// The log does not begin with that of the pinned checkpoint.
    #[error("the log does not begin with that of the pinned checkpoint of size `{size}`")]
    Inconsistent {
        /// The pinned checkpoint's size.
        size: u64,
    },
    /// The bundle does not show that its log begins with that of the pinned checkpoint.
    #[error("the bundle holds no consistency proof from the pinned checkpoint of size `{size}`")]
    NoConsistencyProof {
        /// The pinned checkpoint's size.
        size: u64,
    },
    /// The heads of the streams are not those that a `heads` entry says.
    #[error("the `heads` entry does not hold: {0}")]
    HeadsMap(&'static str),
}
