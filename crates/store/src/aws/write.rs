//! Appending: read what is stored, link after it, put all of it at once; if others came first, begin anew.

use std::collections::HashMap;
use std::time::Duration;

use journal::{Draft, Idempotency, LinkError, Receipt};
use model::Payload;
use model::limits::{BATCH_ITEMS_MAX, HEADER_BYTES_MAX, STREAM_NAME_BYTES_MAX};

use super::Dynamo;
use super::backoff::Backoff;
use super::layout::{Batch, BatchId, BatchedEntry, Item, Link, Promises, Use};
use super::past::ReadPast;
use super::promises::Current;
use super::send::{self, Sent};
use super::table::{ITEM_BYTES_MAX, TRANSACTION_BYTES_MAX, TRANSACTION_ITEMS_MAX};
use crate::clock::Moment;
pub(super) use crate::error::unappended;
use crate::stage::{self, Outcome, Stage, Staged, Time};
use crate::{AppendError, Appended, ReadError, Stored};

/// How often a batch is linked anew because others took its places.
pub(super) const ATTEMPTS_MAX: u32 = 16;
/// A transaction and the read before it take some 15 ms: sixteen writers who spread over this much meet seldom.
pub(super) const CONTENDED_WAIT: Duration = Duration::from_millis(200);
pub(super) const CONTENDED_WAIT_MAX: Duration = Duration::from_secs(1);

/// Keys, names and numbers of any of our items, generously.
const ITEM_FRAME_BYTES: usize = 512;
// Links and keys of a batch, the batch, and the journal's own item at its creation.
const _: () = assert!(BATCH_ITEMS_MAX < TRANSACTION_ITEMS_MAX);
const _: () = assert!(
    BATCH_ITEMS_MAX * (HEADER_BYTES_MAX + STREAM_NAME_BYTES_MAX + ITEM_FRAME_BYTES)
        + ITEM_BYTES_MAX
        <= TRANSACTION_BYTES_MAX
);
const _: () =
    assert!(BATCH_ITEMS_MAX * (2 * STREAM_NAME_BYTES_MAX + ITEM_FRAME_BYTES) <= ITEM_BYTES_MAX);

/// What a batch of drafts became before it is written.
struct Linked {
    outcomes: Vec<Outcome<Use>>,
    staged: Vec<Staged>,
    items: Vec<Item>,
    /// What is promised for each of the entries.
    promises: Vec<Receipt>,
    /// Whether the clock was corrected, and when that was.
    corrected: Option<Moment>,
    token: String,
}

