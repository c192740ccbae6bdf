//! Promises, signatures that were made elsewhere, and keys that follow each other.

use journal::Receipt;
use journal::key::{KeyChain, KeyChainError, LogKey, PermitKey, ReceiptKey, Signature};
use journal::kind::{Purpose, Successor};
use journal::note::{Checkpoint, Vkey};
use journal::receipt::{
    PROMISE_MS_MAX, Promised, RECEIPT_KEY_MS_MAX, ReceiptError, ReceiptTerms, ReceiptVoucher,
    Standing,
};
use model::{Entry, EntryHash};
use proptest::prelude::*;

use crate::book::{Book, START_MS};

const UNTIL_MS: u64 = START_MS + 3_600_000;

fn receipt_key() -> ReceiptKey {
    ReceiptKey::new(&[5; 32])
}

fn terms() -> ReceiptTerms {
    ReceiptTerms {
        key: receipt_key().public(),
        from_ms: START_MS,
        until_ms: UNTIL_MS,
    }
}

fn voucher(book: &Book) -> ReceiptVoucher {
    book.log_key().vouch_receipt(terms()).unwrap()
}

/// A promise of an entry, a minute after the receipt key begins.
pub fn promised(book: &Book, entry: EntryHash) -> Promised {
    receipt_key()
        .promise(&book.journal, &voucher(book), entry, START_MS + 60_000)
        .unwrap()
}

fn log(book: &Book) -> Vkey {
    book.log_key().vkey().clone()
}

fn first(book: &Book) -> EntryHash {
    book.entries[0].0.hash()
}

#[test]
fn a_promise_holds_by_the_logs_key_alone() {
    let book = Book::new();
    let entry = first(&book);
    let receipt = Receipt::Promised(promised(&book, entry));
    let json = serde_json::to_string(&receipt).unwrap();
    let read: Receipt = serde_json::from_str(&json).unwrap();
    assert_eq!((&read, read.entry()), (&receipt, &entry));
    let latest_ms = START_MS + 60_000;
    let standing = read.verify(&entry, &log(&book)).unwrap();
    assert_eq!(standing, Standing::Promised { latest_ms });
    let unknown = json.replace("\"status\"", "\"more\":1,\"status\"");
    assert!(serde_json::from_str::<Receipt>(&unknown).is_err());
}

#[test]
fn a_promise_of_another_entry_journal_or_key_is_refused() {
    let book = Book::new();
    let promise = promised(&book, first(&book));
    let refused =
        |promise: &Promised, entry: &EntryHash, log: &Vkey| promise.verify(entry, log).unwrap_err();
    let other = Entry::hash_of(b"another");
    let error = refused(&promise, &other, &log(&book));
    assert!(matches!(error, ReceiptError::OtherEntry { .. }), "{error}");
    let renamed = Promised {
        entry: other,
        ..promise.clone()
    };
    let error = refused(&renamed, &other, &log(&book));
    assert!(matches!(error, ReceiptError::NotPromised { .. }), "{error}");

    // The same seeds in another journal, and another log key in the same one.
    let elsewhere = LogKey::new(&"trailmark/other".parse().unwrap(), &book.seed);
    let stranger = LogKey::new(&book.journal, &[3; 32]);
    for other in [&elsewhere, &stranger] {
        let error = refused(&promise, &promise.entry, other.vkey());
        assert!(matches!(error, ReceiptError::NotVouched { .. }), "{error}");
        // What the other one vouches for does not make a promise its own.
        let forged = Promised {
            voucher: Box::new(other.vouch_receipt(terms()).unwrap()),
            ..promise.clone()
        };
        let error = refused(&forged, &promise.entry, &log(&book));
        assert!(matches!(error, ReceiptError::NotVouched { .. }), "{error}");
    }
    let carried = Promised {
        voucher: Box::new(elsewhere.vouch_receipt(terms()).unwrap()),
        ..promise.clone()
    };
    let error = refused(&carried, &promise.entry, elsewhere.vkey());
    assert!(matches!(error, ReceiptError::NotPromised { .. }), "{error}");
}

#[test]
fn a_receipt_key_promises_nothing_beyond_its_voucher() {
    let book = Book::new();
    let (key, voucher, entry) = (receipt_key(), voucher(&book), first(&book));
    let last_ms = UNTIL_MS + PROMISE_MS_MAX;
    for latest_ms in [START_MS, UNTIL_MS, last_ms] {
        let promise = key
            .promise(&book.journal, &voucher, entry, latest_ms)
            .unwrap();
        assert_eq!(promise.verify(&entry, &log(&book)).unwrap(), latest_ms);
    }
    for latest_ms in [0, START_MS - 1, last_ms + 1, u64::MAX] {
        let error = key
            .promise(&book.journal, &voucher, entry, latest_ms)
            .unwrap_err();
        assert!(matches!(error, ReceiptError::Beyond { .. }), "{error}");
    }
    // A longer life, which the key gives itself, signs it; the log's key never vouched for that.
    let longer = ReceiptVoucher {
        until_ms: UNTIL_MS + 1,
        ..voucher.clone()
    };
    let promise = key
        .promise(&book.journal, &longer, entry, last_ms + 1)
        .unwrap();
    let error = promise.verify(&entry, &log(&book)).unwrap_err();
    assert!(matches!(error, ReceiptError::NotVouched { .. }), "{error}");
    let honest = Promised {
        voucher: Box::new(voucher),
        ..promise
    };
    let error = honest.verify(&entry, &log(&book)).unwrap_err();
    assert!(matches!(error, ReceiptError::Beyond { .. }), "{error}");
    let other = ReceiptKey::new(&[6; 32]).promise(&book.journal, &longer, entry, START_MS);
    assert!(matches!(other, Err(ReceiptError::OtherKey { .. })));
}

