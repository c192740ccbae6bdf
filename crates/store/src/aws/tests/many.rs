//! Many writers, each with a store of its own, and many journals in one table.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents, SharedInterceptor};
use aws_smithy_runtime_api::box_error::BoxError;
use journal::Receipt;
use journal::key::LogKey;
use model::{JournalId, StreamName};

use super::place::{Place, servers};
use crate::aws::Dynamo;
use crate::conformance::{SEED, attestation, genesis, journal_id, stream};
use crate::{Direction, Store};

/// Lets sixteen writers append; returns their entries.
async fn write(streams: impl Fn(u64) -> Vec<StreamName> + Copy + Send + 'static) -> Option<Dynamo> {
    const WRITERS: u64 = 16;
    const EACH: u64 = 6;
    let servers = servers()?;
    let place = Place::new(servers.clients(&[])).await;
    let journal = journal_id();
    let (store, _) = Dynamo::create(&place.settings(&journal), genesis(&journal))
        .await
        .unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        // A process of its own shares nothing but the table.
        let settings = Place {
            clients: servers.clients(&[]),
            ..place.clone()
        }
        .settings(&journal);
        writers.spawn(async move {
            let store = Dynamo::open(&settings).await.unwrap();
            let mut appended = Vec::new();
            for turn in 0..EACH {
                let draft = attestation(writer * 100 + turn, &streams(writer));
                // Sent twice, as after a lost answer.
                let first = store.append(vec![draft.clone()]).await.unwrap();
                let again = store.append(vec![draft]).await.unwrap();
                assert!(!first[0].replayed && again[0].replayed);
                assert_eq!(first[0].receipt, again[0].receipt);
                appended.extend(first);
            }
            appended
        });
    }
    let appended = writers.join_all().await.concat();
    let log = LogKey::new(&journal, &SEED);
    for one in &appended {
        one.receipt
            .verify(&one.stored.entry.hash(), log.vkey())
            .unwrap();
        assert!(matches!(one.receipt, Receipt::Promised(_)));
        assert_eq!(
            store.receipt(&one.stored.entry.hash()).await.unwrap(),
            Some(one.receipt.clone())
        );
    }
    let hashes: HashSet<_> = appended.iter().map(|one| one.stored.entry.hash()).collect();
    assert_eq!(hashes.len() as u64, WRITERS * EACH);
    Some(store)
}

/// Checks every link of a stream, and returns its length.
async fn chained(store: &dyn Store, name: &StreamName) -> usize {
    let found = store
        .range(name, 0, 10_000, Direction::Forward)
        .await
        .unwrap();
    let mut before = None;
    for (seq, stored) in (0..).zip(&found) {
        let link = stored.entry.header().link(name).unwrap();
        assert_eq!((link.seq, link.previous), (seq, before));
        before = Some(stored.entry.hash());
    }
    found.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_on_one_stream_leave_neither_gap_nor_fork() {
    let Some(store) = write(|_| vec![stream("all")]).await else {
        return;
    };
    assert_eq!(chained(&store, &stream("all")).await, 96);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_on_many_streams_leave_neither_gap_nor_fork() {
    let own = |writer: u64| stream(&format!("of-{writer}"));
    let streams = move |writer| vec![own(writer), stream(&format!("shared-{}", writer % 4))];
    let Some(store) = write(streams).await else {
        return;
    };
    for writer in 0..16 {
        assert_eq!(chained(&store, &own(writer)).await, 6);
    }
    for shared in 0..4 {
        assert_eq!(
            chained(&store, &stream(&format!("shared-{shared}"))).await,
            24
        );
    }
    // None of it is sealed, and all of it is listed.
    let listed = store.streams("trail/", None, 100).await.unwrap();
    assert_eq!(listed.len(), 20);
}

/// Keeps what is asked of the services.
#[derive(Debug, Default, Clone)]
struct Requests(Arc<Mutex<Vec<String>>>);

impl Intercept for Requests {
    fn name(&self) -> &'static str {
        "requests"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
        let text = format!("{} {body}", request.uri());
        self.0.lock().unwrap().push(text);
        Ok(())
    }
}

/// Finds what a request names as `pk`: values of that name, and of the expressions' variable.
fn keys(request: &str) -> Vec<String> {
    let named = ["\"pk\":{\"S\":\"", "\":pk\":{\"S\":\""];
    named
        .iter()
        .flat_map(|name| request.split(name).skip(1))
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn no_call_of_one_journal_names_a_key_of_another() {
    let Some(servers) = servers() else { return };
    let requests = Requests::default();
    let place = Place::new(servers.clients(&[])).await;
    let watched = Place {
        clients: servers.clients(&[SharedInterceptor::new(requests.clone())]),
        ..place.clone()
    };
    // An id that is the beginning of the other's.
    let (ours, theirs): (JournalId, JournalId) = (
        "trailmark/a".parse().unwrap(),
        "trailmark/a-b".parse().unwrap(),
    );
    let (other, _) = Dynamo::create(&place.settings(&theirs), genesis(&theirs))
        .await
        .unwrap();
    let (a, admin) = (stream("a"), StreamName::admin());
    other
        .append(vec![attestation(1, std::slice::from_ref(&a))])
        .await
        .unwrap();

    let (store, first) = Dynamo::create(&watched.settings(&ours), genesis(&ours))
        .await
        .unwrap();
    let mut large = attestation(1, std::slice::from_ref(&a));
    large.payloads[0].bytes = vec![b' '; 10_000];
    let digest = large.payloads[0].reference().digest;
    let appended = store.append(vec![large]).await.unwrap();
    assert!(!appended[0].replayed);
    let hash = appended[0].stored.entry.hash();
    store.range(&a, 0, 10, Direction::Forward).await.unwrap();
    store.as_of(&a, 1).await.unwrap();
    store.entry(&hash).await.unwrap().unwrap();
    store.receipt(&hash).await.unwrap().unwrap();
    store.positions(&[hash]).await.unwrap();
    store.payloads(&[digest]).await.unwrap();
    store.heads(&[a.clone(), admin]).await.unwrap();
    store.status().await.unwrap();
    store.entries(0, 10).await.unwrap();
    store.heads_at(1).await.unwrap();
    store.consistency(1).await.unwrap();
    assert_eq!(store.streams("", None, 10).await.unwrap().len(), 2);
    let theirs_only = first.stored.entry.hash();
    assert!(other.entry(&theirs_only).await.unwrap().is_none());
    assert_eq!(chained(&other, &a).await, 1);

    let requests = requests.0.lock().unwrap();
    assert!(requests.len() > 20);
    for request in requests.iter() {
        let keys = keys(request);
        let of_s3 = request.contains("/trailmark/a/");
        assert!(of_s3 || !keys.is_empty(), "{request}");
        assert!(
            keys.iter().all(|key| key.starts_with("trailmark/a#")),
            "{request}"
        );
        assert!(!request.contains("trailmark/a-b"), "{request}");
        assert!(
            !request.contains("UpdateItem") && !request.contains("DeleteItem"),
            "{request}"
        );
    }
}
