//! A new key in the place of the log's: what the old one signed holds, and the journal opens with one of the two.

use journal::key::{LogKey, PermitKey, Seed};

use super::tests::SqliteHome;
use super::{Options, Sqlite};
use crate::conformance::{Home as _, SEED, Witness, attestation, genesis, journal_id, stream};
use crate::{
    AppendError, Appended, OpenError, OutsideCheckpoint, ReadOnlyReason, Store as _, key_chain,
};

const SECOND: Seed = [21; 32];
const THIRD: Seed = [22; 32];

fn log_key(seed: &Seed) -> LogKey {
    LogKey::new(&journal_id(), seed)
}

async fn created(home: &SqliteHome) -> (Sqlite, Witness) {
    let journal = journal_id();
    let (store, first) = Sqlite::create(home.options(), &journal, &SEED, genesis(&journal))
        .await
        .unwrap();
    let mut witness = Witness::of(&store);
    witness.keep([&first]);
    (store, witness)
}

async fn append(store: &Sqlite, number: u64) -> Vec<Appended> {
    let draft = attestation(number, &[stream("a")]);
    store.append(vec![draft]).await.unwrap()
}

async fn rotate(store: &Sqlite, witness: &mut Witness, seed: &Seed) {
    let appended = store.rotate_log_key(seed).await.unwrap();
    witness.follow(log_key(seed).vkey().clone());
    witness.keep([&appended]);
}

fn reopened(home: &SqliteHome, store: Sqlite, seed: &Seed) -> Sqlite {
    drop(store);
    Sqlite::open(home.options(), None, seed).unwrap()
}

#[tokio::test]
async fn a_new_key_signs_from_its_own_entry_on_and_what_the_old_one_signed_holds() {
    let home = SqliteHome::new();
    let (store, mut witness) = created(&home).await;
    let before = append(&store, 1).await;
    witness.keep(&before);
    rotate(&store, &mut witness, &SECOND).await;
    witness.keep(&append(&store, 2).await);
    let store = reopened(&home, store, &SECOND);
    witness.keep(&append(&store, 3).await);
    rotate(&store, &mut witness, &THIRD).await;
    witness.keep(&append(&store, 4).await);
    let store = reopened(&home, store, &THIRD);
    assert_eq!(store.status().await.unwrap().read_only, None);
    assert_eq!(
        store.status().await.unwrap().outside,
        OutsideCheckpoint::Continued
    );

    let report = witness.check(&store).await;
    assert_eq!(report.size, 7);
    let again = append(&store, 1).await;
    assert!(again[0].replayed);
    assert_eq!(again[0].receipt, before[0].receipt);
    // Asked for anew, the old entry is proved in a tree that the newest key signed.
    let hash = before[0].stored.entry.hash();
    let receipt = store.receipt(&hash).await.unwrap().unwrap();
    receipt.verify(&hash, log_key(&THIRD).vkey()).unwrap();
    let keys = key_chain(&store).await.unwrap();
    assert!(
        keys.logs().eq([&THIRD, &SECOND, &SEED]
            .map(|seed| log_key(seed).vkey().clone())
            .iter())
    );
}

#[tokio::test]
async fn only_the_newest_key_opens_the_journal_and_another_leaves_it_untouched() {
    let home = SqliteHome::new();
    let (store, mut witness) = created(&home).await;
    rotate(&store, &mut witness, &SECOND).await;
    drop(store);
    let before = home.content().await;
    for seed in [&SEED, &THIRD] {
        let refused = Sqlite::open(home.options(), None, seed).err().unwrap();
        assert!(matches!(refused, OpenError::OtherKey(_)), "{refused}");
    }
    assert_eq!(home.content().await, before);
    Sqlite::open(home.options(), None, &SECOND).unwrap();
}

#[tokio::test]
async fn a_checkpoint_outside_that_an_older_key_signed_is_continued_or_contradicted_as_any() {
    let home = SqliteHome::new();
    let (store, mut witness) = created(&home).await;
    append(&store, 1).await;
    let older = home.outside();
    rotate(&store, &mut witness, &SECOND).await;
    drop(store);
    // As after dying before the new one was written.
    home.set_outside(&older);
    let store = Sqlite::open(home.options(), None, &SECOND).unwrap();
    assert_eq!(
        store.status().await.unwrap().outside,
        OutsideCheckpoint::Continued
    );
    assert_eq!(home.outside(), store.checkpoint().await.unwrap());
    drop(store);

    let other = SqliteHome::new();
    let (copy, _) = created(&other).await;
    append(&copy, 2).await;
    home.set_outside(&copy.checkpoint().await.unwrap());
    let store = Sqlite::open(home.options(), None, &SECOND).unwrap();
    assert_eq!(
        store.status().await.unwrap().read_only,
        Some(ReadOnlyReason::Forked { outside: 2 })
    );
}

#[tokio::test]
async fn a_rotation_that_is_not_written_leaves_the_old_key_in_its_place() {
    let home = SqliteHome::new();
    let (store, mut witness) = created(&home).await;
    home.set_outside("something else");
    let refused = store.rotate_log_key(&SECOND).await.unwrap_err();
    assert!(matches!(refused, AppendError::ReadOnly(_)), "{refused}");
    drop(store);
    home.set_outside("");

    let pages =
        rusqlite::Connection::open(home.options().folder.join(super::schema::FILE)).unwrap();
    let bytes: u64 = pages
        .query_row(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(pages);
    let full = Options {
        bytes_max: Some(bytes),
        ..home.options()
    };
    let store = Sqlite::open(full, None, &SEED).unwrap();
    let mut number = 0;
    let refused = loop {
        number += 1;
        match store
            .append(vec![attestation(number, &[stream("a")])])
            .await
        {
            Ok(appended) => witness.keep(&appended),
            Err(_) => break store.rotate_log_key(&SECOND).await,
        }
    };
    assert!(matches!(refused, Err(AppendError::Full(_))), "{refused:?}");
    let store = reopened(&home, store, &SEED);
    witness.keep(&append(&store, 1_000).await);
    witness.check(&store).await;
}

#[tokio::test]
async fn a_new_permit_key_is_an_entry_like_any_other() {
    let home = SqliteHome::new();
    let (store, mut witness) = created(&home).await;
    let new = PermitKey::new(&SECOND).public();
    let rotated = PermitKey::new(&[8; 32]).vouch(&journal_id(), new);
    witness.keep(&store.append(vec![rotated.draft().unwrap()]).await.unwrap());
    let store = reopened(&home, store, &SEED);
    assert_eq!(*key_chain(&store).await.unwrap().permit(), new);
    assert_eq!(witness.check(&store).await.permit_key, new);
}
