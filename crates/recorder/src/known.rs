//! What this recorder knows of the definitions: read from the `admin` stream, kept, and read on.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use journal::{Draft, Expectation};
use model::kind::JournalShared;
use model::{By, Entry, Name, StreamName};
use store::{AppendError, Appended, Direction, Stored};
use tokio::sync::Mutex;

use crate::definitions::Definitions;
use crate::error::{HistoryError, RecorderError};
use crate::recorder::Recorder;
use crate::timestamp;

/// Whether other processes record in the same journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// This is the only recorder: what it knows is all there is.
    #[default]
    Alone,
    /// There are others: what was read is read anew after 30 s, and a definition counts for decisions 60 s after it was
    /// recorded, so that each has seen it by then. A `journal-shared` entry says so before the first decision.
    Shared,
}

/// What is known of definitions is at most this old when it is used.
pub(crate) const DEFINITIONS_AGE_MS_MAX: u64 = 30_000;
/// After so long a definition counts for decisions: twice the age, which leaves 30 s for clocks and slow writes.
pub(crate) const IN_FORCE_AFTER_MS: u64 = 60_000;
/// What is not known is looked for again at most this often, however many ask for it.
const LOOK_AGAIN_MS: u64 = 1_000;
/// What was recorded so long ago counts for every decision: requests that are in progress may have begun before others.
const SETTLED_MS: u64 = 3 * IN_FORCE_AFTER_MS;
/// How often a definition is checked anew because another one came in between.
const ATTEMPTS_MAX: usize = 32;
const PAGE: usize = 1_000;

/// The definitions as they were read.
#[derive(Default)]
pub(crate) struct Known {
    state: RwLock<State>,
    /// One reads at a time, and whoever waited for it need not.
    reading: Mutex<()>,
}

impl Known {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct State {
    newest: Arc<Definitions>,
    /// The definitions as they were minutes ago, which every decision may take.
    settled: Arc<Definitions>,
    /// What was recorded since.
    unsettled: VecDeque<Entry>,
    /// When reading began, in elapsed time.
    read_ms: Option<u64>,
}

impl State {
    /// Takes entries over that were read, oldest first.
    fn add(&mut self, page: Vec<Stored>) -> Result<(), HistoryError> {
        let newest = Arc::make_mut(&mut self.newest);
        for stored in page {
            newest.apply(&stored.entry)?;
            self.unsettled.push_back(stored.entry);
        }
        Ok(())
    }

    /// Lets go of what no decision asks for any more.
    fn settle(&mut self, before_ms: u64) -> Result<(), HistoryError> {
        let old = |entry: &mut Entry| entry.header().recorded_ms < before_ms;
        while let Some(entry) = self.unsettled.pop_front_if(old) {
            Arc::make_mut(&mut self.settled).apply(&entry)?;
        }
        Ok(())
    }

    /// Returns the definitions up to the last entry that was recorded at a time or before.
    fn as_of(&self, recorded_ms: u64) -> Result<Arc<Definitions>, HistoryError> {
        let last = |entry: &Entry| entry.header().recorded_ms <= recorded_ms;
        let count = self.unsettled.iter().rposition(last).map_or(0, |at| at + 1);
        if count == self.unsettled.len() {
            return Ok(self.newest.clone());
        }
        let mut found = self.settled.clone();
        for entry in self.unsettled.iter().take(count) {
            Arc::make_mut(&mut found).apply(entry)?;
        }
        Ok(found)
    }
}

impl Recorder {
    /// Returns the definitions as they were last read.
    #[must_use]
    pub fn definitions(&self) -> Arc<Definitions> {
        self.known.read().newest.clone()
    }

    /// Reads what was added to the `admin` stream since it was last read.
    pub(crate) async fn refresh(&self) -> Result<Arc<Definitions>, RecorderError> {
        let _reading = self.known.reading.lock().await;
        self.read_on().await
    }

    /// Returns definitions that are at most 30 s old.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn current(&self) -> Result<Arc<Definitions>, RecorderError> {
        self.at_most(DEFINITIONS_AGE_MS_MAX).await
    }

    /// Returns current definitions, read anew where they do not hold what somebody asks for: it may be a second old.
    pub(crate) async fn knowing(
        &self,
        holds: impl Fn(&Definitions) -> bool,
    ) -> Result<Arc<Definitions>, RecorderError> {
        let current = self.current().await?;
        if holds(&current) {
            return Ok(current);
        }
        self.at_most(LOOK_AGAIN_MS).await
    }

    async fn at_most(&self, age_ms: u64) -> Result<Arc<Definitions>, RecorderError> {
        if self.is_known_for(age_ms) {
            return Ok(self.definitions());
        }
        let _reading = self.known.reading.lock().await;
        if self.is_known_for(age_ms) {
            return Ok(self.definitions());
        }
        self.read_on().await
    }

