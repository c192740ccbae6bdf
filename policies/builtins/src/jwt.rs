//! JSON web tokens: reading them, and checking those signed with a shared secret.

use anyhow::{Context, bail};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use regorus::Value;

use crate::Result;
use crate::arguments::text;
use crate::crypto::{Code, code_sha256, code_sha384, code_sha512};

/// Gives header, payload and the signature in hexadecimal.
pub(crate) fn decode(arguments: &[Value]) -> Result {
    let token = Token::read(text(arguments, 0)?)?;
    let header = token.object(token.header)?;
    if header["enc"] != Value::Undefined {
        bail!("the token is encrypted");
    }
    let payload = token.object(token.payload)?;
    let signature = part(token.signature)?;
    Ok(Value::from(vec![
        header,
        payload,
        HEXLOWER.encode(&signature).into(),
    ]))
}

pub(crate) fn verify_hs256(arguments: &[Value]) -> Result {
    verify(arguments, code_sha256)
}

pub(crate) fn verify_hs384(arguments: &[Value]) -> Result {
    verify(arguments, code_sha384)
}

pub(crate) fn verify_hs512(arguments: &[Value]) -> Result {
    verify(arguments, code_sha512)
}

fn verify(arguments: &[Value], code: Code) -> Result {
    let token = Token::read(text(arguments, 0)?)?;
    let signature = part(token.signature)?;
    let expected = code(token.signed.as_bytes(), text(arguments, 1)?.as_bytes())?;
    Ok((expected == signature).into())
}

struct Token<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// What is signed: header and payload as they stand.
    signed: &'a str,
}

impl<'a> Token<'a> {
    fn read(token: &'a str) -> anyhow::Result<Self> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            bail!("a token has three parts, this one has {}", parts.len());
        };
        Ok(Self {
            header,
            payload,
            signature,
            signed: &token[..header.len() + 1 + payload.len()],
        })
    }

    fn object(&self, encoded: &str) -> Result {
        let bytes = part(encoded)?;
        let json = std::str::from_utf8(&bytes).context("a token's part is not UTF-8")?;
        let value = Value::from_json_str(json)?;
        match value {
            Value::Object(_) => Ok(value),
            _ => bail!("a token's part is not an object"),
        }
    }
}

fn part(encoded: &str) -> anyhow::Result<Vec<u8>> {
    BASE64URL_NOPAD
        .decode(encoded.trim_end_matches('=').as_bytes())
        .context("a token's part is not base64")
}
