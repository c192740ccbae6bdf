use evidence::provenance::{self, Provenance, ProvenanceFacts};
use evidence::{Extracted, PersonId, extract};
use serde_json::Value;

/// Two people are registered, so that both sides of every question about people are reached.
fn people(alias: &str) -> Option<PersonId> {
    let id = match alias {
        "github:alice" | "email:alice@example.com" => "person-00000000000000aa",
        "github:bob" => "person-00000000000000bb",
        _ => return None,
    };
    id.parse().ok()
}

/// A report that is read has canonical facts, the same each time, and nobody's name in them.
pub(crate) fn read(attestation_type: &str, bytes: &[u8]) {
    let Ok(extracted) = extract(attestation_type, bytes, &people) else {
        return;
    };
    canonical(&extracted);
    let again = extract(attestation_type, bytes, &people).expect("it was read before");
    assert_eq!(again.facts, extracted.facts);
    assert_eq!(again.people, extracted.people);
}

/// What is recorded of an artifact's origin, as it is asked for over HTTP.
pub(crate) fn provenance(bytes: &[u8]) {
    let Ok(asked) = evidence::strict_json::from_slice::<Provenance>(bytes) else {
        return;
    };
    let Ok(extracted) = provenance::extract(&asked, &people) else {
        return;
    };
    canonical(&extracted);
    serde_json::from_slice::<ProvenanceFacts>(&extracted.facts)
        .expect("the facts are of their schema");
}

/// What this reader takes, every other takes, and reads the same.
pub(crate) fn strict_json(bytes: &[u8]) {
    if let Ok(value) = evidence::strict_json::from_slice::<Value>(bytes) {
        let other: Value = serde_json::from_slice(bytes).expect("another reader refuses it");
        assert_eq!(value, other);
    }
}

fn canonical(extracted: &Extracted) {
    model::canonical::check(&extracted.facts).expect("the facts are canonical");
    if let Some(people) = &extracted.people {
        model::canonical::check(people).expect("what is said of people is canonical");
    }
}
