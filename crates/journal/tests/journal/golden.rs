use journal::Receipt;
use journal::receipt::Proved;
use serde_json::json;

use crate::book::Book;
use crate::promises::promised;

/// Two entries, one payload, fixed keys, salts and times.
fn tiny() -> Book {
    let mut book = Book::new();
    let payload = book.payload(model::Role::Facts, "application/json", b"{\"tests\":1}");
    book.record(
        "attestation",
        &["artifact/aa"],
        json!({"type": "junit"}),
        vec![payload],
    );
    book
}

#[test]
fn a_header_has_these_bytes() {
    insta::assert_snapshot!(String::from_utf8(tiny().entries[1].0.bytes().to_vec()).unwrap());
}

#[test]
fn a_checkpoint_has_these_bytes() {
    insta::assert_snapshot!(tiny().checkpoint());
}

#[test]
fn a_receipt_has_these_bytes() {
    let book = tiny();
    let receipt = Receipt::Proved(Proved {
        checkpoint: book.checkpoint(),
        entry: book.entries[1].0.hash(),
        index: 1,
        proof: book.proof(1),
    });
    insta::assert_snapshot!(serde_json::to_string_pretty(&receipt).unwrap());
}

#[test]
fn a_promise_has_these_bytes() {
    let book = tiny();
    let promised = promised(&book, book.entries[1].0.hash());
    insta::assert_snapshot!(serde_json::to_string_pretty(&Receipt::Promised(promised)).unwrap());
}

#[test]
fn a_journals_bundle_has_these_bytes() {
    insta::assert_snapshot!(String::from_utf8(tiny().export()).unwrap());
}

#[test]
fn a_bundle_of_streams_has_these_bytes() {
    let mut book = tiny();
    book.record_heads();
    let claims = book.with_heads(
        book.claims(&[("artifact/aa", 0, 0)]),
        2,
        &["artifact/aa", "running/aa"],
    );
    insta::assert_snapshot!(String::from_utf8(book.export_streams(&claims)).unwrap());
}