#[test]
fn a_receipt_key_is_not_vouched_for_longer_than_a_day() {
    let book = Book::new();
    let vouch = |from_ms, until_ms| {
        let terms = ReceiptTerms {
            from_ms,
            until_ms,
            ..terms()
        };
        book.log_key().vouch_receipt(terms)
    };
    vouch(START_MS, START_MS + RECEIPT_KEY_MS_MAX).unwrap();
    for (from_ms, until_ms) in [
        (START_MS, START_MS + RECEIPT_KEY_MS_MAX + 1),
        (START_MS, START_MS - 1),
        (u64::MAX - 1, u64::MAX),
    ] {
        let error = vouch(from_ms, until_ms).unwrap_err();
        assert!(matches!(error, ReceiptError::Terms { .. }), "{error}");
    }
}

#[test]
fn what_the_log_key_signs_elsewhere_is_what_it_signs_here_and_a_wrong_signature_is_not_taken() {
    let book = Book::new();
    let (log_key, log) = (book.log_key(), log(&book));
    // A key service holds the same key, and knows nothing but bytes.
    let service = PermitKey::new(&book.seed);
    let sign = |bytes: &[u8]| Signature(service.sign(bytes));
    let wrong = sign(b"something else");

    let checkpoint = Checkpoint::open(&book.checkpoint(), &log).unwrap();
    let signature = sign(&checkpoint.to_sign());
    assert_eq!(
        checkpoint.signed_with(&log, signature).unwrap(),
        book.checkpoint()
    );
    assert!(checkpoint.signed_with(&log, wrong).is_err());
    let elsewhere = LogKey::new(&"trailmark/other".parse().unwrap(), &book.seed);
    assert!(checkpoint.signed_with(elsewhere.vkey(), signature).is_err());

    let signature = sign(&terms().to_sign(&log));
    assert_eq!(
        terms().signed_with(&log, signature).unwrap(),
        voucher(&book)
    );
    assert!(terms().signed_with(&log, wrong).is_err());

    let successor = Successor {
        key: PermitKey::new(&[9; 32]).public(),
        purpose: Purpose::Log,
    };
    let signature = sign(&successor.to_sign(&book.journal));
    let rotated = successor
        .signed_with(&book.journal, log.public(), signature)
        .unwrap();
    assert_eq!(rotated, log_key.vouch(&book.journal, successor.key));
    assert!(
        successor
            .signed_with(&book.journal, log.public(), wrong)
            .is_err()
    );
}

proptest! {
    #[test]
    fn a_promise_of_which_any_byte_was_changed_is_refused(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let book = Book::new();
        let entry = first(&book);
        let mut json = serde_json::to_vec(&Receipt::Promised(promised(&book, entry))).unwrap();
        let at = at.index(json.len());
        json[at] ^= flip;
        let verified = serde_json::from_slice::<Receipt>(&json)
            .ok()
            .and_then(|receipt| receipt.verify(&entry, &log(&book)).ok());
        prop_assert_eq!(verified, None);
    }
}

#[test]
fn a_promise_of_which_any_bit_was_flipped_is_refused() {
    let book = Book::new();
    let entry = first(&book);
    let json = serde_json::to_vec(&Receipt::Promised(promised(&book, entry))).unwrap();
    for at in 0..json.len() * 8 {
        let mut changed = json.clone();
        changed[at / 8] ^= 1 << (at % 8);
        let verified = serde_json::from_slice::<Receipt>(&changed)
            .ok()
            .and_then(|receipt| receipt.verify(&entry, &log(&book)).ok());
        assert_eq!(verified, None, "bit {at}");
    }
}

#[test]
fn keys_lead_from_genesis_to_the_newest_and_each_opens_its_checkpoints() {
    let mut book = Book::new();
    let first = book.checkpoint();
    let (old, new) = (book.log_key(), LogKey::new(&book.journal, &[9; 32]));
    let permit = PermitKey::new(&[10; 32]);
    book.record_fields(&old.vouch(&book.journal, *new.vkey().public()), &["admin"]);
    let rotated = PermitKey::new(&[8; 32]).vouch(&book.journal, permit.public());
    book.record_fields(&rotated, &["admin"]);
    book.seed = [9; 32];
    let read = |book: &Book| {
        let headers = book.entries.iter().map(|(entry, _)| entry.header());
        KeyChain::read(&book.journal, headers)
    };
    let chain = read(&book).unwrap();
    assert_eq!(
        (chain.log(), chain.permit()),
        (new.vkey(), &permit.public())
    );
    assert!(chain.logs().eq([new.vkey(), old.vkey()]));
    assert_eq!(chain.open(&first).unwrap().size, 1);
    assert_eq!(chain.open(&book.checkpoint()).unwrap().size, 3);
    book.seed = [3; 32];
    assert!(chain.open(&book.checkpoint()).is_err());

    // The key that was replaced vouches for nothing any more.
    let again = old.vouch(&book.journal, *book.log_key().vkey().public());
    book.record_fields(&again, &["admin"]);
    assert!(matches!(read(&book), Err(KeyChainError::NotVouched(_))));
    book.entries.remove(0);
    assert!(matches!(read(&book), Err(KeyChainError::NoGenesis)));
}
