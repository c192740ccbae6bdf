use journal::key::{LogKey, ReceiptKey, Signature};
use journal::receipt::ReceiptTerms;
use journal::tree::Frontier;
use model::Entry;

use super::*;
use crate::conformance::{SEED, attestation, journal_id, stream};

fn layout() -> Layout {
    Layout::new(journal_id())
}

fn entry() -> Entry {
    let draft = attestation(1, &[stream("a"), stream("b")]);
    journal::link(&journal_id(), &draft, &[None, None], 1_700_000_000_000).unwrap()
}

fn batch() -> Batch {
    let (log, key) = (LogKey::new(&journal_id(), &SEED), ReceiptKey::new(&[9; 32]));
    let terms = ReceiptTerms {
        key: key.public(),
        from_ms: 1_700_000_000_000,
        until_ms: 1_700_003_600_000,
    };
    let voucher = log.vouch_receipt(terms).unwrap();
    let hash = entry().hash();
    let latest_ms = 1_700_000_600_000;
    let promise = key
        .promise(&journal_id(), &voucher, hash, latest_ms)
        .unwrap();
    let one = BatchedEntry {
        hash,
        stream: stream("a"),
        seq: 0,
        begins: vec![stream("a"), stream("b")],
        used: Some(([1; 32], [2; 32])),
        promise: promise.signature,
    };
    let other = BatchedEntry {
        hash: EntryHash([3; 32]),
        seq: 7,
        begins: Vec::new(),
        used: None,
        promise: Signature([4; 64]),
        ..one.clone()
    };
    Batch {
        id: BatchId {
            written_ms: 1_700_000_000_000,
            first: hash,
        },
        token: "0123456789abcdef".to_owned(),
        promises: Promises { latest_ms, voucher },
        entries: vec![one, other],
    }
}

fn seal() -> Seal {
    let mut frontier = Frontier::new();
    for number in 0..11 {
        frontier.append(&EntryHash([number; 32]));
    }
    Seal {
        number: 3,
        checkpoint: "a note".to_owned(),
        key: LogKey::new(&journal_id(), &SEED).vkey().clone(),
        over: None,
        frontier,
        staged: "staged/3".to_owned(),
        low_ms: 1_700_000_000_000,
        streams: 4,
        heads: 2,
    }
}

/// Reads an item, and says whether that went well.
type IsRead = fn(Item) -> bool;

/// Every item that there is, with how it is read.
fn items() -> Vec<(&'static str, Item, IsRead)> {
    let (layout, entry) = (layout(), entry());
    let place = Place {
        index: 5,
        stream: stream("a"),
        seq: 0,
    };
    let used = Use {
        content: [2; 32],
        batch: batch().id,
        place: 4,
    };
    let payload = StoredPayload {
        salt: [1; 32],
        bytes: vec![2; 40],
    };
    let digest = PayloadDigest([0; 32]);
    vec![
        (
            "link",
            Link::item(&layout, &stream("b"), 0, (&entry, 2)),
            |item| Link::read(&self::layout(), &stream("b"), item).is_ok_and(|link| link.era == 2),
        ),
        ("use", used.item(&layout, &[1; 32]), |item| {
            Use::read(item).is_ok_and(|used| used.place == 4 && used.batch == batch().id)
        }),
        ("place", place.item(&layout, &entry.hash()), |item| {
            Place::read(item).is_ok_and(|place| place.index == 5)
        }),
        ("batch", batch().item(&layout), |item| {
            Batch::read(&self::layout(), item).is_ok_and(|read| read == batch())
        }),
        ("seal", seal().item(&layout), |item| {
            Seal::read(&self::layout(), item).is_ok_and(|read| read.frontier == seal().frontier)
        }),
        (
            "payload",
            payload_item(&layout, &digest, &payload),
            |item| read_payload(item).is_ok_and(|payload| payload.bytes == [2; 40]),
        ),
        ("journal", journal_item(&layout), |item| {
            layout_version(item).is_ok_and(|found| found == LAYOUT)
        }),
    ]
}

#[test]
fn every_item_is_read_as_it_was_written() {
    for (name, item, reads) in items() {
        assert!(reads(item), "{name}");
    }
}

