use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Root;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::{Deserialize, Serialize};

use super::KeyError;
use crate::publication::sha256;

/// What stands before the 32 bytes of an Ed25519 key in its `SubjectPublicKeyInfo` (RFC 8410, section 4).
const ED25519_PREFIX: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
const ED25519_BYTES: usize = 32;
/// What stands before the point of a P-256 key, of which the first byte says that it is not compressed (RFC 5480, 2).
const P256_PREFIX: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
const P256_BYTES: usize = 65;
const NOT_COMPRESSED: u8 = 4;
const LINE: usize = 64;

/// A public key that signs policies: Ed25519, or ECDSA over P-256 with SHA-256.
///
/// As text it is its `SubjectPublicKeyInfo`, DER in base64: what stands between the lines of a PEM file.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PolicyKey {
    algorithm: Algorithm,
    der: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Algorithm {
    Ed25519,
    P256,
}

impl PolicyKey {
    /// Reads a key from PEM (`PUBLIC KEY`), as `openssl pkey -pubout` and `cosign public-key` write it.
    ///
    /// # Errors
    /// When it is something else, or a key of another kind.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_der(read_pem(text, "PUBLIC KEY")?)
    }

    fn from_der(der: Vec<u8>) -> Result<Self, KeyError> {
        let after = |prefix| der.strip_prefix(prefix);
        let algorithm = match (after(ED25519_PREFIX), after(P256_PREFIX)) {
            (Some(key), _) if key.len() == ED25519_BYTES => Algorithm::Ed25519,
            (_, Some([NOT_COMPRESSED, point @ ..])) if point.len() + 1 == P256_BYTES => {
                Algorithm::P256
            }
            _ => return Err(KeyError::Algorithm),
        };
        Ok(Self { algorithm, der })
    }

    fn new(algorithm: Algorithm, key: &[u8]) -> Result<Self, KeyError> {
        let prefix = match algorithm {
            Algorithm::Ed25519 => ED25519_PREFIX,
            Algorithm::P256 => P256_PREFIX,
        };
        Self::from_der([prefix, key].concat())
    }

    /// Writes the key as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let text = self.to_string();
        let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
        let mut rest = text.as_str();
        while let Some((line, more)) = rest.split_at_checked(LINE.min(rest.len())) {
            if line.is_empty() {
                break;
            }
            pem.push_str(line);
            pem.push('\n');
            rest = more;
        }
        pem + "-----END PUBLIC KEY-----\n"
    }

    /// Computes the key's id: SHA-256 of its `SubjectPublicKeyInfo`. In base64 it is the hint that `cosign` writes.
    #[must_use]
    pub fn id(&self) -> Root {
        sha256(&self.der)
    }

    /// Returns the hint by which a bundle names the key.
    #[must_use]
    pub fn hint(&self) -> String {
        STANDARD.encode(self.id().0)
    }

    /// Says whether a signature over a message is this key's.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let (algorithm, prefix): (&dyn VerificationAlgorithm, _) = match self.algorithm {
            Algorithm::Ed25519 => (&ED25519, ED25519_PREFIX),
            Algorithm::P256 => (&ECDSA_P256_SHA256_ASN1, P256_PREFIX),
        };
        let key = self.der.strip_prefix(prefix).unwrap_or_default();
        UnparsedPublicKey::new(algorithm, key)
            .verify(message, signature)
            .is_ok()
    }
}

impl fmt::Display for PolicyKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&STANDARD.encode(&self.der))
    }
}

impl fmt::Debug for PolicyKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} key {self}", self.algorithm)
    }
}

impl FromStr for PolicyKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::from_der(STANDARD.decode(text).map_err(|_| KeyError::Base64)?)
    }
}

impl From<PolicyKey> for String {
    fn from(key: PolicyKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for PolicyKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

/// A private key that signs policies. It is shown to nobody.
pub struct PolicySigner {
    pair: Pair,
    public: PolicyKey,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

impl PolicySigner {
    /// Reads a key from PEM (`PRIVATE KEY`: PKCS#8 without a password), as `openssl genpkey` writes it.
    ///
    /// # Errors
    /// When it is something else, has a password, or is a key of another kind.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let der = read_pem(text, "PRIVATE KEY")?;
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der) {
            let public = PolicyKey::new(Algorithm::Ed25519, pair.public_key().as_ref())?;
            let pair = Pair::Ed25519(pair);
            return Ok(Self { pair, public });
        }
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der, &random)
            .map_err(|_| KeyError::Algorithm)?;
        let public = PolicyKey::new(Algorithm::P256, pair.public_key().as_ref())?;
        let pair = Pair::P256(pair);
        Ok(Self { pair, public })
    }

    /// Returns the public half.
    #[must_use]
    pub const fn public(&self) -> &PolicyKey {
        &self.public
    }

