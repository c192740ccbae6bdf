//! Signing keys, one type for each purpose, so that no signature can stand for another.
//!
//! The log's key may live where it never leaves, as in a key service. Whatever [`LogKey`] signs is therefore also there
//! as bytes to sign, to which a signature from elsewhere is put, and checked: see [`Checkpoint`](crate::note::Checkpoint),
//! [`ReceiptTerms`] and [`Successor`].

mod chain;
mod signature;

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use model::{EntryHash, JournalId, ParseError};
use serde::{Deserialize, Serialize};

use crate::kind::{KeyRotated, Purpose, Successor};
use crate::note::Vkey;
use crate::receipt::{Promised, ReceiptError, ReceiptTerms, ReceiptVoucher};

pub use chain::{KeyChain, KeyChainError};
pub use signature::Signature;

/// The secret from which a signing key is made.
pub type Seed = [u8; 32];

/// Signs checkpoints, vouches for receipt keys and for its own successor, and signs nothing else. The seed is wiped from memory when it is dropped.
pub struct LogKey {
    key: SigningKey,
    vkey: Vkey,
}

impl LogKey {
    /// Makes the key of a journal's log from its seed.
    #[must_use]
    pub fn new(journal: &JournalId, seed: &Seed) -> Self {
        let key = SigningKey::from_bytes(seed);
        let vkey = Vkey::new(journal, PublicKey(key.verifying_key()));
        Self { key, vkey }
    }

    /// Returns the public form that verifiers are given.
    #[must_use]
    pub const fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// Vouches for the key that takes this one's place.
    #[must_use]
    pub fn vouch(&self, journal: &JournalId, new: PublicKey) -> KeyRotated {
        vouch(&self.key, journal, Purpose::Log, new)
    }

    /// Vouches for a receipt key on terms.
    ///
    /// # Errors
    /// When the terms are none that a verifier accepts.
    pub fn vouch_receipt(&self, terms: ReceiptTerms) -> Result<ReceiptVoucher, ReceiptError> {
        terms.signed_with(&self.vkey, self.sign(&terms.to_sign(&self.vkey)))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        sign(&self.key, message)
    }
}

/// Signs permits and its own successor, and nothing else. The seed is wiped from memory when it is dropped.
pub struct PermitKey(SigningKey);

impl PermitKey {
    /// Makes the key from its seed.
    #[must_use]
    pub fn new(seed: &Seed) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Returns the public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Vouches for the key that takes this one's place.
    #[must_use]
    pub fn vouch(&self, journal: &JournalId, new: PublicKey) -> KeyRotated {
        vouch(&self.0, journal, Purpose::Permit, new)
    }

    /// Signs the bytes of a permit.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        sign(&self.0, message).0
    }
}

/// Signs promises, and nothing else. It lives for hours, so that whoever takes in entries need not hold the log's key.
/// The seed is wiped from memory when it is dropped.
pub struct ReceiptKey(SigningKey);

impl ReceiptKey {
    /// Makes the key from its seed.
    #[must_use]
    pub fn new(seed: &Seed) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Returns the public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Promises that the log of a journal will hold an entry at `latest_ms`, as the voucher for this key allows.
    ///
    /// # Errors
    /// When the voucher is for another key, or does not allow such a promise. Whether the log's key gave it is not asked.
    pub fn promise(
        &self,
        journal: &JournalId,
        voucher: &ReceiptVoucher,
        entry: EntryHash,
        latest_ms: u64,
    ) -> Result<Promised, ReceiptError> {
        let sign = |message: &[u8]| sign(&self.0, message);
        Promised::sign(journal, (self.public(), voucher), (entry, latest_ms), sign)
    }
}

fn vouch(old: &SigningKey, journal: &JournalId, purpose: Purpose, key: PublicKey) -> KeyRotated {
    let successor = Successor { key, purpose };
    successor.vouched(sign(old, &successor.to_sign(journal)))
}

fn sign(key: &SigningKey, message: &[u8]) -> Signature {
    Signature(key.sign(message).to_bytes())
}

/// Keeps secrets out of logs.
macro_rules! opaque_debug {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(stringify!($name))
            }
        }
    };
}
opaque_debug!(LogKey);
opaque_debug!(PermitKey);
opaque_debug!(ReceiptKey);

/// An Ed25519 public key (RFC 8032), written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Takes a public key from its bytes; `None` where they are no usable point of the curve.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(bytes).ok()?;
        (!key.is_weak()).then_some(Self(key))
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Says whether a signature over these bytes is this key's.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0
            .verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
            .is_ok()
    }
}

impl FromStr for PublicKey {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.parse::<model::Root>()
            .ok()
            .and_then(|bytes| Self::from_bytes(bytes.as_bytes()))
            .ok_or_else(|| ParseError {
                value: text.chars().take(80).flat_map(char::escape_debug).collect(),
                expected: "an Ed25519 public key: 64 lower-case hexadecimal digits",
            })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
