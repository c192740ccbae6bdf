//! Opening: the right journal, in a format that is known; or a clear refusal that changes nothing.

use super::appending::created;
use super::{Home, Witness, append, attestation, genesis, journal_id, stream};
use crate::{OpenError, OutsideCheckpoint};

/// Same tree, same streams.
pub async fn a_restart_continues_where_it_was(home: &dyn Home) {
    let mut store = created(home).await;
    let mut witness = Witness::of(&*store);
    for number in 0..5 {
        let drafts = (0..30).map(|n| attestation(number * 100 + n, &[stream("a")]));
        witness.keep(&append(&*store, drafts.collect()).await);
        drop(store);
        store = home.open(Some(&journal_id())).await.unwrap();
        assert_eq!(store.status().await.unwrap().outside, OutsideCheckpoint::Continued);
        assert_eq!(store.status().await.unwrap().read_only, None);
    }
    assert_eq!(store.status().await.unwrap().size, 151);
    assert_eq!(home.outside(), store.checkpoint().await.unwrap());
    witness.check(&*store).await;
}

/// And stays empty.
pub async fn a_home_without_a_journal_is_not_opened(home: &dyn Home) {
    let before = home.content().await;
    assert!(matches!(
        home.open(None).await.err(),
        Some(OpenError::NotFound)
    ));
    assert_eq!(home.content().await, before);
}

/// The first one stays.
pub async fn a_journal_is_not_created_twice(home: &dyn Home) {
    let store = created(home).await;
    append(&*store, vec![attestation(1, &[stream("a")])]).await;
    drop(store);
    let journal = journal_id();
    let again = home.create(&journal, genesis(&journal)).await.err();
    assert!(matches!(again, Some(OpenError::Exists)), "{again:?}");
    let store = home.open(Some(&journal)).await.unwrap();
    assert_eq!(store.status().await.unwrap().size, 2);
}

/// Both are named.
pub async fn another_journal_is_refused_untouched(home: &dyn Home) {
    drop(created(home).await);
    let before = home.content().await;
    let other = "trailmark/another".parse().unwrap();
    let error = home.open(Some(&other)).await.err();
    assert!(
        matches!(error, Some(OpenError::OtherJournal { ref expected, ref found })
            if expected == "trailmark/another" && found == "trailmark/conformance"),
        "{error:?}"
    );
    assert_eq!(home.content().await, before);
}

/// Whatever it holds.
pub async fn a_newer_format_is_refused_untouched(home: &dyn Home) {
    drop(created(home).await);
    home.raise_format().await;
    let before = home.content().await;
    let error = home.open(None).await.err();
    assert!(
        matches!(error, Some(OpenError::NewerFormat { found: 2, known: 1 })),
        "{error:?}"
    );
    assert_eq!(home.content().await, before);
}