    /// Signs a message; nothing where the system has no randomness, which ECDSA takes.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.pair {
            Pair::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
            Pair::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).ok()?;
                Some(signature.as_ref().to_vec())
            }
        }
    }
}

impl fmt::Debug for PolicySigner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "private half of {:?}", self.public)
    }
}

/// Reads the one block of a PEM file (RFC 7468).
fn read_pem(text: &str, expected: &'static str) -> Result<Vec<u8>, KeyError> {
    let text = text.trim_ascii();
    let inner = text.strip_prefix("-----BEGIN ").ok_or(KeyError::Pem)?;
    let (label, rest) = inner.split_once("-----").ok_or(KeyError::Pem)?;
    let end = format!("-----END {label}-----");
    let body = rest.strip_suffix(&end).ok_or(KeyError::Pem)?;
    if label != expected {
        return Err(KeyError::Label {
            found: label
                .chars()
                .take(40)
                .filter(|char| !char.is_control())
                .collect(),
            expected,
        });
    }
    let digits: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(digits).map_err(|_| KeyError::Pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_is_the_same_as_text_and_as_pem() {
        for pem in [
            include_str!("../../tests/keys/ed25519.pub"),
            include_str!("../../tests/keys/p256.pub"),
        ] {
            let key = PolicyKey::from_pem(pem).unwrap();
            assert_eq!(key.to_pem(), pem);
            assert_eq!(key.to_string().parse(), Ok(key.clone()));
            let json = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<PolicyKey>(&json).unwrap(), key);
        }
    }

    #[test]
    fn the_public_half_is_the_one_that_openssl_writes() {
        let pairs = [
            (
                concat!(
                    "-----BEGIN ",
                    "PRIVATE KEY-----\n",
                    include_str!("../../tests/keys/ed25519.base64"),
                    "-----END ",
                    "PRIVATE KEY-----\n"
                ),
                include_str!("../../tests/keys/ed25519.pub"),
            ),
            (
                concat!(
                    "-----BEGIN ",
                    "PRIVATE KEY-----\n",
                    include_str!("../../tests/keys/p256.base64"),
                    "-----END ",
                    "PRIVATE KEY-----\n"
                ),
                include_str!("../../tests/keys/p256.pub"),
            ),
        ];
        for (private, public) in pairs {
            let signer = PolicySigner::from_pem(private).unwrap();
            assert_eq!(signer.public().to_pem(), public);
            let signature = signer.sign(b"message").unwrap();
            assert!(signer.public().verifies(b"message", &signature));
            assert!(!signer.public().verifies(b"messagf", &signature));
            assert!(!format!("{signer:?}").contains("PRIVATE"));
        }
    }

    #[test]
    fn a_key_of_another_kind_is_named() {
        let public = PolicyKey::from_pem;
        let private = |pem: &str| PolicySigner::from_pem(pem).map(drop);
        let rsa = include_str!("../../tests/keys/rsa.pub");
        assert_eq!(public(rsa), Err(KeyError::Algorithm));
        assert_eq!(
            public(include_str!("../../tests/keys/p384.pub")),
            Err(KeyError::Algorithm)
        );
        assert_eq!(
            private(concat!(
                "-----BEGIN ",
                "PRIVATE KEY-----\n",
                include_str!("../../tests/keys/p384.base64"),
                "-----END ",
                "PRIVATE KEY-----\n"
            )),
            Err(KeyError::Algorithm)
        );
        let label = |found: &str, expected| {
            let found = found.to_owned();
            KeyError::Label { found, expected }
        };
        let ed25519 = concat!(
            "-----BEGIN ",
            "PRIVATE KEY-----\n",
            include_str!("../../tests/keys/ed25519.base64"),
            "-----END ",
            "PRIVATE KEY-----\n"
        );
        assert_eq!(public(ed25519), Err(label("PRIVATE KEY", "PUBLIC KEY")));
        let cosign = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----";
        let found = private(cosign).unwrap_err();
        assert_eq!(
            found,
            label("ENCRYPTED SIGSTORE PRIVATE KEY", "PRIVATE KEY")
        );
        assert!(found.hint().contains("cosign attest-blob"));
        for text in [
            "",
            "hello",
            "-----BEGIN PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----",
        ] {
            assert_eq!(public(text), Err(KeyError::Pem), "`{text}`");
        }
        assert_eq!(public(&format!("{rsa}{rsa}")), Err(KeyError::Pem));
        // A point in its compressed form, and a key that is a byte too long.
        let of = |der: &[u8]| STANDARD.encode(der).parse::<PolicyKey>();
        let mut short = P256_PREFIX.to_vec();
        short.extend([2; 33]);
        assert_eq!(of(&short), Err(KeyError::Algorithm));
        assert_eq!(
            of(&[ED25519_PREFIX, &[1; 33]].concat()),
            Err(KeyError::Algorithm)
        );
    }
}
