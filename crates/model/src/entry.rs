use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::error::EntryError;
use crate::limits::{
    HEADER_BYTES_MAX, INTEGER_MAX, LARGE_PAYLOAD_BYTES_MAX, LINKS_MAX, PAYLOAD_BYTES_MAX,
    PAYLOADS_MAX,
};
use crate::{EntryHash, JournalId, KeyId, Name, PayloadDigest, PersonId, StreamName, canonical};

/// The version of the entry format that this program writes.
pub const FORMAT: u32 = 1;

/// One record: the exact bytes of its header, their hash, and what they say.
///
/// The bytes are canonical JSON, so an entry has one encoding. The hash is the RFC 6962 leaf hash,
/// `SHA-256(0x00 ‖ header)`, in links, tree and receipts alike.
#[derive(Debug, Clone)]
pub struct Entry {
    bytes: Vec<u8>,
    hash: EntryHash,
    header: Header,
}

impl Entry {
    /// Reads an entry from its header's bytes, refusing every encoding but the canonical one.
    ///
    /// # Errors
    /// Says what is not of an entry's form.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > HEADER_BYTES_MAX {
            return Err(EntryError::TooLarge(bytes.len()));
        }
        canonical::check(bytes)?;
        let header: Header = serde_json::from_slice(bytes)?;
        header.validate()?;
        Ok(Self {
            hash: Self::hash_of(bytes),
            bytes: bytes.to_vec(),
            header,
        })
    }

    /// Encodes a header.
    ///
    /// # Errors
    /// As [`Entry::parse`].
    pub fn encode(header: Header) -> Result<Self, EntryError> {
        header.validate()?;
        let bytes = canonical::ordered_to_vec(&header)?;
        if bytes.len() > HEADER_BYTES_MAX {
            return Err(EntryError::TooLarge(bytes.len()));
        }
        Ok(Self {
            hash: Self::hash_of(&bytes),
            bytes,
            header,
        })
    }

    /// Computes the RFC 6962 leaf hash of a header's bytes.
    #[must_use]
    pub fn hash_of(bytes: &[u8]) -> EntryHash {
        let mut hasher = Sha256::new();
        hasher.update([0]);
        hasher.update(bytes);
        EntryHash(hasher.finalize().into())
    }

    /// Returns the header's canonical bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the hash that names this entry everywhere.
    #[must_use]
    pub const fn hash(&self) -> EntryHash {
        self.hash
    }

    /// Returns what the header says.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }
}

/// What an entry says. Members stand in canonical (alphabetical) order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Who recorded it.
    pub by: By,
    /// When the event says that it happened, in milliseconds since 1970-01-01 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_ms: Option<u64>,
    /// The kind's own fields, canonical JSON.
    pub fields: Box<RawValue>,
    /// The format version.
    pub format: u32,
    /// The journal it belongs to.
    pub journal: JournalId,
    /// What sort of event it is; see [`crate::kind`].
    pub kind: Name,
    /// One link for each stream it belongs to.
    pub links: Vec<Link>,
    /// What it says of its payloads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payloads: Vec<PayloadRef>,
    /// When it was recorded, in milliseconds since 1970-01-01 UTC.
    pub recorded_ms: u64,
}

impl Header {
    /// Returns the link into a stream.
    #[must_use]
    pub fn link(&self, stream: &StreamName) -> Option<&Link> {
        self.links.iter().find(|link| link.stream == *stream)
    }

    /// Returns the first payload of a role.
    #[must_use]
    pub fn payload(&self, role: Role) -> Option<&PayloadRef> {
        self.payloads.iter().find(|payload| payload.role == role)
    }

    fn validate(&self) -> Result<(), EntryError> {
        if self.format != FORMAT {
            return Err(EntryError::Format(self.format));
        }
        count("links", 1, LINKS_MAX, self.links.len())?;
        count("payloads", 0, PAYLOADS_MAX, self.payloads.len())?;
        for payload in &self.payloads {
            if !PayloadRef::may_have(payload.role, payload.size) {
                return Err(EntryError::PayloadTooLarge(payload.size));
            }
        }
        for (place, link) in self.links.iter().enumerate() {
            if self
                .links
                .iter()
                .skip(place + 1)
                .any(|other| other.stream == link.stream)
            {
                return Err(EntryError::StreamTwice(link.stream.to_string()));
            }
            if link.seq > INTEGER_MAX || (link.seq == 0) != link.previous.is_none() {
                return Err(EntryError::Previous(link.stream.to_string()));
            }
        }
        Ok(())
    }
}

fn count(
    what: &'static str,
    minimum: usize,
    maximum: usize,
    found: usize,
) -> Result<(), EntryError> {
    if (minimum..=maximum).contains(&found) {
        Ok(())
    } else {
        Err(EntryError::Count {
            what,
            minimum,
            maximum,
            found,
        })
    }
}

/// Who recorded an entry, and how they were known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct By {
    /// How they were authenticated.
    pub how: How,
    /// The API key, where one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// The person, where one acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
}

impl By {
    /// The recorder itself.
    #[must_use]
    pub const fn recorder() -> Self {
        Self {
            how: How::Recorder,
            key: None,
            person: None,
        }
    }
}

/// How whoever recorded an entry was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The recorder wrote it on its own account.
    Recorder,
    /// By an API key.
    ApiKey,
    /// By an OIDC token.
    Oidc,
    /// By a signature of their own.
    Signature,
}

/// An entry's place in one of its streams, and the entry before it there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The hash of the entry before it; absent exactly at seq 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<EntryHash>,
    /// This entry's place in the stream, from 0.
    pub seq: u64,
    /// The stream.
    pub stream: StreamName,
}

/// What a header says of a payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadRef {
    /// SHA-256 over salt and bytes.
    pub digest: PayloadDigest,
    /// The media type.
    pub media_type: String,
    /// What the bytes are for.
    pub role: Role,
    /// For facts: the schema's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Name>,
    /// How many bytes, without the salt.
    pub size: u64,
}

impl PayloadRef {
    /// Says whether it is over what is held in memory.
    #[must_use]
    pub const fn is_large(&self) -> bool {
        self.size > PAYLOAD_BYTES_MAX as u64
    }

    /// Says whether a payload of a role may have so many bytes: only what came from outside may be large.
    #[must_use]
    pub const fn may_have(role: Role, size: u64) -> bool {
        size <= PAYLOAD_BYTES_MAX as u64
            || (matches!(role, Role::Raw) && size <= LARGE_PAYLOAD_BYTES_MAX)
    }
}

/// What a payload is for, and so whether it may ever be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A report as it came. Can be erased.
    Raw,
    /// What was read from it, canonical JSON. Cannot be erased and holds no personal data.
    Facts,
    /// Policies, and a decision's other inputs. Cannot be erased.
    Rule,
    /// Names, e-mail addresses, messages. Can be erased.
    People,
}
