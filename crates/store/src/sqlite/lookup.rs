//! From a hash to an index: of entries by their hash, payloads by their digest, idempotency keys.
//!
//! All of these are 32 evenly spread bytes, so one index over their first eight finds them; what it finds is compared
//! in full. A plain index would write one page for almost every hash, many times the bytes of the entry itself. So the
//! newest hashes stay in memory, and go into the database by *runs*: sorted, one after the other, never touched again.
//! For each run a Bloom filter stays in memory (2 bytes a hash), so that a look-up reads one run, or none. Nothing of
//! this is truth: the hashes stand with the entries, and a crash loses only what is read from there again.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rusqlite::{Connection, Result};

use super::schema::PAYLOADS_PER_ENTRY;
use crate::stage::Staged;

/// Hashes of one run: a pause of some 30 ms every 20,000 entries, and as many entries to read at a start.
const RUN_ROWS: usize = 65_536;
/// Bits of a filter, 16 for each hash: 1 of 200 look-ups reads a run in vain.
const FILTER_BITS: u64 = 16 * RUN_ROWS as u64;

/// A row of the index: the first eight bytes of a hash, and the index of the entry that it has to do with.
type Row = (i64, u64);

/// The index, as writer and readers share it.
#[derive(Clone)]
pub(super) struct Lookup(Arc<RwLock<Memory>>);

#[derive(Default)]
struct Memory {
    /// What is in no run yet.
    tail: BTreeSet<Row>,
    /// One for each run.
    filters: Vec<Filter>,
}

/// Where a hash may be found.
///
/// It is asked for before the read transaction begins: whatever it names was committed by then.
#[derive(Debug)]
pub(super) struct Hint {
    prefix: i64,
    indexes: Vec<u64>,
    runs: Vec<usize>,
}

/// A run that was written, and is known once its transaction is committed.
pub(super) struct Run(Filter);

impl Lookup {
    /// Reads the filters, and the hashes of the entries after the last run.
    pub(super) fn read(connection: &Connection) -> Result<Self> {
        let (mut filters, mut next) = (Vec::new(), 0);
        let mut runs = connection.prepare("SELECT next, filter FROM run ORDER BY run")?;
        let mut rows = runs.query([])?;
        while let Some(row) = rows.next()? {
            next = row.get(0)?;
            filters.push(Filter(row.get(1)?));
        }
        let tail = read_tail(connection, next)?;
        Ok(Self(Arc::new(RwLock::new(Memory { tail, filters }))))
    }

    /// Says where a hash may be found.
    pub(super) fn hint(&self, hash: &[u8; 32]) -> Hint {
        let prefix = prefix(hash);
        let memory = self.lock();
        Hint {
            prefix,
            indexes: memory
                .tail
                .range(all_of(prefix))
                .map(|(_, index)| *index)
                .collect(),
            runs: memory
                .filters
                .iter()
                .enumerate()
                .filter(|(_, filter)| filter.may_have(prefix))
                .map(|(run, _)| run)
                .collect(),
        }
    }

    /// Writes the tail as a run, where it is long enough. `next` is the index of the first entry that is not in it.
    pub(super) fn write_run(&self, connection: &Connection, next: u64) -> Result<Option<Run>> {
        let memory = self.lock();
        if memory.tail.len() < RUN_ROWS {
            return Ok(None);
        }
        let run = memory.filters.len();
        let mut filter = Filter::new();
        let mut insert = connection.prepare_cached("INSERT INTO lookup VALUES (?1, ?2, ?3)")?;
        for (prefix, index) in &memory.tail {
            insert.execute((run, prefix, index))?;
            filter.add(*prefix);
        }
        connection.execute(
            "INSERT INTO run VALUES (?1, ?2, ?3)",
            (run, next, &filter.0),
        )?;
        Ok(Some(Run(filter)))
    }

