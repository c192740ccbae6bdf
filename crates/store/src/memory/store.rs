//! The contract, kept: every read goes back to the bytes.

use async_trait::async_trait;
use journal::kind::Recovered;
use journal::tree::consistency_proof;
use journal::{Draft, Head, Idempotency};
use model::kind::Fields as _;
use model::{EntryHash, JournalId, PayloadDigest, StreamName};

use super::disk::{Content, Row};
use super::{Memory, State};
use crate::bulk::Bulk;
use crate::clock::Moment;
use crate::seal::{self, Sealed};
use crate::stage::{Outcome, Past as _, Stage, Time};
use crate::{
    AppendError, Appended, Consistency, Direction, ReadError, ReadOnlyReason, Receipt,
    RecoverError, Status, Store, Stored, StoredPayload,
};

#[async_trait]
impl Store for Memory {
    fn journal(&self) -> &JournalId {
        &self.journal
    }

    async fn status(&self) -> Result<Status, ReadError> {
        let size = self.disk.lock().size();
        let state = self.lock();
        Ok(Status {
            size,
            read_only: state.read_only.clone(),
            outside: state.found,
        })
    }

    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Appended>, AppendError> {
        tokio::task::yield_now().await;
        let mut state = self.lock();
        self.check_writable(&mut state)
            .map_err(AppendError::ReadOnly)?;
        self.commit(&mut state, drafts)
    }

    async fn recover(&self, draft: Draft) -> Result<Appended, RecoverError> {
        tokio::task::yield_now().await;
        let mut state = self.lock();
        let reason = state.read_only.clone().ok_or(RecoverError::NotNeeded)?;
        if draft.kind.as_str() != Recovered::KIND {
            return Err(RecoverError::Kind);
        }
        if let Some(outside) = &self.outside {
            if !state.holds_outside && !outside.take() {
                return Err(RecoverError::Beyond(reason));
            }
            state.holds_outside = true;
            state.note = outside.read();
        }
        let appended = self.commit(&mut state, vec![draft])?;
        state.read_only = None;
        Ok(appended.into_iter().next().ok_or(AppendError::Unanswered)?)
    }

    async fn heads(&self, streams: &[StreamName]) -> Result<Vec<Option<Head>>, ReadError> {
        self.read(|content| {
            let head = |stream| Some(content.last(stream, u64::MAX)?.head);
            Ok(streams.iter().map(head).collect())
        })
        .await
    }

