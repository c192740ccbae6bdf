//! How tokens are signed (RFC 7518, RFC 8037), and whether they are.

mod ecdsa;
mod hash;
pub(crate) mod rsa;

use ed25519_dalek::{Signature, Verifier, VerifyingKey};

use crate::keys::Material;
pub(crate) use hash::Hash;

/// A way to sign.
#[derive(Clone, Copy)]
pub(crate) enum Scheme {
    /// A code under a shared secret.
    Hs(Hash),
    /// RSASSA-PKCS1-v1_5.
    Rs(Hash),
    /// RSASSA-PSS.
    Ps(Hash, Salt),
    /// ECDSA.
    Es(Hash, Halves),
    /// Ed25519.
    Ed,
}

/// How much salt there is in a signature of RSASSA-PSS.
#[derive(Clone, Copy)]
pub(crate) enum Salt {
    Any,
    AsLongAsTheHash,
}

/// How the two numbers of a signature of ECDSA are written.
#[derive(Clone, Copy)]
pub(crate) enum Halves {
    OfAnyLength,
    AsLongAsTheCurve,
}

impl Scheme {
    /// Finds the scheme that a token's header names, with all that RFC 7518 asks of it.
    pub fn named(algorithm: &str) -> Option<Self> {
        if matches!(algorithm, "EdDSA" | "Ed25519") {
            return Some(Self::Ed);
        }
        let (family, bits) = algorithm.split_at_checked(2)?;
        let hash = match bits {
            "256" => Hash::Sha256,
            "384" => Hash::Sha384,
            "512" => Hash::Sha512,
            _ => return None,
        };
        match family {
            "HS" => Some(Self::Hs(hash)),
            "RS" => Some(Self::Rs(hash)),
            "PS" => Some(Self::Ps(hash, Salt::AsLongAsTheHash)),
            "ES" => Some(Self::Es(hash, Halves::AsLongAsTheCurve)),
            _ => None,
        }
    }

    /// Says whether a message is signed in this way, with this key. A key of another kind has signed nothing.
    pub fn verify(self, key: &Material, message: &[u8], signature: &[u8]) -> bool {
        match (self, key) {
            (Self::Hs(hash), Material::Secret(secret)) => hash
                .code(message, secret)
                .is_ok_and(|code| code == signature),
            (Self::Rs(hash), Material::Rsa(key)) => {
                rsa::verify_pkcs1(key, hash, &hash.digest(&[message]), signature).is_some()
            }
            (Self::Ps(hash, salt), Material::Rsa(key)) => {
                rsa::verify_pss(key, hash, salt, &hash.digest(&[message]), signature).is_some()
            }
            (Self::Es(hash, halves), key) => {
                ecdsa::verify(key, halves, &hash.digest(&[message]), signature).is_some()
            }
            (Self::Ed, Material::Ed25519(point)) => {
                let signature = Signature::from_slice(signature);
                VerifyingKey::from_bytes(point)
                    .and_then(|key| key.verify(message, &signature?))
                    .is_ok()
            }
            _ => false,
        }
    }
}

/// Writes a number at so many bytes, if it fits.
fn fitted(number: &[u8], size: usize) -> Option<Vec<u8>> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let number = &number[zeros..];
    let mut fitted = vec![0; size.checked_sub(number.len())?];
    fitted.extend_from_slice(number);
    Some(fitted)
}
