use std::collections::{BTreeMap, VecDeque};

use model::limits::{HEADS_INTERVAL, LINKS_MAX};
use model::{EntryHash, StreamName};

use super::glance::Glance;
use super::{CompleteRange, Wrong};
use crate::bundle::{Claims, HeadsClaim, Scope};
use crate::kind;
use crate::map::{End, Leaf, Map};

/// Checks `heads` entries, as far as a bundle allows.
pub(super) enum Heads {
    /// All of them, on a whole journal.
    All(Box<AllHeads>),
    /// One of them, for ranges that it shows to be complete.
    Claimed(ClaimedHeads),
    /// None.
    Unclaimed,
}

impl Heads {
    pub(super) fn new(scope: Scope, claims: &Claims) -> Result<Self, Wrong> {
        Ok(match (scope, &claims.heads) {
            (Scope::Journal, _) => Self::All(Box::default()),
            (Scope::Streams, Some(claim)) => {
                Self::Claimed(ClaimedHeads::new(claim.clone(), claims)?)
            }
            (Scope::Streams, None) => Self::Unclaimed,
        })
    }

    /// Takes note of a stream's new head.
    pub(super) fn moved(&mut self, index: u64, leaf: Leaf) {
        if let Self::All(all) = self {
            all.moved(index, leaf);
        }
    }

    /// Compares an entry with what a map says of its streams.
    pub(super) fn observe(
        &mut self,
        index: u64,
        hash: EntryHash,
        entry: &Glance<'_>,
    ) -> Result<(), Wrong> {
        match self {
            Self::Claimed(claimed) => claimed.observe(index, hash, entry),
            _ => Ok(()),
        }
    }

    /// Checks a `heads` entry at `index`.
    pub(super) fn check(&mut self, index: u64, heads: &kind::Heads) -> Result<(), Wrong> {
        match self {
            Self::All(all) => all.check(index, heads),
            Self::Claimed(claimed) => claimed.check(index, heads),
            Self::Unclaimed => Ok(()),
        }
    }

    /// Says which ranges are complete; `None` for a whole journal.
    pub(super) fn finish(self) -> Result<Option<Vec<CompleteRange>>, Wrong> {
        match self {
            Self::All(_) => Ok(None),
            Self::Claimed(claimed) => claimed.finish().map(Some),
            Self::Unclaimed => Ok(Some(Vec::new())),
        }
    }
}

/// Checks every `heads` entry of a whole journal.
#[derive(Default)]
pub(super) struct AllHeads {
    map: Map,
    /// Heads with the index that set them, not yet in the map: those below the size that the next `heads` entry names
    /// will be.
    pending: VecDeque<(u64, Leaf)>,
    /// The size that the last `heads` entry covered.
    size: u64,
}

/// As many changes of heads are kept back before the older ones go into the map.
const PENDING_MAX: usize = 2 * 10_000 * LINKS_MAX;

impl AllHeads {
    /// Takes note of a stream's new head.
    pub(super) fn moved(&mut self, index: u64, leaf: Leaf) {
        if self.pending.len() >= PENDING_MAX {
            self.apply(index.saturating_sub(HEADS_INTERVAL));
        }
        self.pending.push_back((index, leaf));
    }

    /// Checks a `heads` entry at `index` against what was seen.
    pub(super) fn check(&mut self, index: u64, heads: &kind::Heads) -> Result<(), Wrong> {
        let oldest = index.saturating_sub(HEADS_INTERVAL).max(self.size);
        if heads.size > index || heads.size < oldest {
            return Err(Wrong::HeadsMap("its size is out of range"));
        }
        self.size = heads.size;
        self.apply(heads.size);
        if self.map.root() != heads.root {
            return Err(Wrong::HeadsMap(
                "its root is not that of the streams' heads",
            ));
        }
        if self.map.streams() != heads.streams {
            return Err(Wrong::HeadsMap("its count of streams is wrong"));
        }
        Ok(())
    }

