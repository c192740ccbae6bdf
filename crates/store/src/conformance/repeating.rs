//! Repeating: the same key and content return the first receipt, for ever; other content is a conflict.

use std::sync::Arc;

use journal::{Draft, Idempotency};
use model::Class;

use super::appending::created;
use super::{Home, Witness, append, attestation, stream};
use crate::AppendError;

fn with_other_content(draft: Draft) -> Draft {
    let key = draft.idempotency.unwrap().key;
    Draft {
        idempotency: Some(Idempotency {
            key,
            content: [9; 32],
        }),
        ..draft
    }
}

/// To the byte, although the log has grown.
pub async fn a_replayed_draft_returns_the_first_receipt(home: &dyn Home) {
    let store = created(home).await;
    let a = [stream("a")];
    let first = append(&*store, vec![attestation(1, &a)]).await;
    for number in 2..300 {
        append(&*store, vec![attestation(number, &a)]).await;
    }
    let again = append(&*store, vec![attestation(1, &a)]).await;
    assert!(again[0].replayed);
    assert_eq!(again[0].stored.index, first[0].stored.index);
    assert_eq!(again[0].stored.entry.bytes(), first[0].stored.entry.bytes());
    assert_eq!(again[0].receipt, first[0].receipt);
    assert_eq!(store.status().await.unwrap().size, 300);
}

/// For ever means also then.
pub async fn a_replayed_draft_returns_the_first_receipt_after_a_restart(home: &dyn Home) {
    let store = created(home).await;
    let a = [stream("a")];
    let first = append(&*store, vec![attestation(1, &a), attestation(2, &a)]).await;
    append(&*store, vec![attestation(3, &a)]).await;
    drop(store);
    let store = home.open(None).await.unwrap();
    let again = append(&*store, vec![attestation(2, &a)]).await;
    assert_eq!(again[0].receipt, first[1].receipt);
    assert_eq!(store.status().await.unwrap().size, 4);
}

/// And says which draft of the batch it is.
pub async fn a_key_with_other_content_is_a_conflict(home: &dyn Home) {
    let store = created(home).await;
    let a = [stream("a")];
    append(&*store, vec![attestation(1, &a)]).await;
    let other = with_other_content(attestation(1, &a));
    let error = store
        .append(vec![attestation(2, &a), other])
        .await
        .unwrap_err();
    assert!(matches!(error, AppendError::KeyReused { place: 1 }));
    assert_eq!(error.class(), Class::Conflict);
    let within = vec![
        attestation(3, &a),
        attestation(4, &a),
        with_other_content(attestation(3, &a)),
    ];
    let error = store.append(within).await.unwrap_err();
    assert!(matches!(error, AppendError::KeyReused { place: 2 }));
    assert_eq!(store.status().await.unwrap().size, 2);
}

/// Those present are returned, the rest is appended.
pub async fn a_batch_appends_what_is_new_and_returns_what_is_known(home: &dyn Home) {
    let store = created(home).await;
    let a = [stream("a")];
    let first = append(&*store, vec![attestation(1, &a)]).await;
    let mixed = append(
        &*store,
        vec![
            attestation(2, &a),
            attestation(1, &a),
            attestation(3, &a),
        ],
    )
    .await;
    let replayed: Vec<bool> = mixed.iter().map(|one| one.replayed).collect();
    assert_eq!(replayed, [false, true, false]);
    assert_eq!(mixed[1].receipt, first[0].receipt);
    assert_eq!(store.status().await.unwrap().size, 4);
    let mut witness = Witness::of(&*store);
    witness.keep(&mixed);
    witness.check(&*store).await;
}

/// The second is a repetition of the first.
pub async fn a_key_twice_in_one_batch_is_one_entry(home: &dyn Home) {
    let store = created(home).await;
    let a = [stream("a")];
    let both = append(&*store, vec![attestation(1, &a), attestation(1, &a)]).await;
    assert_eq!((both[0].replayed, both[1].replayed), (false, true));
    assert_eq!(both[0].receipt, both[1].receipt);
    assert_eq!(store.status().await.unwrap().size, 2);
}

/// Whoever comes first.
pub async fn callers_who_repeat_each_other_get_one_entry(home: &dyn Home) {
    let store = created(home).await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let draft = attestation(1, &[stream("a")]);
            append(&*store, vec![draft]).await.remove(0)
        });
    }
    let appended = callers.join_all().await;
    assert_eq!(appended.iter().filter(|one| !one.replayed).count(), 1);
    assert!(appended.iter().all(|one| one.receipt == appended[0].receipt));
    assert_eq!(store.status().await.unwrap().size, 2);
}

/// See the name.
pub async fn what_a_key_was_used_for_is_found_without_its_draft(home: &dyn Home) {
    let store = created(home).await;
    let draft = attestation(1, &[stream("a")]);
    let mut used = draft.idempotency.unwrap();
    assert!(store.repeated(&used).await.unwrap().is_none());
    let first = append(&*store, vec![draft]).await.remove(0);
    let found = store.repeated(&used).await.unwrap().unwrap();
    assert!(found.replayed);
    assert_eq!(found.stored.entry.hash(), first.stored.entry.hash());
    used.content = [0; 32];
    let other = store.repeated(&used).await;
    assert!(
        matches!(other, Err(AppendError::KeyReused { place: 0 })),
        "{other:?}"
    );
}
