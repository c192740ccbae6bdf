//! Reading: ranges, payloads, entries, lists, and all of it as of a time or a size.

use model::limits::INTEGER_MAX;
use model::{EntryHash, PayloadDigest, StreamName};

use super::appending::created;
use super::{Home, append, attestation, stream};
use crate::{Direction, Stored};

fn seqs(found: &[Stored], of: &StreamName) -> Vec<u64> {
    found
        .iter()
        .map(|stored| stored.entry.header().link(of).unwrap().seq)
        .collect()
}

/// Absence is an answer.
pub async fn what_is_absent_is_empty(home: &dyn Home) {
    let store = created(home).await;
    let nothing = stream("nothing");
    let (hash, digest) = (EntryHash([1; 32]), PayloadDigest([2; 32]));
    assert_eq!(store.head(&nothing).await.unwrap(), None);
    for direction in [Direction::Forward, Direction::Backward] {
        let found = store.range(&nothing, 0, 10, direction).await.unwrap();
        assert!(found.is_empty());
    }
    assert_eq!(store.as_of(&nothing, u64::MAX).await.unwrap(), None);
    assert!(store.entry(&hash).await.unwrap().is_none());
    assert!(store.receipt(&hash).await.unwrap().is_none());
    assert_eq!(store.payloads(&[digest]).await.unwrap(), [None]);
    assert!(store.entries(1, 10).await.unwrap().is_empty());
    assert_eq!(store.consistency(0).await.unwrap(), None);
    assert_eq!(store.consistency(2).await.unwrap(), None);
    assert!(store.streams("trail/", None, 10).await.unwrap().is_empty());
    assert_eq!(store.heads_at(0).await.unwrap(), []);
}

/// With both ends, and pages.
pub async fn a_range_is_read_both_ways(home: &dyn Home) {
    let store = created(home).await;
    let a = stream("a");
    for number in 0..20 {
        let beside = stream(&format!("b{number}"));
        append(&*store, vec![attestation(number, &[beside, a.clone()])]).await;
    }
    let cases: [(u64, usize, Direction, Vec<u64>); 7] = [
        (0, 100, Direction::Forward, (0..20).collect()),
        (5, 3, Direction::Forward, vec![5, 6, 7]),
        (19, 3, Direction::Forward, vec![19]),
        (20, 3, Direction::Forward, vec![]),
        (INTEGER_MAX, 3, Direction::Backward, vec![19, 18, 17]),
        (2, 100, Direction::Backward, vec![2, 1, 0]),
        (5, 0, Direction::Backward, vec![]),
    ];
    for (from, limit, direction, expected) in cases {
        let found = store.range(&a, from, limit, direction).await.unwrap();
        assert_eq!(seqs(&found, &a), expected, "from {from}, {direction:?}");
    }
}

/// Each with its own salt, in the order asked for.
pub async fn payloads_are_found_by_their_digests(home: &dyn Home) {
    let store = created(home).await;
    let drafts: Vec<_> = (0..5).map(|n| attestation(n, &[stream("a")])).collect();
    append(&*store, drafts.clone()).await;
    let mut digests: Vec<_> = drafts
        .iter()
        .map(|draft| draft.payloads[0].reference().digest)
        .collect();
    digests.reverse();
    digests.insert(1, PayloadDigest([0; 32]));
    let found = store.payloads(&digests).await.unwrap();
    assert_eq!(found.len(), 6);
    assert_eq!(found[1], None);
    let first = found[5].as_ref().unwrap();
    assert_eq!(first.bytes, drafts[0].payloads[0].bytes);
    assert_eq!(first.salt, drafts[0].payloads[0].salt);
}

/// The same entry, either way.
pub async fn entries_are_found_by_hash_and_by_index(home: &dyn Home) {
    let store = created(home).await;
    let drafts: Vec<_> = (0..30).map(|n| attestation(n, &[stream("a")])).collect();
    let appended = append(&*store, drafts).await;
    let page = store.entries(10, 5).await.unwrap();
    let indexes: Vec<u64> = page.iter().filter_map(|stored| stored.index).collect();
    assert_eq!(indexes, [10, 11, 12, 13, 14]);
    for one in &appended {
        let hash = one.stored.entry.hash();
        let found = store.entry(&hash).await.unwrap().unwrap();
        assert_eq!(found.index, one.stored.index);
        assert_eq!(found.entry.bytes(), one.stored.entry.bytes());
    }
}

/// At the moment, between two, before the first, after the last; several at one moment.
pub async fn as_of_finds_the_last_entry_recorded_by_then(home: &dyn Home) {
    let store = created(home).await;
    let a = [stream("a")];
    let mut times = Vec::new();
    for number in 0..100 {
        if number % 3 != 0 {
            home.clock().pass(10);
        }
        let appended = append(&*store, vec![attestation(number, &a)]).await;
        times.push(appended[0].stored.entry.header().recorded_ms);
    }
    for at in times[0] - 1..=times[99] + 1 {
        let expected = times.iter().rposition(|time| *time <= at);
        let found = store.as_of(&a[0], at).await.unwrap();
        assert_eq!(found, expected.map(|seq| seq as u64), "at {at}");
    }
    assert_eq!(store.as_of(&a[0], u64::MAX).await.unwrap(), Some(99));
}

/// By name, each once.
pub async fn streams_are_listed_by_prefix_page_by_page(home: &dyn Home) {
    let store = created(home).await;
    let names = ["b2", "a", "b10", "b1", "c", "b"];
    for (number, name) in (0..).zip(names) {
        append(&*store, vec![attestation(number, &[stream(name)])]).await;
    }
    append(&*store, vec![attestation(9, &[stream("b1")])]).await;
    let mut found = Vec::new();
    let mut after: Option<StreamName> = None;
    loop {
        let page = store
            .streams("trail/flow/b", after.as_ref(), 2)
            .await
            .unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        found.extend(page);
    }
    let listed: Vec<&StreamName> = found.iter().map(|(name, _)| name).collect();
    let expected = ["b", "b1", "b10", "b2"].map(stream);
    assert_eq!(listed, expected.iter().collect::<Vec<_>>());
    assert_eq!(found[1].1.seq, 1);
    assert_eq!(store.streams("", None, 100).await.unwrap().len(), 7);
    assert!(store.streams("zebra", None, 100).await.unwrap().is_empty());
}

/// As if the log had ended there.
pub async fn heads_are_known_for_every_size_of_the_log(home: &dyn Home) {
    let store = created(home).await;
    let mut expected = vec![store.heads_at(1).await.unwrap()];
    assert_eq!(expected[0].len(), 1);
    for number in 0..20 {
        let one = stream(&format!("s{}", number % 3));
        append(&*store, vec![attestation(number, &[one, stream("all")])]).await;
        let heads = store.heads_at(store.status().await.unwrap().size).await.unwrap();
        let listed = store.streams("", None, 100).await.unwrap();
        assert_eq!(heads, listed);
        expected.push(heads);
    }
    for (size, heads) in (1..).zip(&expected) {
        assert_eq!(store.heads_at(size).await.unwrap(), *heads, "size {size}");
    }
    let names: Vec<StreamName> = expected[20].iter().map(|(name, _)| name.clone()).collect();
    let heads = store.heads(&names).await.unwrap();
    let expected: Vec<_> = expected[20].iter().map(|(_, head)| Some(*head)).collect();
    assert_eq!(heads, expected);
}
