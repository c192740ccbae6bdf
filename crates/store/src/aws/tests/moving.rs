//! From a folder to a table and back: the same journal with every byte, whatever is interrupted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use journal::Receipt;
use journal::key::LogKey;
use journal::receipt::{Proved, ReceiptTerms};

use super::place::{Place, Servers, servers};
use crate::aws::faulty::{Fault, Network};
use crate::aws::{
    Clients, Dynamo, DynamoOrigin, DynamoTarget, PROMISE_WINDOW_MS, Promiser, Sealer, Settings,
};
use crate::conformance::{attestation, export, genesis, journal_id, stream};
use crate::transfer::tests::{ROTATED, Source, check_retries, copy_whole, rows};
use crate::transfer::{CopyError, Extent, Target as _, copy};
use crate::{Clock, OpenError, Sqlite, SqliteTarget, Store as _};

async fn place(servers: &Servers, source: &Source) -> Place {
    Place {
        clock: source.clock(),
        ..Place::new(servers.clients(&[])).await
    }
}

/// Opens what was copied to a place, to write it.
fn settings(place: &Place) -> Settings {
    let receipt = || journal::key::ReceiptKey::new(&[9; 32]);
    let now_ms = place.clock.wall_ms();
    let terms = ReceiptTerms {
        key: receipt().public(),
        from_ms: now_ms - 1_000,
        until_ms: now_ms + 3_600_000,
    };
    let voucher = log_key().vouch_receipt(terms).unwrap();
    let promiser = Promiser::new(receipt(), voucher, PROMISE_WINDOW_MS);
    Settings {
        promiser: Some(Arc::new(promiser)),
        ..place.settings(&journal_id())
    }
}

fn log_key() -> LogKey {
    LogKey::new(&journal_id(), &ROTATED)
}

async fn target(clients: &Clients, place: &Place) -> Result<DynamoTarget, OpenError> {
    DynamoTarget::open(clients, &place.address, &journal_id()).await
}

async fn move_in(place: &Place, source: &Source) -> Result<(), CopyError> {
    let mut target = target(&place.clients, place).await.unwrap();
    copy_whole(&source.origin(), &mut target).await.map(drop)
}

async fn move_out(place: &Place, to: &std::path::Path) {
    let origin = DynamoOrigin::open(&place.settings(&journal_id()))
        .await
        .unwrap();
    let mut target = SqliteTarget::open(to, &journal_id()).unwrap();
    copy_whole(&origin, &mut target).await.unwrap();
}

