//! Creating and opening, with the refusals of the stores that outlive a process.

use std::sync::{Arc, Mutex};

use journal::Draft;
use journal::key::{LogKey, Seed};
use journal::note::Checkpoint;
use model::JournalId;

use super::{Disk, Memory, OutsideFile, State, VERSION};
use crate::clock::Watch;
use crate::{
    AppendError, Appended, Clock, OpenError, OutsideCheckpoint, ReadOnlyReason, Store as _, outside,
};

impl Memory {
    /// Creates a journal on an empty disk.
    ///
    /// # Errors
    /// When a journal is there already.
    pub async fn create(
        disk: &Disk,
        outside: Option<&OutsideFile>,
        clock: Arc<dyn Clock>,
        (journal, seed): (&JournalId, &Seed),
        genesis: Draft,
    ) -> Result<(Self, Appended), OpenError> {
        {
            let mut content = disk.lock();
            if !content.rows.is_empty() {
                return Err(OpenError::Exists);
            }
            if outside.is_some_and(|outside| !outside.read().is_empty()) {
                return Err(OpenError::OutsideExists);
            }
            content.journal = Some(journal.clone());
        }
        let store = Self::start(disk, outside, clock, journal.clone(), seed)?;
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

    /// Opens the journal on a disk.
    ///
    /// # Errors
    /// As the stores that outlive a process.
    pub fn open(
        disk: &Disk,
        outside: Option<&OutsideFile>,
        clock: Arc<dyn Clock>,
        (expected, seed): (Option<&JournalId>, &Seed),
    ) -> Result<Self, OpenError> {
        let found = {
            let content = disk.lock();
            if content.version > VERSION {
                return Err(OpenError::NewerFormat {
                    found: content.version,
                    known: VERSION,
                });
            }
            if content.rows.is_empty() {
                return Err(OpenError::NotFound);
            }
            content.journal.clone().ok_or(OpenError::NotFound)?
        };
        if let Some(expected) = expected.filter(|expected| **expected != found) {
            return Err(OpenError::OtherJournal {
                expected: expected.to_string(),
                found: found.to_string(),
            });
        }
        Self::start(disk, outside, clock, found, seed)
    }

    fn start(
        disk: &Disk,
        outside: Option<&OutsideFile>,
        clock: Arc<dyn Clock>,
        journal: JournalId,
        seed: &Seed,
    ) -> Result<Self, OpenError> {
        if !disk.take() {
            return Err(OpenError::Held);
        }
        let store = Self {
            key: LogKey::new(&journal, seed),
            journal,
            disk: disk.clone(),
            outside: outside.cloned(),
            faults: Arc::default(),
            state: Mutex::new(State {
                watch: Watch::start(clock),
                read_only: None,
                found: OutsideCheckpoint::NotKept,
                holds_outside: false,
                note: String::new(),
            }),
        };
        store.find_outside()?;
        Ok(store)
    }

    /// Takes hold of the checkpoint outside and compares the log with it.
    fn find_outside(&self) -> Result<(), OpenError> {
        let content = self.disk.lock();
        if let Some(newest) = content.checkpoints.values().next_back() {
            Checkpoint::open(newest, self.key.vkey())
                .map_err(|_| OpenError::OtherKey(self.key.vkey().to_string()))?;
        }
        let Some(outside) = &self.outside else {
            return Ok(());
        };
        let mut state = self.lock();
        if !outside.take() {
            state.found = OutsideCheckpoint::Contradicted;
            state.read_only = Some(ReadOnlyReason::OutsideHeld);
            return Ok(());
        }
        state.holds_outside = true;
        state.note = outside.read();
        let root_at = |size| Some(content.frontier(size).root());
        let open = |note: &str| Checkpoint::open(note, self.key.vkey());
        match outside::judge(&state.note, open, content.size(), root_at) {
            Ok(found) => {
                state.found = found;
                if let Some(newest) = content.checkpoints.values().next_back() {
                    outside.write(newest);
                    state.note.clone_from(newest);
                }
            }
            Err(reason) => {
                state.found = OutsideCheckpoint::Contradicted;
                state.read_only = Some(reason);
            }
        }
        Ok(())
    }
}
