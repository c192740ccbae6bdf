//! What an operator who holds the log's key could do: every checkpoint here is rightly signed.

use journal::verify::{Complete, Pin, Wrong, verify};
use model::Entry;
use serde_json::json;

use crate::book::{Book, stream};

fn wrong_of(book: &Book) -> (Wrong, Option<u64>) {
    let fault = verify(book.export().as_slice(), &Pin::default()).unwrap_err();
    (fault.wrong, fault.place.index)
}

/// A journal whose trail has seven entries, at the indexes 1 to 7.
fn chain() -> Book {
    let mut book = Book::new();
    for step in 0..7 {
        book.record(
            "attestation",
            &["trail/pay/t1"],
            json!({"step": step}),
            vec![],
        );
    }
    book
}

/// The entry at `index` of [`chain`] with other fields, linked to the same one before it.
fn forged(index: usize, previous: Option<&Entry>) -> Entry {
    let mut book = Book::new();
    for step in 0..index - 1 {
        book.record(
            "attestation",
            &["trail/pay/t1"],
            json!({"step": step}),
            vec![],
        );
    }
    if let Some(previous) = previous {
        let mut head = book.head("trail/pay/t1");
        head.hash = previous.hash();
        book.rewind("trail/pay/t1", Some(head));
    }
    book.now_ms += 1_000;
    book.draft(
        "attestation",
        &["trail/pay/t1"],
        json!({"step": "another"}),
        &[],
    )
}

#[test]
fn a_second_history_whose_ends_are_right_is_found() {
    let mut book = chain();
    let third = forged(3, None);
    let fourth = forged(4, Some(&third));
    book.entries[3].0 = third;
    book.entries[4].0 = fourth;
    let (wrong, index) = wrong_of(&book);
    assert!(matches!(wrong, Wrong::BrokenLink { .. }), "{wrong:?}");
    assert_eq!(index, Some(5));
    let bundle = book.export_streams(&book.claims(&[("trail/pay/t1", 0, 6)]));
    let fault = verify(bundle.as_slice(), &Pin::default()).unwrap_err();
    assert!(matches!(fault.wrong, Wrong::BrokenLink { .. }), "{fault:?}");
}

#[test]
fn a_second_history_appended_to_the_log_is_found_on_the_whole_journal_and_never_called_unique() {
    let mut book = chain();
    let third = forged(3, None);
    let fourth = forged(4, Some(&third));
    book.entries.push((third, vec![]));
    book.entries.push((fourth, vec![]));
    let (wrong, index) = wrong_of(&book);
    assert!(matches!(wrong, Wrong::Fork { seq: 2 }), "{wrong:?}");
    assert_eq!(index, Some(8));
    let bundle = book.export_streams(&book.claims(&[("trail/pay/t1", 0, 6)]));
    let fault = verify(bundle.as_slice(), &Pin::default()).unwrap_err();
    assert!(matches!(fault.wrong, Wrong::Fork { seq: 2 }), "{fault:?}");
}

#[test]
fn two_entries_of_one_seq_are_a_fork_and_a_bundle_that_hides_one_is_neither_complete_nor_unique() {
    let mut book = chain();
    let second = forged(7, None);
    book.entries.push((second.clone(), vec![]));
    let (wrong, index) = wrong_of(&book);
    assert!(matches!(wrong, Wrong::Fork { seq: 6 }), "{wrong:?}");
    assert_eq!(index, Some(8));

    // The log holds both; the bundle shows the second history alone.
    let hidden = book.entries[7].clone();
    let (checkpoint, group) = (book.checkpoint(), book.group());
    let claims = book.claims(&[("trail/pay/t1", 0, 6)]);
    let mut writer =
        journal::bundle::Writer::streams(Vec::new(), &book.journal, &checkpoint, &claims).unwrap();
    for (index, (entry, _)) in (0..).zip(&book.entries) {
        if entry.hash() != hidden.0.hash() {
            let proof = group.proof(index).unwrap();
            writer.proved_entry(index, entry, &proof, []).unwrap();
        }
    }
    let report = verify(writer.finish().unwrap().as_slice(), &Pin::default()).unwrap();
    assert_eq!(report.complete, Complete::Streams(vec![]));
    assert!(!report.unique);
}

