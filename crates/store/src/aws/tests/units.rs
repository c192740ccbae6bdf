//! What an append costs, as the table counts it, and how often its caller waits.

use journal::Draft;
use model::StreamName;

use super::place::{Place, servers};
use crate::aws::{Dynamo, Settings};
use crate::conformance::{attestation, genesis, journal_id};
use crate::{Direction, Store as _};

/// An attestation of an artifact in a trail, with a header of about 800 bytes and no payload.
fn typical(number: u64) -> Draft {
    let streams: [StreamName; 2] = [
        format!("artifact/{}", "9f".repeat(32)).parse().unwrap(),
        "trail/payments/PAY-1234-build-and-test".parse().unwrap(),
    ];
    let fields = format!("{{\"number\":{number},\"text\":\"{}\"}}", "x".repeat(330));
    Draft {
        fields: serde_json::value::RawValue::from_string(fields).unwrap(),
        payloads: Vec::new(),
        ..attestation(number, &streams)
    }
}

fn larger(draft: Draft) -> Draft {
    let fields = format!("{{\"text\":\"{}\"}}", "x".repeat(900));
    Draft {
        fields: serde_json::value::RawValue::from_string(fields).unwrap(),
        ..draft
    }
}

async fn opened(place: &Place) -> Dynamo {
    let journal = journal_id();
    let settings = Settings {
        look_every_ms: 10_000,
        ..place.settings(&journal)
    };
    Dynamo::create(&settings, genesis(&journal))
        .await
        .unwrap()
        .0
}

#[tokio::test]
async fn an_attestation_in_two_streams_takes_six_units_and_two_for_the_sealer() {
    let Some(servers) = servers() else { return };
    let place = Place::new(servers.clients(&[])).await;
    let store = opened(&place).await;
    store.append(vec![typical(1)]).await.unwrap();
    place.clients.meter().take();
    let appended = store.append(vec![typical(2)]).await.unwrap();
    let usage = place.clients.meter().take();
    let header = appended[0].stored.entry.bytes().len();
    assert!((750..=800).contains(&header), "{header} bytes");
    // Two links, a key and the batch: one unit each. DynamoDB counts each twice in a transaction, and the local one once.
    assert!(usage.write_units == 4.0, "{usage:?}");
    // It does count kilobytes.
    store.append(vec![larger(typical(3))]).await.unwrap();
    let usage = place.clients.meter().take();
    assert!(usage.write_units == 6.0, "{usage:?}");
}

#[tokio::test]
async fn an_append_takes_two_round_trips_and_a_replay_three() {
    let Some(servers) = servers() else { return };
    let place = Place::new(servers.clients(&[])).await;
    let store = opened(&place).await;
    // The first append compares the table with the checkpoint outside.
    store.append(vec![typical(1)]).await.unwrap();
    place.clients.meter().take();
    let with_payload = attestation(2, &typical(2).streams);
    store.append(vec![with_payload.clone()]).await.unwrap();
    let appended = place.clients.meter().take();
    assert_eq!(appended.rounds, 2, "{appended:?}");
    assert!(store.append(vec![with_payload]).await.unwrap()[0].replayed);
    let replayed = place.clients.meter().take();
    assert_eq!(replayed.rounds, 3, "{replayed:?}");
    store
        .range(&typical(1).streams[0], 0, 100, Direction::Forward)
        .await
        .unwrap();
    let read = place.clients.meter().take();
    assert_eq!((read.rounds, read.calls), (1, 1), "{read:?}");
}
