//! The sealer: it gives entries their places in the log, and signs what the log then is.
//!
//! One step reads what has no place yet, stages it as an object, and puts seal `n + 1` where there is none: that one
//! write decides. Then it publishes: tiles, places, names of streams, and last the checkpoint outside the table. Whoever
//! seals next first completes what another left undone, so places are whole before anybody looks for what has none.

mod backlog;
mod error;
pub(super) mod fuse;
mod gather;
mod memory;
mod order;
mod outside;
mod publish;
mod rest;
mod rotation;
mod staged;

use std::collections::HashSet;
use std::sync::Arc;

use journal::kind::Recovered;
use journal::note::Checkpoint;
use model::kind::Fields as _;
use model::{Entry, EntryHash, JournalId, StreamName};

use self::fuse::{Fuse, Whole, Write};
use self::gather::{Gathered, gather};
use self::memory::Memory;
use self::order::order;
use self::rest::Rest;
use self::staged::Staged;
use super::bucket::{Bucket, Object};
use super::client::{Address, Clients};
use super::keys::LogSigner;
use super::layout::{LAYOUT, Seal};
use super::log::Log;
use super::records::Records;
use super::table::Table;
use crate::{Clock, ReadError};

pub(super) use self::backlog::Backlog;
pub use self::error::SealError;
pub(super) use self::outside::{Outside, judge};

/// A request is refused 15 minutes after it was signed (SigV4), and clocks differ by seconds: what was written this
/// long before the newest batch can no longer land.
const LANDING_MS_MAX: u64 = 20 * 60 * 1000;
/// No clock that the services accept is further behind.
const AHEAD_MS_MAX: u64 = 5 * 60 * 1000;
/// A step's entries: some ten megabytes.
const ENTRIES_MAX: usize = 8_192;
/// All heads are listed when the log has grown by this much, or by as much as there are streams.
const HEADS_INTERVAL: u64 = 10_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Seals one journal. Any number of them may run at once; all but one of them do it in vain. A copy is the same.
#[derive(Clone)]
pub struct Sealer {
    records: Records,
    log: Log,
    bucket: Bucket,
    outside: Bucket,
    signer: Arc<dyn LogSigner>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    fuse: Arc<dyn Fuse>,
    memory: Arc<Memory>,
}

/// How much is done at once.
#[derive(Debug, Clone, Copy)]
struct Limits {
    entries_max: usize,
    heads_interval: u64,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealing {
    /// Entries in the log.
    pub size: u64,
    /// How many of them this step sealed. Two sealers that make the very same seal both count it.
    pub sealed: u64,
    /// How many that were seen are still to be sealed: while there are any, do another step.
    pub remaining: u64,
    /// How long the oldest of them has been waiting.
    pub oldest_ms: Option<u64>,
    /// How many of those that this step sealed had been promised for an earlier time.
    pub missed: u64,
    /// Whether another sealer came first. Nothing is wrong; it does the rest.
    pub overtaken: bool,
}

/// What a step begins with.
struct State {
    newest: Option<Seal>,
    /// The object that holds the checkpoint outside.
    found: Option<Object>,
    /// The checkpoint outside that is to be overruled.
    over: Option<String>,
}

impl Sealer {
    /// Makes a sealer of a journal.
    #[must_use]
    pub fn new(
        clients: &Clients,
        address: &Address,
        journal: &JournalId,
        signer: Arc<dyn LogSigner>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let records = Records::new(Table::new(clients, &address.table), journal);
        let bucket = Bucket::new(clients.s3.clone(), &address.bucket, journal);
        let outside = Bucket::new(clients.s3.clone(), address.checkpoint_bucket(), journal);
        Self {
            log: Log::new(records.clone(), bucket.clone(), outside.clone()),
            records,
            bucket,
            outside,
            signer,
            clock,
            limits: Limits {
                entries_max: ENTRIES_MAX,
                heads_interval: HEADS_INTERVAL,
            },
            fuse: Arc::new(Whole),
            memory: Arc::default(),
        }
    }

    /// Does one step: completes what an earlier one left undone, and seals what waits, up to some thousand entries.
    ///
    /// It can be stopped at any point, and run twice at once. What called for it does not matter: it looks for itself,
    /// and where nothing is new it writes nothing.
    ///
    /// # Errors
    /// What is sealed stays sealed; the next step goes on from there.
    pub async fn run(&self) -> Result<Sealing, SealError> {
        self.check_layout().await?;
        // In this order: the checkpoint was written after its seal, so it cannot be newer than the newest seal.
        let found = self.log.outside().await?;
        let newest = self.records.newest_seal().await?;
        let note = note_of(found.as_ref());
        let outside = judge(&self.records, newest.as_ref(), &note).await?;
        let over = matches!(outside, Outside::Contradicted(_)).then_some(note);
        let mut state = State {
            newest,
            found,
            over,
        };
        let asked = self.asked(&state, &outside).await?;
        if outside != Outside::Published && !self.complete(&mut state).await? {
            return Ok(Sealing::overtaken(&state));
        }
        let now_ms = self.clock.wall_ms();
        let gathered = self.gather(&state, now_ms, asked.clone()).await?;
        let urgent: HashSet<EntryHash> = asked.iter().map(Entry::hash).collect();
        self.seal(state, gathered, &urgent, &outside, now_ms).await
    }

