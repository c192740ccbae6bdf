//! ECDSA (FIPS 186-5) over the curves that tokens use.

use p256::ecdsa::signature::hazmat::PrehashVerifier;

use super::{Halves, fitted};
use crate::keys::Material;

/// Holds a signature, two numbers one after the other, against a digest.
pub(super) fn verify(
    key: &Material,
    halves: Halves,
    digest: &[u8],
    signature: &[u8],
) -> Option<()> {
    let size = match key {
        Material::P256(_) => 32,
        Material::P384(_) => 48,
        Material::P521(_) => 66,
        _ => return None,
    };
    if matches!(halves, Halves::AsLongAsTheCurve) && signature.len() != 2 * size {
        return None;
    }
    let (r, s) = signature.split_at(signature.len() / 2);
    let signature = [fitted(r, size)?, fitted(s, size)?].concat();
    match key {
        Material::P256(key) => {
            let signature = p256::ecdsa::Signature::from_slice(&signature).ok()?;
            key.verify_prehash(digest, &signature).ok()
        }
        Material::P384(key) => {
            let signature = p384::ecdsa::Signature::from_slice(&signature).ok()?;
            key.verify_prehash(digest, &signature).ok()
        }
        Material::P521(key) => {
            let signature = p521::ecdsa::Signature::from_slice(&signature).ok()?;
            key.verify_prehash(digest, &signature).ok()
        }
        _ => None,
    }
}
