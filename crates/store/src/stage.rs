//! Linking in memory: all that can refuse a batch is found out before anything is written.

use std::collections::HashMap;

use journal::kind::ClockCorrected;
use journal::{Draft, Head, LinkError};
use model::kind::Fields as _;
use model::limits::{BATCH_ITEMS_MAX, CLOCK_DRIFT_MS_MAX};
use model::{Entry, JournalId, StreamName};

use crate::AppendError;
use crate::error::Cause;

/// The last entry of a stream, and its era: how often the clock had been corrected when it was recorded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Last {
    pub(crate) head: Head,
    pub(crate) era: u64,
}

/// What an idempotency key was used for: the content, and where the store finds the entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyUse<E> {
    pub(crate) content: [u8; 32],
    pub(crate) entry: E,
}

/// What is stored already.
pub(crate) trait Past {
    /// How the store finds an entry.
    type Entry: Clone;

    fn head(&mut self, stream: &StreamName) -> Result<Option<Last>, Cause>;
    fn key(&mut self, key: &[u8; 32]) -> Result<Option<KeyUse<Self::Entry>>, Cause>;
}

/// The time of a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    pub(crate) now_ms: u64,
    /// How far the wall clock is from elapsed time.
    pub(crate) drift_ms: u64,
    /// How often the clock was corrected: times of an earlier era bind nobody.
    pub(crate) era: u64,
}

/// What becomes of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome<E> {
    /// It is a new entry: the group's, at this place.
    New(usize),
    /// It is the same as an earlier draft, which became the group's entry at this place.
    Again(usize),
    /// It is an entry that is stored already.
    Known(E),
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
    /// The era in which the group began.
    first_era: u64,
    entries: Vec<Staged>,
    heads: HashMap<StreamName, Last>,
    keys: HashMap<[u8; 32], KeyUse<usize>>,
}

impl<'a, P: Past> Stage<'a, P> {
    pub(crate) fn new(journal: &'a JournalId, past: P, time: Time) -> Self {
        Self {
            journal,
            past,
            time,
            first_era: time.era,
            entries: Vec::new(),
            heads: HashMap::new(),
            keys: HashMap::new(),
        }
    }

    /// Links a batch after what is stored and staged: all of it or, with an error, nothing.
    pub(crate) fn batch(
        &mut self,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Outcome<P::Entry>>, AppendError> {
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

    /// Returns the entries of the group, and the time as they leave it: of a later era, where one corrected the clock.
    pub(crate) fn finish(self) -> (Vec<Staged>, Time) {
        (self.entries, self.time)
    }

    fn draft(&mut self, place: usize, draft: Draft) -> Result<Outcome<P::Entry>, AppendError> {
        if let Some(idempotency) = draft.idempotency
            && let Some(used) = self.key(&idempotency.key)?
        {
            return if used.content == idempotency.content {
                Ok(used.entry)
            } else {
                Err(AppendError::KeyReused { place })
            };
        }
        self.check_time(&draft)?;
        let entry = self.link(place, &draft)?;
        let staged = self.entries.len();
        self.note(staged, self.time.era, &entry, &draft);
        self.entries.push(Staged { entry, draft });
        Ok(Outcome::New(staged))
    }

    /// Lets time be corrected by the one kind of entry that may.
    fn check_time(&mut self, draft: &Draft) -> Result<(), AppendError> {
        if corrects_clock(draft) {
            self.time.era += 1;
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
        Ok(known.map(|known| Head {
            recorded_ms: if known.era == self.time.era {
                known.head.recorded_ms
            } else {
                0
            },
            ..known.head
        }))
    }

    /// Returns what a key was used for, as what a draft with that content is.
    fn key(&mut self, key: &[u8; 32]) -> Result<Option<KeyUse<Outcome<P::Entry>>>, AppendError> {
        let used = match self.keys.get(key) {
            Some(staged) => Some(KeyUse {
                content: staged.content,
                entry: Outcome::Again(staged.entry),
            }),
            None => {
                let used = self.past.key(key).map_err(AppendError::Unavailable)?;
                used.map(|used| KeyUse {
                    content: used.content,
                    entry: Outcome::Known(used.entry),
                })
            }
        };
        Ok(used)
    }

    /// Lets later drafts of the group see this one.
    fn note(&mut self, staged: usize, era: u64, entry: &Entry, draft: &Draft) {
        for link in &entry.header().links {
            let head = Head {
                seq: link.seq,
                hash: entry.hash(),
                recorded_ms: entry.header().recorded_ms,
            };
            self.heads.insert(link.stream.clone(), Last { head, era });
        }
        if let Some(idempotency) = draft.idempotency {
            let used = KeyUse {
                content: idempotency.content,
                entry: staged,
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
        let mut era = self.first_era;
        for (place, kept) in entries.iter().enumerate() {
            era += u64::from(corrects_clock(&kept.draft));
            self.note(place, era, &kept.entry, &kept.draft);
        }
        self.entries = entries;
    }
}

pub(crate) fn corrects_clock(draft: &Draft) -> bool {
    draft.kind.as_str() == ClockCorrected::KIND
}

pub(crate) fn check_items(drafts: &[Draft]) -> Result<(), AppendError> {
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
