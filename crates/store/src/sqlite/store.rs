//! The contract, kept: what is asked of the writer, and of the readers.

use std::sync::PoisonError;

use async_trait::async_trait;
use journal::key::{LogKey, Seed};
use journal::{Draft, Head, Idempotency};
use model::{EntryHash, JournalId, PayloadDigest, StreamName};
use tokio::sync::oneshot;

use super::writer::{Answer, Answered, Job};
use super::{Sqlite, past, read};
use crate::bulk::Bulk;
use crate::error::unappended;
use crate::{
    AppendError, Appended, Consistency, Direction, ReadError, Receipt, RecoverError, Status, Store,
    Stored, StoredPayload,
};

#[async_trait]
impl Store for Sqlite {
    fn journal(&self) -> &JournalId {
        &self.journal
    }

    async fn status(&self) -> Result<Status, ReadError> {
        let status = self.status.read().unwrap_or_else(PoisonError::into_inner);
        Ok(status.clone())
    }

    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Appended>, AppendError> {
        let answer = self
            .ask(|reply| Job::Append(drafts, reply))
            .await
            .ok_or(AppendError::Unanswered)??;
        self.answered(answer).await
    }

    async fn recover(&self, draft: Draft) -> Result<Appended, RecoverError> {
        let answer = self
            .ask(|reply| Job::Recover(Box::new(draft), reply))
            .await
            .ok_or(AppendError::Unanswered)??;
        let appended = self.answered(answer).await?.into_iter().next();
        Ok(appended.ok_or(AppendError::Unanswered)?)
    }

    async fn heads(&self, streams: &[StreamName]) -> Result<Vec<Option<Head>>, ReadError> {
        let streams = streams.to_vec();
        self.readers
            .read(move |connection| read::heads(connection, &streams))
            .await
    }