    async fn check_layout(&self) -> Result<(), SealError> {
        match self.records.layout_version().await? {
            None => Err(SealError::NotFound),
            Some(found) if found > LAYOUT => Err(SealError::NewerFormat {
                found,
                known: LAYOUT,
            }),
            Some(_) => Ok(()),
        }
    }

    /// Refuses what must not be sealed at all, before anything is written; returns the entries that come before all
    /// others: genesis, and those that allow to overrule the checkpoint outside.
    async fn asked(&self, state: &State, outside: &Outside) -> Result<Vec<Entry>, SealError> {
        let signer = self.signer.vkey();
        let current = state.newest.as_ref().map(|seal| &seal.key);
        let contradicted = matches!(outside, Outside::Contradicted(_));
        if current == Some(signer) && !contradicted {
            return Ok(Vec::new());
        }
        let waiting = self.waiting_admin().await?;
        if current != Some(signer) && !waiting.iter().any(|entry| rotation::names(entry, signer)) {
            let genesis = || waiting.last().and_then(rotation::genesis_key);
            if let Some(expected) = current.cloned().or_else(genesis) {
                return Err(rotation::other_key(expected, signer));
            }
        }
        // Whatever was recorded in the same millisecond, genesis comes first.
        let genesis = waiting.last().filter(|_| state.newest.is_none()).cloned();
        let mut asked: Vec<Entry> = genesis.into_iter().collect();
        if let Outside::Contradicted(reason) = outside {
            if !waiting.iter().any(is_recovered) {
                return Err(SealError::Contradicted(reason.clone()));
            }
            asked.extend(waiting.into_iter().filter(is_recovered));
        }
        Ok(asked)
    }

    /// Reads the entries of stream `admin` that have no place yet, the newest first.
    async fn waiting_admin(&self) -> Result<Vec<Entry>, ReadError> {
        let mut waiting: Vec<Entry> = Vec::new();
        let mut from_seq = None;
        loop {
            let page = self
                .records
                .backward(&StreamName::admin(), from_seq, 100)
                .await?;
            let hashes: Vec<EntryHash> = page.iter().map(Entry::hash).collect();
            let places = self.records.places(&hashes).await?;
            let is_whole = page.len() == 100;
            for entry in page {
                if places.contains_key(&entry.hash()) {
                    return Ok(waiting);
                }
                waiting.push(entry);
            }
            let seq = waiting
                .last()
                .and_then(|last| last.header().link(&StreamName::admin()))
                .and_then(|link| link.seq.checked_sub(1));
            if !is_whole || seq.is_none() {
                return Ok(waiting);
            }
            from_seq = seq;
        }
    }

    /// Publishes the newest seal, and says whether to go on: not where another sealer has gone further.
    async fn complete(&self, state: &mut State) -> Result<bool, SealError> {
        let Some(newest) = &state.newest else {
            return Ok(true);
        };
        let staged = self.bucket.get(&newest.staged, staged::BYTES_MAX).await?;
        let staged = staged.ok_or(ReadError::Corrupt("what a seal staged is missing"))?;
        let staged = Staged::read(self.records.journal(), newest, &staged.bytes)?;
        self.publish(newest, &staged).await?;
        if state.over.is_some() {
            return Ok(true);
        }
        let written = self.write_checkpoint(newest, state.found.as_ref()).await?;
        state.found = self.log.outside().await?;
        Ok(written && note_of(state.found.as_ref()) == newest.checkpoint)
    }

    async fn gather(
        &self,
        state: &State,
        now_ms: u64,
        asked: Vec<Entry>,
    ) -> Result<Gathered, SealError> {
        let newest = state.newest.as_ref();
        let (mut known, low_ms) = self.memory.recall(newest);
        let from_ms = newest.map_or(0, |seal| seal.low_ms).max(low_ms);
        // Before the first seal there is no mark: what was ever written is younger than the journal.
        let from_ms = if newest.is_none() {
            self.first_ms().await?
        } else {
            from_ms
        };
        let backlog = Backlog::new(self.records.clone(), from_ms, now_ms + AHEAD_MS_MAX);
        let entries_max = self.limits.entries_max;
        let gathered = gather(&self.records, backlog, entries_max, &mut known, asked).await?;
        let waits = gathered.remaining > 0 || !gathered.units.is_empty();
        let low_ms = if waits {
            low_ms
        } else {
            now_ms.saturating_sub(DAY_MS)
        };
        self.memory.remember(newest, known, low_ms);
        Ok(gathered)
    }

