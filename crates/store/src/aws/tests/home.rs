//! The home of the conformance suite: a place, and a store that has its entries sealed as it appends them.
//!
//! The suite's stores seal as they append. So here the sealer runs after each append, and the first receipt is the proof
//! against the first checkpoint that covers the entry.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use journal::key::LogKey;
use journal::{Draft, Head, Idempotency, Receipt};
use model::{EntryHash, JournalId, PayloadDigest, StreamName};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::task::block_in_place;

use super::place::{Place, Servers, unique};
use crate::aws::layout::Layout;
use crate::aws::log::Published;
use crate::aws::{Dynamo, Sealer};
use crate::bulk::Bulk;
use crate::conformance::{Home, SEED, TestClock, journal_id};
use crate::{
    AppendError, Appended, Clock, Consistency, Direction, OpenError, ReadError, RecoverError,
    Status, Store, Stored, StoredPayload,
};

/// A place that is made when it is first used.
pub(super) struct AwsHome {
    servers: Servers,
    place: OnceCell<Mutex<Place>>,
}

impl AwsHome {
    pub(super) fn new(servers: &Servers) -> Self {
        Self {
            servers: servers.clone(),
            place: OnceCell::new(),
        }
    }

    async fn place(&self) -> Place {
        let make = || async { Mutex::new(Place::new(self.servers.clients(&[])).await) };
        self.place.get_or_init(make).await.lock().unwrap().clone()
    }

    /// Finds the journal of this place, as a home has one.
    async fn journal(&self) -> Option<JournalId> {
        let place = self.place().await;
        let items = place.items(&place.address.table).await;
        let names = items
            .iter()
            .filter_map(|item| item["pk"].as_s().ok()?.strip_suffix("#m"));
        let mut names = names.map(|name| name.parse().unwrap());
        names.next()
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        block_in_place(|| Handle::current().block_on(future))
    }
}

