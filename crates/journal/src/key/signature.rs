use std::fmt;
use std::str::FromStr;

use model::ParseError;
use serde::{Deserialize, Serialize};

/// An Ed25519 signature (RFC 8032), written as 128 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl FromStr for Signature {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut bytes = [0; 64];
        let read = hex::decode_to_slice(text, &mut bytes);
        if read.is_ok() && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Ok(Self(bytes));
        }
        Err(ParseError {
            value: text
                .chars()
                .take(160)
                .flat_map(char::escape_debug)
                .collect(),
            expected: "an Ed25519 signature: 128 lower-case hexadecimal digits",
        })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Serialize for Signature {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