impl Dynamo {
    /// Appends drafts, if the store takes writes.
    pub(super) async fn append_if_writable(
        &self,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Appended>, AppendError> {
        self.check(&drafts)?;
        let past = if self.look.is_due(self.elapsed_ms()) {
            let (status, past) = tokio::try_join!(
                async { self.look().await.map_err(unappended) },
                self.read_past(&drafts)
            )?;
            if let Some(reason) = status.read_only {
                return Err(AppendError::ReadOnly(reason));
            }
            self.put_payloads(&drafts).await?;
            past
        } else {
            tokio::try_join!(self.read_past(&drafts), self.put_payloads(&drafts))?.0
        };
        self.append_after(past, drafts, &[]).await
    }

    /// Appends drafts to a store that takes no other writes, or to one that is just being made, with its own item.
    pub(super) async fn append_anyway(
        &self,
        drafts: Vec<Draft>,
        own: &[Item],
    ) -> Result<Vec<Appended>, AppendError> {
        self.check(&drafts)?;
        let (past, ()) = tokio::try_join!(self.read_past(&drafts), self.put_payloads(&drafts))?;
        self.append_after(past, drafts, own).await
    }

    async fn append_after(
        &self,
        past: ReadPast,
        drafts: Vec<Draft>,
        own: &[Item],
    ) -> Result<Vec<Appended>, AppendError> {
        let mut past = past;
        let mut backoff = Backoff::new(CONTENDED_WAIT, CONTENDED_WAIT_MAX);
        for _ in 0..ATTEMPTS_MAX {
            let linked = self.link(&past, drafts.clone(), own)?;
            // If we die here nothing was written but payloads, which nothing names.
            let sent = if linked.items.is_empty() {
                Sent::Done
            } else {
                send::send(&self.table, &linked.items, &linked.token).await?
            };
            // If we die here all of it was written: the same drafts, sent again, find their keys.
            if sent == Sent::Done {
                return self.answer(linked).await;
            }
            if !own.is_empty() {
                return Err(AppendError::Contended { attempts: 1 });
            }
            backoff.wait().await;
            past = self.read_past(&drafts).await?;
        }
        Err(AppendError::Contended {
            attempts: ATTEMPTS_MAX,
        })
    }

    /// Refuses what no past could make good, before anything is read or written.
    fn check(&self, drafts: &[Draft]) -> Result<(), AppendError> {
        stage::check_items(drafts)?;
        if self.promiser.is_none() {
            return Err(AppendError::Unavailable(
                "it was opened without a receipt key, and only reads".into(),
            ));
        }
        for (place, draft) in drafts.iter().enumerate() {
            let heads = vec![None; draft.streams.len()];
            if let Err(LinkError::Entry(source)) =
                journal::link(self.layout.journal_id(), draft, &heads, 0)
            {
                return Err(AppendError::Draft { place, source });
            }
        }
        Ok(())
    }

    async fn read_past(&self, drafts: &[Draft]) -> Result<ReadPast, AppendError> {
        ReadPast::read(&self.table, &self.layout, drafts)
            .await
            .map_err(unappended)
    }

    async fn put_payloads(&self, drafts: &[Draft]) -> Result<(), AppendError> {
        let payloads: Vec<&Payload> = drafts.iter().flat_map(|draft| &draft.payloads).collect();
        self.payloads.put(&payloads).await.map_err(unappended)
    }

    /// Links drafts after what was read, and makes items of them.
    fn link(
        &self,
        past: &ReadPast,
        drafts: Vec<Draft>,
        own: &[Item],
    ) -> Result<Linked, AppendError> {
        // The time is taken after the read: its answers say what time the service has.
        let (moment, drift_ms) = self.now();
        let time = Time {
            now_ms: moment.wall_ms,
            drift_ms,
            era: past.era(),
        };
        let mut stage = Stage::new(self.layout.journal_id(), past, time);
        let outcomes = stage.batch(drafts)?;
        let (staged, after) = stage.finish();
        let mut linked = Linked {
            outcomes,
            staged,
            items: Vec::new(),
            promises: Vec::new(),
            corrected: (after.era != time.era).then_some(moment),
            token: send::new_token(),
        };
        if let Some(batch) = self.batch(&linked, time.now_ms)? {
            linked.promises = (0..batch.entries.len())
                .filter_map(|place| batch.promise(place).map(Receipt::Promised))
                .collect();
            linked.items = own.to_vec();
            linked
                .items
                .extend(self.items(&linked.staged, time.era, &batch));
        }
        Ok(linked)
    }

    /// Makes the record of a batch, promises included; none of nothing.
    fn batch(&self, linked: &Linked, now_ms: u64) -> Result<Option<Batch>, AppendError> {
        let Some(first) = linked.staged.first() else {
            return Ok(None);
        };
        let Some(promiser) = &self.promiser else {
            return Ok(None);
        };
        let current = promiser.current();
        let latest_ms = now_ms.saturating_add(promiser.window_ms());
        let entries = linked.staged.iter();
        let entries = entries.map(|staged| self.batched(staged, &current, latest_ms));
        Ok(Some(Batch {
            id: BatchId {
                written_ms: now_ms,
                first: first.entry.hash(),
            },
            token: linked.token.clone(),
            promises: Promises {
                latest_ms,
                voucher: current.voucher.clone(),
            },
            entries: entries.collect::<Result<_, _>>()?,
        }))
    }

    fn batched(
        &self,
        staged: &Staged,
        current: &Current,
        latest_ms: u64,
    ) -> Result<BatchedEntry, AppendError> {
        let Staged { entry, draft } = staged;
        let journal = self.layout.journal_id();
        let promised = current
            .key
            .promise(journal, &current.voucher, entry.hash(), latest_ms)
            .map_err(|error| AppendError::Unavailable(error.into()))?;
        let links = &entry.header().links;
        let first = links
            .first()
            .ok_or(AppendError::Corrupt("an entry has no link"))?;
        let begun = links.iter().filter(|link| link.seq == 0);
        Ok(BatchedEntry {
            hash: entry.hash(),
            stream: first.stream.clone(),
            seq: first.seq,
            begins: begun.map(|link| link.stream.clone()).collect(),
            used: draft.idempotency.map(|used| (used.key, used.content)),
            promise: promised.signature,
        })
    }

    /// Makes the items of a batch: links, keys, and its record, which comes last.
    fn items(&self, staged: &[Staged], era: u64, batch: &Batch) -> Vec<Item> {
        let mut items = Vec::new();
        let mut era = era;
        for (place, Staged { entry, draft }) in staged.iter().enumerate() {
            era += u64::from(stage::corrects_clock(draft));
            for link in &entry.header().links {
                items.push(Link::item(
                    &self.layout,
                    &link.stream,
                    link.seq,
                    (entry, era),
                ));
            }
            if let Some(idempotency) = draft.idempotency {
                let used = Use {
                    content: idempotency.content,
                    batch: batch.id,
                    place,
                };
                items.push(used.item(&self.layout, &idempotency.key));
            }
        }
        items.push(batch.item(&self.layout));
        items
    }

    /// Tells what became of drafts that are all written.
    async fn answer(&self, linked: Linked) -> Result<Vec<Appended>, AppendError> {
        if let Some(moment) = linked.corrected {
            self.rebase(moment);
        }
        let known = linked.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Known(used) => Some(*used),
            _ => None,
        });
        let known = self.known(known.collect()).await.map_err(unappended)?;
        let written = |place: usize, replayed| {
            let stored = Stored {
                index: None,
                entry: linked.staged.get(place)?.entry.clone(),
            };
            let receipt = linked.promises.get(place)?.clone();
            Some(Appended {
                stored,
                receipt,
                replayed,
            })
        };
        let outcomes = linked.outcomes.iter();
        let answers = outcomes.map(|outcome| match outcome {
            Outcome::New(place) => written(*place, false),
            Outcome::Again(place) => written(*place, true),
            Outcome::Known(used) => known.get(&(used.batch, used.place)).cloned(),
        });
        answers
            .collect::<Option<_>>()
            .ok_or(AppendError::Corrupt("an entry of a batch is missing"))
    }

    /// Finds what was recorded under an idempotency key.
    pub(super) async fn find_repeated(
        &self,
        wanted: &Idempotency,
    ) -> Result<Option<Appended>, AppendError> {
        let item = self.table.get(self.layout.idempotency(&wanted.key)).await?;
        let Some(item) = item else { return Ok(None) };
        let used = Use::read(item).map_err(unappended)?;
        if used.content != wanted.content {
            return Err(AppendError::KeyReused { place: 0 });
        }
        let known = self.known(vec![used]).await.map_err(unappended)?;
        let found = known.into_values().next();
        found
            .map(Some)
            .ok_or(AppendError::Corrupt("an entry of a batch is missing"))
    }

    /// Reads entries that are stored already, with the promises that were given for them.
    async fn known(
        &self,
        uses: Vec<Use>,
    ) -> Result<HashMap<(BatchId, usize), Appended>, ReadError> {
        const MISSING: ReadError = ReadError::Corrupt("the batch of an entry is missing");
        let (copied, uses): (Vec<_>, Vec<_>) =
            uses.into_iter().partition(|used| used.batch.is_none());
        let copied = self.known_copied(&copied).await?;
        if uses.is_empty() {
            return Ok(copied);
        }
        let keys = uses.iter().map(|used| self.layout.batch(&used.batch));
        let items = self.table.get_all(keys.collect()).await?;
        let mut found = Vec::with_capacity(uses.len());
        for used in &uses {
            let item = items.get(&self.layout.batch(&used.batch)).ok_or(MISSING)?;
            let batch = Batch::read(&self.layout, item.clone())?;
            let entry = batch.entries.get(used.place).ok_or(MISSING)?;
            let promise = batch.promise(used.place).ok_or(MISSING)?;
            found.push(((entry.stream.clone(), entry.seq), promise));
        }
        let links: Vec<_> = found.iter().map(|(link, _)| link.clone()).collect();
        let entries = self.records.entries_at(&links).await?;
        let known = uses.iter().zip(found).zip(entries);
        known
            .map(|((used, (_, promise)), entry)| {
                if promise.entry != entry.hash() {
                    return Err(ReadError::Corrupt("an entry is not what was recorded"));
                }
                let appended = Appended {
                    stored: Stored { index: None, entry },
                    receipt: Receipt::Promised(promise),
                    replayed: true,
                };
                Ok(((used.batch, used.place), appended))
            })
            .chain(copied.into_iter().map(Ok))
            .collect()
    }
}
