use journal::Receipt;
use journal::map::MapProof;
use journal::note::{Checkpoint, Note, Vkey};
use journal::tile::{Tile, read_entries, read_hashes, write_entry, write_hashes};
use journal::tree::{Hash, verify_consistency, verify_inclusion};
use journal::verify::{Pin, open, verify};
use model::{EntryHash, StreamName};

/// A bundle is verified the same whether or not it is kept, and what is kept is what was counted.
pub(crate) fn bundle(bytes: &[u8]) {
    let pin = Pin::default();
    let (report, opened) = (verify(bytes, &pin), open(bytes, &pin));
    assert_eq!(report.is_ok(), opened.is_ok());
    let (Ok(report), Ok(opened)) = (report, opened) else {
        return;
    };
    assert_eq!(report.included, opened.report().included);
    assert_eq!(report.root, opened.report().root);
    assert_eq!(report.included, opened.entries().count() as u64);
    for (index, entry) in opened.entries() {
        assert_eq!(opened.at(index).map(model::Entry::hash), Some(entry.hash()));
        for link in &entry.header().links {
            let mut there = opened.stream(&link.stream, link.seq..=link.seq);
            assert!(there.any(|(_, found)| found.hash() == entry.hash()));
        }
    }
}

/// A note, a checkpoint and a key have one spelling each; no key but its own opens a note.
pub(crate) fn note(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(note) = text.parse::<Note>() {
        assert_eq!(note.to_string(), text);
        if let Ok(checkpoint) = note.unverified_text().parse::<Checkpoint>() {
            assert!(note.unverified_text().starts_with(&checkpoint.to_string()));
        }
        let stranger = "trailmark/x+31f5d0ab+AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";
        if let Ok(key) = stranger.parse::<Vkey>() {
            assert!(note.open(&key).is_err());
        }
    }
    if let Ok(key) = text.parse::<Vkey>() {
        assert_eq!(key.to_string(), text);
    }
}

/// A map proof has one spelling, and leads to one root at most.
pub(crate) fn map_proof(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (stream, proof) = text.split_once(' ').unwrap_or(("admin", text));
    let (Ok(stream), Ok(proof)) = (stream.parse::<StreamName>(), proof.parse::<MapProof>()) else {
        return;
    };
    let again: MapProof = proof
        .to_string()
        .parse()
        .expect("it was written by the reader's own");
    assert_eq!(again.root(&stream), proof.root(&stream));
}

/// Proofs of numbers and hashes: whatever they prove, they do not also prove of another root.
pub(crate) fn tree_proof(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first_chunk::<8>() else {
        return;
    };
    let Some((second, rest)) = rest.split_first_chunk::<8>() else {
        return;
    };
    let (one, other) = (u64::from_be_bytes(*first), u64::from_be_bytes(*second));
    let hashes: Vec<Hash> = rest
        .as_chunks::<32>()
        .0
        .iter()
        .map(|hash| Hash(*hash))
        .collect();
    let [root, second, proof @ ..] = hashes.as_slice() else {
        return;
    };
    let entry = EntryHash(second.0);
    let lie = Hash([0x55; 32]);
    for (index, size) in [(one, other), (one % 64, other % 64)] {
        if verify_inclusion(&entry, index, size, proof, root).is_ok() && lie != *root {
            assert!(verify_inclusion(&entry, index, size, proof, &lie).is_err());
        }
        if verify_consistency(index, size, proof, second, root).is_ok() && lie != *root {
            assert!(verify_consistency(index, size, proof, second, &lie).is_err());
        }
    }
}

/// A receipt is read, and holds for no other key and no other entry.
pub(crate) fn receipt(bytes: &[u8]) {
    let Ok(receipt) = serde_json::from_slice::<Receipt>(bytes) else {
        return;
    };
    let written = serde_json::to_vec(&receipt).expect("a receipt is JSON");
    let again: Receipt =
        serde_json::from_slice(&written).expect("it was written by the reader's own");
    assert_eq!(again, receipt);
    let stranger = "trailmark/x+31f5d0ab+AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";
    if let Ok(key) = stranger.parse::<Vkey>() {
        assert!(receipt.verify(receipt.entry(), &key).is_err());
    }
}

/// A tile and its name have one spelling each.
pub(crate) fn tile(bytes: &[u8]) {
    if let Ok(tile) = std::str::from_utf8(bytes)
        .unwrap_or_default()
        .parse::<Tile>()
    {
        assert_eq!(tile.to_string().as_bytes(), bytes);
    }
    let Some((width, rest)) = bytes.split_first() else {
        return;
    };
    let width = u16::from(*width);
    if let Ok(hashes) = read_hashes(rest, width) {
        assert_eq!(write_hashes(&hashes), rest);
    }
    if let Ok(entries) = read_entries(rest, width) {
        let mut written = Vec::new();
        for entry in entries {
            write_entry(&mut written, entry).expect("it has the length that was read");
        }
        assert_eq!(written, rest);
    }
}
