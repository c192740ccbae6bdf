use std::fmt;
use std::io::Read;

use model::Name;
use model::dossier::Outcome;
use serde::Serialize;

use crate::limits::{FACTS_BYTES_MAX, REPORT_BYTES_MAX};
use crate::text::shown;
use crate::{EvidenceError, People, generic, junit, pull_request, sarif};

/// The version of all readers together: it changes when the same report would give other facts.
pub const EXTRACTOR_VERSION: u32 = 1;

/// A type of evidence and how it is read.
struct Format {
    name: &'static str,
    schema: &'static str,
    media_type: &'static str,
    read: fn(&[u8], &dyn People) -> Result<Reading, EvidenceError>,
    /// Reads it as it comes, where that takes little memory however large it is. The facts are the same.
    stream: Option<Stream>,
}

type Stream = fn(&mut dyn Read, &dyn People) -> Result<Reading, EvidenceError>;

/// Every known type of evidence. A new one is a file with its reader, and a row here.
const FORMATS: &[Format] = &[
    Format {
        name: "generic",
        schema: "generic.v1",
        media_type: "application/json",
        read: generic::read,
        stream: None,
    },
    Format {
        name: "junit",
        schema: "junit.v1",
        media_type: "application/xml",
        read: junit::read,
        stream: Some(junit::stream),
    },
    Format {
        name: "pull-request",
        schema: "pull-request.v1",
        media_type: "application/json",
        read: pull_request::read,
        stream: None,
    },
    Format {
        name: "sarif",
        schema: "sarif.v1",
        media_type: "application/sarif+json",
        read: sarif::read,
        stream: Some(sarif::stream),
    },
];

/// What was read from a report.
#[derive(Clone, PartialEq, Eq)]
pub struct Extracted {
    /// The facts: canonical JSON without personal data.
    pub facts: Vec<u8>,
    /// The media type of the report itself.
    pub media_type: &'static str,
    /// What the report says in one word.
    pub outcome: Outcome,
    /// Names, aliases and free text about people, if there are any: canonical JSON for a payload that can be erased.
    pub people: Option<Vec<u8>>,
    /// The schema of the facts.
    pub schema: Name,
}

impl fmt::Debug for Extracted {
    /// Says what it is, never whom it names.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{:?} {} facts of {} bytes",
            self.outcome,
            self.schema,
            self.facts.len()
        )
    }
}

/// Reads a report of a known type.
///
/// The same bytes and the same people give the same facts for as long as [`EXTRACTOR_VERSION`] stays the same.
///
/// # Errors
/// When the type is not known, or the report is not of its type, contradicts itself, or is over a limit.
pub fn extract(
    attestation_type: &str,
    raw: &[u8],
    people: &dyn People,
) -> Result<Extracted, EvidenceError> {
    let format = format(attestation_type)?;
    if raw.len() > REPORT_BYTES_MAX {
        return Err(EvidenceError::TooLarge {
            bytes: raw.len(),
            maximum: REPORT_BYTES_MAX,
        });
    }
    (format.read)(raw, people)?.into_extracted(format.schema, format.media_type)
}

/// Reads a report of a known type as it comes, in a memory that does not grow with it.
///
/// The reader is read to its end, whatever stands there.
///
/// # Errors
/// As [`extract`]; and when the type's reports are only read as a whole.
pub fn extract_stream(
    attestation_type: &str,
    raw: &mut dyn Read,
    people: &dyn People,
) -> Result<Extracted, EvidenceError> {
    let format = format(attestation_type)?;
    let Some(stream) = format.stream else {
        let mut whole = Vec::new();
        let limit = REPORT_BYTES_MAX as u64 + 1;
        (&mut *raw)
            .take(limit)
            .read_to_end(&mut whole)
            .map_err(EvidenceError::Unreadable)?;
        check_size(attestation_type, whole.len() as u64)?;
        return extract(attestation_type, &whole, people);
    };
    let reading = stream(raw, people)?;
    std::io::copy(raw, &mut std::io::sink()).map_err(EvidenceError::Unreadable)?;
    reading.into_extracted(format.schema, format.media_type)
}

/// Checks that a report of a type may have so many bytes, before any of them is read.
///
/// # Errors
/// When the type is not known, or it may not.
pub fn check_size(attestation_type: &str, bytes: u64) -> Result<(), EvidenceError> {
    let format = format(attestation_type)?;
    if format.stream.is_some() || bytes <= REPORT_BYTES_MAX as u64 {
        return Ok(());
    }
    let streamed = FORMATS.iter().filter(|format| format.stream.is_some());
    Err(EvidenceError::NotStreamed {
        name: format.name,
        bytes,
        streamed: quoted(streamed.map(|format| format.name)),
    })
}

fn format(attestation_type: &str) -> Result<&'static Format, EvidenceError> {
    let mut formats = FORMATS.iter();
    let found = formats.find(|format| format.name == attestation_type);
    found.ok_or_else(|| EvidenceError::UnknownType {
        found: shown(attestation_type),
        known: quoted(known_types()),
    })
}

fn quoted(names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Returns the names of the known types of evidence.
pub fn known_types() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|format| format.name)
}

/// What a reader returns.
pub(crate) struct Reading {
    facts: Vec<u8>,
    outcome: Outcome,
    people: Option<Vec<u8>>,
}

impl Reading {
    pub(crate) fn new(facts: &impl Serialize, outcome: Outcome) -> Result<Self, EvidenceError> {
        Ok(Self {
            facts: encode(facts)?,
            outcome,
            people: None,
        })
    }

    pub(crate) fn with_people(self, people: &impl Serialize) -> Result<Self, EvidenceError> {
        Ok(Self {
            people: Some(encode(people)?),
            ..self
        })
    }

    pub(crate) fn into_extracted(
        self,
        schema: &str,
        media_type: &'static str,
    ) -> Result<Extracted, EvidenceError> {
        if self.facts.len() > FACTS_BYTES_MAX {
            return Err(EvidenceError::FactsTooLarge {
                bytes: self.facts.len(),
                maximum: FACTS_BYTES_MAX,
            });
        }
        let schema = schema.parse().map_err(EvidenceError::Schema)?;
        Ok(Extracted {
            facts: self.facts,
            media_type,
            outcome: self.outcome,
            people: self.people,
            schema,
        })
    }
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>, EvidenceError> {
    model::canonical::to_vec(value).map_err(EvidenceError::Encode)
}
