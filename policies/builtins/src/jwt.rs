//! JSON web tokens (RFC 7515, RFC 7519): reading them, and checking who signed them.

mod constraints;
mod token;

use anyhow::ensure;
use data_encoding::HEXLOWER;
use regorus::Value;

use crate::Result;
use crate::arguments::text;
use crate::keys::{self, Key, Material};
use crate::signatures::{Halves, Hash, Salt, Scheme};
use constraints::Constraints;
use token::{Header, Token, object};

/// Gives header, payload and the signature in hexadecimal. Of a token within a token it is the inner one.
pub(crate) fn decode(arguments: &[Value]) -> Result {
    let mut text = text(arguments, 0)?.to_owned();
    loop {
        let token = Token::read(&text)?;
        let header = token.header()?;
        let payload = token.payload()?;
        ensure!(
            matches!(header["cty"], Value::Undefined | Value::String(_)),
            "`cty` must be a string"
        );
        if header["cty"] != Value::from("JWT") {
            return Ok(Value::from(vec![
                header,
                object(&payload)?,
                HEXLOWER.encode(&token.signature()?).into(),
            ]));
        }
        payload.trim_matches(['"', '\'']).clone_into(&mut text);
    }
}

macro_rules! verify {
    ($($function:ident $scheme:expr;)*) => {$(
        pub(crate) fn $function(arguments: &[Value]) -> Result {
            verify(arguments, $scheme)
        }
    )*};
}

verify! {
    verify_eddsa Scheme::Ed;
    verify_es256 Scheme::Es(Hash::Sha256, Halves::OfAnyLength);
    verify_es384 Scheme::Es(Hash::Sha384, Halves::OfAnyLength);
    verify_es512 Scheme::Es(Hash::Sha512, Halves::OfAnyLength);
    verify_ps256 Scheme::Ps(Hash::Sha256, Salt::Any);
    verify_ps384 Scheme::Ps(Hash::Sha384, Salt::Any);
    verify_ps512 Scheme::Ps(Hash::Sha512, Salt::Any);
    verify_rs256 Scheme::Rs(Hash::Sha256);
    verify_rs384 Scheme::Rs(Hash::Sha384);
    verify_rs512 Scheme::Rs(Hash::Sha512);
}

/// Says whether a token is signed by one of the keys, in the way that the function names and not the token.
fn verify(arguments: &[Value], scheme: Scheme) -> Result {
    let token = Token::read(text(arguments, 0)?)?;
    let keys = keys::read(text(arguments, 1)?)?;
    let (signature, header) = (token.signature()?, Header::read(token.header()?)?);
    let signed = candidates(&keys, &header)
        .any(|key| scheme.verify(&key.material, token.signed.as_bytes(), &signature));
    Ok(signed.into())
}

/// Gives the keys that may have signed: the one that the header names, or all those that are for its algorithm or for
/// any.
fn candidates<'a>(keys: &'a [Key], header: &'a Header) -> impl Iterator<Item = &'a Key> {
    let named = keys
        .iter()
        .find(|key| !header.key.is_empty() && key.id == header.key);
    keys.iter().filter(move |key| match named {
        Some(named) => std::ptr::eq(*key, named),
        None => key.algorithm.is_empty() || key.algorithm == header.algorithm,
    })
}

pub(crate) fn verify_hs256(arguments: &[Value]) -> Result {
    verify_secret(arguments, Hash::Sha256)
}

pub(crate) fn verify_hs384(arguments: &[Value]) -> Result {
    verify_secret(arguments, Hash::Sha384)
}

pub(crate) fn verify_hs512(arguments: &[Value]) -> Result {
    verify_secret(arguments, Hash::Sha512)
}

fn verify_secret(arguments: &[Value], hash: Hash) -> Result {
    let token = Token::read(text(arguments, 0)?)?;
    let secret = Material::Secret(text(arguments, 1)?.as_bytes().to_vec());
    let signature = token.signature()?;
    Ok(Scheme::Hs(hash)
        .verify(&secret, token.signed.as_bytes(), &signature)
        .into())
}

/// Gives whether a token holds under constraints, and then its header and payload.
pub(crate) fn decode_verify(arguments: &[Value]) -> Result {
    let mut text = text(arguments, 0)?.to_owned();
    let constraints = Constraints::read(arguments.get(1))?;
    let refused = || {
        let empty = Value::new_object;
        Ok(Value::from(vec![false.into(), empty(), empty()]))
    };
    loop {
        let token = Token::read(&text)?;
        let header = Header::read(token.header()?)?;
        if !constraints.allow_header(&header) {
            return refused();
        }
        let signature = token.signature()?;
        let signed = |scheme: Scheme| {
            candidates(&constraints.keys, &header)
                .any(|key| scheme.verify(&key.material, token.signed.as_bytes(), &signature))
        };
        if !Scheme::named(&header.algorithm).is_some_and(signed) {
            return refused();
        }
        let payload = token.payload()?;
        if header.content.eq_ignore_ascii_case("JWT") {
            text = payload;
            continue;
        }
        let claims = object(&payload)?;
        return if constraints.allow_claims(&claims)? {
            Ok(Value::from(vec![true.into(), header.fields, claims]))
        } else {
            refused()
        };
    }
}