    /// Returns a moment before which no batch was written: that of genesis, less what clocks may differ.
    async fn first_ms(&self) -> Result<u64, ReadError> {
        let mut first = self
            .records
            .backward(&StreamName::admin(), Some(0), 1)
            .await?;
        let first = first
            .pop()
            .map_or(u64::MAX, |entry| entry.header().recorded_ms);
        Ok(first
            .min(self.clock.wall_ms())
            .saturating_sub(LANDING_MS_MAX))
    }

    async fn seal(
        &self,
        state: State,
        gathered: Gathered,
        urgent: &HashSet<EntryHash>,
        outside: &Outside,
        now_ms: u64,
    ) -> Result<Sealing, SealError> {
        let newest = state.newest.as_ref();
        let mut rest = Rest::of(&gathered, now_ms);
        let units = order(gathered.units, urgent)?;
        let flat: Vec<Entry> = units.iter().flat_map(|unit| unit.entries.clone()).collect();
        if let Outside::Contradicted(reason) = outside
            && !flat.iter().any(is_recovered)
        {
            return Err(SealError::Contradicted(reason.clone()));
        }
        let current = newest.map(|seal| &seal.key);
        let signer = self.signer.vkey();
        let count = rotation::signable(self.records.journal(), current, &flat, signer)?;
        let missed = rest.leave_after(&units, count, now_ms);
        let mut entries = flat;
        entries.truncate(count);
        if entries.is_empty() {
            return Ok(rest.sealing(newest.map_or(0, Seal::size), 0, 0, now_ms));
        }
        let staged = Staged {
            number: newest.map_or(0, |seal| seal.number + 1),
            before: newest.map(|seal| seal.frontier.clone()).unwrap_or_default(),
            entries,
        };
        let seal = self.make(&state, &staged, &rest).await?;
        self.fuse.before(Write::Stage).await?;
        let bytes = staged.write(self.records.journal())?;
        // One that is there under this name is the same.
        self.bucket.put_new(&seal.staged, bytes).await?;
        self.fuse.before(Write::Seal).await?;
        if !self.records.put_seal(&seal).await? {
            return Ok(Sealing::overtaken(&state));
        }
        // From here on it is sealed. If we die, whoever comes next publishes it.
        self.memory.learn(&seal, &staged);
        self.publish(&seal, &staged).await?;
        let published = self.write_checkpoint(&seal, state.found.as_ref()).await?;
        let sealed = staged.entries.len() as u64;
        Ok(Sealing {
            overtaken: !published,
            ..rest.sealing(seal.size(), sealed, missed, now_ms)
        })
    }

    /// Makes the seal of what is staged, and has it signed.
    async fn make(&self, state: &State, staged: &Staged, rest: &Rest) -> Result<Seal, SealError> {
        let newest = state.newest.as_ref();
        let (frontier, _) = staged.group();
        let checkpoint = Checkpoint::of(self.records.journal(), &frontier);
        let links = staged
            .entries
            .iter()
            .flat_map(|entry| &entry.header().links);
        let begun = links.filter(|link| link.seq == 0).count() as u64;
        let streams = newest.map_or(0, |seal| seal.streams) + begun;
        let heads = newest.map_or(0, |seal| seal.heads);
        let grown = frontier.size() - heads;
        let is_due = grown >= self.limits.heads_interval.max(streams);
        Ok(Seal {
            number: staged.number,
            checkpoint: self.signer.checkpoint(&checkpoint).await?,
            key: self.signer.vkey().clone(),
            over: state.over.clone(),
            staged: staged.key(&checkpoint.root),
            low_ms: rest.low_ms().max(newest.map_or(0, |seal| seal.low_ms)),
            streams,
            heads: if is_due { frontier.size() } else { heads },
            frontier,
        })
    }
}

impl Sealing {
    fn overtaken(state: &State) -> Self {
        Self {
            size: state.newest.as_ref().map_or(0, Seal::size),
            sealed: 0,
            remaining: 0,
            oldest_ms: None,
            missed: 0,
            overtaken: true,
        }
    }
}

#[cfg(test)]
impl Sealer {
    /// Makes one that does less at once, and can be stopped.
    pub(in crate::aws) fn limited(self, entries_max: usize, heads_interval: u64) -> Self {
        let limits = Limits {
            entries_max,
            heads_interval,
        };
        Self { limits, ..self }
    }

    pub(in crate::aws) fn fused(self, fuse: Arc<dyn Fuse>) -> Self {
        Self { fuse, ..self }
    }
}

fn is_recovered(entry: &Entry) -> bool {
    entry.header().kind.as_str() == Recovered::KIND
}

/// Returns the text of an object, in which any other byte than text stays recognisable as no checkpoint.
fn note_of(found: Option<&Object>) -> String {
    found.map_or_else(String::new, |found| {
        String::from_utf8_lossy(&found.bytes).into_owned()
    })
}