/// Writes a value so that equal ones are written the same.
fn shown(value: &AttributeValue) -> String {
    match value {
        AttributeValue::M(fields) => {
            let fields: BTreeMap<_, _> = fields
                .iter()
                .map(|(name, value)| (name, shown(value)))
                .collect();
            format!("{fields:?}")
        }
        AttributeValue::L(values) => format!("{:?}", values.iter().map(shown).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    }
}

fn outside_key() -> String {
    format!("{}/checkpoint", journal_id())
}

#[async_trait]
impl Home for AwsHome {
    async fn create(
        &self,
        journal: &JournalId,
        genesis: Draft,
    ) -> Result<(Arc<dyn Store>, Appended), OpenError> {
        let place = self.place().await;
        let (store, first) = Dynamo::create(&place.settings(journal), genesis).await?;
        let store = Sealing::new(store, &place, journal);
        let first = store
            .sealed(vec![first])
            .await
            .map_err(OpenError::Genesis)?;
        Ok((Arc::new(store), first.into_iter().next().unwrap()))
    }

    async fn open(&self, expected: Option<&JournalId>) -> Result<Arc<dyn Store>, OpenError> {
        let found = self.journal().await.ok_or(OpenError::NotFound)?;
        if let Some(expected) = expected.filter(|expected| **expected != found) {
            return Err(OpenError::OtherJournal {
                expected: expected.to_string(),
                found: found.to_string(),
            });
        }
        let place = self.place().await;
        let store = Dynamo::open(&place.settings(&found)).await?;
        let store = Sealing::new(store, &place, &found);
        // A scheduled run, which refuses what the store refuses.
        let _ = store.sealer.run().await;
        Ok(Arc::new(store))
    }

    async fn copy(&self) -> Box<dyn Home> {
        let place = self.place().await;
        let mut copy = place.clone();
        copy.address.table = unique("table");
        copy.address.bucket = unique("bucket");
        copy.make_table(&copy.address.table).await;
        copy.make_bucket(&copy.address.bucket).await;
        for item in place.items(&place.address.table).await {
            copy.put(&copy.address.table, item).await;
        }
        let s3 = &place.clients.s3;
        let listed = s3
            .list_objects_v2()
            .bucket(&place.address.bucket)
            .send()
            .await
            .unwrap();
        for object in listed.contents() {
            let key = object.key().unwrap();
            let source = format!("{}/{key}", place.address.bucket);
            let copied = s3.copy_object().bucket(&copy.address.bucket).key(key);
            copied.copy_source(source).send().await.unwrap();
        }
        Box::new(Self {
            servers: self.servers.clone(),
            place: OnceCell::new_with(Some(Mutex::new(copy))),
        })
    }

    /// Restores the table to another, as the service does; the buckets stay as they are.
    async fn put_back(&self, copy: &dyn Home) {
        let copy: &Self = copy.as_any().downcast_ref().unwrap();
        let old = copy.place().await;
        let mut place = self.place().await;
        place.address.table = unique("restored");
        place.make_table(&place.address.table).await;
        for item in old.items(&old.address.table).await {
            place.put(&place.address.table, item).await;
        }
        *self.place.get().unwrap().lock().unwrap() = place;
    }

    async fn raise_format(&self) {
        let place = self.place().await;
        let mut item = crate::aws::layout::journal_item(&Layout::new(journal_id()));
        item.insert("f".to_owned(), AttributeValue::N("2".to_owned()));
        place.put(&place.address.table, item).await;
    }

    async fn content(&self) -> String {
        let place = self.place().await;
        let items = place.items(&place.address.table).await;
        let mut texts: Vec<String> = items
            .into_iter()
            .map(|item| shown(&AttributeValue::M(item)))
            .collect();
        texts.sort_unstable();
        texts.join("\n")
    }

    fn outside(&self) -> String {
        self.wait(async {
            let place = self.place().await;
            let bucket = place.address.checkpoint_bucket();
            let object = place
                .clients
                .s3
                .get_object()
                .bucket(bucket)
                .key(outside_key());
            let object = object.send().await.unwrap();
            let bytes = object.body.collect().await.unwrap().into_bytes();
            String::from_utf8(bytes.to_vec()).unwrap()
        })
    }

    fn set_outside(&self, note: &str) {
        let note = note.as_bytes().to_vec();
        self.wait(async {
            let place = self.place().await;
            let bucket = place.address.checkpoint_bucket();
            let object = place
                .clients
                .s3
                .put_object()
                .bucket(bucket)
                .key(outside_key());
            object.body(note.into()).send().await.unwrap();
        });
    }

    fn clock(&self) -> Arc<TestClock> {
        self.wait(async { self.place().await.clock })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A store beside its sealer.
pub(super) struct Sealing {
    store: Dynamo,
    pub(super) sealer: Sealer,
}

impl Sealing {
    pub(super) fn new(store: Dynamo, place: &Place, journal: &JournalId) -> Self {
        let signer = Arc::new(LogKey::new(journal, &SEED));
        let clock = Arc::clone(&place.clock) as Arc<dyn Clock>;
        let sealer = Sealer::new(&place.clients, &place.address, journal, signer, clock);
        Self { store, sealer }
    }

    /// Waits until entries are sealed, and gives them the proofs that there then were first.
    async fn sealed(&self, appended: Vec<Appended>) -> Result<Vec<Appended>, AppendError> {
        let hashes: Vec<EntryHash> = appended.iter().map(|one| one.stored.entry.hash()).collect();
        let mut places = Vec::new();
        for _ in 0..100 {
            places = self.store.positions(&hashes).await.unwrap();
            if places.iter().all(Option::is_some) {
                break;
            }
            self.sealer
                .run()
                .await
                .map_err(|error| AppendError::Unavailable(error.into()))?;
        }
        let mut proved = Vec::new();
        for (mut one, index) in appended.into_iter().zip(places) {
            let index = index.expect("it is sealed");
            one.stored.index = Some(index);
            one.receipt = self
                .first_receipt(index, &one.stored.entry.hash())
                .await
                .unwrap();
            proved.push(one);
        }
        Ok(proved)
    }

    async fn first_receipt(&self, index: u64, hash: &EntryHash) -> Result<Receipt, ReadError> {
        let before = self.store.records.seal_before(index).await?;
        let number = before.map_or(0, |seal| seal.number + 1);
        let seal = self.store.records.seal(number).await?.unwrap();
        let then = Published {
            size: seal.size(),
            root: seal.frontier.root(),
            note: seal.checkpoint,
        };
        self.store.log.prove(&then, index, hash).await
    }
}

#[async_trait]
impl Store for Sealing {
    fn journal(&self) -> &JournalId {
        self.store.journal()
    }

    async fn status(&self) -> Result<Status, ReadError> {
        self.store.status().await
    }

    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Appended>, AppendError> {
        let appended = self.store.append(drafts).await?;
        self.sealed(appended).await
    }

    async fn recover(&self, draft: Draft) -> Result<Appended, RecoverError> {
        let appended = self.store.recover(draft).await?;
        let appended = self.sealed(vec![appended]).await?;
        Ok(appended.into_iter().next().unwrap())
    }

    async fn heads(&self, streams: &[StreamName]) -> Result<Vec<Option<Head>>, ReadError> {
        self.store.heads(streams).await
    }

    async fn range(
        &self,
        stream: &StreamName,
        from_seq: u64,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<Stored>, ReadError> {
        self.store.range(stream, from_seq, limit, direction).await
    }

    async fn as_of(&self, stream: &StreamName, recorded_ms: u64) -> Result<Option<u64>, ReadError> {
        self.store.as_of(stream, recorded_ms).await
    }

    async fn entry(&self, hash: &EntryHash) -> Result<Option<Stored>, ReadError> {
        self.store.entry(hash).await
    }

    async fn positions(&self, hashes: &[EntryHash]) -> Result<Vec<Option<u64>>, ReadError> {
        self.store.positions(hashes).await
    }

    async fn entries(&self, from_index: u64, limit: usize) -> Result<Vec<Stored>, ReadError> {
        self.store.entries(from_index, limit).await
    }

    fn bulk(&self) -> &dyn Bulk {
        self.store.bulk()
    }

    async fn repeated(&self, used: &Idempotency) -> Result<Option<Appended>, AppendError> {
        self.store.repeated(used).await
    }

    async fn payloads(
        &self,
        digests: &[PayloadDigest],
    ) -> Result<Vec<Option<StoredPayload>>, ReadError> {
        self.store.payloads(digests).await
    }

    async fn receipt(&self, hash: &EntryHash) -> Result<Option<Receipt>, ReadError> {
        self.store.receipt(hash).await
    }

    async fn checkpoint(&self) -> Result<String, ReadError> {
        self.store.checkpoint().await
    }

    async fn tile(&self, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>, ReadError> {
        self.store.tile(level, index, width).await
    }

    async fn consistency(&self, from: u64) -> Result<Option<Consistency>, ReadError> {
        self.store.consistency(from).await
    }

    async fn streams(
        &self,
        prefix: &str,
        after: Option<&StreamName>,
        limit: usize,
    ) -> Result<Vec<(StreamName, Head)>, ReadError> {
        self.store.streams(prefix, after, limit).await
    }

    async fn heads_at(&self, size: u64) -> Result<Vec<(StreamName, Head)>, ReadError> {
        self.store.heads_at(size).await
    }
}
