//! What is said of a policy: an in-toto statement whose subject is the code, and whose predicate is all else.

use evidence::strict_json;
use model::kind::{Language, PolicySigned};
use model::{Name, Root};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::SignatureError;

/// The type of the predicate: what a policy is called, what it is written in, and the digest of its parameters' schema.
pub const PREDICATE_TYPE: &str = "https://trailmark.dev/policy/v1";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// What `cosign attest-blob` writes; the members are the same.
const STATEMENT_TYPE_BEFORE: &str = "https://in-toto.io/Statement/v0.1";
const SHOWN_CHARS: usize = 100;

/// A statement (in-toto attestation framework, Statement v1). Nothing else may stand in it: who knows more words than this
/// might mean something by them that is not heeded here.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement<P> {
    #[serde(rename = "_type")]
    statement_type: String,
    predicate: P,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    subject: Vec<Subject>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    digest: Digest,
    /// What its signer called the file; the policy's name stands in the predicate.
    #[serde(default)]
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Digest {
    sha256: Root,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    language: Language,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parameters: Option<Digest>,
    policy: Name,
}

/// Writes what is said of a policy.
pub(super) fn write(signed: &PolicySigned) -> Result<Vec<u8>, serde_json::Error> {
    model::canonical::to_vec(&Statement {
        statement_type: STATEMENT_TYPE.to_owned(),
        predicate: predicate(signed),
        predicate_type: PREDICATE_TYPE.to_owned(),
        subject: vec![Subject {
            digest: Digest {
                sha256: signed.digest,
            },
            name: signed.policy.to_string(),
        }],
    })
}

fn predicate(signed: &PolicySigned) -> Predicate {
    Predicate {
        language: signed.language,
        parameters: signed.parameters.map(|sha256| Digest { sha256 }),
        policy: signed.policy.clone(),
    }
}

/// Reads what is said of a policy.
pub(super) fn read(bytes: &[u8]) -> Result<PolicySigned, SignatureError> {
    let statement: Statement<&RawValue> =
        strict_json::from_slice(bytes).map_err(SignatureError::Statement)?;
    if ![STATEMENT_TYPE, STATEMENT_TYPE_BEFORE].contains(&statement.statement_type.as_str()) {
        return Err(SignatureError::StatementType(shown(
            &statement.statement_type,
        )));
    }
    if statement.predicate_type != PREDICATE_TYPE {
        return Err(SignatureError::PredicateType(shown(
            &statement.predicate_type,
        )));
    }
    let [subject] = statement.subject.as_slice() else {
        return Err(SignatureError::Subjects(statement.subject.len()));
    };
    let predicate: Predicate = strict_json::from_slice(statement.predicate.get().as_bytes())
        .map_err(SignatureError::Statement)?;
    Ok(PolicySigned {
        digest: subject.digest.sha256,
        language: predicate.language,
        parameters: predicate.parameters.map(|digest| digest.sha256),
        policy: predicate.policy,
    })
}

/// Shortens a text of outside for a message.
pub(super) fn shown(text: &str) -> String {
    let fits = text.chars().filter(|char| !char.is_control());
    fits.take(SHOWN_CHARS).collect()
}
