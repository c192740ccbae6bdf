use journal::Receipt;
use journal::key::{LogKey, PermitKey};
use journal::kind::{ClockCorrected, Recovered};
use journal::receipt::{Proved, Standing};
use journal::verify::{Complete, CompleteRange, Pin, Wrong, open, verify};
use model::Root;
use model::kind::Fields;
use serde::{Deserialize, Serialize};

use crate::book::{Book, resealed, stream};

fn complete(name: &str, range: Option<(u64, u64)>, up_to: u64) -> CompleteRange {
    CompleteRange {
        stream: stream(name),
        range,
        up_to,
    }
}

#[test]
fn a_whole_journal_is_included_complete_and_unique() {
    let book = Book::small();
    let bundle = book.export();
    let report = verify(bundle.as_slice(), &Pin::default()).unwrap();
    assert_eq!(report.included, 12);
    assert_eq!(report.payloads, 3);
    assert_eq!(report.payloads_absent, 0);
    assert_eq!(report.bytes, bundle.len() as u64);
    assert_eq!(report.complete, Complete::Journal { streams: 7 });
    assert!(report.unique && !report.pinned);
    assert_eq!(report.log_key, *book.log_key().vkey());
    assert_eq!(
        report.checkpoint().sign(&book.log_key()).unwrap(),
        book.checkpoint()
    );
}

#[test]
fn a_range_that_a_heads_entry_covers_is_complete_and_never_unique() {
    let book = Book::small();
    let claims = book.claims(&[("artifact/aa", 0, 5), ("environment/prod", 0, 1)]);
    let names = ["artifact/aa", "environment/prod", "running/aa"];
    let bundle = book.export_streams(&book.with_heads(claims, 10, &names));
    let report = verify(bundle.as_slice(), &Pin::default()).unwrap();
    let expected = vec![
        complete("artifact/aa", Some((0, 5)), 10),
        complete("environment/prod", Some((0, 0)), 10),
        complete("running/aa", None, 10),
    ];
    assert_eq!(report.complete, Complete::Streams(expected));
    assert!(!report.unique);
    assert_eq!(report.included, 9);
}

#[test]
fn an_older_heads_entry_makes_only_what_came_before_it_complete() {
    let book = Book::small();
    let claims = book.claims(&[("artifact/aa", 0, 4)]);
    let bundle =
        book.export_streams(&book.with_heads(claims, 5, &["artifact/aa", "environment/prod"]));
    let report = verify(bundle.as_slice(), &Pin::default()).unwrap();
    let expected = vec![
        complete("artifact/aa", Some((0, 1)), 5),
        complete("environment/prod", None, 5),
    ];
    assert_eq!(report.complete, Complete::Streams(expected));
}

#[test]
fn a_range_without_heads_is_not_called_complete() {
    let book = Book::small();
    let bundle = book.export_streams(&book.claims(&[("artifact/aa", 0, 5)]));
    let report = verify(bundle.as_slice(), &Pin::default()).unwrap();
    assert_eq!(report.complete, Complete::Streams(vec![]));
    assert!(!report.unique);
}

#[test]
fn a_range_that_stops_before_the_head_cannot_claim_the_head() {
    let book = Book::small();
    let claims = book.claims(&[("artifact/aa", 0, 4)]);
    let bundle = book.export_streams(&book.with_heads(claims, 10, &["artifact/aa"]));
    let fault = verify(bundle.as_slice(), &Pin::default()).unwrap_err();
    assert!(matches!(fault.wrong, Wrong::Malformed(_)), "{fault:?}");
}

#[test]
fn a_stream_that_exists_cannot_be_called_absent_by_its_entries_being_left_out() {
    let book = Book::small();
    let mut claims = book.with_heads(book.claims(&[]), 10, &["running/aa"]);
    let heads = claims.heads.as_mut().unwrap();
    let proof = heads.proofs.remove(&stream("running/aa")).unwrap();
    heads.proofs.insert(stream("artifact/aa"), proof);
    let fault = verify(book.export_streams(&claims).as_slice(), &Pin::default()).unwrap_err();
    assert!(matches!(fault.wrong, Wrong::HeadsMap(_)), "{fault:?}");
}

