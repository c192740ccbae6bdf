use evidence::strict_json::JsonError;
use model::limits::{SIGNATURE_BYTES_MAX, SIGNATURES_MAX};

use super::{PREDICATE_TYPE, SIGNATURE_MEDIA_TYPE};

/// Why something is no signature of a policy. Values of outside are shortened.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// It is larger than a bundle needs to be.
    #[error("the signature has `{0}` bytes, over the limit of {SIGNATURE_BYTES_MAX}")]
    TooLarge(usize),
    /// It is not the JSON of a bundle, or names a key twice.
    #[error("the signature is no Sigstore bundle")]
    Bundle(#[source] JsonError),
    /// It is a bundle of another version.
    #[error("the signature is of media type `{0}`, not `{SIGNATURE_MEDIA_TYPE}`")]
    MediaType(String),
    /// It was made by a certificate, which takes roots of trust and a log to check.
    #[error("the signature is by a certificate, not by a key")]
    Certificate,
    /// It signs bytes, and says nothing about a policy's name and schema.
    #[error("the signature is over bytes, not over a statement about a policy")]
    MessageSignature,
    /// It holds no envelope.
    #[error("the bundle holds no DSSE envelope")]
    NoEnvelope,
    /// It has no signatures, or more than are tried.
    #[error("the envelope has `{0}` signatures, where 1 to {SIGNATURES_MAX} are taken")]
    Count(usize),
    /// A member is not base64.
    #[error("`{0}` of the envelope is not base64")]
    Base64(&'static str),
    /// What is signed is no in-toto statement.
    #[error("the envelope's payload is of type `{0}`, not `application/vnd.in-toto+json`")]
    PayloadType(String),
    /// What is signed is not the JSON of a statement about a policy, or names a key twice.
    #[error("what is signed is no statement about a policy")]
    Statement(#[source] JsonError),
    /// What is signed is another version of a statement.
    #[error("what is signed is of type `{0}`, not an in-toto statement 1 or 0.1")]
    StatementType(String),
    /// What is signed is about something else.
    #[error("the statement's predicate is of type `{0}`, not `{PREDICATE_TYPE}`")]
    PredicateType(String),
    /// It is not about one thing.
    #[error("the statement has `{0}` subjects, not one")]
    Subjects(usize),
    /// It is of another policy.
    #[error("the signature is of another policy: its {what} is `{signed}`, not `{found}`")]
    OtherPolicy {
        /// In what it differs: name, language, digest of the code, digest of the schema.
        what: &'static str,
        /// What was signed.
        signed: String,
        /// What the policy has.
        found: String,
    },
}

impl SignatureError {
    /// Returns what helps.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Certificate => "sign with a key: `trailmark policy sign --key FILE`",
            Self::MessageSignature => {
                "sign a statement: `trailmark policy sign`, or `cosign attest-blob` in place of `cosign sign-blob`"
            }
            Self::OtherPolicy { .. } => "sign exactly what is published, with its schema",
            _ => "make one with `trailmark policy sign`",
        }
    }
}

/// Why something is no key for policies. It never shows a key's bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is not PEM (RFC 7468) with one block.
    #[error("the key is not PEM with one block")]
    Pem,
    /// It is something else in PEM.
    #[error("it is `{found}`, not `{expected}`")]
    Label {
        /// What it says it is.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// It is a key of a kind that signs no policies.
    #[error("the key is neither Ed25519 nor ECDSA over P-256")]
    Algorithm,
    /// Its text is not base64 of a public key.
    #[error("the key is not base64 of a `SubjectPublicKeyInfo`")]
    Base64,
}

impl KeyError {
    /// Returns what helps.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Label { found, .. } if found.contains("ENCRYPTED") => {
                "a key with a password stays with its program: sign with `cosign attest-blob --type https://trailmark.dev/policy/v1`"
            }
            Self::Label { found, .. } if found == "EC PRIVATE KEY" => {
                "make it PKCS#8: `openssl pkcs8 -topk8 -nocrypt -in FILE`"
            }
            _ => {
                "make one with `openssl genpkey -algorithm ed25519`, its public half with `openssl pkey -pubout`"
            }
        }
    }
}