    fn is_known_for(&self, age_ms: u64) -> bool {
        let read_ms = self.known.read().read_ms;
        let age = read_ms.map(|read_ms| self.clock.elapsed_ms().saturating_sub(read_ms));
        self.sharing == Sharing::Alone || age.is_some_and(|age| age <= age_ms)
    }

    /// Reads on; the caller holds the lock.
    async fn read_on(&self) -> Result<Arc<Definitions>, RecorderError> {
        let read_ms = self.clock.elapsed_ms();
        loop {
            let from = self.definitions().entries;
            let page = self
                .store
                .range(&StreamName::admin(), from, PAGE, Direction::Forward)
                .await?;
            let last = page.len() < PAGE;
            let mut state = self.known.write();
            state.add(page)?;
            if last {
                state.settle(self.now_ms().saturating_sub(SETTLED_MS))?;
                state.read_ms = Some(read_ms);
                return Ok(state.newest.clone());
            }
        }
    }

    /// Returns the definitions that a decision is judged by which is asked for at a time, and that a replay finds again.
    pub(crate) fn in_force(&self, now_ms: u64) -> Result<Arc<Definitions>, RecorderError> {
        let state = self.known.read();
        match state.newest.in_force_after_ms(now_ms) {
            Some(after_ms) => Ok(state.as_of(now_ms.saturating_sub(after_ms))?),
            None if !state.newest.is_shared() => Ok(state.newest.clone()),
            // Another recorder's clock is ahead of this one's, and the entry that says so was just written.
            None => Err(RecorderError::Moved),
        }
    }

    /// Refuses to decide by what is not in force yet: a template that is not known would require nothing.
    pub(crate) fn require_in_force(
        &self,
        in_force: &Definitions,
        flow: &Name,
        environment: Option<&Name>,
        now_ms: u64,
    ) -> Result<(), RecorderError> {
        let newest = self.definitions();
        let after_ms = newest.in_force_after_ms(now_ms).unwrap_or_default();
        let early = |what, name: &Name, defined_ms: u64| RecorderError::NotInForce {
            what,
            name: name.clone(),
            from: timestamp::format(defined_ms.saturating_add(after_ms)),
        };
        if in_force.flow(flow).is_none()
            && let Some(defined) = newest.flow(flow)
        {
            return Err(early("flow", flow, defined.defined_ms));
        }
        if let Some(environment) = environment
            && in_force.environment(environment).is_none()
            && let Some(defined) = newest.environment(environment)
        {
            return Err(early("environment", environment, defined.defined_ms));
        }
        Ok(())
    }

    /// Sees to it that the journal says that it is shared, where it is: the rule by which decisions are judged is on
    /// record before the first of them.
    pub(crate) async fn declare_sharing(&self) -> Result<(), RecorderError> {
        if self.sharing == Sharing::Alone || self.definitions().is_shared() {
            return Ok(());
        }
        let fields = JournalShared {
            in_force_after_ms: IN_FORCE_AFTER_MS,
        };
        let declared = self.define_unless(|definitions| {
            let draft = || self.admin_draft(&By::recorder(), &fields);
            (!definitions.is_shared()).then(draft).transpose()
        });
        declared.await.map(drop)
    }

    /// Records a definition, made from what is defined at that very place of the `admin` stream, and takes it over.
    pub(crate) async fn define(
        &self,
        make: impl Fn(&Definitions) -> Result<Draft, RecorderError>,
    ) -> Result<Appended, RecorderError> {
        let appended = self.define_unless(|definitions| make(definitions).map(Some));
        appended.await?.ok_or(RecorderError::Moved)
    }

    /// As [`Recorder::define`], unless `make` finds nothing to do.
    pub(crate) async fn define_unless(
        &self,
        make: impl Fn(&Definitions) -> Result<Option<Draft>, RecorderError>,
    ) -> Result<Option<Appended>, RecorderError> {
        let mut definitions = match self.sharing {
            Sharing::Alone => self.definitions(),
            Sharing::Shared => self.refresh().await?,
        };
        for _ in 0..ATTEMPTS_MAX {
            let Some(mut draft) = make(&definitions)? else {
                return Ok(None);
            };
            // What `make` checked still holds when the entry is there: whoever came in between made the write fail.
            draft.expected.push(Expectation {
                stream: StreamName::admin(),
                seq: definitions.entries,
            });
            match self.append_one(draft).await {
                Err(RecorderError::Append(AppendError::Moved { .. })) => {
                    definitions = self.refresh().await?;
                }
                Err(error) => return Err(error),
                Ok(appended) => {
                    self.refresh().await?;
                    return Ok(Some(appended));
                }
            }
        }
        Err(RecorderError::Moved)
    }
}