    async fn range(
        &self,
        stream: &StreamName,
        from_seq: u64,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<Stored>, ReadError> {
        let stream = stream.clone();
        self.readers
            .read(move |connection| read::range(connection, &stream, from_seq, limit, direction))
            .await
    }

    async fn as_of(&self, stream: &StreamName, recorded_ms: u64) -> Result<Option<u64>, ReadError> {
        let stream = stream.clone();
        self.readers
            .read(move |connection| read::as_of(connection, &stream, recorded_ms))
            .await
    }

    async fn entry(&self, hash: &EntryHash) -> Result<Option<Stored>, ReadError> {
        let (hint, hash) = (self.lookup.hint(&hash.0), *hash);
        self.readers
            .read(move |connection| read::entry(connection, &hint, &hash))
            .await
    }

    async fn positions(&self, hashes: &[EntryHash]) -> Result<Vec<Option<u64>>, ReadError> {
        let wanted: Vec<_> = hashes
            .iter()
            .map(|hash| (self.lookup.hint(&hash.0), *hash))
            .collect();
        self.readers
            .read(move |connection| {
                wanted
                    .iter()
                    .map(|(hint, hash)| {
                        let found = read::entry(connection, hint, hash)?;
                        Ok(found.and_then(|stored| stored.index))
                    })
                    .collect()
            })
            .await
    }

    async fn entries(&self, from_index: u64, limit: usize) -> Result<Vec<Stored>, ReadError> {
        self.readers
            .read(move |connection| read::entries(connection, from_index, limit))
            .await
    }

    fn bulk(&self) -> &dyn Bulk {
        self
    }

    async fn repeated(&self, used: &Idempotency) -> Result<Option<Appended>, AppendError> {
        let (hint, key) = (self.lookup.hint(&used.key), used.key);
        let found = self
            .readers
            .read(move |connection| Ok(past::read_key(connection, &hint, &key)?))
            .await;
        match found.map_err(unappended)? {
            None => Ok(None),
            Some(found) if found.content == used.content => {
                self.first_appended(found.entry).await.map(Some)
            }
            Some(_) => Err(AppendError::KeyReused { place: 0 }),
        }
    }

    async fn payloads(
        &self,
        digests: &[PayloadDigest],
    ) -> Result<Vec<Option<StoredPayload>>, ReadError> {
        let wanted: Vec<_> = digests
            .iter()
            .map(|digest| (self.lookup.hint(&digest.0), *digest))
            .collect();
        self.readers
            .read(move |connection| {
                wanted
                    .iter()
                    .map(|(hint, digest)| read::payload(connection, hint, digest))
                    .collect()
            })
            .await
    }

    async fn receipt(&self, hash: &EntryHash) -> Result<Option<Receipt>, ReadError> {
        let (hint, hash) = (self.lookup.hint(&hash.0), *hash);
        self.readers
            .read(move |connection| read::receipt(connection, &hint, &hash))
            .await
    }

    async fn checkpoint(&self) -> Result<String, ReadError> {
        self.readers
            .read(|connection| {
                read::newest_checkpoint(connection)?
                    .map(|(_, note)| note)
                    .ok_or(ReadError::Corrupt("a checkpoint is missing"))
            })
            .await
    }

    async fn tile(&self, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>, ReadError> {
        self.readers
            .read(move |connection| read::tile_bytes(connection, level, index, width))
            .await
    }

    async fn consistency(&self, from: u64) -> Result<Option<Consistency>, ReadError> {
        self.readers
            .read(move |connection| read::consistency(connection, from))
            .await
    }

    async fn streams(
        &self,
        prefix: &str,
        after: Option<&StreamName>,
        limit: usize,
    ) -> Result<Vec<(StreamName, Head)>, ReadError> {
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.readers
            .read(move |connection| read::streams(connection, &prefix, after.as_ref(), limit))
            .await
    }

    async fn heads_at(&self, size: u64) -> Result<Vec<(StreamName, Head)>, ReadError> {
        self.readers
            .read(move |connection| read::heads_at(connection, size))
            .await
    }
}

impl Sqlite {
    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.jobs.as_ref()?.send(job(reply)).await.ok()?;
        answer.await.ok()
    }

    /// Puts a new key in the place of the log's: the old one vouches for it in a `key-rotated` entry, and from that entry's
    /// own checkpoint on the new one signs. What the old one signed stays and holds; to open the journal again takes the
    /// new seed, so that it must be durable before this is asked for.
    ///
    /// # Errors
    /// The old key goes on, except after [`AppendError::Unanswered`]: then opening the journal tells which key it is.
    pub async fn rotate_log_key(&self, seed: &Seed) -> Result<Appended, AppendError> {
        let key = Box::new(LogKey::new(&self.journal, seed));
        let answer = self
            .ask(|reply| Job::Rotate(key, reply))
            .await
            .ok_or(AppendError::Unanswered)??;
        let appended = self.answered(answer).await?.into_iter().next();
        appended.ok_or(AppendError::Unanswered)
    }

    /// Makes the answer's receipts, on the caller's thread.
    async fn answered(&self, answer: Answer) -> Result<Vec<Appended>, AppendError> {
        let mut appended = Vec::with_capacity(answer.drafts.len());
        for Answered { index, new } in answer.drafts {
            appended.push(match (new, &answer.sealed) {
                (Some(entry), Some(sealed)) => Appended {
                    receipt: sealed
                        .receipt(index, entry.hash())
                        .ok_or(AppendError::Unanswered)?,
                    stored: Stored::at(index, entry),
                    replayed: false,
                },
                _ => self.first_appended(index).await?,
            });
        }
        Ok(appended)
    }

    async fn first_appended(&self, index: u64) -> Result<Appended, AppendError> {
        let first = self
            .readers
            .read(move |connection| read::first_receipt(connection, index))
            .await;
        match first {
            Ok((stored, receipt)) => Ok(Appended {
                stored,
                receipt,
                replayed: true,
            }),
            Err(ReadError::Corrupt(what)) => Err(AppendError::Corrupt(what)),
            Err(ReadError::Unavailable(_)) => Err(AppendError::Unanswered),
        }
    }
}
