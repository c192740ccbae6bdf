use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{Entry, EntryHash};

use super::super::layout::Seal;
use super::staged::Staged;

/// Sealed entries that are remembered, 32 bytes each, so as not to ask for their places at each step.
const KNOWN_MAX: usize = 500_000;

/// What a step leaves for the next one of the same process, to spare it reads. Nothing rests on it.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Learnt>);

#[derive(Debug, Default)]
struct Learnt {
    /// The newest seal then.
    seal: Option<(u64, String)>,
    known: HashSet<EntryHash>,
    low_ms: u64,
}

impl Memory {
    /// Takes out entries that are known to be sealed, and a moment before which everything is, if the table is still
    /// the same one, as far as can be seen.
    pub(super) fn recall(&self, newest: Option<&Seal>) -> (HashSet<EntryHash>, u64) {
        let learnt = std::mem::take(&mut *self.lock());
        let holds = match (&learnt.seal, newest) {
            (Some((number, note)), Some(newest)) => {
                *number < newest.number || (*number == newest.number && *note == newest.checkpoint)
            }
            _ => false,
        };
        if holds && learnt.known.len() <= KNOWN_MAX {
            (learnt.known, learnt.low_ms)
        } else {
            (HashSet::new(), 0)
        }
    }

    pub(super) fn remember(&self, newest: Option<&Seal>, known: HashSet<EntryHash>, low_ms: u64) {
        *self.lock() = Learnt {
            seal: newest.map(|seal| (seal.number, seal.checkpoint.clone())),
            known,
            low_ms,
        };
    }

    /// Spares the next step to ask for the places of what was just sealed.
    pub(super) fn learn(&self, seal: &Seal, staged: &Staged) {
        let mut learnt = self.lock();
        learnt.seal = Some((seal.number, seal.checkpoint.clone()));
        learnt.known.extend(staged.entries.iter().map(Entry::hash));
    }

    fn lock(&self) -> MutexGuard<'_, Learnt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
