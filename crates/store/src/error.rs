use std::error::Error;

use model::{Class, EntryError, StreamName};

use crate::ReadOnlyReason;

/// The failure underneath: a database's, a file's, a service's.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why a batch was not appended. Except for [`AppendError::Unanswered`], nothing of it was recorded.
///
/// `place` is the draft's place in the batch, from 0.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The batch has more entries and links than one write takes.
    #[error(
        "the batch has `{items}` entries and links, over the limit of 99; its first `{fits}` drafts would fit"
    )]
    TooManyItems {
        /// Entries and links of the batch.
        items: usize,
        /// How many drafts, from the first on, would fit.
        fits: usize,
    },
    /// Another entry has the place that a draft expected.
    #[error("draft `{place}`: stream `{stream}` continues at seq `{found}`, not `{expected}`")]
    Moved {
        /// The draft's place.
        place: usize,
        /// The stream.
        stream: StreamName,
        /// The seq that was expected.
        expected: u64,
        /// The seq that the entry would get.
        found: u64,
    },
    /// A draft expects a place in a stream that it does not belong to.
    #[error("draft `{place}` expects a place in stream `{stream}`, which is none of its own")]
    ForeignExpectation {
        /// The draft's place.
        place: usize,
        /// The stream.
        stream: StreamName,
    },
    /// The draft's idempotency key was used with other content.
    #[error("draft `{place}`: its idempotency key was used before with other content")]
    KeyReused {
        /// The draft's place.
        place: usize,
    },
    /// The draft does not make an entry.
    #[error("draft `{place}` does not make an entry")]
    Draft {
        /// The draft's place.
        place: usize,
        /// What is wrong with it.
        #[source]
        source: EntryError,
    },
    /// A stream's last entry lies in the future of this recorder's clock.
    #[error(
        "draft `{place}`: stream `{stream}` was written `{ahead_ms}` ms after this recorder's time"
    )]
    HeadAhead {
        /// The draft's place.
        place: usize,
        /// The stream.
        stream: StreamName,
        /// How far ahead.
        ahead_ms: u64,
    },
    /// The wall clock and elapsed time differ by too much.
    #[error("the wall clock is `{drift_ms}` ms away from elapsed time")]
    ClockDrift {
        /// By how much.
        drift_ms: u64,
    },
    /// Others wrote to the same streams, each time that it was tried.
    #[error("other writers took its places in all of `{attempts}` attempts")]
    Contended {
        /// How often it was tried.
        attempts: u32,
    },
    /// The store takes no writes.
    #[error("the store is read-only: {0}")]
    ReadOnly(ReadOnlyReason),
    /// There is no room for it.
    #[error("the store is full")]
    Full(#[source] Cause),
    /// The write failed, and nothing was recorded.
    #[error("the write failed")]
    Unavailable(#[source] Cause),
    /// It is not known whether the write was done: try again with the same idempotency keys.
    #[error("the write was not answered")]
    Unanswered,
    /// What is stored is not what was stored.
    #[error("the store is damaged: {0}")]
    Corrupt(&'static str),
}

impl AppendError {
    /// Returns the same failure for another batch of the group that failed.
    pub(crate) fn again(&self) -> Self {
        let cause = |source: &Cause| Cause::from(source.to_string());
        match self {
            Self::Full(source) => Self::Full(cause(source)),
            Self::Unavailable(source) => Self::Unavailable(cause(source)),
            Self::Corrupt(what) => Self::Corrupt(what),
            _ => Self::Unanswered,
        }
    }

    /// Returns what sort of failure it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::TooManyItems { .. } => Class::Limit,
            Self::Moved { .. } | Self::KeyReused { .. } | Self::Contended { .. } => Class::Conflict,
            Self::Draft { .. } => Class::Caller,
            Self::HeadAhead { .. }
            | Self::ClockDrift { .. }
            | Self::ReadOnly(_)
            | Self::Full(_)
            | Self::Unavailable(_)
            | Self::Unanswered => Class::Unavailable,
            Self::Corrupt(_) => Class::Corrupt,
            Self::ForeignExpectation { .. } => Class::Bug,
        }
    }
}