#[test]
fn a_verified_bundle_gives_entries_ranges_and_payloads() {
    let book = Book::small();
    let bundle = open(book.export().as_slice(), &Pin::default()).unwrap();
    let (entry, payloads) = &book.entries[4];
    assert_eq!(bundle.entry(&entry.hash()).unwrap().0, 4);
    assert_eq!(bundle.at(4).unwrap().bytes(), entry.bytes());
    assert!(bundle.at(12).is_none());
    let digest = payloads[1].reference().digest;
    assert_eq!(
        &**bundle.payload(&digest).unwrap(),
        payloads[1].bytes.as_slice()
    );
    assert_eq!(bundle.salt(&digest), Some(&payloads[1].salt));
    let indexes: Vec<_> = bundle
        .stream(&stream("artifact/aa"), 1..4)
        .map(|(index, _)| index)
        .collect();
    assert_eq!(indexes, [4, 6, 7]);
    assert_eq!(bundle.stream(&stream("artifact/bb"), ..).count(), 0);
    assert_eq!(bundle.entries().count(), 12);
    assert_eq!(bundle.report().included, 12);
}

#[test]
fn a_payload_that_is_left_out_is_counted_and_the_rest_holds() {
    let book = Book::small();
    let text = String::from_utf8(book.export()).unwrap();
    let digest = book.entries[3].1[0].reference().digest.to_string();
    let lines: Vec<_> = text
        .lines()
        .map(|line| {
            if line.starts_with(&format!("p {digest}")) {
                format!("x {digest}")
            } else {
                line.to_owned()
            }
        })
        .collect();
    let bundle = resealed(format!("{}\n", lines.join("\n")).as_bytes());
    let report = verify(bundle.as_slice(), &Pin::default()).unwrap();
    assert_eq!((report.payloads, report.payloads_absent), (2, 1));
}

#[test]
fn a_pinned_key_must_be_one_of_the_journals() {
    let book = Book::small();
    let own = Pin {
        log_key: Some(book.log_key().vkey().clone()),
        checkpoint: None,
    };
    assert!(verify(book.export().as_slice(), &own).unwrap().pinned);
    let other = LogKey::new(&book.journal, &[9; 32]);
    let pin = Pin {
        log_key: Some(other.vkey().clone()),
        checkpoint: None,
    };
    let fault = verify(book.export().as_slice(), &pin).unwrap_err();
    assert!(matches!(fault.wrong, Wrong::OtherKey), "{fault:?}");
}

#[test]
fn the_log_must_begin_with_that_of_a_pinned_checkpoint() {
    let mut book = Book::small();
    let pin = Pin {
        log_key: None,
        checkpoint: Some(book.checkpoint()),
    };
    let other_end = {
        let mut other = book.clone();
        other.entries.pop();
        other.rewind("environment/prod", None);
        other.record(
            "sighting",
            &["environment/prod"],
            serde_json::json!({}),
            vec![],
        );
        Pin {
            log_key: None,
            checkpoint: Some(other.checkpoint()),
        }
    };
    for trail in ["t2", "t3", "t4"] {
        book.record(
            "trail-begun",
            &["trails/pay"],
            serde_json::json!({"trail": trail}),
            vec![],
        );
    }
    let whole = book.export();
    assert_eq!(
        verify(whole.as_slice(), &pin).unwrap().consistent_with,
        Some(12)
    );
    let fault = verify(whole.as_slice(), &other_end).unwrap_err();
    assert!(
        matches!(fault.wrong, Wrong::Inconsistent { size: 12 }),
        "{fault:?}"
    );

    let mut claims = book.claims(&[("artifact/aa", 0, 5)]);
    let fault = verify(book.export_streams(&claims).as_slice(), &pin).unwrap_err();
    assert!(
        matches!(fault.wrong, Wrong::NoConsistencyProof { size: 12 }),
        "{fault:?}"
    );
    claims.consistency = Some(book.consistency(12));
    let bundle = book.export_streams(&claims);
    assert_eq!(
        verify(bundle.as_slice(), &pin).unwrap().consistent_with,
        Some(12)
    );
    let fault = verify(bundle.as_slice(), &other_end).unwrap_err();
    assert!(
        matches!(fault.wrong, Wrong::Inconsistent { size: 12 }),
        "{fault:?}"
    );
}

