use journal::verify::{Fault, Pin, Wrong, open, verify};
use proptest::prelude::*;

use crate::book::{Book, resealed};

/// A whole journal and a bundle of streams, each with something of everything.
fn bundles() -> [Vec<u8>; 2] {
    let book = Book::small();
    let claims = book.claims(&[("artifact/aa", 0, 5), ("environment/prod", 0, 1)]);
    let names = ["artifact/aa", "environment/prod", "running/aa"];
    let mut claims = book.with_heads(claims, 10, &names);
    claims.consistency = Some(book.consistency(5));
    [book.export(), book.export_streams(&claims)]
}

fn fault_of(bundle: &[u8]) -> Fault {
    match verify(bundle, &Pin::default()) {
        Ok(_) => panic!("accepted {}", String::from_utf8_lossy(bundle)),
        Err(fault) => fault,
    }
}

fn lines(bundle: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(bundle).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn sealed(lines: &[String]) -> Vec<u8> {
    resealed(format!("{}\n", lines.join("\n")).as_bytes())
}

#[test]
fn every_flipped_byte_is_found_and_one_in_an_entry_names_that_entry() {
    for bundle in bundles() {
        verify(bundle.as_slice(), &Pin::default()).unwrap();
        let mut line_start = 0;
        for (number, line) in (1..).zip(bundle.split_inclusive(|byte| *byte == b'\n')) {
            let entry = line.starts_with(b"e ").then(|| {
                let words: Vec<_> = std::str::from_utf8(line).unwrap().splitn(4, ' ').collect();
                (words[1].to_owned(), words[2].to_owned())
            });
            for at in line_start..line_start + line.len() {
                for mask in [0x01, 0x20, 0x80] {
                    let mut damaged = bundle.clone();
                    damaged[at] ^= mask;
                    let fault = fault_of(&damaged);
                    let Some((index, hash)) = &entry else {
                        continue;
                    };
                    let place = &fault.place;
                    let named = match place.entry {
                        Some(found) => found.to_string() == *hash,
                        None => place.line == number,
                    };
                    // In the line itself, the damage may be to the hash that names the entry.
                    let damaged_hash = place.line == number
                        && place.index.is_some_and(|found| found.to_string() == *index);
                    // A line feed too many cuts the line in two.
                    let cut = place.line == number + 1 && place.entry.is_none();
                    assert!(
                        named || damaged_hash || cut,
                        "byte {at} of line {number}: {fault:?}"
                    );
                }
            }
            line_start += line.len();
        }
    }
}

#[test]
fn a_flipped_byte_of_a_header_is_a_bad_hash_also_when_the_last_line_is_made_anew() {
    for bundle in bundles() {
        let mut at = 0;
        for line in bundle.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b"e ") {
                let header = at + line.iter().position(|byte| *byte == b'{').unwrap();
                for byte in header..at + line.len() - 1 {
                    let mut damaged = bundle.clone();
                    damaged[byte] ^= 0x01;
                    let fault = fault_of(&resealed(&damaged));
                    assert!(matches!(fault.wrong, Wrong::BadHash), "{fault:?}");
                }
            }
            at += line.len();
        }
    }
}

#[test]
fn a_bundle_that_is_cut_off_anywhere_is_refused() {
    for bundle in bundles() {
        for length in 0..bundle.len() {
            fault_of(&bundle[..length]);
        }
        let all = lines(&bundle);
        for count in 1..all.len() - 1 {
            let mut cut = all[..count].to_vec();
            cut.push("end 0 x".to_owned());
            fault_of(&sealed(&cut));
        }
        let longer = [bundle.as_slice(), b"\n"].concat();
        assert!(matches!(fault_of(&longer).wrong, Wrong::Malformed(_)));
    }
}

#[test]
fn a_line_that_is_dropped_doubled_or_swapped_is_found() {
    for bundle in bundles() {
        let all = lines(&bundle);
        for first in 0..all.len() - 1 {
            // A bundle may leave out the consistency proof, and what shows that a range is complete.
            if !all[first].starts_with("k ") && !all[first].starts_with("m ") {
                let mut dropped = all.clone();
                dropped.remove(first);
                fault_of(&sealed(&dropped));
            }
            let mut doubled = all.clone();
            doubled.insert(first, all[first].clone());
            fault_of(&sealed(&doubled));
            for second in first + 1..all.len() - 1 {
                let mut swapped = all.clone();
                swapped.swap(first, second);
                fault_of(&sealed(&swapped));
            }
        }
    }
}

#[test]
fn a_missing_entry_is_told_from_one_that_stands_elsewhere() {
    let [journal, _] = bundles();
    let all = lines(&journal);
    let place = all
        .iter()
        .position(|line| line.starts_with("e 7 "))
        .unwrap();
    let mut dropped = all.clone();
    dropped.remove(place);
    let fault = fault_of(&sealed(&dropped));
    assert!(matches!(fault.wrong, Wrong::Missing(7)), "{fault:?}");
    assert_eq!(fault.place.index, Some(8));
    let mut swapped = all.clone();
    swapped.swap(place, place + 1);
    let fault = fault_of(&sealed(&swapped));
    assert!(
        matches!(fault.wrong, Wrong::Reordered { expected: 7 }),
        "{fault:?}"
    );
    let mut doubled = all.clone();
    doubled.insert(place, all[place].clone());
    let fault = fault_of(&sealed(&doubled));
    assert!(
        matches!(fault.wrong, Wrong::Reordered { expected: 8 }),
        "{fault:?}"
    );
}

#[test]
fn an_exchanged_payload_names_its_entry() {
    for bundle in bundles() {
        let mut all = lines(&bundle);
        let place = all.iter().position(|line| line.starts_with("p ")).unwrap();
        let words: Vec<_> = all[place].split(' ').collect();
        all[place] = format!("p {} {} aGVsbG8=", words[1], words[2]);
        let fault = fault_of(&sealed(&all));
        assert!(matches!(fault.wrong, Wrong::Payload(_)), "{fault:?}");
        assert_eq!(fault.place.index, Some(3));
    }
}

#[test]
fn an_entry_outside_the_claimed_ranges_is_refused() {
    let [journal, streams] = bundles();
    let (mut all, whole) = (lines(&streams), lines(&journal));
    let unclaimed = whole.iter().find(|line| line.starts_with("e 2 ")).unwrap();
    let place = all
        .iter()
        .position(|line| line.starts_with("e 3 "))
        .unwrap();
    all.insert(place, unclaimed.clone());
    let fault = fault_of(&sealed(&all));
    assert!(matches!(fault.wrong, Wrong::Unclaimed), "{fault:?}");
}

proptest! {
    #[test]
    fn no_damage_makes_the_verifier_stop_or_accept(
        at in any::<prop::sample::Index>(), length in 0..200_usize, filling in prop::collection::vec(any::<u8>(), 0..80), whole in any::<bool>(),
    ) {
        let [journal, streams] = bundles();
        let mut bundle = if whole { journal } else { streams };
        let original = bundle.clone();
        let at = at.index(bundle.len());
        let end = (at + length).min(bundle.len());
        bundle.splice(at..end, filling);
        if bundle != original {
            prop_assert!(open(bundle.as_slice(), &Pin::default()).is_err());
        }
    }
}
