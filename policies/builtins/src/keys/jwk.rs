//! Keys as JSON (RFC 7517, 7518, 8037).

use anyhow::{Context, Result, bail, ensure};
use regorus::Value;

use super::{Key, Material, on_curve};
use crate::base64;
use crate::signatures::{Scheme, rsa};

/// How many keys a set has at most.
const KEYS_MAX: usize = 1000;

/// What a key may be for beside the algorithms that are checked here; such a key is passed over.
const OTHER_ALGORITHMS: &[&str] = &[
    "A128CBC-HS256",
    "A128GCM",
    "A128GCMKW",
    "A128KW",
    "A192CBC-HS384",
    "A192GCM",
    "A192GCMKW",
    "A192KW",
    "A256CBC-HS512",
    "A256GCM",
    "A256GCMKW",
    "A256KW",
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A192KW",
    "ECDH-ES+A256KW",
    "ES256K",
    "Ed25519",
    "PBES2-HS256+A128KW",
    "PBES2-HS384+A192KW",
    "PBES2-HS512+A256KW",
    "RSA-OAEP",
    "RSA-OAEP-256",
    "RSA-OAEP-384",
    "RSA-OAEP-512",
    "RSA1_5",
    "dir",
    "none",
];

/// Reads a key, or a set of keys, all of which must be ones.
pub(super) fn read(text: &str) -> Result<Vec<Key>> {
    let value = Value::from_json_str(text)?;
    ensure!(matches!(value, Value::Object(_)), "a key is an object");
    let keys = match &value["keys"] {
        Value::Undefined => std::slice::from_ref(&value),
        Value::Array(keys) => keys.as_slice(),
        _ => bail!("`keys` must be an array"),
    };
    ensure!(keys.len() <= KEYS_MAX, "a set has at most {KEYS_MAX} keys");
    let keys = keys.iter().map(key).collect::<Result<Vec<_>>>()?;
    Ok(keys.into_iter().flatten().collect())
}

/// Reads a key; `None` where it is for something else.
fn key(value: &Value) -> Result<Option<Key>> {
    ensure!(matches!(value, Value::Object(_)), "a key is an object");
    described(value)?;
    let algorithm = match &value["alg"] {
        Value::Undefined => "",
        Value::String(named) if !named.is_empty() => named,
        _ => bail!("`alg` must name an algorithm"),
    };
    let read = Key {
        material: material(value)?,
        id: word(value, "kid")?.unwrap_or_default().to_owned(),
        algorithm: algorithm.to_owned(),
    };
    let named = read.algorithm.as_str();
    let passed_over = OTHER_ALGORITHMS.contains(&named);
    ensure!(
        passed_over || named.is_empty() || Scheme::named(named).is_some(),
        "the algorithm `{named}` is not known"
    );
    Ok((!passed_over).then_some(read))
}

/// Looks at what does not matter for a check, and must be right all the same.
fn described(value: &Value) -> Result<()> {
    for name in ["use", "x5t", "x5t#S256", "x5u"] {
        word(value, name)?;
    }
    match &value["key_ops"] {
        Value::Undefined => {}
        Value::Array(uses) => ensure!(
            uses.iter().all(|used| matches!(used, Value::String(_))),
            "`key_ops` is made of strings"
        ),
        _ => bail!("`key_ops` must be an array"),
    }
    match &value["x5c"] {
        Value::Undefined => Ok(()),
        Value::Array(chain) => chain.iter().try_for_each(|certificate| {
            let Value::String(text) = certificate else {
                bail!("`x5c` is made of strings");
            };
            super::certificate::read(&base64::plain(text)?).map(|_| ())
        }),
        _ => bail!("`x5c` must be an array"),
    }
}

fn material(value: &Value) -> Result<Material> {
    let kind = word(value, "kty")?.context("a key says its `kty`")?;
    let secret = kind == "oct";
    ensure!(
        secret || value["d"] == Value::Undefined,
        "a policy checks with public keys, and this one is private"
    );
    match kind {
        "RSA" => {
            let (modulus, exponent) = (bytes(value, "n")?, bytes(value, "e")?);
            ensure!(
                exponent.last().is_some_and(|last| last % 2 == 1),
                "the exponent must be odd"
            );
            Ok(Material::Rsa(rsa::Key::new(&modulus, &exponent)?))
        }
        "EC" => {
            let curve = word(value, "crv")?.context("an elliptic key says its `crv`")?;
            let size = match curve {
                "P-256" => 32,
                "P-384" => 48,
                "P-521" => 66,
                _ => bail!("the curve `{curve}` is not known"),
            };
            let mut point = vec![4];
            for name in ["x", "y"] {
                let coordinate = bytes(value, name)?;
                ensure!(
                    coordinate.len() == size,
                    "`{name}` is not as long as the curve has it"
                );
                point.extend(coordinate);
            }
            on_curve(curve, &point)
        }
        "OKP" => {
            let curve = word(value, "crv")?.context("such a key says its `crv`")?;
            let point = bytes(value, "x")?;
            let point: [u8; 32] = point.try_into().ok().context("such a key has 32 bytes")?;
            match curve {
                "Ed25519" => Ok(Material::Ed25519(point)),
                "X25519" => Ok(Material::Other),
                _ => bail!("the curve `{curve}` is not known"),
            }
        }
        "oct" => {
            let secret = bytes(value, "k")?;
            ensure!(!secret.is_empty(), "a secret is not empty");
            Ok(Material::Secret(secret))
        }
        _ => bail!("the key type `{kind}` is not known"),
    }
}

fn word<'a>(value: &'a Value, name: &str) -> Result<Option<&'a str>> {
    match &value[name] {
        Value::Undefined | Value::Null => Ok(None),
        Value::String(word) => Ok(Some(word)),
        _ => bail!("`{name}` must be a string"),
    }
}

fn bytes(value: &Value, name: &str) -> Result<Vec<u8>> {
    let text = word(value, name)?.with_context(|| format!("the key has no `{name}`"))?;
    base64::any(text).with_context(|| format!("`{name}` is not base64"))
}
