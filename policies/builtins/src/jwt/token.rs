use anyhow::{Context, Result, bail, ensure};
use regorus::Value;

use crate::base64;

/// A token in its three parts, as they stand.
pub(super) struct Token<'a> {
    pub header: &'a str,
    pub payload: &'a str,
    pub signature: &'a str,
    /// What is signed: header and payload with the dot between.
    pub signed: &'a str,
}

impl<'a> Token<'a> {
    pub fn read(token: &'a str) -> Result<Self> {
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

    pub fn header(&self) -> Result<Value> {
        let header = object(&text(self.header)?)?;
        ensure!(header["enc"] == Value::Undefined, "the token is encrypted");
        Ok(header)
    }

    pub fn signature(&self) -> Result<Vec<u8>> {
        part(self.signature)
    }

    /// Gives the payload: an object, or a token when the header says so.
    pub fn payload(&self) -> Result<String> {
        text(self.payload)
    }
}

/// What a header says; names are empty where it says nothing.
pub(super) struct Header {
    pub fields: Value,
    pub algorithm: String,
    pub key: String,
    pub content: String,
    critical: Vec<String>,
}

/// The names in headers that are understood.
const UNDERSTOOD: [&str; 5] = ["alg", "kid", "typ", "cty", "crit"];

impl Header {
    pub fn read(fields: Value) -> Result<Self> {
        let word = |name: &str| match &fields[name] {
            Value::Undefined => Ok(String::new()),
            Value::String(word) => Ok(word.to_string()),
            _ => bail!("`{name}` must be a string"),
        };
        word("typ")?;
        let critical = match &fields["crit"] {
            Value::Undefined => Vec::new(),
            Value::Array(names) => {
                let names: Vec<String> = names
                    .iter()
                    .map_while(|name| Some(name.as_string().ok()?.to_string()))
                    .collect();
                ensure!(!names.is_empty(), "`crit` must name something");
                names
            }
            _ => bail!("`crit` must be an array"),
        };
        Ok(Self {
            algorithm: word("alg")?,
            key: word("kid")?,
            content: word("cty")?,
            critical,
            fields,
        })
    }

    /// Says whether the token is signed in a way that it names, and asks for nothing that is not understood.
    pub fn is_valid(&self) -> bool {
        let strange = |name: &String| {
            !UNDERSTOOD.contains(&name.as_str()) && self.fields[name.as_str()] != Value::Undefined
        };
        !self.algorithm.is_empty() && !self.critical.iter().any(strange)
    }
}

/// Reads an object of a token.
pub(super) fn object(json: &str) -> Result<Value> {
    match Value::from_json_str(json)? {
        value @ Value::Object(_) => Ok(value),
        _ => bail!("a token's part is not an object"),
    }
}

fn text(encoded: &str) -> Result<String> {
    String::from_utf8(part(encoded)?).context("a token's part is not UTF-8")
}

fn part(encoded: &str) -> Result<Vec<u8>> {
    base64::url(encoded).context("a token's part is not base64")
}