#[test]
fn an_item_that_lacks_something_or_has_more_is_damaged() {
    for (name, item, reads) in items() {
        let attributes: Vec<_> = item
            .keys()
            .filter(|key| !matches!(key.as_str(), PK | SK))
            .cloned()
            .collect();
        for attribute in attributes {
            let mut less = item.clone();
            less.remove(&attribute);
            assert!(!reads(less), "{name} without {attribute}");
            let mut other = item.clone();
            other.insert(attribute.clone(), AttributeValue::Bool(true));
            assert!(!reads(other), "{name} with a strange {attribute}");
        }
        if name != "journal" {
            let mut more = item;
            more.insert("zz".to_owned(), AttributeValue::S("?".to_owned()));
            assert!(!reads(more), "{name} with more");
        }
    }
}

#[test]
fn an_item_under_anothers_key_is_damaged() {
    let layout = layout();
    let moved = |mut item: Item, key: Key| {
        item.extend(key.item());
        item
    };
    let link = Link::item(&layout, &stream("b"), 0, (&entry(), 0));
    let elsewhere = moved(link, layout.link(&stream("b"), 1));
    assert!(Link::read(&layout, &stream("b"), elsewhere).is_err());
    let later = BatchId {
        written_ms: 1_700_000_000_001,
        ..batch().id
    };
    assert!(Batch::read(&layout, moved(batch().item(&layout), layout.batch(&later))).is_ok());
    let other = BatchId {
        first: EntryHash([0; 32]),
        ..later
    };
    assert!(Batch::read(&layout, moved(batch().item(&layout), layout.batch(&other))).is_err());
}

#[test]
fn a_promise_is_rebuilt_from_its_batch() {
    let log = LogKey::new(&journal_id(), &SEED);
    let read = Batch::read(&layout(), batch().item(&layout())).unwrap();
    let promise = read.promise(0).unwrap();
    assert_eq!(
        promise.verify(&entry().hash(), log.vkey()).unwrap(),
        1_700_000_600_000
    );
    assert_eq!(read.promise(2), None);
}

#[test]
fn every_key_begins_with_the_journals_id() {
    let layout = layout();
    for (name, item, _) in items() {
        let key = Key::of(&item).unwrap();
        assert!(
            key.pk.starts_with("trailmark/conformance#"),
            "{name}: {key:?}"
        );
    }
    assert_eq!(layout.stream("admin").pk, "trailmark/conformance#n");
    assert_eq!(layout.link(&stream("a"), 12).sk, "0000000000000012");
    assert_eq!(
        layout.batch(&batch().id).pk,
        format!("trailmark/conformance#q#{}#2023-11-14", batch().id.shard())
    );
    assert!(layout.batch(&batch().id).sk.starts_with("01700000000000#"));
}

#[test]
fn days_are_those_of_the_calendar() {
    for (ms, expected) in [
        (0, "1970-01-01"),
        (951_782_399_999, "2000-02-28"),
        (951_782_400_000, "2000-02-29"),
        (951_868_800_000, "2000-03-01"),
        (1_709_164_800_000, "2024-02-29"),
        (1_767_225_599_999, "2025-12-31"),
        (1_767_225_600_000, "2026-01-01"),
        (4_107_542_400_000, "2100-03-01"),
    ] {
        assert_eq!(day(ms), expected);
    }
    assert_eq!(day(next_day(1_709_164_800_000)), "2024-03-01");
    assert_eq!(next_day(0), DAY_MS);
}

#[test]
fn an_attestation_in_two_streams_takes_a_unit_for_each_item() {
    // A fingerprint's stream and a long trail's, and a header of 800 bytes.
    let header_bytes = 800;
    for stream in [format!("artifact/{}", "0".repeat(64)), "t".repeat(160)] {
        let key = format!("{}#s#{stream}", journal_id()).len();
        let item = 2 + key + 2 + 16 + 1 + header_bytes + 1 + 8 + 1 + 2;
        assert!(item <= 1024, "{item} bytes");
    }
}

#[test]
fn the_table_is_defined_by_its_two_keys() {
    let definition = table_definition("journals").unwrap();
    let keys: Vec<_> = definition
        .key_schema()
        .iter()
        .map(|key| key.attribute_name())
        .collect();
    assert_eq!(keys, [PK, SK]);
    assert!(definition.global_secondary_indexes().is_empty());
}