    /// Takes over what a committed transaction wrote: perhaps a run, and entries from an index on.
    pub(super) fn committed(&self, run: Option<Run>, first: u64, staged: &[Staged]) {
        let mut memory = self.lock_to_write();
        if let Some(Run(filter)) = run {
            memory.filters.push(filter);
            memory.tail.clear();
        }
        for (index, staged) in (first..).zip(staged) {
            let header = staged.entry.header();
            let digests = header.payloads.iter().map(|payload| &payload.digest.0);
            let key = staged.draft.idempotency.as_ref().map(|used| &used.key);
            let hash = staged.entry.hash();
            let hashes = digests.chain(key).chain([&hash.0]);
            memory.tail.extend(hashes.map(|hash| (prefix(hash), index)));
        }
    }

    fn lock(&self) -> RwLockReadGuard<'_, Memory> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_to_write(&self) -> RwLockWriteGuard<'_, Memory> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hint {
    /// Lists the indexes of entries that may have to do with the hash, by rising index.
    pub(super) fn candidates(&self, connection: &Connection) -> Result<Vec<u64>> {
        let mut found = Vec::new();
        for run in &self.runs {
            let mut statement = connection.prepare_cached(
                "SELECT idx FROM lookup WHERE run = ?1 AND prefix = ?2 ORDER BY idx",
            )?;
            let indexes = statement.query_map((run, self.prefix), |row| row.get(0))?;
            for index in indexes {
                found.push(index?);
            }
        }
        found.extend(&self.indexes);
        Ok(found)
    }
}

fn read_tail(connection: &Connection, next: u64) -> Result<BTreeSet<Row>> {
    let mut tail = BTreeSet::new();
    let mut entries =
        connection.prepare("SELECT idx, hash, key FROM entry WHERE idx >= ?1 ORDER BY idx")?;
    let mut rows = entries.query([next])?;
    while let Some(row) = rows.next()? {
        let index = row.get(0)?;
        tail.insert((prefix(&row.get(1)?), index));
        if let Some(key) = row.get::<_, Option<[u8; 32]>>(2)? {
            tail.insert((prefix(&key), index));
        }
    }
    let mut payloads =
        connection.prepare("SELECT id, digest FROM payload WHERE id >= ?1 ORDER BY id")?;
    let mut rows = payloads.query([next * PAYLOADS_PER_ENTRY])?;
    while let Some(row) = rows.next()? {
        let index = row.get::<_, u64>(0)? / PAYLOADS_PER_ENTRY;
        tail.insert((prefix(&row.get(1)?), index));
    }
    Ok(tail)
}

fn prefix(hash: &[u8; 32]) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = *hash;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

fn all_of(prefix: i64) -> RangeInclusive<Row> {
    (prefix, 0)..=(prefix, u64::MAX)
}

/// A Bloom filter over prefixes, with three bits for each; they are spread evenly as they come.
struct Filter(Vec<u8>);

impl Filter {
    fn new() -> Self {
        Self(vec![0; usize::try_from(FILTER_BITS / 8).unwrap_or(0)])
    }

    fn add(&mut self, prefix: i64) {
        for (byte, bit) in bits(prefix) {
            if let Some(byte) = self.0.get_mut(byte) {
                *byte |= bit;
            }
        }
    }

    /// A filter that is not of this program's length says nothing, so it lets every look-up through.
    fn may_have(&self, prefix: i64) -> bool {
        bits(prefix)
            .into_iter()
            .all(|(byte, bit)| self.0.get(byte).is_none_or(|byte| byte & bit != 0))
    }
}

/// Returns byte and mask of each of a prefix's three bits.
fn bits(prefix: i64) -> [(usize, u8); 3] {
    [0, 21, 42].map(|shift| {
        let bit = (prefix.cast_unsigned() >> shift) % FILTER_BITS;
        (
            usize::try_from(bit / 8).unwrap_or(usize::MAX),
            1 << (bit % 8),
        )
    })
}
