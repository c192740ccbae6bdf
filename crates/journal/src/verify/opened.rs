use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;
use std::ops::RangeBounds;

use model::{Entry, EntryHash, PayloadDigest, Salt, StreamName};

use super::run::{Keep, run};
use super::{Fault, Pin, Report};

/// A bundle that was verified, to read from.
#[derive(Debug)]
pub struct VerifiedBundle {
    report: Report,
    kept: Kept,
}

#[derive(Debug, Default)]
struct Kept {
    /// In the order of the log.
    entries: Vec<(u64, Entry)>,
    by_hash: HashMap<EntryHash, usize>,
    streams: HashMap<StreamName, BTreeMap<u64, usize>>,
    payloads: HashMap<PayloadDigest, (Salt, Vec<u8>)>,
}

/// Verifies a bundle and keeps what it holds.
pub(super) fn open(bundle: impl BufRead, pin: &Pin) -> Result<VerifiedBundle, Fault> {
    let mut kept = Kept::default();
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
            .map(|(index, entry)| (*index, entry))
    }

    /// Finds an entry and its index by its hash.
    #[must_use]
    pub fn entry(&self, hash: &EntryHash) -> Option<(u64, &Entry)> {
        self.kept.at(*self.kept.by_hash.get(hash)?)
    }

    /// Finds an entry by its index.
    #[must_use]
    pub fn at(&self, index: u64) -> Option<&Entry> {
        let entries = &self.kept.entries;
        let place = entries
            .binary_search_by_key(&index, |(index, _)| *index)
            .ok()?;
        entries.get(place).map(|(_, entry)| entry)
    }

    /// Lists a stream's entries that are here, with their indexes, by rising seq.
    pub fn stream(
        &self,
        stream: &StreamName,
        seqs: impl RangeBounds<u64>,
    ) -> impl DoubleEndedIterator<Item = (u64, &Entry)> {
        let places = self.kept.streams.get(stream);
        places
            .into_iter()
            .flatten()
            .filter(move |(seq, _)| seqs.contains(seq))
            .filter_map(|(_, place)| self.kept.at(*place))
    }

    /// Finds a payload's bytes by their digest; one over what is held in memory was verified, and is not kept.
    #[must_use]
    pub fn payload(&self, digest: &PayloadDigest) -> Option<&[u8]> {
        self.kept
            .payloads
            .get(digest)
            .map(|(_, bytes)| bytes.as_slice())
    }

    /// Finds a payload's salt by its digest.
    #[must_use]
    pub fn salt(&self, digest: &PayloadDigest) -> Option<&Salt> {
        self.kept.payloads.get(digest).map(|(salt, _)| salt)
    }
}

impl Kept {
    fn at(&self, place: usize) -> Option<(u64, &Entry)> {
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
        self.entries.push((index, entry));
    }

    fn payload(&mut self, digest: PayloadDigest, salt: Salt, bytes: Vec<u8>) {
        self.payloads.insert(digest, (salt, bytes));
    }
}

/// Keeps nothing.
pub(super) struct Nothing;

impl Keep for Nothing {
    const ENTRIES: bool = false;

    fn entry(&mut self, _: u64, _: Entry) {}

    fn payload(&mut self, _: PayloadDigest, _: Salt, _: Vec<u8>) {}
}
