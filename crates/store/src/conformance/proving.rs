//! Proving: receipts, consistency and tiles, as the journal crate and other people's tools check them.

use journal::Receipt;
use journal::kind::Heads;
use journal::map::Map;
use journal::note::Checkpoint;
use journal::tree::{node_hash, verify_consistency};
use model::{Root, StreamName};

use super::appending::created;
use super::draft::draft;
use super::{Home, Witness, append, attestation, stream};
use crate::Store;

async fn with_entries(home: &dyn Home, count: u64) -> std::sync::Arc<dyn Store> {
    let store = created(home).await;
    let drafts: Vec<_> = (0..count).map(|n| attestation(n, &[stream("a")])).collect();
    for batch in drafts.chunks(40) {
        append(&*store, batch.to_vec()).await;
    }
    store
}

/// At every size, also against the newest checkpoint.
pub async fn every_receipt_verifies_and_so_does_the_whole_journal(home: &dyn Home) {
    let store = created(home).await;
    let mut witness = Witness::of(&*store);
    for number in 0..70 {
        let appended = append(&*store, vec![attestation(number, &[stream("a")])]).await;
        witness.keep(&appended);
    }
    witness.check(&*store).await;
    for stored in store.entries(0, 100).await.unwrap() {
        let hash = stored.entry.hash();
        let Receipt::Proved(proved) = store.receipt(&hash).await.unwrap().unwrap() else {
            panic!("what is sealed is only promised")
        };
        let checkpoint = proved.verify(&hash, witness.log()).unwrap();
        assert_eq!(checkpoint.size, 71);
    }
}

/// From each size that was once signed.
pub async fn every_older_log_is_proved_to_be_continued(home: &dyn Home) {
    let store = created(home).await;
    let log = Witness::of(&*store).log().clone();
    let mut older = Vec::new();
    for number in 0..40 {
        append(&*store, vec![attestation(number, &[stream("a")])]).await;
        let note = store.checkpoint().await.unwrap();
        older.push(Checkpoint::open(&note, &log).unwrap());
    }
    for then in &older {
        let proved = store.consistency(then.size).await.unwrap().unwrap();
        let now = Checkpoint::open(&proved.checkpoint, &log).unwrap();
        assert_eq!(now.size, 41);
        verify_consistency(then.size, now.size, &proved.proof, &then.root, &now.root).unwrap();
    }
}

/// Full ones, partial ones, and the level above.
pub async fn tiles_hold_the_hashes_of_the_tree(home: &dyn Home) {
    let store = with_entries(home, 299).await;
    let hashes: Vec<_> = store
        .entries(0, 300)
        .await
        .unwrap()
        .iter()
        .map(|stored| stored.entry.hash().0)
        .collect();
    let full = store.tile(0, 0, 256).await.unwrap().unwrap();
    assert_eq!(full, hashes[..256].concat());
    let partial = store.tile(0, 1, 44).await.unwrap().unwrap();
    assert_eq!(partial, hashes[256..].concat());
    let above = store.tile(1, 0, 1).await.unwrap().unwrap();
    assert_eq!(above, root(&hashes[..256]).0);
    for (level, index, width) in [(0, 1, 45), (1, 0, 2), (2, 0, 1), (0, 2, 1), (0, 0, 257), (200, 0, 1)] {
        let tile = store.tile(level, index, width).await.unwrap();
        assert_eq!(tile, None, "tile {level}/{index} of {width}");
    }
    assert_eq!(store.tile(0, u64::MAX, 1).await.unwrap(), None);
    assert_eq!(store.tile(0, 0, 0).await.unwrap(), None);
}

/// What a store says of all streams is what the verifier finds, also when entries came in between.
pub async fn heads_entries_say_what_the_verifier_finds(home: &dyn Home) {
    let store = created(home).await;
    for round in 0..4 {
        let drafts = (0..20).map(|number| {
            let number = round * 100 + number;
            attestation(number, &[stream("all"), stream(&format!("of-{number}"))])
        });
        append(&*store, drafts.collect()).await;
        let size = store.status().await.unwrap().size;
        append(&*store, vec![attestation(round * 100 + 50, &[stream("all")])]).await;
        let heads = store.heads_at(size).await.unwrap();
        let mut map: Map = heads
            .iter()
            .map(|(stream, head)| (stream, head.seq, head.hash))
            .collect();
        let fields = Heads {
            root: map.root(),
            size,
            streams: map.streams(),
        };
        append(&*store, vec![draft(&fields, vec![StreamName::heads()])]).await;
    }
    Witness::of(&*store).check(&*store).await;
}

fn root(hashes: &[[u8; 32]]) -> Root {
    match hashes {
        [one] => Root(*one),
        several => {
            let (left, right) = several.split_at(several.len() / 2);
            node_hash(&root(left), &root(right))
        }
    }
}
