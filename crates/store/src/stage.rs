//! Linking in memory: all that can refuse a batch is found out before anything is written.

use std::collections::HashMap;

use journal::kind::ClockCorrected;
use journal::{Draft, Head, LinkError};
use model::kind::Fields as _;
use model::limits::{BATCH_ITEMS_MAX, CLOCK_DRIFT_MS_MAX};
use model::{Entry, JournalId, StreamName};

use crate::AppendError;
use crate::error::Cause;

/// The last entry of a stream, and its place in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) head: Head,
    pub(crate) index: u64,
}

/// What an idempotency key was used for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyUse {
    pub(crate) content: [u8; 32],
    pub(crate) index: u64,
}

/// What is stored already.
pub(crate) trait Past {
    fn head(&mut self, stream: &StreamName) -> Result<Option<Place>, Cause>;
    fn key(&mut self, key: &[u8; 32]) -> Result<Option<KeyUse>, Cause>;
}

/// The time of a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    pub(crate) now_ms: u64,
    /// How far the wall clock is from elapsed time.
    pub(crate) drift_ms: u64,
    /// The index of the last entry that corrected the clock: times before it bind nobody.
    pub(crate) corrected: Option<u64>,
}

/// What becomes of a draft.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    /// It is a new entry, at this index.
    New(u64),
    /// It is the entry at this index.
    Known(u64),
}

/// A draft with its entry.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) entry: Entry,
    pub(crate) draft: Draft,
}

/// The entries of a group, before they are written.
pub(crate) struct Stage<'a, P> {
    journal: &'a JournalId,
    past: P,
    time: Time,
    /// The index of the group's first entry.
    first: u64,
    entries: Vec<Staged>,
    heads: HashMap<StreamName, Place>,
    keys: HashMap<[u8; 32], KeyUse>,
}

impl<'a, P: Past> Stage<'a, P> {
    pub(crate) fn new(journal: &'a JournalId, past: P, time: Time, first: u64) -> Self {
        Self {
            journal,
            past,
            time,
            first,
            entries: Vec::new(),
            heads: HashMap::new(),
            keys: HashMap::new(),
        }
    }

    /// Links a batch after what is stored and staged: all of it or, with an error, nothing.
    pub(crate) fn batch(&mut self, drafts: Vec<Draft>) -> Result<Vec<Outcome>, AppendError> {
        check_items(&drafts)?;
        let (staged, time) = (self.entries.len(), self.time);
        let outcomes: Result<Vec<_>, _> = drafts
            .into_iter()
            .enumerate()
            .map(|(place, draft)| self.draft(place, draft))
            .collect();
        if outcomes.is_err() {
            self.time = time;
            self.forget_after(staged);
        }
        outcomes
    }

    /// Returns the entries of the group, and whether one of them corrected the clock.
    pub(crate) fn finish(self) -> (Vec<Staged>, Time) {
        (self.entries, self.time)
    }

    fn draft(&mut self, place: usize, draft: Draft) -> Result<Outcome, AppendError> {
        if let Some(idempotency) = draft.idempotency
            && let Some(used) = self.key(&idempotency.key)?
        {
            return if used.content == idempotency.content {
                Ok(Outcome::Known(used.index))
            } else {
                Err(AppendError::KeyReused { place })
            };
        }
        self.check_time(&draft)?;
        let entry = self.link(place, &draft)?;
        let index = self.first + self.entries.len() as u64;
        self.note(index, &entry, &draft);
        self.entries.push(Staged { entry, draft });
        Ok(Outcome::New(index))
    }

    /// Lets time be corrected by the one kind of entry that may.
    fn check_time(&mut self, draft: &Draft) -> Result<(), AppendError> {
        if draft.kind.as_str() == ClockCorrected::KIND {
            self.time.corrected = Some(self.first + self.entries.len() as u64);
            self.time.drift_ms = 0;
        }
        if self.time.drift_ms > CLOCK_DRIFT_MS_MAX {
            return Err(AppendError::ClockDrift {
                drift_ms: self.time.drift_ms,
            });
        }
        Ok(())
    }

    fn link(&mut self, place: usize, draft: &Draft) -> Result<Entry, AppendError> {
        if let Some(foreign) = draft
            .expected
            .iter()
            .find(|expected| !draft.streams.contains(&expected.stream))
        {
            return Err(AppendError::ForeignExpectation {
                place,
                stream: foreign.stream.clone(),
            });
        }
        let heads = draft
            .streams
            .iter()
            .map(|stream| self.head(stream))
            .collect::<Result<Vec<_>, _>>()?;
        journal::link(self.journal, draft, &heads, self.time.now_ms).map_err(|error| match error {
            LinkError::Moved {
                stream,
                expected,
                found,
            } => AppendError::Moved {
                place,
                stream,
                expected,
                found,
            },
            LinkError::HeadAhead { stream, ahead_ms } => AppendError::HeadAhead {
                place,
                stream,
                ahead_ms,
            },
            LinkError::Entry(source) => AppendError::Draft { place, source },
        })
    }

    fn head(&mut self, stream: &StreamName) -> Result<Option<Head>, AppendError> {
        let known = match self.heads.get(stream) {
            Some(staged) => Some(*staged),
            None => self.past.head(stream).map_err(AppendError::Unavailable)?,
        };
        Ok(known.map(|known| {
            let binds = self
                .time
                .corrected
                .is_none_or(|corrected| known.index >= corrected);
            Head {
                recorded_ms: if binds { known.head.recorded_ms } else { 0 },
                ..known.head
            }
        }))
    }

    fn key(&mut self, key: &[u8; 32]) -> Result<Option<KeyUse>, AppendError> {
        match self.keys.get(key) {
            Some(staged) => Ok(Some(*staged)),
            None => self.past.key(key).map_err(AppendError::Unavailable),
        }
    }

    /// Lets later drafts of the group see this one.
    fn note(&mut self, index: u64, entry: &Entry, draft: &Draft) {
        for link in &entry.header().links {
            let head = Head {
                seq: link.seq,
                hash: entry.hash(),
                recorded_ms: entry.header().recorded_ms,
            };
            self.heads
                .insert(link.stream.clone(), Place { head, index });
        }
        if let Some(idempotency) = draft.idempotency {
            let used = KeyUse {
                content: idempotency.content,
                index,
            };
            self.keys.insert(idempotency.key, used);
        }
    }

    /// Takes a refused batch back, by staging anew what came before it.
    fn forget_after(&mut self, staged: usize) {
        if self.entries.len() == staged {
            return;
        }
        self.heads.clear();
        self.keys.clear();
        let mut entries = std::mem::take(&mut self.entries);
        entries.truncate(staged);
        for (index, kept) in (self.first..).zip(&entries) {
            self.note(index, &kept.entry, &kept.draft);
        }
        self.entries = entries;
    }
}

fn check_items(drafts: &[Draft]) -> Result<(), AppendError> {
    let mut items = 0;
    let mut fits = 0;
    for draft in drafts {
        items += 1 + draft.streams.len();
        if items <= BATCH_ITEMS_MAX {
            fits += 1;
        }
    }
    if items <= BATCH_ITEMS_MAX {
        Ok(())
    } else {
        Err(AppendError::TooManyItems { items, fits })
    }
}