    async fn range(
        &self,
        stream: &StreamName,
        from_seq: u64,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<Stored>, ReadError> {
        self.read(|content| {
            let indexes = content.stream(stream);
            let seqs = (0_u64..).zip(indexes);
            let chosen: Vec<u64> = match direction {
                Direction::Forward => seqs
                    .filter(|(seq, _)| *seq >= from_seq)
                    .map(|(_, index)| *index)
                    .take(limit)
                    .collect(),
                Direction::Backward => {
                    let before: Vec<u64> = seqs
                        .filter(|(seq, _)| *seq <= from_seq)
                        .map(|(_, index)| *index)
                        .collect();
                    before.into_iter().rev().take(limit).collect()
                }
            };
            content.all(chosen)
        })
        .await
    }

    async fn as_of(&self, stream: &StreamName, recorded_ms: u64) -> Result<Option<u64>, ReadError> {
        self.read(|content| {
            let entries = content.all(content.stream(stream).iter().copied())?;
            Ok(entries
                .iter()
                .rev()
                .map(|stored| stored.entry.header())
                .find(|header| header.recorded_ms <= recorded_ms)
                .and_then(|header| Some(header.link(stream)?.seq)))
        })
        .await
    }

    async fn entry(&self, hash: &EntryHash) -> Result<Option<Stored>, ReadError> {
        self.read(|content| {
            Ok(content
                .index_of(hash)
                .and_then(|index| content.stored(index)))
        })
        .await
    }

    async fn positions(&self, hashes: &[EntryHash]) -> Result<Vec<Option<u64>>, ReadError> {
        self.read(|content| Ok(hashes.iter().map(|hash| content.index_of(hash)).collect()))
            .await
    }

    async fn entries(&self, from_index: u64, limit: usize) -> Result<Vec<Stored>, ReadError> {
        self.read(|content| content.all((from_index..content.size()).take(limit)))
            .await
    }

    fn bulk(&self) -> &dyn Bulk {
        self
    }

    async fn repeated(&self, used: &Idempotency) -> Result<Option<Appended>, AppendError> {
        self.read(|content| {
            let mut past = content;
            match past.key(&used.key).map_err(AppendError::Unavailable)? {
                None => Ok(None),
                Some(found) if found.content == used.content => self
                    .appended(content, 0, Outcome::Known(found.entry))
                    .map(Some),
                Some(_) => Err(AppendError::KeyReused { place: 0 }),
            }
        })
        .await
    }

    async fn payloads(
        &self,
        digests: &[PayloadDigest],
    ) -> Result<Vec<Option<StoredPayload>>, ReadError> {
        self.read(|content| {
            Ok(digests
                .iter()
                .map(|digest| content.payload(digest))
                .collect())
        })
        .await
    }

    async fn receipt(&self, hash: &EntryHash) -> Result<Option<Receipt>, ReadError> {
        self.read(|content| {
            let newest = content.checkpoints.iter().next_back();
            let proof = newest.zip(content.index_of(hash));
            Ok(proof.and_then(|((size, note), index)| {
                seal::receipt(content, index, *hash, *size, note)
            }))
        })
        .await
    }

    async fn checkpoint(&self) -> Result<String, ReadError> {
        self.read(|content| {
            let newest = content.checkpoints.values().next_back();
            newest
                .cloned()
                .ok_or(ReadError::Corrupt("a checkpoint is missing"))
        })
        .await
    }

    async fn tile(&self, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>, ReadError> {
        self.read(|content| Ok(content.tile(level, index, width)))
            .await
    }

    async fn consistency(&self, from: u64) -> Result<Option<Consistency>, ReadError> {
        self.read(|content| {
            let newest = content.checkpoints.iter().next_back();
            Ok(newest.and_then(|(size, note)| {
                Some(Consistency {
                    proof: consistency_proof(content, from, *size).ok()?,
                    checkpoint: note.clone(),
                })
            }))
        })
        .await
    }

    async fn streams(
        &self,
        prefix: &str,
        after: Option<&StreamName>,
        limit: usize,
    ) -> Result<Vec<(StreamName, Head)>, ReadError> {
        self.read(|content| {
            let chosen = content
                .heads(u64::MAX)
                .filter(|(name, _)| name.as_str().starts_with(prefix))
                .filter(|(name, _)| after.is_none_or(|after| name > after));
            Ok(chosen.take(limit).collect())
        })
        .await
    }

    async fn heads_at(&self, size: u64) -> Result<Vec<(StreamName, Head)>, ReadError> {
        self.read(|content| Ok(content.heads(size).collect())).await
    }
}

impl Memory {
    fn check_writable(&self, state: &mut State) -> Result<(), ReadOnlyReason> {
        let changed = self
            .outside
            .as_ref()
            .is_some_and(|outside| outside.read() != state.note);
        if state.read_only.is_none() && changed {
            state.read_only = Some(ReadOnlyReason::OutsideChanged);
        }
        state.read_only.clone().map_or(Ok(()), Err)
    }

    fn commit(&self, state: &mut State, drafts: Vec<Draft>) -> Result<Vec<Appended>, AppendError> {
        let mut content = self.disk.lock();
        let moment: Moment = state.watch.read();
        let time = Time {
            now_ms: moment.wall_ms,
            drift_ms: state.watch.drift_ms(moment),
            era: content.corrections(u64::MAX),
        };
        let first = content.size();
        let mut stage = Stage::new(&self.journal, &*content, time);
        let outcomes = stage.batch(drafts)?;
        let (staged, after) = stage.finish();
        let hashes: Vec<_> = staged.iter().map(|staged| staged.entry.hash()).collect();
        if !hashes.is_empty() {
            let mut frontier = content.frontier(first);
            let sealed = Sealed::seal(&self.journal, &self.key, &mut frontier, &hashes)?;
            self.faults.before_write()?;
            for staged in staged {
                content.push(Row::new(staged));
            }
            let size = content.size();
            content.checkpoints.insert(size, sealed.checkpoint.clone());
            if after.era != time.era {
                state.watch.rebase(moment);
            }
            if let Some(outside) = &self.outside {
                outside.write(&sealed.checkpoint);
                state.note.clone_from(&sealed.checkpoint);
            }
            self.faults.after_write()?;
        }
        outcomes
            .into_iter()
            .map(|outcome| self.appended(&content, first, outcome))
            .collect()
    }

    fn appended(
        &self,
        content: &Content,
        first: u64,
        outcome: Outcome<u64>,
    ) -> Result<Appended, AppendError> {
        let (index, replayed) = match outcome {
            Outcome::New(place) => (first + place as u64, false),
            Outcome::Again(place) => (first + place as u64, true),
            Outcome::Known(index) => (index, true),
        };
        let stored = content
            .stored(index)
            .ok_or(AppendError::Corrupt("an entry is missing"))?;
        let hash = stored.entry.hash();
        let receipt = content
            .checkpoints
            .range(index + 1..)
            .next()
            .and_then(|(size, note)| seal::receipt(content, index, hash, *size, note))
            .ok_or(AppendError::Corrupt("a checkpoint is missing"))?;
        receipt
            .verify(&hash, self.key.vkey())
            .map_err(|_| AppendError::Corrupt("a receipt proves nothing"))?;
        Ok(Appended {
            stored,
            receipt,
            replayed,
        })
    }

    /// Lets other callers in between, then reads.
    async fn read<T>(&self, read: impl FnOnce(&Content) -> T) -> T {
        tokio::task::yield_now().await;
        read(&self.disk.lock())
    }
}