#[test]
fn a_bundle_of_the_history_that_the_heads_entry_does_not_know_is_refused() {
    let mut book = chain();
    book.record_heads();
    let claims = book.with_heads(book.claims(&[("trail/pay/t1", 0, 6)]), 8, &["trail/pay/t1"]);
    verify(book.export_streams(&claims).as_slice(), &Pin::default()).unwrap();
    book.entries[7].0 = forged(7, None);
    let fault = verify(book.export_streams(&claims).as_slice(), &Pin::default()).unwrap_err();
    assert!(matches!(fault.wrong, Wrong::HeadsMap(_)), "{fault:?}");
    assert_eq!(fault.place.index, Some(7));
    let (wrong, index) = wrong_of(&book);
    assert!(matches!(wrong, Wrong::HeadsMap(_)), "{wrong:?}");
    assert_eq!(index, Some(8));
}

#[test]
fn an_entry_that_is_left_out_of_the_log_leaves_a_gap() {
    let mut book = chain();
    book.entries.remove(4);
    let (wrong, index) = wrong_of(&book);
    assert!(matches!(wrong, Wrong::Gap { seq: 3 }), "{wrong:?}");
    assert_eq!(index, Some(4));
}

#[test]
fn an_entry_that_is_sealed_before_what_it_links_to_is_named() {
    let mut book = chain();
    book.entries.swap(4, 5);
    let previous = book.entries[5].0.hash();
    let (wrong, index) = wrong_of(&book);
    assert!(
        matches!(wrong, Wrong::SealedBefore { previous: found } if found == previous),
        "{wrong:?}"
    );
    assert_eq!(index, Some(4));
}

#[test]
fn a_last_entry_that_is_left_out_contradicts_the_next_heads_entry() {
    let mut book = chain();
    let last = book.entries.len() - 1;
    book.record_heads();
    book.entries.remove(last);
    let (wrong, _) = wrong_of(&book);
    assert!(matches!(wrong, Wrong::HeadsMap(_)), "{wrong:?}");
}

#[test]
fn an_entry_that_the_checkpoint_does_not_cover_is_not_in_its_tree() {
    let book = chain();
    let mut shorter = book.clone();
    shorter.entries.pop();
    let exchange = |from: &[u8], to: &[u8]| {
        let line = |bundle: &[u8]| {
            String::from_utf8(bundle.to_vec())
                .unwrap()
                .lines()
                .nth(1)
                .unwrap()
                .to_owned()
        };
        let text = String::from_utf8(to.to_vec())
            .unwrap()
            .replace(&line(to), &line(from));
        crate::book::resealed(text.as_bytes())
    };
    let bundle = exchange(&shorter.export(), &book.export());
    let fault = verify(bundle.as_slice(), &Pin::default()).unwrap_err();
    assert!(matches!(fault.wrong, Wrong::NotInTree(_)), "{fault:?}");
    assert_eq!(fault.place.index, Some(7));
    let bundle = exchange(&book.export(), &shorter.export());
    let fault = verify(bundle.as_slice(), &Pin::default()).unwrap_err();
    assert!(matches!(fault.wrong, Wrong::Missing(7)), "{fault:?}");
    let mut other = book.clone();
    other.entries[7].0 = forged(7, None);
    let bundle = exchange(&other.export(), &book.export());
    let fault = verify(bundle.as_slice(), &Pin::default()).unwrap_err();
    assert!(matches!(fault.wrong, Wrong::WrongRoot), "{fault:?}");
    let claims = book.claims(&[("trail/pay/t1", 0, 6)]);
    let bundle = exchange(&other.export(), &book.export_streams(&claims));
    let fault = verify(bundle.as_slice(), &Pin::default()).unwrap_err();
    assert!(matches!(fault.wrong, Wrong::NotInTree(_)), "{fault:?}");
    assert_eq!(fault.place.index, Some(0));
}