    fn apply(&mut self, size: u64) {
        while let Some((_, leaf)) = self.pending.pop_front_if(|(index, _)| *index < size) {
            self.map.set(leaf);
        }
    }
}

/// Follows what one `heads` entry says of the claimed ranges.
pub(super) struct ClaimedHeads {
    claim: HeadsClaim,
    ranges: BTreeMap<StreamName, (u64, u64)>,
    /// By stream, the index of the head that the map names, and of the entry that comes next.
    seen: BTreeMap<StreamName, (Option<u64>, Option<u64>)>,
    /// How many entries the `heads` entry covers, once it was seen.
    size: Option<u64>,
}

impl ClaimedHeads {
    /// Takes the claims, which must fit each other.
    pub(super) fn new(claim: HeadsClaim, claims: &Claims) -> Result<Self, Wrong> {
        for (stream, proof) in &claim.proofs {
            let fits = match (&proof.end, claims.ranges.get(stream)) {
                (End::Head { seq, .. }, Some((from, to))) => (from..=to).contains(&seq),
                (End::Head { .. }, None) => false,
                (End::Nothing | End::Other(_), range) => range.is_none(),
            };
            if !fits {
                return Err(Wrong::Malformed(
                    "a map proof does not belong to a claimed range that holds the head",
                ));
            }
        }
        Ok(Self {
            claim,
            ranges: claims.ranges.clone(),
            seen: BTreeMap::new(),
            size: None,
        })
    }

    /// Compares an entry with what the map says of its streams.
    fn observe(&mut self, index: u64, hash: EntryHash, entry: &Glance<'_>) -> Result<(), Wrong> {
        for link in &entry.links {
            let Some((stream, proof)) = self.claim.proofs.get_key_value(link.stream) else {
                continue;
            };
            let (head, next) = self.seen.entry(stream.clone()).or_default();
            match proof.end {
                End::Head { seq, entry } if seq == link.seq => {
                    if entry != hash {
                        return Err(Wrong::HeadsMap("a stream's head is another entry"));
                    }
                    *head = Some(index);
                }
                End::Head { seq, .. } if link.seq < seq => {}
                _ => *next = Some(next.unwrap_or(index)),
            }
        }
        Ok(())
    }

    /// Checks the claimed `heads` entry.
    pub(super) fn check(&mut self, index: u64, heads: &kind::Heads) -> Result<(), Wrong> {
        if index != self.claim.index {
            return Ok(());
        }
        if heads.size > index {
            return Err(Wrong::HeadsMap("its size is out of range"));
        }
        let leads = |(stream, proof): (_, &crate::map::MapProof)| {
            proof.root(stream).is_some_and(|root| root == heads.root)
        };
        if !self.claim.proofs.iter().all(leads) {
            return Err(Wrong::HeadsMap("a map proof does not lead to its root"));
        }
        self.size = Some(heads.size);
        Ok(())
    }

    /// Says which ranges are complete.
    pub(super) fn finish(self) -> Result<Vec<CompleteRange>, Wrong> {
        let Some(up_to) = self.size else {
            return Err(Wrong::HeadsMap("it is not in the bundle"));
        };
        let complete = self.claim.proofs.iter().map(|(stream, proof)| {
            let (head, next) = self.seen.get(stream).copied().unwrap_or_default();
            if head.is_some_and(|head| head >= up_to) || next.is_some_and(|next| next < up_to) {
                return Err(Wrong::HeadsMap(
                    "a stream's head was another one at its size",
                ));
            }
            let from = self.ranges.get(stream).map(|(from, _)| *from);
            let range = match proof.end {
                End::Head { seq, .. } => from.map(|from| (from, seq)),
                End::Nothing | End::Other(_) => None,
            };
            Ok(CompleteRange {
                stream: stream.clone(),
                range,
                up_to,
            })
        });
        complete.collect()
    }
}
