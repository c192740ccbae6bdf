//! What networks and services do to those who write: after each, the same drafts are sent again, and then every entry is
//! there once, every receipt stands, and the whole journal verifies.

use std::sync::Arc;
use std::time::Duration;

use journal::Draft;
use model::{Class, StreamName};

use super::home::Sealing;
use super::place::{Place, servers};
use crate::aws::Dynamo;
use crate::aws::faulty::{Fault, Network};
use crate::conformance::{Witness, attestation, genesis, journal_id, stream};
use crate::{Clock as _, Store};

/// Calls that one send of the client makes, at most.
const PATIENCE: usize = 3;

/// A journal whose writer is on a network that can fail; its sealer is not.
struct World {
    network: Network,
    store: Sealing,
    witness: Witness,
    appended: u64,
    /// Errors that a writer was told.
    told: Vec<String>,
}

impl World {
    async fn new() -> Option<Self> {
        let servers = servers()?;
        let place = Place::new(servers.clients(&[])).await;
        let journal = journal_id();
        let (first, _) = Dynamo::create(&place.settings(&journal), genesis(&journal))
            .await
            .unwrap();
        drop(first);
        let network = Network::default();
        let mut settings = place.settings(&journal);
        settings.clients = servers.clients_over(&network, &[]);
        let store = Dynamo::open(&settings).await.unwrap();
        let store = Sealing::new(store, &place, &journal);
        store.sealer.run().await.unwrap();
        let witness = Witness::of(&store);
        Some(Self {
            network,
            store,
            witness,
            appended: 1,
            told: Vec::new(),
        })
    }

    /// Appends a batch, sending it again after each failure; the network is healed after `failures` of them.
    async fn append_despite(&mut self, drafts: Vec<Draft>, failures: usize) {
        for attempt in 0..=failures {
            if attempt == failures {
                self.network.heal();
            }
            match self.store.append(drafts.clone()).await {
                Ok(appended) => {
                    self.network.heal();
                    self.witness.keep(&appended);
                    self.appended += appended.len() as u64;
                    return;
                }
                Err(error) => {
                    assert_eq!(error.class(), Class::Unavailable, "{error}");
                    let source = std::error::Error::source(&error);
                    let source = source.map_or_else(String::new, |source| format!(": {source}"));
                    self.told.push(format!("{error}{source}"));
                }
            }
        }
        panic!(
            "it is not appended on a network that is well: {:?}",
            self.told.last()
        );
    }

    /// Checks that everything is there, once.
    async fn check(&self) {
        let report = self.witness.check(&self.store).await;
        assert_eq!(report.size, self.appended);
    }
}

/// Drafts a batch that makes every sort of write: a small payload, a large one, and a transaction.
fn batch(number: u64) -> Vec<Draft> {
    let mut large = attestation(2 * number + 1, &[stream("a"), stream("b")]);
    if let Some(payload) = large.payloads.first_mut() {
        payload.bytes = vec![b'x'; 10_000];
    }
    vec![attestation(2 * number, &[stream("a")]), large]
}