/// A failed read before a write: nothing was recorded.
pub(crate) fn unappended(error: ReadError) -> AppendError {
    match error {
        ReadError::Unavailable(source) => AppendError::Unavailable(source),
        ReadError::Corrupt(what) => AppendError::Corrupt(what),
    }
}

/// Why something could not be read. What is absent is no error.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The read failed.
    #[error("the read failed")]
    Unavailable(#[source] Cause),
    /// What is stored is not what was stored.
    #[error("the store is damaged: {0}")]
    Corrupt(&'static str),
}

impl ReadError {
    /// Returns what sort of failure it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Unavailable(_) => Class::Unavailable,
            Self::Corrupt(_) => Class::Corrupt,
        }
    }
}

/// Why a store could not be made writable again.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The store takes writes.
    #[error("there is nothing to recover from")]
    NotNeeded,
    /// The draft is not a `recovered` entry.
    #[error("only a `recovered` entry makes a store writable again")]
    Kind,
    /// No entry ends this state of the store.
    #[error("the store is read-only for a reason that no entry ends: {0}")]
    Beyond(ReadOnlyReason),
    /// The checkpoint outside the store cannot be read and written.
    #[error("the checkpoint outside the store cannot be read and written")]
    Outside(#[source] Cause),
    /// The entry could not be appended.
    #[error("the `recovered` entry could not be appended")]
    Append(#[from] AppendError),
}

impl RecoverError {
    /// Returns what sort of failure it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::NotNeeded => Class::Caller,
            Self::Kind => Class::Bug,
            Self::Beyond(_) | Self::Outside(_) => Class::Unavailable,
            Self::Append(error) => error.class(),
        }
    }
}

/// Why a store could not be created or opened. What was there is untouched.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A journal is there already.
    #[error("there is a journal in it already")]
    Exists,
    /// No journal is there.
    #[error("there is no journal in it")]
    NotFound,
    /// It is another journal's.
    #[error("it holds the journal `{found}`, not `{expected}`")]
    OtherJournal {
        /// The journal that was asked for.
        expected: String,
        /// The journal that is there.
        found: String,
    },
    /// It was written by a later version of this program.
    #[error("it has format version `{found}`; this program knows versions up to `{known}`")]
    NewerFormat {
        /// Its version.
        found: u32,
        /// The latest version that this program knows.
        known: u32,
    },
    /// It is not a store of ours.
    #[error("it is no store of this program")]
    Foreign,
    /// Another process uses it.
    #[error("another process uses it")]
    Held,
    /// The journal's log is signed by another key.
    #[error("its checkpoints are not signed by the key `{0}`")]
    OtherKey(String),
    /// For a new journal: a checkpoint outside the store says that it existed before.
    #[error("a checkpoint of it is kept outside already")]
    OutsideExists,
    /// It lost entries, or another copy of it was written, and that is to be recovered from first.
    #[error("it takes no writes, which `recover` is to end first: {0}")]
    ReadOnly(ReadOnlyReason),
    /// The folder cannot be used.
    #[error("`{path}` cannot be read and written")]
    Folder {
        /// The folder or file.
        path: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The journal's first entry could not be written.
    #[error("the first entry could not be written")]
    Genesis(#[source] AppendError),
    /// The store failed.
    #[error("it cannot be read")]
    Unavailable(#[source] Cause),
    /// What is stored is not what was stored.
    #[error("it is damaged: {0}")]
    Corrupt(&'static str),
}

impl OpenError {
    /// Returns what sort of failure it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::NotFound => Class::NotFound,
            Self::Exists | Self::OutsideExists | Self::ReadOnly(_) => Class::Conflict,
            Self::OtherJournal { .. }
            | Self::NewerFormat { .. }
            | Self::Foreign
            | Self::OtherKey(_) => Class::Caller,
            Self::Held | Self::Folder { .. } | Self::Unavailable(_) => Class::Unavailable,
            Self::Genesis(error) => error.class(),
            Self::Corrupt(_) => Class::Corrupt,
        }
    }
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(source) => Self::Unavailable(source),
            ReadError::Corrupt(what) => Self::Corrupt(what),
        }
    }
}
