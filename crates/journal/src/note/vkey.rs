use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{JournalId, ParseError};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::key::PublicKey;

/// The signature type of Ed25519 in signed notes.
const ED25519: u8 = 1;

/// A verifier key: the name and public key of who signs notes, written `name+id+base64`.
#[derive(Clone, PartialEq, Eq)]
pub struct Vkey {
    name: Box<str>,
    public: PublicKey,
}

impl Vkey {
    /// Names a journal's public key.
    #[must_use]
    pub fn new(journal: &JournalId, public: PublicKey) -> Self {
        Self {
            name: journal.as_str().into(),
            public,
        }
    }

    /// Returns the key's name: the journal's id.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the public key.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Computes the key's id: the first four bytes of `SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)`.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let mut hasher = Sha256::new();
        hasher.update(self.name.as_bytes());
        hasher.update([b'\n', ED25519]);
        hasher.update(self.public.as_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        let [a, b, c, d, ..] = digest;
        [a, b, c, d]
    }
}

impl fmt::Display for Vkey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], self.public.as_bytes().as_slice()].concat();
        write!(
            out,
            "{}+{}+{}",
            self.name,
            hex::encode(self.id()),
            STANDARD.encode(key)
        )
    }
}

impl fmt::Debug for Vkey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for Vkey {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text).ok_or_else(|| ParseError {
            value: text.chars().take(160).flat_map(char::escape_debug).collect(),
            expected: "a verifier key: `name+id+base64`, with Ed25519 and the id that belongs to it",
        })
    }
}

fn parse(text: &str) -> Option<Vkey> {
    let (name, rest) = text.split_once('+')?;
    let (_, encoded) = rest.split_once('+')?;
    let key = STANDARD.decode(encoded).ok()?;
    let (&ED25519, public) = key.split_first()? else {
        return None;
    };
    let vkey = Vkey {
        name: name.into(),
        public: PublicKey::from_bytes(public.try_into().ok()?)?,
    };
    // Writing it again also checks the id and leaves no second spelling.
    (is_key_name(name) && vkey.to_string() == text).then_some(vkey)
}

/// Says whether a key name is not empty and holds neither white space, control character, nor `+`.
pub(super) fn is_key_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|char| char.is_whitespace() || char.is_control() || char == '+')
}

impl Serialize for Vkey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Vkey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
