//! Limits of the services: pages, keys left out, large items and large payloads.

use journal::Draft;
use model::Payload;
use model::limits::INTEGER_MAX;
use serde_json::{Value, json};

use super::place::{Place, servers};
use crate::aws::Dynamo;
use crate::aws::faulty::{Fault, Network};
use crate::aws::layout::{Key, PAYLOAD_ITEM_BYTES_MAX};
use crate::aws::table::Table;
use crate::conformance::{attestation, genesis, journal_id, stream};
use crate::{Direction, Store as _};

fn with_fields(draft: Draft, bytes: usize) -> Draft {
    let fields = format!("{{\"filler\":\"{}\"}}", "x".repeat(bytes));
    Draft {
        fields: serde_json::value::RawValue::from_string(fields).unwrap(),
        ..draft
    }
}

#[tokio::test]
async fn a_range_goes_on_over_pages_of_a_megabyte() {
    let Some(servers) = servers() else { return };
    let place = Place::new(servers.clients(&[])).await;
    let journal = journal_id();
    let settings = place.settings(&journal);
    let (store, _) = Dynamo::create(&settings, genesis(&journal)).await.unwrap();
    let a = stream("a");
    let drafts =
        (0..343).map(|number| with_fields(attestation(number, std::slice::from_ref(&a)), 3_300));
    let drafts: Vec<_> = drafts.collect();
    for batch in drafts.chunks(49) {
        store.append(batch.to_vec()).await.unwrap();
    }
    place.clients.meter().take();
    let forward = store.range(&a, 0, 1_000, Direction::Forward).await.unwrap();
    let pages = place.clients.meter().take().requests;
    assert!(pages >= 2, "{pages} pages");
    let backward = store
        .range(&a, INTEGER_MAX, 1_000, Direction::Backward)
        .await
        .unwrap();
    assert_eq!(forward.len(), 343);
    let hashes =
        |found: &[crate::Stored]| -> Vec<_> { found.iter().map(|one| one.entry.hash()).collect() };
    let mut reversed = hashes(&backward);
    reversed.reverse();
    assert_eq!(hashes(&forward), reversed);
}

#[tokio::test]
async fn keys_that_the_service_leaves_out_are_asked_for_again() {
    let Some(servers) = servers() else { return };
    let place = Place::new(servers.clients(&[])).await;
    let key = |number: usize| Key {
        pk: format!("{}#{number}", journal_id()),
        sk: "-".to_owned(),
    };
    for number in 0..150 {
        place.put(&place.address.table, key(number).item()).await;
    }
    // It reads nothing, and then twice the first of what it is asked for.
    let network = Network::default();
    let name = place.address.table.clone();
    let mut left = 3;
    network.add(move |call| {
        if call.action != "BatchGetItem" || left == 0 {
            return None;
        }
        left -= 1;
        let request: Value = serde_json::from_str(&call.body).unwrap();
        let mut keys = request["RequestItems"][&name]["Keys"]
            .as_array()
            .unwrap()
            .clone();
        let read = if left == 2 {
            Vec::new()
        } else {
            vec![keys.remove(0)]
        };
        let answer = json!({
            "Responses": { name.clone(): read },
            "UnprocessedKeys": { name.clone(): { "Keys": keys, "ConsistentRead": true } },
        });
        Some(Fault::Answered(200, answer.to_string()))
    });
    let clients = servers.clients_over(&network, &[]);
    let table = Table::new(&clients, &place.address.table);
    let found = table.get_all((0..250).map(key).collect()).await.unwrap();
    assert_eq!(found.len(), 150);
    // Of 250 keys, a hundred at once, three times less than asked for.
    assert_eq!(network.take_calls().len(), 6);
}

#[tokio::test]
async fn small_payloads_are_items_and_large_ones_objects() {
    let Some(servers) = servers() else { return };
    let place = Place::new(servers.clients(&[])).await;
    let journal = journal_id();
    let settings = place.settings(&journal);
    let (store, _) = Dynamo::create(&settings, genesis(&journal)).await.unwrap();
    let mut draft = attestation(1, &[stream("a")]);
    let [first] = draft.payloads.as_slice() else {
        panic!("it has one payload")
    };
    let sizes = [
        0,
        PAYLOAD_ITEM_BYTES_MAX,
        PAYLOAD_ITEM_BYTES_MAX + 1,
        4 * 1024 * 1024,
    ];
    draft.payloads = sizes
        .map(|size| Payload {
            bytes: vec![b' '; size],
            ..first.clone()
        })
        .to_vec();
    let digests: Vec<_> = draft
        .payloads
        .iter()
        .map(|payload| payload.reference().digest)
        .collect();
    store.append(vec![draft.clone()]).await.unwrap();
    let found = store.payloads(&digests).await.unwrap();
    for (payload, stored) in draft.payloads.iter().zip(found) {
        let stored = stored.unwrap();
        assert_eq!((&stored.bytes, stored.salt), (&payload.bytes, payload.salt));
    }
    let listed = place
        .clients
        .s3
        .list_objects_v2()
        .bucket(&place.address.bucket);
    let listed = listed.send().await.unwrap();
    let mut objects: Vec<_> = listed
        .contents()
        .iter()
        .filter_map(|object| object.key())
        .collect();
    objects.sort_unstable();
    let mut expected: Vec<_> = digests[2..]
        .iter()
        .map(|digest| format!("{journal}/p/{digest}"))
        .collect();
    expected.sort_unstable();
    assert_eq!(objects, expected);
}

#[tokio::test]
async fn a_full_batch_of_long_names_and_headers_is_one_transaction() {
    let Some(servers) = servers() else { return };
    let place = Place::new(servers.clients(&[])).await;
    let journal = journal_id();
    let settings = place.settings(&journal);
    let (store, _) = Dynamo::create(&settings, genesis(&journal)).await.unwrap();
    let name =
        |number: u64, link: u64| format!("trail/{0}/{0:.>0$}{number}.{link}", 60).replace('.', "x");
    let drafts = (0..11).map(|number| {
        let streams = (0..8).map(|link| {
            name(number, link)[..120.min(name(number, link).len())]
                .parse()
                .unwrap()
        });
        with_fields(attestation(number, &streams.collect::<Vec<_>>()), 1_000)
    });
    let drafts: Vec<_> = drafts.collect();
    assert_eq!(
        drafts
            .iter()
            .map(|draft| 1 + draft.streams.len())
            .sum::<usize>(),
        99
    );
    let appended = store.append(drafts).await.unwrap();
    assert_eq!(appended.len(), 11);
}
