//! A journal in memory, for tests: it keeps the same contract, and is stricter where a test could rely on luck.
//!
//! It yields before each answer, so that callers interleave; it reads entries back from their bytes; it checks each
//! receipt before handing it out; and it can be told to lose a write, or to do it and answer with an error.

mod disk;
mod fault;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use journal::key::{LogKey, Seed};
use journal::kind::Recovered;
use journal::tree::{Frontier, consistency_proof};
use journal::{Draft, Head};
use model::kind::Fields as _;
use model::{EntryHash, JournalId, PayloadDigest, StreamName};

use self::disk::{Content, Row};
pub use self::disk::{Disk, OutsideFile};
pub use self::fault::{Fault, Faults};
use crate::clock::{Moment, Watch};
use crate::seal::{self, Sealed};
use crate::stage::{Outcome, Stage, Time};
use crate::{
    AppendError, Appended, Clock, Consistency, Direction, OpenError, OutsideCheckpoint, ReadError,
    ReadOnlyReason, Receipt, RecoverError, Status, Store, Stored, StoredPayload, outside,
};

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

    /// Returns the switch by which writes fail.
    #[must_use]
    pub fn faults(&self) -> Arc<Faults> {
        Arc::clone(&self.faults)
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
            journal::note::Checkpoint::open(newest, self.key.vkey())
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
        match outside::judge(&state.note, self.key.vkey(), content.size(), root_at) {
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

    fn check_writable(&self, state: &mut State) -> Result<(), ReadOnlyReason> {
        let changed = self
            .outside
            .as_ref()
            .is_some_and(|outside| outside.read() != state.note);
        if state.read_only.is_none() && changed {
            state.read_only = Some(ReadOnlyReason::OutsideChanged);
        }
        state.read_only.clone().map_or(Ok(()), Err)
    }

    fn commit(&self, state: &mut State, drafts: Vec<Draft>) -> Result<Vec<Appended>, AppendError> {
        let mut content = self.disk.lock();
        let moment: Moment = state.watch.read();
        let time = Time {
            now_ms: moment.wall_ms,
            drift_ms: state.watch.drift_ms(moment),
            corrected: content.corrected(),
        };
        let first = content.size();
        let mut stage = Stage::new(&self.journal, &*content, time, first);
        let outcomes = stage.batch(drafts)?;
        let (staged, after) = stage.finish();
        let hashes: Vec<_> = staged.iter().map(|staged| staged.entry.hash()).collect();
        if !hashes.is_empty() {
            let mut frontier = content.frontier(first);
            let sealed = Sealed::seal(&self.journal, &self.key, &mut frontier, &hashes)?;
            self.faults.before_write()?;
            for staged in staged {
                content.push(Row::new(staged));
            }
            let size = content.size();
            content.checkpoints.insert(size, sealed.checkpoint.clone());
            if after.corrected != time.corrected {
                state.watch.rebase(moment);
            }
            if let Some(outside) = &self.outside {
                outside.write(&sealed.checkpoint);
                state.note.clone_from(&sealed.checkpoint);
            }
            self.faults.after_write()?;
        }
        outcomes
            .into_iter()
            .map(|outcome| self.appended(&content, outcome))
            .collect()
    }

    fn appended(&self, content: &Content, outcome: Outcome) -> Result<Appended, AppendError> {
        let (index, replayed) = match outcome {
            Outcome::New(index) => (index, false),
            Outcome::Known(index) => (index, true),
        };
        let stored = content
            .stored(index)
            .ok_or(AppendError::Corrupt("an entry is missing"))?;
        let hash = stored.entry.hash();
        let receipt = content
            .checkpoints
            .range(index + 1..)
            .next()
            .and_then(|(size, note)| seal::receipt(content, index, hash, *size, note))
            .ok_or(AppendError::Corrupt("a checkpoint is missing"))?;
        receipt
            .verify(&hash, self.key.vkey())
            .map_err(|_| AppendError::Corrupt("a receipt proves nothing"))?;
        Ok(Appended {
            stored,
            receipt,
            replayed,
        })
    }

    /// Lets other callers in between, then reads.
    async fn read<T>(&self, read: impl FnOnce(&Content) -> T) -> T {
        tokio::task::yield_now().await;
        read(&self.disk.lock())
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

#[async_trait]
impl Store for Memory {
    fn journal(&self) -> &JournalId {
        &self.journal
    }

    fn status(&self) -> Status {
        let size = self.disk.lock().size();
        let state = self.lock();
        Status {
            size,
            read_only: state.read_only.clone(),
            outside: state.found,
        }
    }

    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Appended>, AppendError> {
        tokio::task::yield_now().await;
        let mut state = self.lock();
        self.check_writable(&mut state)
            .map_err(AppendError::ReadOnly)?;
        self.commit(&mut state, drafts)
    }

    async fn recover(&self, draft: Draft) -> Result<Appended, RecoverError> {
        tokio::task::yield_now().await;
        let mut state = self.lock();
        let reason = state.read_only.clone().ok_or(RecoverError::NotNeeded)?;
        if draft.kind.as_str() != Recovered::KIND {
            return Err(RecoverError::Kind);
        }
        if let Some(outside) = &self.outside {
            if !state.holds_outside && !outside.take() {
                return Err(RecoverError::Beyond(reason));
            }
            state.holds_outside = true;
            state.note = outside.read();
        }
        let appended = self.commit(&mut state, vec![draft])?;
        state.read_only = None;
        Ok(appended.into_iter().next().ok_or(AppendError::Unanswered)?)
    }

    async fn heads(&self, streams: &[StreamName]) -> Result<Vec<Option<Head>>, ReadError> {
        self.read(|content| {
            let head = |stream| Some(content.last(stream, u64::MAX)?.head);
            Ok(streams.iter().map(head).collect())
        })
        .await
    }

    async fn range(
        &self,
        stream: &StreamName,
        from_seq: u64,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<Stored>, ReadError> {
        self.read(|content| {
            let indexes = content.stream(stream);
            let seqs = (0_u64..).zip(indexes);
            let chosen: Vec<u64> = match direction {
                Direction::Forward => seqs
                    .filter(|(seq, _)| *seq >= from_seq)
                    .map(|(_, index)| *index)
                    .take(limit)
                    .collect(),
                Direction::Backward => {
                    let before: Vec<u64> = seqs
                        .filter(|(seq, _)| *seq <= from_seq)
                        .map(|(_, index)| *index)
                        .collect();
                    before.into_iter().rev().take(limit).collect()
                }
            };
            content.all(chosen)
        })
        .await
    }

    async fn as_of(&self, stream: &StreamName, recorded_ms: u64) -> Result<Option<u64>, ReadError> {
        self.read(|content| {
            let entries = content.all(content.stream(stream).iter().copied())?;
            Ok(entries
                .iter()
                .rev()
                .map(|stored| stored.entry.header())
                .find(|header| header.recorded_ms <= recorded_ms)
                .and_then(|header| Some(header.link(stream)?.seq)))
        })
        .await
    }

    async fn entry(&self, hash: &EntryHash) -> Result<Option<Stored>, ReadError> {
        self.read(|content| {
            Ok(content
                .index_of(hash)
                .and_then(|index| content.stored(index)))
        })
        .await
    }

    async fn entries(&self, from_index: u64, limit: usize) -> Result<Vec<Stored>, ReadError> {
        self.read(|content| content.all((from_index..content.size()).take(limit)))
            .await
    }

    async fn payloads(
        &self,
        digests: &[PayloadDigest],
    ) -> Result<Vec<Option<StoredPayload>>, ReadError> {
        self.read(|content| {
            Ok(digests
                .iter()
                .map(|digest| content.payload(digest))
                .collect())
        })
        .await
    }

    async fn receipt(&self, hash: &EntryHash) -> Result<Option<Receipt>, ReadError> {
        self.read(|content| {
            let newest = content.checkpoints.iter().next_back();
            let proof = newest.zip(content.index_of(hash));
            Ok(proof.and_then(|((size, note), index)| {
                seal::receipt(content, index, *hash, *size, note)
            }))
        })
        .await
    }

    async fn checkpoint(&self) -> Result<String, ReadError> {
        self.read(|content| {
            let newest = content.checkpoints.values().next_back();
            newest
                .cloned()
                .ok_or(ReadError::Corrupt("a checkpoint is missing"))
        })
        .await
    }

    async fn tile(&self, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>, ReadError> {
        self.read(|content| Ok(content.tile(level, index, width)))
            .await
    }

    async fn consistency(&self, from: u64) -> Result<Option<Consistency>, ReadError> {
        self.read(|content| {
            let newest = content.checkpoints.iter().next_back();
            Ok(newest.and_then(|(size, note)| {
                Some(Consistency {
                    proof: consistency_proof(content, from, *size).ok()?,
                    checkpoint: note.clone(),
                })
            }))
        })
        .await
    }

    async fn streams(
        &self,
        prefix: &str,
        after: Option<&StreamName>,
        limit: usize,
    ) -> Result<Vec<(StreamName, Head)>, ReadError> {
        self.read(|content| {
            let chosen = content
                .heads(u64::MAX)
                .filter(|(name, _)| name.as_str().starts_with(prefix))
                .filter(|(name, _)| after.is_none_or(|after| name > after));
            Ok(chosen.take(limit).collect())
        })
        .await
    }

    async fn heads_at(&self, size: u64) -> Result<Vec<(StreamName, Head)>, ReadError> {
        self.read(|content| Ok(content.heads(size).collect())).await
    }
}

impl Content {
    /// Takes the tree up as it was when the log had so many entries.
    fn frontier(&self, size: u64) -> Frontier {
        let mut frontier = Frontier::new();
        for hash in self.hashes(size) {
            frontier.append(&hash);
        }
        frontier
    }
}

#[cfg(test)]
mod tests;