const WRITES: [&str; 3] = ["PutItem", "PUT", "TransactWriteItems"];
const READS: [&str; 3] = ["Query", "GetItem", "GET"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_write_can_be_lost_once_or_until_the_network_is_well() {
    let Some(mut world) = World::new().await else {
        return;
    };
    let mut number = 0;
    for write in WRITES {
        for count in [1, PATIENCE, 1_000] {
            number += 1;
            world.network.next(write, count, Fault::Lost);
            world.append_despite(batch(number), 1).await;
        }
    }
    assert!(!world.told.is_empty(), "nothing failed");
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_write_can_be_done_and_its_answer_lost() {
    let Some(mut world) = World::new().await else {
        return;
    };
    let mut number = 0;
    for write in WRITES {
        for count in [1, PATIENCE, 1_000] {
            number += 1;
            world.network.next(write, count, Fault::Hidden);
            world.append_despite(batch(number), 2).await;
        }
    }
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_write_can_be_done_and_answered_with_an_error() {
    let Some(mut world) = World::new().await else {
        return;
    };
    let mut number = 0;
    for write in WRITES {
        for (count, status) in [(1, 500), (PATIENCE, 503), (1_000, 500)] {
            number += 1;
            let body = if write == "PUT" {
                "<Error><Code>InternalError</Code></Error>".to_owned()
            } else {
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}"#.to_owned()
            };
            world
                .network
                .next(write, count, Fault::DoneButAnswered(status, body));
            world.append_despite(batch(number), 2).await;
        }
    }
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_read_before_a_write_can_fail() {
    let Some(mut world) = World::new().await else {
        return;
    };
    let mut number = 0;
    for read in READS {
        for fault in [Fault::Lost, Fault::Hidden, Fault::Cut] {
            number += 1;
            world.network.next(read, 1_000, fault);
            world.append_despite(batch(number), 1).await;
        }
    }
    assert!(world.told.len() >= READS.len(), "{:?}", world.told);
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bursts_of_throttling_are_waited_for_or_told() {
    let Some(mut world) = World::new().await else {
        return;
    };
    let mut number = 0;
    for action in ["Query", "PutItem", "TransactWriteItems"] {
        for (name, count) in [
            ("ProvisionedThroughputExceededException", 2),
            ("ThrottlingException", 5),
            ("RequestLimitExceeded", 1_000),
        ] {
            number += 1;
            world.network.next(action, count, Fault::error(400, name));
            world.append_despite(batch(number), 1).await;
        }
    }
    let told = world.told.join("\n");
    assert!(told.contains("was throttled"), "{told}");
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_can_be_cancelled_for_each_reason() {
    let Some(mut world) = World::new().await else {
        return;
    };
    let mut number = 0;
    for reason in [
        "ConditionalCheckFailed",
        "TransactionConflict",
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
        "ItemCollectionSizeLimitExceeded",
        "ValidationError",
    ] {
        for count in [1, 2] {
            number += 1;
            let fault = Fault::cancelled(&["None", reason, "None", "None", "None", "None"]);
            world.network.next("TransactWriteItems", count, fault);
            world.append_despite(batch(number), 2).await;
        }
    }
    let told = world.told.join("\n");
    for refusal in ["ItemCollectionSizeLimitExceeded", "ValidationError"] {
        assert!(told.contains(refusal), "{refusal} is not told: {told}");
    }
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_that_never_get_through_are_a_conflict_that_the_caller_may_repeat() {
    let Some(mut world) = World::new().await else {
        return;
    };
    let fault = Fault::cancelled(&["TransactionConflict"; 6]);
    world.network.next("TransactWriteItems", usize::MAX, fault);
    let error = world.store.append(batch(1)).await.unwrap_err();
    assert_eq!(error.class(), Class::Conflict, "{error}");
    world.network.heal();
    world.append_despite(batch(1), 0).await;
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_can_be_refused_and_slow() {
    let Some(mut world) = World::new().await else {
        return;
    };
    let slow_down = || Fault::Answered(503, "<Error><Code>SlowDown</Code></Error>".to_owned());
    for (number, fault) in (1..).zip([
        slow_down(),
        Fault::Answered(500, String::new()),
        Fault::Late(Duration::from_secs(9)),
    ]) {
        let count = if matches!(fault, Fault::Late(_)) {
            1
        } else {
            1_000
        };
        world.network.next("PUT", count, fault);
        world.append_despite(batch(number), 1).await;
    }
    assert_eq!(world.told.len(), 2, "{:?}", world.told);
    // Read back over the same bad network: an error is told, half a payload never.
    let digests: Vec<_> = batch(1)
        .iter()
        .map(|draft| draft.payloads[0].reference().digest)
        .collect();
    world.network.next("GET", 1, Fault::Cut);
    let cut = world.store.payloads(&digests).await;
    world.network.heal();
    let whole = world.store.payloads(&digests).await.unwrap();
    assert!(whole.iter().all(Option::is_some));
    if let Ok(cut) = cut {
        assert_eq!(cut, whole);
    }
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_expire_are_named_and_nothing_is_written() {
    let Some(mut world) = World::new().await else {
        return;
    };
    for (number, action) in (1..).zip(["Query", "PutItem", "TransactWriteItems"]) {
        world
            .network
            .next(action, 1_000, Fault::error(400, "ExpiredTokenException"));
        world.append_despite(batch(number), 1).await;
    }
    assert_eq!(world.told.len(), 3);
    assert!(
        world
            .told
            .iter()
            .all(|told| told.contains("without valid credentials")),
        "{:?}",
        world.told
    );
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_between_lost_answers_stamps_nothing_wrong() {
    let Some(servers) = servers() else { return };
    let place = Place::new(servers.clients(&[])).await;
    let journal = journal_id();
    let network = Network::default();
    let mut settings = place.settings(&journal);
    settings.clients = servers.clients_over(&network, &[]);
    let (store, _) = Dynamo::create(&settings, genesis(&journal)).await.unwrap();
    let store = Sealing::new(store, &place, &journal);
    let mut witness = Witness::of(&store);
    let right = place.clock.wall_ms();
    for number in 0..4 {
        place.clock.set(right + 600_000);
        network.next("TransactWriteItems", 2, Fault::Hidden);
        let error = store.append(batch(number)).await.unwrap_err();
        assert_eq!(error.class(), Class::Unavailable);
        place.clock.set(right);
        network.next("TransactWriteItems", PATIENCE, Fault::Hidden);
        witness.keep(&store.append(batch(number)).await.unwrap());
        network.heal();
    }
    let report = witness.check(&store).await;
    assert_eq!(report.size, 9);
    let newest = store.entries(8, 1).await.unwrap();
    assert_eq!(newest[0].entry.header().recorded_ms, right);
}

/// Sixteen processes whose answers are lost at random places, on one stream and on their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_on_a_bad_network_record_everything_once() {
    const EACH: u64 = 4;
    let Some(servers) = servers() else { return };
    let place = Place::new(servers.clients(&[])).await;
    let journal = journal_id();
    let (first, _) = Dynamo::create(&place.settings(&journal), genesis(&journal))
        .await
        .unwrap();
    let sealing = Arc::new(Sealing::new(first, &place, &journal));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..16_u64 {
        let network = Network::default();
        let mut calls = writer;
        network.add(move |call| {
            calls += 7;
            match (calls % 11, call.action.as_str()) {
                (1, _) => Some(Fault::Lost),
                (4, "TransactWriteItems") => Some(Fault::Hidden),
                (6, "TransactWriteItems") => Some(Fault::error(500, "InternalServerError")),
                (8, "Query") => Some(Fault::error(400, "ThrottlingException")),
                _ => None,
            }
        });
        let mut settings = place.settings(&journal);
        settings.clients = servers.clients_over(&network, &[]);
        writers.spawn(async move {
            let mut opened = Dynamo::open(&settings).await;
            while opened.is_err() {
                opened = Dynamo::open(&settings).await;
            }
            let store = opened.unwrap();
            for turn in 0..EACH {
                let own: StreamName = stream(&format!("of-{writer}"));
                let draft = attestation(writer * 100 + turn, &[stream("all"), own]);
                while let Err(error) = store.append(vec![draft.clone()]).await {
                    let class = error.class();
                    assert!(
                        matches!(class, Class::Unavailable | Class::Conflict),
                        "{error}"
                    );
                }
            }
        });
    }
    writers.join_all().await;
    while sealing.sealer.run().await.unwrap().remaining > 0 {}
    let report = Witness::of(&*sealing).check(&*sealing).await;
    assert_eq!(report.size, 1 + 16 * EACH);
}
