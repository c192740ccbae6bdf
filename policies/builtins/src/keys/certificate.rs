//! Certificates and the public keys within them (RFC 5280, RFC 3279, RFC 8410).

use anyhow::{Context, Result, anyhow, bail, ensure};
use x509_cert::Certificate;
use x509_cert::der::asn1::{ObjectIdentifier, Uint};
use x509_cert::der::{Decode, Encode};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::{Material, on_curve};
use crate::signatures::rsa;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ELLIPTIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// Keys that are known and sign nothing: X25519, DSA.
const OTHERS: [ObjectIdentifier; 2] = [
    ObjectIdentifier::new_unwrap("1.3.101.110"),
    ObjectIdentifier::new_unwrap("1.2.840.10040.4.1"),
];
const CURVES: [(ObjectIdentifier, &str); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), "P-256"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), "P-384"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), "P-521"),
];

/// Gives the key of a certificate. Who issued it and when it is valid is not looked at.
pub(super) fn read(der: &[u8]) -> Result<Material> {
    let certificate = Certificate::from_der(der).map_err(|error| anyhow!("{error}"))?;
    ensure!(
        certificate.signature_algorithm() == certificate.tbs_certificate().signature(),
        "the certificate names two ways in which it is signed"
    );
    let info = certificate
        .tbs_certificate()
        .subject_public_key_info()
        .to_der()
        .map_err(|error| anyhow!("{error}"))?;
    let info = SubjectPublicKeyInfoRef::from_der(&info).map_err(|error| anyhow!("{error}"))?;
    Ok(known(&info)?.unwrap_or(Material::Other))
}

/// Gives a public key that stands alone.
pub(super) fn public_key(der: &[u8]) -> Result<Material> {
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|error| anyhow!("{error}"))?;
    known(&info)?.context("the key is of a kind that is not known")
}

fn known(info: &SubjectPublicKeyInfoRef<'_>) -> Result<Option<Material>> {
    let bytes = info
        .subject_public_key
        .as_bytes()
        .context("a key is whole bytes")?;
    let parameters = info.algorithm.parameters;
    Ok(Some(match info.algorithm.oid {
        RSA => {
            ensure!(
                parameters.is_some_and(|parameters| parameters.is_null()),
                "an RSA key has parameters that are null"
            );
            let numbers = Vec::<Uint>::from_der(bytes).map_err(|error| anyhow!("{error}"))?;
            let [modulus, exponent] = &numbers[..] else {
                bail!("an RSA key is two numbers");
            };
            Material::Rsa(rsa::Key::new(modulus.as_bytes(), exponent.as_bytes())?)
        }
        ELLIPTIC => {
            let curve = parameters
                .and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok())
                .context("an elliptic key names its curve")?;
            match CURVES.iter().find(|(known, _)| *known == curve) {
                Some((_, name)) => on_curve(name, bytes)?,
                None => bail!("the curve {curve} is not known"),
            }
        }
        ED25519 => {
            ensure!(parameters.is_none(), "an Ed25519 key has no parameters");
            let bytes = bytes.try_into().context("an Ed25519 key has 32 bytes")?;
            Material::Ed25519(bytes)
        }
        other if OTHERS.contains(&other) => Material::Other,
        _ => return Ok(None),
    }))
}
