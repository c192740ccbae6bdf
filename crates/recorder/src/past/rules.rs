//! The definitions as they were at any time, folded once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use journal::verify::VerifiedBundle;
use model::{EntryHash, StreamName};

use super::lock;
use crate::definitions::Definitions;
use crate::error::HistoryError;

/// States that are kept at once: those that decisions made at about the same time need.
const KEPT_MAX: usize = 64;

/// The `admin` stream of a bundle, and what it came to after so many entries.
pub(crate) struct Rules<'a> {
    bundle: &'a VerifiedBundle,
    /// By place, the earliest time at which that entry or a later one was recorded. It never falls, as time itself may,
    /// where a clock was corrected.
    recorded_from_ms: Vec<u64>,
    newest: Definitions,
    kept: Mutex<BTreeMap<u64, Arc<Definitions>>>,
}

impl<'a> Rules<'a> {
    pub(crate) fn new(bundle: &'a VerifiedBundle) -> Result<Self, HistoryError> {
        let mut newest = Definitions::default();
        let mut recorded_from_ms = Vec::new();
        for (_, entry) in bundle.stream(&StreamName::admin(), ..) {
            newest.apply(entry)?;
            recorded_from_ms.push(entry.header().recorded_ms);
        }
        let mut earliest = u64::MAX;
        for recorded_ms in recorded_from_ms.iter_mut().rev() {
            earliest = earliest.min(*recorded_ms);
            *recorded_ms = earliest;
        }
        Ok(Self {
            bundle,
            recorded_from_ms,
            newest,
            kept: Mutex::default(),
        })
    }

    /// Returns the definitions after the first entries of the stream: read on from the nearest that are kept.
    pub(crate) fn after(&self, entries: u64) -> Result<Arc<Definitions>, HistoryError> {
        let mut kept = lock(&self.kept);
        let nearest = kept.range(..=entries).next_back();
        let mut definitions = match nearest {
            Some((at, found)) if *at == entries => return Ok(found.clone()),
            Some((_, found)) => found.as_ref().clone(),
            None => Definitions::default(),
        };
        let from = definitions.entries;
        for (_, entry) in self.bundle.stream(&StreamName::admin(), from..entries) {
            definitions.apply(entry)?;
        }
        if definitions.entries != entries {
            return Err(HistoryError::StreamMissing {
                stream: StreamName::admin(),
                entries,
            });
        }
        let definitions = Arc::new(definitions);
        if kept.len() >= KEPT_MAX {
            kept.pop_first();
        }
        kept.insert(entries, definitions.clone());
        Ok(definitions)
    }

    /// Returns after how long a definition counts; nothing where the journal has one recorder.
    pub(crate) fn in_force_after_ms(&self, now_ms: u64) -> Option<u64> {
        self.newest.in_force_after_ms(now_ms)
    }

    /// Counts the entries up to the last that was recorded by a time.
    pub(crate) fn recorded_by(&self, at_ms: u64) -> u64 {
        let earlier = |recorded_ms: &u64| *recorded_ms <= at_ms;
        self.recorded_from_ms.partition_point(earlier) as u64
    }

    /// Returns an entry of the stream and when it was recorded.
    pub(crate) fn at(&self, seq: u64) -> Option<(EntryHash, u64)> {
        let (_, entry) = self.bundle.stream(&StreamName::admin(), seq..).next()?;
        Some((entry.hash(), entry.header().recorded_ms))
    }
}
