//! A store that counts what is asked of it, shows readers an older `admin` stream, and can be sealed later.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use async_trait::async_trait;
use journal::{Draft, Head, Idempotency};
use model::{EntryHash, JournalId, PayloadDigest, StreamName};
use store::bulk::Bulk;
use store::*;

pub struct Watched {
    inner: Arc<dyn Store>,
    /// Calls that had to wait for one another.
    waves: AtomicUsize,
    calls: AtomicUsize,
    /// Of the `admin` stream, readers see no more.
    admin_max: AtomicU64,
    /// Where set, what is sealed: size and checkpoint.
    sealed: Mutex<Option<(u64, String)>>,
}

impl Watched {
    pub fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            waves: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            admin_max: AtomicU64::new(u64::MAX),
            sealed: Mutex::new(None),
        })
    }

    /// Returns how many calls followed one after the other since last asked, and how many there were.
    pub fn taken(&self) -> (usize, usize) {
        (
            self.waves.swap(0, Ordering::SeqCst),
            self.calls.swap(0, Ordering::SeqCst),
        )
    }

    pub fn hide_admin_from(&self, seq: u64) {
        self.admin_max.store(seq, Ordering::SeqCst);
    }

    /// Seals all that was appended; without a first call everything is sealed at once.
    pub async fn seal(&self) {
        let size = self.inner.status().await.unwrap().size;
        let checkpoint = self.inner.checkpoint().await.unwrap();
        *self.sealed.lock().unwrap() = Some((size, checkpoint));
    }

    fn size(&self) -> u64 {
        let sealed = self.sealed.lock().unwrap();
        sealed.as_ref().map_or(u64::MAX, |(size, _)| *size)
    }

    /// Makes a call; its wave is one after the last that was over when it began.
    async fn call<T>(&self, call: impl Future<Output = T>) -> T {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let wave = self.waves.load(Ordering::SeqCst) + 1;
        // Whoever is asked at the same time begins before this one is over.
        tokio::task::yield_now().await;
        let answer = call.await;
        self.waves.fetch_max(wave, Ordering::SeqCst);
        answer
    }

    fn placed(&self, stored: Stored) -> Stored {
        let size = self.size();
        Stored {
            index: stored.index.filter(|index| *index < size),
            entry: stored.entry,
        }
    }
}

#[async_trait]
impl Store for Watched {
    fn journal(&self) -> &JournalId {
        self.inner.journal()
    }

    fn seals_at_once(&self) -> bool {
        self.size() == u64::MAX
    }

    async fn status(&self) -> Result<Status, ReadError> {
        let status = self.call(self.inner.status()).await?;
        let size = status.size.min(self.size());
        Ok(Status { size, ..status })
    }

    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Appended>, AppendError> {
        let appended = self.call(self.inner.append(drafts)).await?;
        let placed = appended.into_iter().map(|appended| Appended {
            stored: self.placed(appended.stored),
            ..appended
        });
        Ok(placed.collect())
    }

    async fn recover(&self, draft: Draft) -> Result<Appended, RecoverError> {
        self.call(self.inner.recover(draft)).await
    }

    async fn heads(&self, streams: &[StreamName]) -> Result<Vec<Option<Head>>, ReadError> {
        self.call(self.inner.heads(streams)).await
    }

    async fn range(
        &self,
        stream: &StreamName,
        from_seq: u64,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<Stored>, ReadError> {
        let range = self.inner.range(stream, from_seq, limit, direction);
        let mut found = self.call(range).await?;
        if *stream == StreamName::admin() {
            let most = self.admin_max.load(Ordering::SeqCst);
            found.retain(|stored| stored.entry.header().link(stream).unwrap().seq < most);
        }
        Ok(found
            .into_iter()
            .map(|stored| self.placed(stored))
            .collect())
    }

    async fn as_of(&self, stream: &StreamName, at_ms: u64) -> Result<Option<u64>, ReadError> {
        self.call(self.inner.as_of(stream, at_ms)).await
    }

    async fn entry(&self, hash: &EntryHash) -> Result<Option<Stored>, ReadError> {
        let found = self.call(self.inner.entry(hash)).await?;
        Ok(found.map(|stored| self.placed(stored)))
    }

    async fn positions(&self, hashes: &[EntryHash]) -> Result<Vec<Option<u64>>, ReadError> {
        let size = self.size();
        let found = self.call(self.inner.positions(hashes)).await?;
        let sealed = |index: Option<u64>| index.filter(|index| *index < size);
        Ok(found.into_iter().map(sealed).collect())
    }

    async fn entries(&self, from_index: u64, limit: usize) -> Result<Vec<Stored>, ReadError> {
        let size = self.size();
        let mut found = self.call(self.inner.entries(from_index, limit)).await?;
        found.retain(|stored| stored.index.is_some_and(|index| index < size));
        Ok(found)
    }

    fn bulk(&self) -> &dyn Bulk {
        self.inner.bulk()
    }

    async fn repeated(&self, used: &Idempotency) -> Result<Option<Appended>, AppendError> {
        self.call(self.inner.repeated(used)).await
    }

    async fn payloads(
        &self,
        digests: &[PayloadDigest],
    ) -> Result<Vec<Option<StoredPayload>>, ReadError> {
        self.call(self.inner.payloads(digests)).await
    }

    async fn receipt(&self, hash: &EntryHash) -> Result<Option<Receipt>, ReadError> {
        self.call(self.inner.receipt(hash)).await
    }

    async fn checkpoint(&self) -> Result<String, ReadError> {
        let sealed = self.sealed.lock().unwrap().clone();
        match sealed {
            Some((_, checkpoint)) => self.call(async { Ok(checkpoint) }).await,
            None => self.call(self.inner.checkpoint()).await,
        }
    }

    async fn tile(&self, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>, ReadError> {
        self.call(self.inner.tile(level, index, width)).await
    }

    async fn consistency(&self, from: u64) -> Result<Option<Consistency>, ReadError> {
        self.call(self.inner.consistency(from)).await
    }

    async fn streams(
        &self,
        prefix: &str,
        after: Option<&StreamName>,
        limit: usize,
    ) -> Result<Vec<(StreamName, Head)>, ReadError> {
        self.call(self.inner.streams(prefix, after, limit)).await
    }

    async fn heads_at(&self, size: u64) -> Result<Vec<(StreamName, Head)>, ReadError> {
        self.call(self.inner.heads_at(size)).await
    }
}
