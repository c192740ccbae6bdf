use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use model::{Entry, EntryHash, PayloadDigest, Role, Salt, StreamName};

use super::run::{Keep, run};
use super::{Fault, Pin, Report};

/// A bundle that was verified, to read from.
#[derive(Debug)]
pub struct VerifiedBundle {
    report: Report,
    kept: Kept,
}

#[derive(Debug)]
struct Kept {
    /// Whether payloads of a role are kept.
    wanted: fn(Role) -> bool,
    /// In the order of the log.
    entries: Vec<(u64, Arc<Entry>)>,
    by_hash: HashMap<EntryHash, usize>,
    streams: HashMap<StreamName, BTreeMap<u64, usize>>,
    payloads: HashMap<PayloadDigest, (Salt, Arc<[u8]>)>,
}

/// Verifies a bundle and keeps what it holds, of its payloads those of the roles that are wanted.
pub(super) fn open(
    bundle: impl BufRead,
    pin: &Pin,
    wanted: fn(Role) -> bool,
) -> Result<VerifiedBundle, Fault> {
    let mut kept = Kept {
        wanted,
        entries: Vec::new(),
        by_hash: HashMap::new(),
        streams: HashMap::new(),
        payloads: HashMap::new(),
    };
    let report = run(bundle, pin, &mut kept)?;
    Ok(VerifiedBundle { report, kept })
}

impl VerifiedBundle {
    /// Returns what was proved.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// Lists the entries with their indexes, in the order of the log.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (u64, &Entry)> {
        self.kept
            .entries
            .iter()
            .map(|(index, entry)| (*index, entry.as_ref()))
    }

    /// Finds an entry and its index by its hash.
    #[must_use]
    pub fn entry(&self, hash: &EntryHash) -> Option<(u64, &Arc<Entry>)> {
        self.kept.at(*self.kept.by_hash.get(hash)?)
    }

    /// Finds an entry by its index.
    #[must_use]
    pub fn at(&self, index: u64) -> Option<&Entry> {
        let entries = &self.kept.entries;
        let place = entries
            .binary_search_by_key(&index, |(index, _)| *index)
            .ok()?;
        entries.get(place).map(|(_, entry)| entry.as_ref())
    }

    /// Lists a stream's entries that are here, with their indexes, by rising seq.
    pub fn stream(
        &self,
        stream: &StreamName,
        seqs: impl RangeBounds<u64>,
    ) -> impl DoubleEndedIterator<Item = (u64, &Arc<Entry>)> {
        let from = match seqs.start_bound() {
            Bound::Included(seq) => *seq,
            Bound::Excluded(seq) => seq.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match seqs.end_bound() {
            Bound::Included(seq) => seq.saturating_add(1),
            Bound::Excluded(seq) => *seq,
            Bound::Unbounded => u64::MAX,
        };
        let places = self.kept.streams.get(stream).filter(|_| from < end);
        places
            .into_iter()
            .flat_map(move |places| places.range(from..end))
            .filter_map(|(_, place)| self.kept.at(*place))
    }

    /// Finds a payload's bytes by their digest; one over what is held in memory was verified, and is not kept.
    #[must_use]
    pub fn payload(&self, digest: &PayloadDigest) -> Option<&Arc<[u8]>> {
        self.kept.payloads.get(digest).map(|(_, bytes)| bytes)
    }

    /// Finds a payload's salt by its digest.
    #[must_use]
    pub fn salt(&self, digest: &PayloadDigest) -> Option<&Salt> {
        self.kept.payloads.get(digest).map(|(salt, _)| salt)
    }
}

impl Kept {
    fn at(&self, place: usize) -> Option<(u64, &Arc<Entry>)> {
        self.entries
            .get(place)
            .map(|(index, entry)| (*index, entry))
    }
}

impl Keep for Kept {
    const ENTRIES: bool = true;

    fn entry(&mut self, index: u64, entry: Entry) {
        let place = self.entries.len();
        self.by_hash.insert(entry.hash(), place);
        for link in &entry.header().links {
            self.streams
                .entry(link.stream.clone())
                .or_default()
                .insert(link.seq, place);
        }
        self.entries.push((index, Arc::new(entry)));
    }

    fn payload(&mut self, digest: PayloadDigest, role: Option<Role>, salt: Salt, bytes: Vec<u8>) {
        if role.is_none_or(self.wanted) {
            self.payloads.insert(digest, (salt, bytes.into()));
        }
    }
}

/// Keeps nothing.
pub(super) struct Nothing;

impl Keep for Nothing {
    const ENTRIES: bool = false;

    fn entry(&mut self, _: u64, _: Entry) {}

    fn payload(&mut self, _: PayloadDigest, _: Option<Role>, _: Salt, _: Vec<u8>) {}
}
