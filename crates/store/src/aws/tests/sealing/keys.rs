//! Which key seals: the log's, and after a rotation the next one.

use journal::bundle::Writer;
use journal::kind::KeyRotated;
use journal::verify::{Pin, verify};
use model::StreamName;
use model::kind::Fields as _;

use super::*;

const NEXT: [u8; 32] = [70; 32];

fn rotated(by: [u8; 32], to: [u8; 32]) -> Draft {
    let id = journal_id();
    let new = *LogKey::new(&id, &to).vkey().public();
    let fields: KeyRotated = LogKey::new(&id, &by).vouch(&id, new);
    Draft {
        kind: KeyRotated::kind().unwrap(),
        fields: fields.encode().unwrap(),
        streams: vec![StreamName::admin()],
        payloads: Vec::new(),
        idempotency: None,
        ..attestation(0, &[])
    }
}

#[tokio::test]
async fn a_key_that_is_not_the_logs_seals_nothing() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    let before = journal.content().await;
    let error = is_refused(journal.sealer_with(NEXT).run().await);
    assert!(matches!(error, SealError::OtherKey { .. }), "{error:?}");
    assert_eq!(journal.content().await, before);
    finish(&journal.sealer()).await;
    journal.grow(2).await;
    let before = journal.content().await;
    let error = is_refused(journal.sealer_with(NEXT).run().await);
    assert!(
        error
            .to_string()
            .contains(&LogKey::new(&journal.id(), &SEED).vkey().to_string())
    );
    assert_eq!(journal.content().await, before);
}

#[tokio::test]
async fn the_next_key_seals_from_the_entry_that_names_it() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    journal.grow(2).await;
    journal.place.clock.pass(5);
    journal.append(vec![rotated(SEED, NEXT)]).await;
    journal.grow(2).await;
    // The old key seals up to there, and no further.
    let sealing = journal.sealer().run().await.unwrap();
    assert_eq!((sealing.sealed, sealing.remaining), (5, 5));
    let before = journal.content().await;
    assert!(matches!(
        is_refused(journal.sealer().run().await),
        SealError::OtherKey { .. }
    ));
    assert_eq!(journal.content().await, before);
    let new = journal.sealer_with(NEXT);
    assert_eq!(finish(&new).await.size, 10);
    assert!(matches!(
        is_refused(journal.sealer().run().await),
        SealError::OtherKey { .. }
    ));
    assert_eq!(journal.log().await, journal.hashes());

    let note = journal.store.checkpoint().await.unwrap();
    let mut writer = Writer::journal(Vec::new(), &journal.id(), &note).unwrap();
    for (index, entry) in (0..).zip(&journal.entries) {
        let none: Vec<Option<(&model::Salt, &[u8])>> = vec![None; entry.header().payloads.len()];
        writer.entry(index, entry, none.into_iter()).unwrap();
    }
    let bundle = writer.finish().unwrap();
    let pin = Pin {
        log_key: Some(LogKey::new(&journal.id(), &SEED).vkey().clone()),
        checkpoint: None,
    };
    let report = verify(bundle.as_slice(), &pin).unwrap();
    assert_eq!(report.log_key, *LogKey::new(&journal.id(), &NEXT).vkey());
}

#[tokio::test]
async fn the_next_key_seals_everything_where_the_old_one_did_not_come_to_it() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    journal.append(vec![rotated(SEED, NEXT)]).await;
    journal.grow(1).await;
    assert_eq!(finish(&journal.sealer_with(NEXT)).await.size, 4);
    assert_eq!(journal.log().await, journal.hashes());
}

#[tokio::test]
async fn a_key_that_nobody_vouched_for_seals_nothing() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    finish(&journal.sealer()).await;
    journal.append(vec![rotated(NEXT, NEXT)]).await;
    let before = journal.content().await;
    for seed in [SEED, NEXT] {
        let error = is_refused(journal.sealer_with(seed).run().await);
        assert!(matches!(error, SealError::NotVouched { .. }), "{error:?}");
    }
    assert_eq!(journal.content().await, before);
}
