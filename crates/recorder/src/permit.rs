//! Permits: signed statements of an allowed decision, for the deploy step. They are checked without the recorder.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use journal::key::PublicKey;
use model::limits::PERMIT_TTL_MS_MAX;
use model::{EntryHash, Fingerprint, Name};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Appended;

use crate::decision::Grounds;
use crate::dossier::Question;
use crate::error::RecorderError;
use crate::recorder::{Recorder, check_text};
use crate::signature::envelope::{IN_TOTO as PAYLOAD_TYPE, to_sign};
use crate::timestamp;

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE: &str = "https://slsa.dev/verification_summary/v1";

/// Asks for a permit together with a decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitRequest {
    /// Who will check it, for example `deploy.prod`.
    pub audience: String,
    /// How long it is to live, in milliseconds; at most and by default 15 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
}

/// A permit: a DSSE envelope around an in-toto statement with a SLSA Verification Summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permit {
    /// The statement, in base64.
    pub payload: String,
    /// The statement's media type.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// One signature, by the journal's permit key.
    pub signatures: Vec<Signature>,
}

/// A signature of a DSSE envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The public key, hexadecimal.
    pub keyid: String,
    /// The Ed25519 signature, in base64.
    pub sig: String,
}

/// What a permit says, once it is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Permitted {
    /// Who is to check it.
    pub audience: String,
    /// The decision.
    pub decision: EntryHash,
    /// Where the artifact may run.
    pub environment: Name,
    /// When the permit ends, in milliseconds since 1970-01-01 UTC.
    pub expires_ms: u64,
    /// The exceptions by which it is permitted, entries; none where every policy allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<EntryHash>,
    /// The artifact.
    pub fingerprint: Fingerprint,
    /// The journal that decided.
    pub journal: String,
}

/// Why a permit permits nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermitError {
    /// It is not of a permit's form.
    #[error("the file is not a permit")]
    Form,
    /// It was not signed by the key given.
    #[error("the permit is not signed by the journal's permit key")]
    Signature,
    /// Its time is over.
    #[error("the permit ended at `{0}`")]
    Expired(String),
}

impl Recorder {
    pub(crate) fn permit(
        &self,
        request: &PermitRequest,
        question: &Question,
        appended: &Appended,
        grounds: &Grounds,
    ) -> Result<Permit, RecorderError> {
        check_text("audience", &request.audience)?;
        let ttl_ms = request.ttl_ms.unwrap_or(PERMIT_TTL_MS_MAX);
        if ttl_ms > PERMIT_TTL_MS_MAX {
            return Err(RecorderError::Invalid(format!(
                "a permit lives at most `{PERMIT_TTL_MS_MAX}` ms"
            )));
        }
        let header = appended.stored.entry.header();
        let decision = appended.stored.entry.hash();
        let policies: Vec<Value> = grounds
            .policies
            .iter()
            .map(|judged| json!({"uri": format!("trailmark:policy/{}", judged.name), "digest": {"sha256": judged.identity.policy}}))
            .collect();
        let exceptions: Vec<Value> = grounds
            .passed_by()
            .map(|(judged, found)| {
                json!({
                    "by": found.by,
                    "exception": found.entry,
                    "expiresMs": found.expires_ms,
                    "policy": judged.name,
                    "reason": found.reason,
                })
            })
            .collect();
        let statement = json!({
            "_type": STATEMENT_TYPE,
            "subject": [{"digest": {"sha256": question.fingerprint}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "verifier": {"id": header.journal},
                "timeVerified": timestamp::format(header.recorded_ms),
                "resourceUri": format!("trailmark:environment/{}", question.environment),
                "policy": {"uri": format!("trailmark:decision/{decision}"), "digest": {"sha256": decision}},
                "policies": policies,
                "verificationResult": "PASSED",
                "verifiedLevels": [],
                "permit": {
                    "audience": request.audience,
                    "decision": decision,
                    "environment": question.environment,
                    "exceptions": exceptions,
                    "expiresMs": header.recorded_ms + ttl_ms,
                },
            },
        });
        let encode = |source| RecorderError::Encode {
            what: "permit",
            source,
        };
        let payload = model::canonical::to_vec(&statement).map_err(encode)?;
        let signature = self.permit_key.sign(&to_sign(PAYLOAD_TYPE, &payload));
        Ok(Permit {
            payload: STANDARD.encode(&payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![Signature {
                keyid: hex::encode(self.permit_key.public().as_bytes()),
                sig: STANDARD.encode(signature),
            }],
        })
    }
}

impl Permit {
    /// Checks the permit at a time, by nothing but the journal's permit key. Whether it names the artifact, environment
    /// and audience at hand is for the caller to compare.
    ///
    /// # Errors
    /// Says why it permits nothing.
    pub fn check(&self, key: &PublicKey, now_ms: u64) -> Result<Permitted, PermitError> {
        let payload = STANDARD
            .decode(&self.payload)
            .map_err(|_| PermitError::Form)?;
        let signed = self.signatures.iter().any(|signature| {
            let bytes = STANDARD
                .decode(&signature.sig)
                .ok()
                .and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
            bytes.is_some_and(|bytes| key.verifies(&to_sign(PAYLOAD_TYPE, &payload), &bytes))
        });
        if !signed || self.payload_type != PAYLOAD_TYPE {
            return Err(PermitError::Signature);
        }
        let permitted = read(&payload).ok_or(PermitError::Form)?;
        if permitted.expires_ms <= now_ms {
            return Err(PermitError::Expired(timestamp::format(
                permitted.expires_ms,
            )));
        }
        Ok(permitted)
    }
}

fn read(payload: &[u8]) -> Option<Permitted> {
    let statement: Value = serde_json::from_slice(payload).ok()?;
    let text = |pointer: &str| statement.pointer(pointer).and_then(Value::as_str);
    if text("/_type")? != STATEMENT_TYPE || text("/predicateType")? != PREDICATE_TYPE {
        return None;
    }
    Some(Permitted {
        audience: text("/predicate/permit/audience")?.to_owned(),
        decision: text("/predicate/permit/decision")?.parse().ok()?,
        environment: text("/predicate/permit/environment")?.parse().ok()?,
        exceptions: exceptions(&statement)?,
        expires_ms: statement.pointer("/predicate/permit/expiresMs")?.as_u64()?,
        fingerprint: text("/subject/0/digest/sha256")?.parse().ok()?,
        journal: text("/predicate/verifier/id")?.to_owned(),
    })
}

/// Reads which exceptions a permit names; nothing where they cannot be read.
fn exceptions(statement: &Value) -> Option<Vec<EntryHash>> {
    let exceptions = statement.pointer("/predicate/permit/exceptions")?;
    let entry = |found: &Value| found.get("exception")?.as_str()?.parse().ok();
    exceptions.as_array()?.iter().map(entry).collect()
}