#[test]
fn a_pinned_checkpoint_that_nobody_signed_proves_nothing() {
    let book = Book::small();
    let mut other = book.clone();
    other.seed = [9; 32];
    let pin = Pin {
        log_key: None,
        checkpoint: Some(other.checkpoint()),
    };
    let fault = verify(book.export().as_slice(), &pin).unwrap_err();
    assert!(matches!(fault.wrong, Wrong::BadSignature(_)), "{fault:?}");
}

#[test]
fn a_log_that_is_shorter_than_the_pinned_one_is_inconsistent() {
    let book = Book::small();
    let pin = Pin {
        log_key: None,
        checkpoint: Some(book.checkpoint()),
    };
    let mut shorter = book;
    shorter.entries.pop();
    let fault = verify(shorter.export().as_slice(), &pin).unwrap_err();
    assert!(
        matches!(fault.wrong, Wrong::Inconsistent { size: 12 }),
        "{fault:?}"
    );
}

#[test]
fn a_new_log_key_counts_when_the_old_one_vouches_for_it() {
    let mut book = Book::small();
    let first = book.log_key();
    let new = LogKey::new(&book.journal, &[9; 32]);
    let rotated = first.vouch(&book.journal, *new.vkey().public());
    book.record_fields(&rotated, &["admin"]);
    let old_still_signs = book.export();
    book.seed = [9; 32];
    let report = verify(
        book.export().as_slice(),
        &Pin {
            log_key: Some(first.vkey().clone()),
            checkpoint: None,
        },
    )
    .unwrap();
    assert_eq!(report.log_key, *new.vkey());
    assert!(report.pinned);
    let fault = verify(old_still_signs.as_slice(), &Pin::default()).unwrap_err();
    assert!(matches!(fault.wrong, Wrong::BadSignature(_)), "{fault:?}");
    let without_rotation = book.export_streams(&book.claims(&[("artifact/aa", 0, 5)]));
    assert!(verify(without_rotation.as_slice(), &Pin::default()).is_err());
    let with_rotation =
        book.export_streams(&book.claims(&[("artifact/aa", 0, 5), ("admin", 0, 2)]));
    verify(with_rotation.as_slice(), &Pin::default()).unwrap();
}

#[test]
fn a_new_key_that_nobody_vouches_for_is_refused() {
    let mut book = Book::small();
    let stranger = LogKey::new(&book.journal, &[3; 32]);
    let rotated = stranger.vouch(&book.journal, *stranger.vkey().public());
    book.record_fields(&rotated, &["admin"]);
    book.seed = [3; 32];
    let fault = verify(book.export().as_slice(), &Pin::default()).unwrap_err();
    assert!(matches!(fault.wrong, Wrong::NotVouched), "{fault:?}");
    assert_eq!(fault.place.index, Some(12));
}

#[test]
fn a_new_permit_key_is_reported() {
    let mut book = Book::small();
    let (old, new) = (PermitKey::new(&[8; 32]), PermitKey::new(&[10; 32]));
    assert_eq!(
        verify(book.export().as_slice(), &Pin::default())
            .unwrap()
            .permit_key,
        old.public()
    );
    book.record_fields(&old.vouch(&book.journal, new.public()), &["admin"]);
    assert_eq!(
        verify(book.export().as_slice(), &Pin::default())
            .unwrap()
            .permit_key,
        new.public()
    );
}

