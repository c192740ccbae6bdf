use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evidence::strict_json;
use model::kind::PolicySigned;
use model::limits::{SIGNATURE_BYTES_MAX, SIGNATURES_MAX};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::envelope::{IN_TOTO, decode, to_sign};
use super::statement::{self, shown};
use super::{PolicyKey, PolicySigner, SIGNATURE_MEDIA_TYPE, SignatureError};
use crate::error::RecorderError;

/// A bundle as it is read. What proves it in a transparency log stands in it and is passed over: it takes a log's key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    verification_material: Material,
    dsse_envelope: Option<Envelope>,
    message_signature: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Material {
    public_key: Option<KeyHint>,
    certificate: Option<IgnoredAny>,
    x509_certificate_chain: Option<IgnoredAny>,
    #[serde(rename = "tlogEntries")]
    _tlog_entries: Option<IgnoredAny>,
    #[serde(rename = "timestampVerificationData")]
    _timestamp_verification_data: Option<IgnoredAny>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyHint {
    hint: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    sig: String,
    #[serde(rename = "keyid", default, skip_serializing)]
    _keyid: Option<String>,
}

/// A bundle as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    media_type: &'static str,
    verification_material: ByKey,
    dsse_envelope: Envelope,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ByKey {
    public_key: KeyHint,
}

/// A signature of a policy, as it was read: what it says, and what it takes to find out whose it is.
#[derive(Debug, Clone)]
pub struct PolicySignature {
    hint: Option<String>,
    message: Vec<u8>,
    signatures: Vec<Vec<u8>>,
    signed: PolicySigned,
}

impl PolicySignature {
    /// Reads a bundle. Whose it is, only [`PolicySignature::is_by`] says.
    ///
    /// # Errors
    /// Says why it is no signature of a policy: each part is refused that this program would not heed.
    pub fn read(bytes: &[u8]) -> Result<Self, SignatureError> {
        if bytes.len() > SIGNATURE_BYTES_MAX {
            return Err(SignatureError::TooLarge(bytes.len()));
        }
        let bundle: Bundle = strict_json::from_slice(bytes).map_err(SignatureError::Bundle)?;
        if bundle.media_type != SIGNATURE_MEDIA_TYPE {
            return Err(SignatureError::MediaType(shown(&bundle.media_type)));
        }
        let material = bundle.verification_material;
        if material.certificate.is_some() || material.x509_certificate_chain.is_some() {
            return Err(SignatureError::Certificate);
        }
        if bundle.message_signature.is_some() {
            return Err(SignatureError::MessageSignature);
        }
        let envelope = bundle.dsse_envelope.ok_or(SignatureError::NoEnvelope)?;
        if !(1..=SIGNATURES_MAX).contains(&envelope.signatures.len()) {
            return Err(SignatureError::Count(envelope.signatures.len()));
        }
        let payload = decode(&envelope.payload).ok_or(SignatureError::Base64("payload"))?;
        if envelope.payload_type != IN_TOTO {
            return Err(SignatureError::PayloadType(shown(&envelope.payload_type)));
        }
        let signatures = envelope.signatures.iter();
        let signatures = signatures.map(|found| decode(&found.sig));
        Ok(Self {
            hint: material
                .public_key
                .and_then(|key| key.hint)
                .map(|hint| shown(&hint)),
            message: to_sign(&envelope.payload_type, &payload),
            signatures: signatures
                .collect::<Option<_>>()
                .ok_or(SignatureError::Base64("sig"))?,
            signed: statement::read(&payload)?,
        })
    }

    /// Says whether one of its signatures is a key's.
    #[must_use]
    pub fn is_by(&self, key: &PolicyKey) -> bool {
        let mut signatures = self.signatures.iter();
        signatures.any(|signature| key.verifies(&self.message, signature))
    }

    /// Checks that it is of this policy: its code, language, name and schema, or that it has none.
    ///
    /// # Errors
    /// Says in what the policy that was signed differs.
    pub fn check(&self, policy: &PolicySigned) -> Result<(), SignatureError> {
        let schema = |policy: &PolicySigned| {
            let digest = policy.parameters.map(|digest| digest.to_string());
            digest.unwrap_or_else(|| "none".to_owned())
        };
        let text = |policy: &PolicySigned| {
            [
                ("name", policy.policy.to_string()),
                ("language", format!("{:?}", policy.language).to_lowercase()),
                ("code", policy.digest.to_string()),
                ("schema", schema(policy)),
            ]
        };
        for ((what, signed), (_, found)) in text(&self.signed).into_iter().zip(text(policy)) {
            if signed != found {
                return Err(SignatureError::OtherPolicy {
                    what,
                    signed,
                    found,
                });
            }
        }
        Ok(())
    }

    /// Returns of what it is.
    #[must_use]
    pub const fn signed(&self) -> &PolicySigned {
        &self.signed
    }

    /// Returns the key's hint, as whoever made the bundle wrote it. It proves nothing.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// Signs a policy: makes a bundle of its own, as one line of JSON.
///
/// # Errors
/// When the system has no randomness.
pub fn sign(policy: &PolicySigned, signer: &PolicySigner) -> Result<Vec<u8>, RecorderError> {
    let encode = |source| RecorderError::Encode {
        what: "signature",
        source,
    };
    let payload = statement::write(policy).map_err(encode)?;
    let signature = signer
        .sign(&to_sign(IN_TOTO, &payload))
        .ok_or(RecorderError::Entropy)?;
    let bundle = Written {
        media_type: SIGNATURE_MEDIA_TYPE,
        verification_material: ByKey {
            public_key: KeyHint {
                hint: Some(signer.public().hint()),
            },
        },
        dsse_envelope: Envelope {
            payload: STANDARD.encode(payload),
            payload_type: IN_TOTO.to_owned(),
            signatures: vec![Signature {
                sig: STANDARD.encode(signature),
                _keyid: None,
            }],
        },
    };
    let mut bytes = serde_json::to_vec(&bundle).map_err(encode)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests;
