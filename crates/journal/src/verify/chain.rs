use std::collections::{BTreeMap, HashMap};

use model::kind::Fields as _;
use model::{EntryHash, StreamName};

use super::Wrong;
use super::glance::{Glance, LinkGlance};
use crate::kind::ClockCorrected;
use crate::map::{self, Leaf};

/// Follows every stream from entry to entry.
pub(super) struct Chains {
    /// The ranges that must be whole; `None`: all streams, from their first entry on.
    claimed: Option<BTreeMap<StreamName, (u64, u64)>>,
    tips: HashMap<StreamName, Tip>,
    /// The index of the last entry that let time go back.
    corrected: Option<u64>,
}

/// The last entry seen in a stream.
#[derive(Clone, Copy)]
struct Tip {
    seq: u64,
    hash: EntryHash,
    index: u64,
    recorded_ms: u64,
    /// The stream's key in the heads map, computed once.
    key: [u8; 32],
}

impl Chains {
    pub(super) fn new(claimed: Option<BTreeMap<StreamName, (u64, u64)>>) -> Self {
        Self {
            claimed,
            tips: HashMap::new(),
            corrected: None,
        }
    }

    /// Returns how many streams were seen.
    pub(super) fn streams(&self) -> u64 {
        self.tips.len() as u64
    }

    /// Says whether an entry lies in a range that must be whole.
    pub(super) fn claims(&self, entry: &Glance<'_>) -> bool {
        self.claimed.as_ref().is_none_or(|claimed| {
            entry.links.iter().any(|link| {
                claimed
                    .get(link.stream)
                    .is_some_and(|(from, to)| (*from..=*to).contains(&link.seq))
            })
        })
    }

    /// Puts an entry after what stands before it in each of its streams, and tells each stream's new head; or says
    /// which of its links is wrong.
    pub(super) fn extend(
        &mut self,
        (index, hash): (u64, EntryHash),
        entry: &Glance<'_>,
        mut moved: impl FnMut(Leaf),
    ) -> Result<(), (Wrong, usize)> {
        if entry.kind == ClockCorrected::KIND {
            self.corrected = Some(index);
        }
        for (place, link) in entry.links.iter().enumerate() {
            let range = match &self.claimed {
                None => Some((0, u64::MAX)),
                Some(claimed) => claimed.get(link.stream).copied(),
            };
            let mut tip = Tip {
                seq: link.seq,
                hash,
                index,
                recorded_ms: entry.recorded_ms,
                key: [0; 32],
            };
            if let Some(before) = self.tips.get_mut(link.stream) {
                follow(before, range, self.corrected, link, &tip)
                    .map_err(|wrong| (wrong, place))?;
                tip.key = before.key;
                *before = tip;
            } else if let Ok(stream) = link.stream.parse() {
                no_gap(0, range, link.seq).map_err(|wrong| (wrong, place))?;
                tip.key = map::key_of(&stream);
                self.tips.insert(stream, tip);
            }
            moved(Leaf {
                key: tip.key,
                seq: tip.seq,
                entry: tip.hash,
            });
        }
        Ok(())
    }

    /// Says which claimed stream does not reach its end, and the seq that is missing.
    pub(super) fn unfinished(&self) -> Option<(&StreamName, u64)> {
        self.claimed
            .iter()
            .flatten()
            .find_map(|(stream, (from, to))| {
                let due = self.tips.get(stream).map_or(0, |tip| tip.seq + 1);
                (due <= *to).then_some((stream, due.max(*from)))
            })
    }
}

/// Checks that an entry may stand after the one before it in a stream.
fn follow(
    before: &Tip,
    range: Option<(u64, u64)>,
    corrected: Option<u64>,
    link: &LinkGlance<'_>,
    tip: &Tip,
) -> Result<(), Wrong> {
    if link.seq <= before.seq {
        return Err(Wrong::Fork { seq: link.seq });
    }
    let due = before.seq + 1;
    no_gap(due, range, link.seq)?;
    match link.previous {
        Some(linked) if link.seq == due && linked != before.hash => {
            return Err(Wrong::BrokenLink {
                linked,
                found: before.hash,
            });
        }
        _ => {}
    }
    let time_may_go_back = corrected.is_some_and(|corrected| corrected > before.index);
    if tip.recorded_ms < before.recorded_ms && !time_may_go_back {
        return Err(Wrong::TimeBackwards {
            recorded_ms: tip.recorded_ms,
            before_ms: before.recorded_ms,
        });
    }
    Ok(())
}

/// Checks that no seq of the range is left out between the one that is due and the one that came.
fn no_gap(due: u64, range: Option<(u64, u64)>, seq: u64) -> Result<(), Wrong> {
    match range {
        Some((from, to)) if due.max(from) < seq && due.max(from) <= to => {
            Err(Wrong::Gap { seq: due.max(from) })
        }
        _ => Ok(()),
    }
}
