//! A journal in memory, for tests: it keeps the same contract, and is stricter where a test could rely on luck.
//!
//! It yields before each answer, so that callers interleave; it reads entries back from their bytes; it checks each
//! receipt before handing it out; and it can be told to lose a write, or to do it and answer with an error.

mod bulk;
mod disk;
mod fault;
mod open;
mod store;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::key::LogKey;
use model::JournalId;

pub use self::disk::{Disk, OutsideFile};
pub use self::fault::{Fault, Faults};
use crate::clock::Watch;
use crate::{OutsideCheckpoint, ReadOnlyReason};

/// The version of what a [`Disk`] holds.
pub(crate) const VERSION: u32 = 1;

/// A journal in memory.
pub struct Memory {
    journal: JournalId,
    key: LogKey,
    disk: Disk,
    outside: Option<OutsideFile>,
    faults: Arc<Faults>,
    state: Mutex<State>,
}

struct State {
    watch: Watch,
    read_only: Option<ReadOnlyReason>,
    found: OutsideCheckpoint,
    /// Whether this store holds the checkpoint outside.
    holds_outside: bool,
    /// What it last read or wrote there.
    note: String,
}

impl Memory {
    /// Returns the switch by which writes fail.
    #[must_use]
    pub fn faults(&self) -> Arc<Faults> {
        Arc::clone(&self.faults)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.lock().holds_outside
            && let Some(outside) = &self.outside
        {
            outside.release();
        }
        self.disk.release();
    }
}

#[cfg(test)]
mod tests;
