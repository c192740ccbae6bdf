//! The contract, kept by reads and writes that stand in files of their own.

use async_trait::async_trait;
use journal::kind::Recovered;
use journal::{Draft, Head, Idempotency};
use model::kind::Fields as _;
use model::{EntryHash, JournalId, PayloadDigest, StreamName};

use super::Dynamo;
use crate::bulk::Bulk;
use crate::{
    AppendError, Appended, Consistency, Direction, ReadError, Receipt, RecoverError, Status, Store,
    Stored, StoredPayload,
};

#[async_trait]
impl Store for Dynamo {
    fn journal(&self) -> &JournalId {
        self.layout.journal_id()
    }

    fn seals_at_once(&self) -> bool {
        false
    }

    async fn status(&self) -> Result<Status, ReadError> {
        self.look().await
    }

    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Appended>, AppendError> {
        self.append_if_writable(drafts).await
    }

    /// Writes the `recovered` entry. The sealer puts it first, and then replaces the checkpoint outside: only from then
    /// on are other entries taken.
    async fn recover(&self, draft: Draft) -> Result<Appended, RecoverError> {
        let status = self.look().await.map_err(|error| match error {
            ReadError::Unavailable(source) => RecoverError::Outside(source),
            ReadError::Corrupt(what) => AppendError::Corrupt(what).into(),
        })?;
        let reason = status.read_only.ok_or(RecoverError::NotNeeded)?;
        if draft.kind.as_str() != Recovered::KIND {
            return Err(RecoverError::Kind);
        }
        if !reason.is_recoverable() {
            return Err(RecoverError::Beyond(reason));
        }
        let appended = self.append_anyway(vec![draft], &[]).await?;
        self.look.begin_anew();
        Ok(appended.into_iter().next().ok_or(AppendError::Unanswered)?)
    }

    async fn heads(&self, streams: &[StreamName]) -> Result<Vec<Option<Head>>, ReadError> {
        self.read_heads(streams).await
    }

    async fn range(
        &self,
        stream: &StreamName,
        from_seq: u64,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<Stored>, ReadError> {
        self.read_range(stream, from_seq, limit, direction).await
    }

    async fn as_of(&self, stream: &StreamName, recorded_ms: u64) -> Result<Option<u64>, ReadError> {
        self.read_as_of(stream, recorded_ms).await
    }

    async fn entry(&self, hash: &EntryHash) -> Result<Option<Stored>, ReadError> {
        self.read_entry(hash).await
    }

    async fn positions(&self, hashes: &[EntryHash]) -> Result<Vec<Option<u64>>, ReadError> {
        self.read_positions(hashes).await
    }

    async fn entries(&self, from_index: u64, limit: usize) -> Result<Vec<Stored>, ReadError> {
        match self.published().await? {
            Some(published) => self.log.entries(&published, from_index, limit).await,
            None => Ok(Vec::new()),
        }
    }

    fn bulk(&self) -> &dyn Bulk {
        &self.payloads
    }

    async fn repeated(&self, used: &Idempotency) -> Result<Option<Appended>, AppendError> {
        self.find_repeated(used).await
    }

    async fn payloads(
        &self,
        digests: &[PayloadDigest],
    ) -> Result<Vec<Option<StoredPayload>>, ReadError> {
        self.payloads.get(digests).await
    }

    async fn receipt(&self, hash: &EntryHash) -> Result<Option<Receipt>, ReadError> {
        self.read_receipt(hash).await
    }

    async fn checkpoint(&self) -> Result<String, ReadError> {
        let published = self.published().await?;
        let published =
            published.ok_or_else(|| ReadError::Unavailable("nothing is sealed yet".into()))?;
        Ok(published.note)
    }

    async fn tile(&self, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>, ReadError> {
        match self.published().await? {
            Some(published) => self.log.tile(&published, level, index, width).await,
            None => Ok(None),
        }
    }

    async fn consistency(&self, from: u64) -> Result<Option<Consistency>, ReadError> {
        match self.published().await? {
            Some(published) => self.log.consistency(&published, from).await,
            None => Ok(None),
        }
    }

    async fn streams(
        &self,
        prefix: &str,
        after: Option<&StreamName>,
        limit: usize,
    ) -> Result<Vec<(StreamName, Head)>, ReadError> {
        self.read_streams(prefix, after, limit).await
    }

    async fn heads_at(&self, size: u64) -> Result<Vec<(StreamName, Head)>, ReadError> {
        match self.published().await? {
            Some(published) => self.log.heads_at(&published, size).await,
            None => Ok(Vec::new()),
        }
    }
}
