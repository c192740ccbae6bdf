//! Keys with which signatures are checked: a certificate, a public key, or a set of them as JSON.

mod certificate;
mod jwk;
mod pem;

use anyhow::{Context, Result, bail};
use p256::ecdsa::VerifyingKey as P256;
use p384::ecdsa::VerifyingKey as P384;
use p521::ecdsa::VerifyingKey as P521;

use crate::signatures::rsa;

/// What a signature is checked with.
pub(crate) enum Material {
    Rsa(rsa::Key),
    P256(P256),
    P384(P384),
    P521(P521),
    /// A point that may yet turn out not to be one.
    Ed25519([u8; 32]),
    Secret(Vec<u8>),
    /// A key that signs nothing here.
    Other,
}

/// A key, and what its set says of it; empty where it says nothing.
pub(crate) struct Key {
    pub material: Material,
    pub id: String,
    pub algorithm: String,
}

impl Key {
    /// A key of which nothing is said.
    pub fn alone(material: Material) -> Self {
        Self {
            material,
            id: String::new(),
            algorithm: String::new(),
        }
    }
}

/// Reads a certificate or public key in PEM, or a key or set of keys as JSON.
pub(crate) fn read(text: &str) -> Result<Vec<Key>> {
    let Some(block) = pem::read(text)? else {
        return jwk::read(text);
    };
    let material = match block.label {
        "CERTIFICATE" => certificate::read(&block.bytes)?,
        "PUBLIC KEY" => certificate::public_key(&block.bytes)?,
        label => bail!("`{label}` is neither a certificate nor a public key"),
    };
    Ok(vec![Key::alone(material)])
}

/// Makes a key of a point that is written out, both coordinates after a 4.
fn on_curve(curve: &str, point: &[u8]) -> Result<Material> {
    let off = || format!("the point is not on the curve {curve}");
    if point.first() != Some(&4) {
        bail!(off());
    }
    Ok(match curve {
        "P-256" => Material::P256(P256::from_sec1_bytes(point).ok().with_context(off)?),
        "P-384" => Material::P384(P384::from_sec1_bytes(point).ok().with_context(off)?),
        "P-521" => Material::P521(P521::from_sec1_bytes(point).ok().with_context(off)?),
        _ => bail!("the curve `{curve}` is not known"),
    })
}
