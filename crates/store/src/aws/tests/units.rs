//! What an append costs, by the sizes of its items, and how often its caller waits.

use aws_sdk_dynamodb::types::AttributeValue;
use journal::Draft;
use model::StreamName;

use super::place::{Place, servers};
use crate::aws::layout::Item;
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
    let before = place.items(&place.address.table).await;
    let appended = store.append(vec![typical(2)]).await.unwrap();
    let header = appended[0].stored.entry.bytes().len();
    assert!((750..=800).contains(&header), "{header} bytes");
    let mut items = place.items(&place.address.table).await;
    items.retain(|item| !before.contains(item));
    assert_eq!(items.len(), 4);
    let is_batch = |item: &Item| item["pk"].as_s().is_ok_and(|pk| pk.contains("#q#"));
    let units = |batch: bool| {
        let chosen = items.iter().filter(|item| is_batch(item) == batch);
        chosen.map(transacted_units).sum::<usize>()
    };
    assert_eq!((units(false), units(true)), (6, 2), "{items:?}");
}

/// What a transaction is billed for putting an item: two units for each kilobyte. The local service counts otherwise, so
/// it is counted by the rules that DynamoDB's guide gives for the sizes of items.
fn transacted_units(item: &Item) -> usize {
    let bytes: usize = item
        .iter()
        .map(|(name, value)| name.len() + value_bytes(value))
        .sum();
    2 * bytes.div_ceil(1024)
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        AttributeValue::L(values) => {
            3 + values
                .iter()
                .map(|value| 1 + value_bytes(value))
                .sum::<usize>()
        }
        AttributeValue::M(fields) => {
            let field =
                |(name, value): (&String, &AttributeValue)| 1 + name.len() + value_bytes(value);
            3 + fields.iter().map(field).sum::<usize>()
        }
        other => panic!("items of ours hold no {other:?}"),
    }
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