#[test]
fn time_goes_back_only_after_a_clock_correction() {
    let mut book = Book::small();
    let wrong_ms = book.now_ms;
    book.now_ms -= 100_000;
    let correction = ClockCorrected {
        from_ms: wrong_ms,
        to_ms: book.now_ms,
    };
    let mut uncorrected = book.clone();
    record_whatever_the_time(&mut uncorrected, &Tick {}, "artifact/aa");
    let fault = verify(uncorrected.export().as_slice(), &Pin::default()).unwrap_err();
    assert!(
        matches!(fault.wrong, Wrong::TimeBackwards { .. }),
        "{fault:?}"
    );
    assert_eq!(
        (fault.place.index, fault.place.stream.clone()),
        (Some(12), Some(stream("artifact/aa")))
    );

    record_whatever_the_time(&mut book, &correction, "admin");
    record_whatever_the_time(&mut book, &Tick {}, "artifact/aa");
    verify(book.export().as_slice(), &Pin::default()).unwrap();
    book.now_ms -= 50_000;
    record_whatever_the_time(&mut book, &Tick {}, "artifact/aa");
    let fault = verify(book.export().as_slice(), &Pin::default()).unwrap_err();
    assert!(
        matches!(fault.wrong, Wrong::TimeBackwards { .. }),
        "{fault:?}"
    );
    assert_eq!(fault.place.index, Some(14));
}

/// An entry that says nothing.
#[derive(Serialize, Deserialize)]
struct Tick {}

impl Fields for Tick {
    const KIND: &'static str = "tick";
}

/// Records an entry with the book's own time, whatever the stream's head says.
fn record_whatever_the_time<F: Fields>(book: &mut Book, fields: &F, name: &str) {
    let mut head = book.head(name);
    head.recorded_ms = 0;
    book.rewind(name, Some(head));
    book.record_fields(fields, &[name]);
}

#[test]
fn what_a_journal_lost_and_admits_is_in_the_report() {
    let mut book = Book::small();
    let recovered = Recovered {
        expected_root: Root([1; 32]),
        lost_from: 12,
        lost_to: 15,
        reason: "an old copy was put back".to_owned(),
    };
    book.record_fields(&recovered, &["admin"]);
    assert_eq!(
        verify(book.export().as_slice(), &Pin::default())
            .unwrap()
            .recovered,
        [recovered]
    );
}

#[test]
fn a_receipt_proves_one_entry_of_one_log() {
    let book = Book::small();
    let key = book.log_key();
    for (index, (entry, _)) in (0..).zip(&book.entries) {
        let proved = Proved {
            checkpoint: book.checkpoint(),
            entry: entry.hash(),
            index,
            proof: book.proof(index),
        };
        let receipt = Receipt::Proved(proved.clone());
        let json = serde_json::to_string(&receipt).unwrap();
        assert_eq!(serde_json::from_str::<Receipt>(&json).unwrap(), receipt);
        assert_eq!(proved.verify(&entry.hash(), key.vkey()).unwrap().size, 12);
        let Standing::Proved { checkpoint, .. } =
            receipt.verify(&entry.hash(), key.vkey()).unwrap()
        else {
            panic!("a proof is called a promise")
        };
        assert_eq!(checkpoint.root, book.group().root());
        let other_entry = &book.entries[(usize::try_from(index).unwrap() + 1) % 12].0;
        assert!(receipt.verify(&other_entry.hash(), key.vkey()).is_err());
        let other_key = LogKey::new(&book.journal, &[9; 32]);
        assert!(receipt.verify(&entry.hash(), other_key.vkey()).is_err());
        let moved = Receipt::Proved(Proved {
            index: index ^ 1,
            ..proved.clone()
        });
        assert!(moved.verify(&entry.hash(), key.vkey()).is_err());
        let unknown = json.replace("\"status\"", "\"more\":1,\"status\"");
        assert!(serde_json::from_str::<Receipt>(&unknown).is_err());
    }
}
