use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ParseError;

/// Defines a fixed-size byte string that is written as lower-case hexadecimal.
macro_rules! hex_newtype {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// Returns the bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                lower_hex(text).map(Self).ok_or_else(|| ParseError::new(text, $expected))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; $bytes * 2];
                out.write_str(lower_hex_of(&self.0, &mut text)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut text = [0; $bytes * 2];
                let text = lower_hex_of(&self.0, &mut text).map_err(serde::ser::Error::custom)?;
                serializer.serialize_str(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::name::deserialize_parsed(deserializer)
            }
        }
    };
}

/// Encodes bytes as lower-case hexadecimal into a place that is twice as long.
fn lower_hex_of<'a>(bytes: &[u8], text: &'a mut [u8]) -> Result<&'a str, fmt::Error> {
    hex::encode_to_slice(bytes, text).map_err(|_| fmt::Error)?;
    std::str::from_utf8(text).map_err(|_| fmt::Error)
}

/// Decodes lower-case hexadecimal of exactly this length. Verifiers spend much of their time here.
fn lower_hex<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != BYTES || !odd.is_empty() {
        return None;
    }
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => 255,
    };
    let mut bytes = [0; BYTES];
    let mut seen = 0;
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (nibble(*high), nibble(*low));
        seen |= high | low;
        *byte = high << 4 | low;
    }
    (seen < 16).then_some(bytes)
}

hex_newtype!(
    /// SHA-256 of an artifact's bytes: its only identity.
    Fingerprint, 32, "a fingerprint: 64 lower-case hexadecimal digits"
);
hex_newtype!(
    /// The RFC 6962 leaf hash of an entry's header bytes.
    EntryHash, 32, "an entry hash: 64 lower-case hexadecimal digits"
);
hex_newtype!(
    /// SHA-256 over a payload's salt and bytes.
    PayloadDigest, 32, "a payload digest: 64 lower-case hexadecimal digits"
);
hex_newtype!(
    /// The root of a Merkle tree or Merkle map.
    Root, 32, "a root: 64 lower-case hexadecimal digits"
);

/// A commit's id: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(Box<str>);

impl CommitId {
    /// Returns the id as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CommitId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let hexadecimal = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if hexadecimal && matches!(text.len(), 40 | 64) {
            Ok(Self(text.into()))
        } else {
            Err(ParseError::new(
                text,
                "a commit id: 40 or 64 lower-case hexadecimal digits",
            ))
        }
    }
}

crate::name::text_traits!(CommitId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_64_lower_case_hexadecimal_digits_and_nothing_else() {
        let good = "0123456789abcdef".repeat(4);
        assert_eq!(good.parse::<Fingerprint>().unwrap().to_string(), good);
        for bad in [
            good.to_uppercase(),
            good[1..].to_owned(),
            format!("{good}0"),
            good.replace('a', "g"),
            String::new(),
        ] {
            assert!(bad.parse::<Fingerprint>().is_err(), "accepted `{bad}`");
        }
    }

    #[test]
    fn a_commit_is_sha1_or_sha256() {
        assert!("a".repeat(40).parse::<CommitId>().is_ok());
        assert!("a".repeat(64).parse::<CommitId>().is_ok());
        assert!("a".repeat(41).parse::<CommitId>().is_err());
        assert!("A".repeat(40).parse::<CommitId>().is_err());
    }
}
