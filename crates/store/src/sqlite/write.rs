//! One transaction: the rows of a group.

use model::Entry;
use rusqlite::{CachedStatement, Connection, Result, TransactionBehavior};

use super::lookup::Lookup;
use super::nodes::TILE_HEIGHT;
use super::past::{Hot, HotStreams, Place};
use super::schema::{AS_OF_STEP, PAYLOADS_PER_ENTRY};
use crate::seal::Sealed;
use crate::stage::Staged;
use journal::Head;
use journal::kind::ClockCorrected;
use model::kind::Fields as _;

/// What the writer counts on, beside the streams.
#[derive(Debug, Clone, Default)]
pub(super) struct Counters {
    /// The row that the next new stream gets.
    pub(super) next_stream: u64,
    /// How often the clock was corrected.
    pub(super) era: u64,
    /// The last entry that did.
    pub(super) corrected: Option<u64>,
}

/// What the writer remembers of the database.
pub(super) struct Remembered {
    pub(super) hot: HotStreams,
    pub(super) counters: Counters,
    pub(super) lookup: Lookup,
}

/// Writes a group, and returns once it is durable.
///
/// Until the commit returns, nothing of the group is visible to readers, and a crash leaves nothing of it. With an
/// error, streams and counters are ahead of the database: the caller forgets them.
pub(super) fn write(
    connection: &mut Connection,
    staged: &[Staged],
    sealed: &Sealed,
    remembered: &mut Remembered,
) -> Result<()> {
    let first = sealed.group.first();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut rows = Rows::prepare(&transaction)?;
        for (index, staged) in (first..).zip(staged) {
            rows.entry(index, staged)?;
            rows.links(index, &staged.entry, remembered)?;
        }
        rows.nodes(sealed)?;
        rows.checkpoint
            .execute((sealed.group.size(), &sealed.checkpoint))?;
    }
    let run = remembered.lookup.write_run(&transaction, first)?;
    transaction.commit()?;
    remembered.lookup.committed(run, first, staged);
    Ok(())
}

struct Rows<'c> {
    entry: CachedStatement<'c>,
    payload: CachedStatement<'c>,
    checkpoint: CachedStatement<'c>,
    stream: CachedStatement<'c>,
    link: CachedStatement<'c>,
    moment: CachedStatement<'c>,
    correction: CachedStatement<'c>,
    node: CachedStatement<'c>,
}

impl<'c> Rows<'c> {
    fn prepare(connection: &'c Connection) -> Result<Self> {
        let insert = |sql| connection.prepare_cached(sql);
        Ok(Self {
            entry: insert("INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5)")?,
            payload: insert("INSERT INTO payload VALUES (?1, ?2, ?3, ?4)")?,
            checkpoint: insert("INSERT INTO checkpoint VALUES (?1, ?2)")?,
            stream: insert("INSERT INTO stream(id, name) VALUES (?1, ?2)")?,
            link: insert("INSERT INTO link VALUES (?1, ?2, ?3, ?4)")?,
            moment: insert("INSERT INTO moment VALUES (?1, ?2, ?3, ?4)")?,
            correction: insert("INSERT INTO correction VALUES (?1)")?,
            node: insert("INSERT INTO node VALUES (?1, ?2, ?3)")?,
        })
    }

    fn entry(&mut self, index: u64, staged: &Staged) -> Result<()> {
        let (entry, draft) = (&staged.entry, &staged.draft);
        let hash = entry.hash();
        let key = draft.idempotency.as_ref().map(|used| &used.key);
        let content = draft.idempotency.as_ref().map(|used| &used.content);
        self.entry
            .execute((index, &hash.0, key, content, entry.bytes()))?;
        // In the header's order; of a large one the bytes stand in a file already.
        let (mut here, mut large) = (draft.payloads.iter(), draft.large.iter());
        for (id, reference) in (index * PAYLOADS_PER_ENTRY..).zip(&entry.header().payloads) {
            let digest = &reference.digest.0;
            let (salt, bytes) = if reference.is_large() {
                (large.next().map(|large| &large.salt), None)
            } else {
                let payload = here.next();
                let bytes = payload.map(|payload| payload.bytes.as_slice());
                (payload.map(|payload| &payload.salt), bytes)
            };
            self.payload.execute((id, digest, salt, bytes))?;
        }
        Ok(())
    }

    fn links(
        &mut self,
        index: u64,
        entry: &Entry,
        Remembered { hot, counters, .. }: &mut Remembered,
    ) -> Result<()> {
        let header = entry.header();
        if header.kind.as_str() == ClockCorrected::KIND {
            self.correction.execute([index])?;
            counters.era += 1;
            counters.corrected = Some(index);
        }
        for link in &header.links {
            let place = Place {
                index,
                head: Head {
                    seq: link.seq,
                    hash: entry.hash(),
                    recorded_ms: header.recorded_ms,
                },
            };
            let (stream, before) = if let Some(known) = hot.get_mut(&link.stream) {
                let before = known.place.index;
                known.place = place;
                (known.id, Some(before))
            } else {
                let id = counters.next_stream;
                self.stream.execute((id, link.stream.as_str()))?;
                counters.next_stream += 1;
                hot.insert(link.stream.clone(), Hot { id, place });
                (id, None)
            };
            self.link
                .execute((stream, link.seq, index, header.recorded_ms))?;
            // The first entry after a correction begins a run of rising times; within one, a step suffices.
            let begins_era = counters
                .corrected
                .is_some_and(|corrected| before.is_none_or(|before| before < corrected));
            if begins_era || (link.seq > 0 && link.seq % AS_OF_STEP == 0) {
                self.moment
                    .execute((stream, counters.era, header.recorded_ms, link.seq))?;
            }
        }
        Ok(())
    }

    fn nodes(&mut self, sealed: &Sealed) -> Result<()> {
        for (level, index, hash) in sealed.group.nodes() {
            if level > 0 && level % TILE_HEIGHT == 0 {
                self.node.execute((level, index, &hash.0))?;
            }
        }
        Ok(())
    }
}
