//! The monitor: it finds what is missing, names it, and says nothing where nothing is.

use super::sealing::{Journal, finish};
use crate::Clock as _;
use crate::aws::{Finding, Monitor, Watched};
use crate::conformance::{attestation, stream};

const DAYS_MS: u64 = 2 * 24 * 3_600_000;

async fn look(journal: &Journal) -> Watched {
    let place = &journal.place;
    let now_ms = place.clock.wall_ms();
    let monitor = Monitor::new(&place.clients, &place.address, &journal.id());
    monitor.look(now_ms - DAYS_MS, now_ms).await.unwrap()
}

#[tokio::test]
async fn nothing_is_found_where_all_is_well() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    let watched = look(&journal).await;
    assert_eq!(
        (watched.size, watched.waiting, watched.findings),
        (0, 1, Vec::new())
    );
    for _ in 0..4 {
        journal.grow(3).await;
        finish(&journal.sealer()).await;
        journal.place.clock.pass(4 * 3_600_000);
    }
    journal.grow(1).await;
    let watched = look(&journal).await;
    assert_eq!(
        (
            watched.size,
            watched.entries,
            watched.waiting,
            watched.seals
        ),
        (25, 27, 2, 4)
    );
    assert_eq!(watched.findings, []);
}

#[tokio::test]
async fn an_entry_that_missed_its_time_is_named() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    finish(&journal.sealer()).await;
    let promised_ms = journal.place.clock.wall_ms() + crate::aws::PROMISE_WINDOW_MS;
    journal.append(vec![attestation(1, &[stream("a")])]).await;
    journal.place.clock.pass(11 * 60 * 1000);
    let missed = Finding::Missed {
        entry: journal.entries[1].hash(),
        stream: stream("a"),
        seq: 0,
        promised_ms,
        late_ms: 60_000,
    };
    assert_eq!(look(&journal).await.findings, [missed]);
    finish(&journal.sealer()).await;
    assert_eq!(look(&journal).await.findings, []);
}

#[tokio::test]
async fn what_is_missing_of_seals_is_found() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    for _ in 0..4 {
        journal.grow(1).await;
        finish(&journal.sealer()).await;
    }
    let (place, id) = (&journal.place, journal.id());
    let note = place.outside(&id).await;
    let number = |finding: &Finding| serde_json::to_value(finding).unwrap();

    place.set_outside(&id, "").await;
    assert_eq!(look(&journal).await.findings, [Finding::CheckpointMissing]);
    place.set_outside(&id, &note.replace('1', "2")).await;
    let found = look(&journal).await.findings;
    assert!(
        matches!(&*found, [Finding::Contradicted { .. }]),
        "{found:?}"
    );
    place.set_outside(&id, &note).await;

    let stray = place.clients.s3.put_object().bucket(&place.address.bucket);
    let key = format!("staged/{:016}-{}", 2, "00".repeat(32));
    stray
        .key(format!("{id}/{key}"))
        .body(Vec::new().into())
        .send()
        .await
        .unwrap();
    assert_eq!(
        look(&journal).await.findings,
        [Finding::Stray {
            object: key.clone()
        }]
    );

    // As only an administrator of the table could do it.
    let hash = journal.entries[4].hash();
    for (pk, sk) in [
        (format!("{id}#h#{hash}"), "-".to_owned()),
        (format!("{id}#c"), format!("{:016}", 1)),
    ] {
        let text = aws_sdk_dynamodb::types::AttributeValue::S;
        let gone = place
            .clients
            .dynamodb
            .delete_item()
            .table_name(&place.address.table);
        gone.key("pk", text(pk))
            .key("sk", text(sk))
            .send()
            .await
            .unwrap();
    }
    let found: Vec<_> = look(&journal).await.findings.iter().map(number).collect();
    let named = |name: &str| {
        found
            .iter()
            .filter(|found| found["finding"] == name)
            .count()
    };
    assert_eq!(
        (named("seal-missing"), named("misplaced")),
        (1, 1),
        "{found:?}"
    );
    assert_eq!(named("stray"), 2, "{found:?}");
}
