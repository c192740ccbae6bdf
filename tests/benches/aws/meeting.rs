//! Writers that meet on one stream. DynamoDB Local never shows that, so the network between does: see `Network`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{JournalId, StreamName};
use store::Store as _;
use store::aws::faulty::Network;
use store::aws::{Dynamo, Endpoints};
use store::conformance::{TestClock, attestation, genesis};
use trailmark_tests::aws::place::Place;
use trailmark_tests::aws::world::settings;

use crate::show;

/// How long a transaction is under way, as within a region.
const TRANSACTION: Duration = Duration::from_millis(10);
const EACH: u64 = 25;
/// What is aimed at where sixteen write.
const ATTEMPTS_AIM: f64 = 3.0;

pub async fn run(servers: &Endpoints) {
    println!("\nwriters on one stream, each transaction under way for {TRANSACTION:?}");
    for writers in [1, 4, 16] {
        let (attempts, per_second) = meet(servers, writers).await;
        show(
            &format!("{writers} writers: transactions for an append"),
            attempts,
            "attempts",
            ATTEMPTS_AIM,
        );
        let floor = 1.0 / TRANSACTION.as_secs_f64();
        show(
            &format!("{writers} writers: appends a second, together"),
            per_second,
            "/s",
            floor,
        );
    }
}

/// Returns transactions for an append, and appends a second.
async fn meet(servers: &Endpoints, writers: u64) -> (f64, f64) {
    let network = Network::with_conflicts(TRANSACTION);
    let place = Place::new(servers).await.reached_anew(Some(&network)).await;
    let journal: JournalId = "trailmark/acme".parse().unwrap();
    let clock = Arc::new(TestClock::default());
    Dynamo::create(&settings(&place, &journal, &clock), genesis(&journal))
        .await
        .unwrap();
    let _ = network.take_calls();
    let begun = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for writer in 0..writers {
        // A process of its own, on the same network.
        let place = place.reached_anew(Some(&network)).await;
        let settings = settings(&place, &journal, &clock);
        running.spawn(async move {
            let store = Dynamo::open(&settings).await.unwrap();
            let one: StreamName = "trail/payments/one".parse().unwrap();
            for turn in 0..EACH {
                let draft = attestation(writer * 1_000 + turn, std::slice::from_ref(&one));
                store.append(vec![draft]).await.unwrap();
            }
        });
    }
    running.join_all().await;
    let took = begun.elapsed();
    let calls = network.take_calls();
    let sent = calls
        .iter()
        .filter(|call| call.action == "TransactWriteItems")
        .count();
    let appends = f64::from(u32::try_from(writers * EACH).unwrap());
    let sent = f64::from(u32::try_from(sent).unwrap());
    (sent / appends, appends / took.as_secs_f64())
}
