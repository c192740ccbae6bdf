use sha2::{Digest as _, Sha256};

use crate::entry::{PayloadRef, Role};
use crate::{Name, PayloadDigest};

/// Random bytes that keep a payload's digest from telling anything about its content.
pub type Salt = [u8; 32];

/// Bytes that an entry names by a salted digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    /// What the bytes are for.
    pub role: Role,
    /// Their media type (RFC 6838), for example `application/xml`.
    pub media_type: String,
    /// For facts: the schema's id, for example `junit.v1`.
    pub schema: Option<Name>,
    /// This payload's own salt.
    pub salt: Salt,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Payload {
    /// Computes SHA-256 over salt and bytes.
    #[must_use]
    pub fn digest_of(salt: &Salt, bytes: &[u8]) -> PayloadDigest {
        let mut hasher = Sha256::new();
        hasher.update(salt);
        hasher.update(bytes);
        PayloadDigest(hasher.finalize().into())
    }

    /// Returns what the header says of this payload.
    #[must_use]
    pub fn reference(&self) -> PayloadRef {
        PayloadRef {
            digest: Self::digest_of(&self.salt, &self.bytes),
            media_type: self.media_type.clone(),
            role: self.role,
            schema: self.schema.clone(),
            size: self.bytes.len() as u64,
        }
    }
}

/// A payload over [`PAYLOAD_BYTES_MAX`](crate::limits::PAYLOAD_BYTES_MAX), which a store keeps already: it is read and
/// written in parts, and never held in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargePayload {
    /// What the header says of it.
    pub reference: PayloadRef,
    /// Its own salt.
    pub salt: Salt,
}

impl std::fmt::Debug for Payload {
    /// Says what it is, never what it holds.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:?} payload of {} bytes", self.role, self.bytes.len())
    }
}