#[test]
fn an_entry_of_another_journal_is_refused() {
    let mut other = Book::new();
    other.journal = "trailmark/other".parse().unwrap();
    other.record("attestation", &["trail/pay/t1"], json!({}), vec![]);
    let mut book = chain();
    book.entries.push((other.entries[1].0.clone(), vec![]));
    let (wrong, index) = wrong_of(&book);
    assert!(matches!(wrong, Wrong::WrongJournal(_)), "{wrong:?}");
    assert_eq!(index, Some(8));
}

#[test]
fn a_journal_begins_with_its_genesis_and_has_no_second_one() {
    let mut book = chain();
    let genesis = book.entries[0].0.header().fields.get().to_owned();
    let fields: serde_json::Value = serde_json::from_str(&genesis).unwrap();
    book.record("genesis", &["admin"], fields, vec![]);
    assert!(matches!(wrong_of(&book), (Wrong::NoGenesis, Some(8))));
    let mut headless = chain();
    headless.entries.remove(0);
    assert!(matches!(wrong_of(&headless), (Wrong::NoGenesis, Some(0))));
    let claims = chain().claims(&[("trail/pay/t1", 0, 6)]);
    let mut ranges = claims;
    ranges.ranges.remove(&stream("admin"));
    let fault = verify(chain().export_streams(&ranges).as_slice(), &Pin::default()).unwrap_err();
    assert!(matches!(fault.wrong, Wrong::NoGenesis), "{fault:?}");
}

#[test]
fn an_entry_of_the_journals_own_kinds_stands_in_its_own_stream() {
    for kind in ["heads", "key-rotated", "clock-corrected", "recovered"] {
        let mut book = chain();
        book.record(kind, &["trail/pay/t1"], json!({}), vec![]);
        assert!(matches!(wrong_of(&book), (Wrong::Misplaced(_), Some(8))));
    }
}

#[test]
fn heads_entries_that_lie_about_size_or_count_are_found() {
    let honest = {
        let mut book = chain();
        book.record_heads();
        book.entries[8].0.header().fields.get().to_owned()
    };
    let honest: serde_json::Value = serde_json::from_str(&honest).unwrap();
    for (field, value) in [("size", 9), ("size", 7), ("streams", 3)] {
        let mut fields = honest.clone();
        fields[field] = json!(value);
        let mut book = chain();
        book.record("heads", &["heads"], fields, vec![]);
        assert!(matches!(wrong_of(&book), (Wrong::HeadsMap(_), Some(8))));
    }
}

#[test]
fn a_heads_entry_may_cover_less_than_all_before_it() {
    let mut book = chain();
    let mut map = book.map();
    book.record(
        "attestation",
        &["trail/pay/t1"],
        json!({"late": true}),
        vec![],
    );
    book.record(
        "heads",
        &["heads"],
        json!({"root": map.root(), "size": 8, "streams": 2}),
        vec![],
    );
    assert!(
        verify(book.export().as_slice(), &Pin::default())
            .unwrap()
            .unique
    );
    let mut later = book.map();
    let root = later.root();
    book.record(
        "heads",
        &["heads"],
        json!({"root": root, "size": 10, "streams": 3}),
        vec![],
    );
    verify(book.export().as_slice(), &Pin::default()).unwrap();
    book.record(
        "heads",
        &["heads"],
        json!({"root": map.root(), "size": 8, "streams": 2}),
        vec![],
    );
    assert!(matches!(wrong_of(&book), (Wrong::HeadsMap(_), Some(11))));
}
