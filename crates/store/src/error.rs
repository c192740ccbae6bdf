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
    /// Returns what sort of failure it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::TooManyItems { .. } => Class::Limit,
            Self::Moved { .. } | Self::KeyReused { .. } => Class::Conflict,
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
    /// Another process uses the checkpoint outside the store.
    #[error("the checkpoint outside the store is used by another process")]
    OutsideHeld,
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
            Self::OutsideHeld => Class::Unavailable,
            Self::Append(error) => error.class(),
        }
    }
}