fn sealer(place: &Place) -> Sealer {
    let clock = Arc::clone(&place.clock) as Arc<dyn Clock>;
    Sealer::new(
        &place.clients,
        &place.address,
        &journal_id(),
        Arc::new(log_key()),
        clock,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_moves_to_a_table_and_back_has_every_byte() {
    let Some(servers) = servers() else { return };
    let source = Source::new().await;
    let place = place(&servers, &source).await;
    move_in(&place, &source).await.unwrap();

    let moved = Dynamo::open(&settings(&place)).await.unwrap();
    let original = Sqlite::open(source.options(), None, &ROTATED).unwrap();
    assert_eq!(moved.status().await.unwrap().read_only, None);
    assert_eq!(export(&moved).await, export(&original).await);
    assert_eq!(
        moved.heads_at(20).await.unwrap(),
        original.heads_at(20).await.unwrap()
    );
    check_retries(&moved, &source).await;
    drop(original);

    let back = source.path("back");
    move_out(&place, &back).await;
    assert_eq!(rows(&back), rows(&source.folder()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moved_journal_goes_on_and_moves_back_with_what_was_added() {
    let Some(servers) = servers() else { return };
    let source = Source::new().await;
    let place = place(&servers, &source).await;
    move_in(&place, &source).await.unwrap();
    let moved = Dynamo::open(&settings(&place)).await.unwrap();
    let mut added = Vec::new();
    for number in 100..106 {
        place.clock.pass(50);
        let streams = [stream("a"), stream("new")];
        let draft = attestation(number, &streams);
        let appended = moved.append(vec![draft.clone()]).await.unwrap();
        assert!(matches!(appended[0].receipt, Receipt::Promised(_)));
        added.push((draft, appended[0].stored.entry.hash()));
        if number % 2 == 0 {
            sealer(&place).run().await.unwrap();
        }
    }
    // One is not sealed: it would be left behind.
    let to = source.path("back");
    let origin = DynamoOrigin::open(&place.settings(&journal_id()))
        .await
        .unwrap();
    let mut target = SqliteTarget::open(&to, &journal_id()).unwrap();
    let early = copy_whole(&origin, &mut target).await.unwrap_err();
    assert!(matches!(early, CopyError::Waiting(1)), "{early}");
    copy(&origin, &mut target, Extent::SoFar, &mut |_| ())
        .await
        .unwrap();
    drop(target);
    sealer(&place).run().await.unwrap();
    move_out(&place, &to).await;

    let back = Sqlite::open(source.options_of(&to), None, &ROTATED).unwrap();
    assert_eq!(export(&back).await, export(&moved).await);
    check_retries(&back, &source).await;
    for (draft, hash) in added {
        let again = back.append(vec![draft]).await.unwrap();
        assert!(again[0].replayed);
        // The promise stayed behind; what is first proved is returned.
        let Receipt::Proved(Proved { entry, .. }) = &again[0].receipt else {
            panic!("it is proved")
        };
        assert_eq!(*entry, hash);
    }
    back.append(vec![attestation(200, &[stream("a")])])
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_dies_at_any_write_is_gone_on_with() {
    let Some(servers) = servers() else { return };
    let source = Source::new().await;
    let mut writes = 0;
    loop {
        let place = place(&servers, &source).await;
        let network = Network::default();
        let clients = servers.clients_over(&network, &[]);
        let made = Arc::new(AtomicUsize::new(0));
        let (counted, allowed) = (Arc::clone(&made), writes);
        network.add(move |call| {
            let is_write = ["PutItem", "PUT"].contains(&call.action.as_str());
            let dies = is_write && counted.fetch_add(1, Ordering::SeqCst) >= allowed;
            dies.then(|| Fault::error(400, "AccessDeniedException"))
        });
        let mut interrupted = target(&clients, &place).await.unwrap();
        let died = copy_whole(&source.origin(), &mut interrupted)
            .await
            .is_err();
        if !died {
            assert!(writes > 100, "{writes} writes");
            break;
        }
        let opened = Dynamo::open(&place.settings(&journal_id())).await.err();
        assert!(matches!(opened, Some(OpenError::NotFound)), "{opened:?}");
        sealer(&place).run().await.unwrap_err();
        move_in(&place, &source).await.unwrap();
        let back = source.path(&format!("back-{writes}"));
        move_out(&place, &back).await;
        assert_eq!(rows(&back), rows(&source.folder()));
        // Every write near the ends, some of those between, which are of the same sort.
        writes += if writes < 6 { 1 } else { 23 };
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_journal_of_the_same_id_is_not_added_to() {
    let Some(servers) = servers() else { return };
    let mut source = Source::new().await;
    let in_use = place(&servers, &source).await;
    Dynamo::create(&in_use.settings(&journal_id()), genesis(&journal_id()))
        .await
        .unwrap();
    let refused = target(&in_use.clients, &in_use).await.err().unwrap();
    assert!(matches!(refused, OpenError::Exists), "{refused}");

    let begun = place(&servers, &source).await;
    let mut part = target(&begun.clients, &begun).await.unwrap();
    copy(&source.origin(), &mut part, Extent::SoFar, &mut |_| ())
        .await
        .unwrap();
    let before = part.standing().await.unwrap();
    let mut other = Source::new().await;
    other.grow(30..33).await;
    source.grow(40..43).await;
    copy(&source.origin(), &mut part, Extent::SoFar, &mut |_| ())
        .await
        .unwrap();
    let forked = copy_whole(&other.origin(), &mut part).await.unwrap_err();
    assert!(
        matches!(forked, CopyError::Forked { .. } | CopyError::Ahead { .. }),
        "{forked}"
    );
    assert!(part.standing().await.unwrap().size > before.size);

    // A checkpoint outside speaks of a journal that was there.
    let gone = place(&servers, &source).await;
    gone.set_outside(&journal_id(), "something else").await;
    let refused = target(&gone.clients, &gone).await.err().unwrap();
    assert!(matches!(refused, OpenError::OutsideExists), "{refused}");
}
