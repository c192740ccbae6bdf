use journal::key::{LogKey, PermitKey};
use journal::kind::{Genesis, Recovered};
use journal::{Draft, Idempotency};
use model::kind::Fields;
use model::{By, FORMAT, JournalId, Payload, Role, Root, StreamName};

use super::SEED;

/// Names the journal of the cases.
#[must_use]
pub fn journal_id() -> JournalId {
    "trailmark/conformance".parse().unwrap()
}

/// Names a stream of the cases.
#[must_use]
pub fn stream(name: &str) -> StreamName {
    format!("trail/flow/{name}").parse().unwrap()
}

/// Drafts the first entry of a journal.
#[must_use]
pub fn genesis(journal: &JournalId) -> Draft {
    draft(
        &Genesis {
            format: FORMAT,
            log_key: LogKey::new(journal, &SEED).vkey().clone(),
            name: "Conformance".to_owned(),
            people_by_key: false,
            permit_key: PermitKey::new(&[8; 32]).public(),
            solo: true,
        },
        vec![StreamName::admin()],
    )
}

/// Drafts an entry about some streams, with a payload of its own.
#[must_use]
pub fn attestation(number: u64, streams: &[StreamName]) -> Draft {
    let payload = Payload {
        role: Role::Facts,
        media_type: "application/json".to_owned(),
        schema: Some("generic.v1".parse().unwrap()),
        salt: [u8::try_from(number % 251).unwrap(); 32],
        bytes: format!("{{\"number\":{number}}}").into_bytes(),
    };
    let fields = format!("{{\"number\":{number}}}");
    Draft {
        by: By::recorder(),
        claimed_ms: None,
        fields: serde_json::value::RawValue::from_string(fields).unwrap(),
        kind: "generic".parse().unwrap(),
        streams: streams.to_vec(),
        payloads: vec![payload],
        idempotency: Some(Idempotency {
            key: digest("key", number),
            content: digest("content", number),
        }),
        expected: Vec::new(),
        large: Vec::new(),
    }
}

/// Drafts the entry that makes a store writable again after it lost entries.
#[must_use]
pub fn recovered(lost_from: u64, lost_to: u64) -> Draft {
    draft(
        &Recovered {
            expected_root: Root([0; 32]),
            lost_from,
            lost_to,
            reason: "an old copy was put back".to_owned(),
        },
        vec![StreamName::admin()],
    )
}

/// Drafts an entry of a kind of the journal's.
pub(crate) fn draft<F: Fields>(fields: &F, streams: Vec<StreamName>) -> Draft {
    Draft {
        by: By::recorder(),
        claimed_ms: None,
        fields: fields.encode().unwrap(),
        kind: F::kind().unwrap(),
        streams,
        payloads: Vec::new(),
        idempotency: None,
        expected: Vec::new(),
        large: Vec::new(),
    }
}

fn digest(what: &str, number: u64) -> [u8; 32] {
    Payload::digest_of(&[0; 32], format!("{what} {number}").as_bytes()).0
}
