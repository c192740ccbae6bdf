//! What is to be sealed: the entries of batches that have no place in the log, and all that they link to.

use std::collections::{HashMap, HashSet};

use model::{Entry, EntryHash, StreamName};

use super::super::layout::{Batch, BatchedEntry};
use super::super::records::Records;
use super::backlog::Backlog;
use super::order::Unit;
use crate::ReadError;

/// Batches that are looked up at once.
const PART: usize = 1_000;
/// So many entries that no batch led to are no stragglers any more.
const STRAGGLERS_MAX: usize = 65_536;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) units: Vec<Unit>,
    /// Entries of later batches, as far as it is not known that they are sealed.
    pub(super) remaining: u64,
    /// When the first of those batches was written.
    pub(super) remaining_ms: Option<u64>,
    /// When the last batch of all was written.
    pub(super) newest_ms: Option<u64>,
}

/// Gathers up to `entries_max` entries in the order in which they were written, with all that they need.
///
/// `known` are entries that have a place in the log; what is learnt is added. `asked` are taken whatever their time.
pub(super) async fn gather(
    records: &Records,
    mut backlog: Backlog,
    entries_max: usize,
    known: &mut HashSet<EntryHash>,
    asked: Vec<Entry>,
) -> Result<Gathered, ReadError> {
    let mut gathered = Gathered::default();
    let mut found: Vec<(Batch, Vec<BatchedEntry>)> = Vec::new();
    let (mut count, mut is_full) = (0, false);
    loop {
        let part = backlog.next(PART).await?;
        let Some(last) = part.last() else { break };
        gathered.newest_ms = gathered.newest_ms.max(Some(last.id.written_ms));
        if !is_full {
            let hashes = part.iter().flat_map(|batch| &batch.entries);
            learn(records, known, hashes.map(|entry| entry.hash)).await?;
        }
        for mut batch in part {
            let mut entries = std::mem::take(&mut batch.entries);
            entries.retain(|entry| !known.contains(&entry.hash));
            if entries.is_empty() {
                continue;
            }
            is_full = is_full || (count > 0 && count + entries.len() > entries_max);
            if is_full {
                gathered.remaining += entries.len() as u64;
                let written_ms = Some(batch.id.written_ms);
                gathered.remaining_ms = gathered.remaining_ms.or(written_ms);
            } else {
                count += entries.len();
                found.push((batch, entries));
            }
        }
    }
    gathered.units = units(records, found).await?;
    let hashes: HashSet<EntryHash> = hashes_of(&gathered.units).collect();
    let asked = asked
        .into_iter()
        .filter(|entry| !hashes.contains(&entry.hash()));
    gathered.units.extend(asked.map(alone));
    let stragglers = stragglers(records, &gathered.units, known).await?;
    gathered.units.extend(stragglers.into_iter().map(alone));
    Ok(gathered)
}

/// Reads the headers of batches' entries.
async fn units(
    records: &Records,
    found: Vec<(Batch, Vec<BatchedEntry>)>,
) -> Result<Vec<Unit>, ReadError> {
    let links: Vec<(StreamName, u64)> = found
        .iter()
        .flat_map(|(_, entries)| entries)
        .map(|entry| (entry.stream.clone(), entry.seq))
        .collect();
    let mut read = records.entries_at(&links).await?.into_iter();
    let mut units = Vec::with_capacity(found.len());
    for (batch, named) in found {
        let entries: Vec<Entry> = read.by_ref().take(named.len()).collect();
        if !entries
            .iter()
            .map(Entry::hash)
            .eq(named.iter().map(|entry| entry.hash))
        {
            return Err(ReadError::Corrupt("a batch names an entry that is another"));
        }
        units.push(Unit {
            entries,
            written_ms: Some(batch.id.written_ms),
            latest_ms: Some(batch.promises.latest_ms),
        });
    }
    Ok(units)
}

/// Follows the links of entries to those that have no place in the log and are not among them: their batches came in
/// while we read, or were not reached.
async fn stragglers(
    records: &Records,
    units: &[Unit],
    known: &mut HashSet<EntryHash>,
) -> Result<Vec<Entry>, ReadError> {
    let mut have: HashSet<EntryHash> = hashes_of(units).collect();
    let mut stragglers: Vec<Entry> = Vec::new();
    let mut open: HashMap<EntryHash, (StreamName, u64)> = HashMap::new();
    for entry in units.iter().flat_map(|unit| &unit.entries) {
        open.extend(before(entry));
    }
    loop {
        open.retain(|hash, _| !have.contains(hash) && !known.contains(hash));
        learn(records, known, open.keys().copied()).await?;
        open.retain(|hash, _| !known.contains(hash));
        if open.is_empty() {
            return Ok(stragglers);
        }
        let (hashes, links): (Vec<_>, Vec<_>) = open.drain().unzip();
        let entries = records.entries_at(&links).await?;
        if !entries.iter().map(Entry::hash).eq(hashes) {
            return Err(ReadError::Corrupt(
                "a link does not lead to the entry that it names",
            ));
        }
        for entry in &entries {
            have.insert(entry.hash());
            open.extend(before(entry));
        }
        stragglers.extend(entries);
        if stragglers.len() > STRAGGLERS_MAX {
            return Err(ReadError::Corrupt("entries are there that no batch names"));
        }
    }
}

/// Lists the entries that an entry links to, with where they are.
fn before(entry: &Entry) -> impl Iterator<Item = (EntryHash, (StreamName, u64))> {
    entry.header().links.iter().filter_map(|link| {
        let seq = link.seq.checked_sub(1)?;
        Some((link.previous?, (link.stream.clone(), seq)))
    })
}

/// Asks which entries have a place in the log.
async fn learn(
    records: &Records,
    known: &mut HashSet<EntryHash>,
    hashes: impl Iterator<Item = EntryHash>,
) -> Result<(), ReadError> {
    let unknown: Vec<EntryHash> = hashes.filter(|hash| !known.contains(hash)).collect();
    known.extend(records.places(&unknown).await?.into_keys());
    Ok(())
}

fn hashes_of(units: &[Unit]) -> impl Iterator<Item = EntryHash> {
    units.iter().flat_map(|unit| &unit.entries).map(Entry::hash)
}

fn alone(entry: Entry) -> Unit {
    Unit {
        entries: vec![entry],
        written_ms: None,
        latest_ms: None,
    }
}
