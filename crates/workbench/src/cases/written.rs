//! Cases as they are written: what is left out has a default.

use std::fmt;
use std::path::{Path, PathBuf};

use model::dossier::{ApprovalStatus, Change, Outcome, Requirement, Subject, SubjectKind};
use model::{Dossier, EntryHash, Fingerprint, KeyId, Name, PersonId, dossier};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use super::{DOSSIER_BYTES_MAX, expect};
use crate::{Place, ReadError, read};

/// When an entry that is named by its hash was recorded.
const RECORDED_MS: u64 = 1_000_000;
/// When an approval ends.
const EXPIRES_MS: u64 = 2_000_000;

/// What an evaluation may use, as a case has it: less than the limits of every evaluation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// Units of fuel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// Bytes of linear memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    case: Spanned<String>,
    #[serde(default)]
    parameters: Map<String, Value>,
    #[serde(default)]
    limits: Within,
    dossier: Option<PathBuf>,
    now_ms: Option<u64>,
    subject: Option<About>,
    attestations: Option<Vec<Attestation>>,
    approvals: Option<Vec<Approval>>,
    change: Option<Change>,
    required: Option<Vec<Requirement>>,
    expect: expect::Written,
}

impl Case {
    pub(super) fn name(&self) -> &str {
        &self.case.value
    }

    pub(super) fn place(&self, path: &Path) -> Place {
        let location = self.case.referenced;
        Place::new(path, location.line(), location.column())
    }

    /// Fills in what is left out.
    pub(super) fn complete(
        self,
        path: &Path,
        place: &Place,
        wrong: &dyn Fn(String) -> ReadError,
    ) -> Result<super::Case, ReadError> {
        let mut dossier = match &self.dossier {
            Some(file) => of_file(&path.parent().unwrap_or(Path::new("")).join(file))?,
            None => serde_json::from_str(NOTHING).map_err(|error| wrong(error.to_string()))?,
        };
        if let Some(now_ms) = self.now_ms {
            dossier.now_ms = now_ms;
        }
        if let Some(about) = self.subject {
            about.write(&mut dossier.subject);
        }
        let flow = dossier.subject.flow.clone();
        if let Some(given) = self.attestations {
            let complete = |one: Attestation| one.complete(&flow);
            dossier.attestations = given
                .into_iter()
                .map(complete)
                .collect::<Result<_, _>>()
                .map_err(|error| wrong(error.to_string()))?;
        }
        if let Some(given) = self.approvals {
            dossier.approvals = given.into_iter().map(Approval::complete).collect();
        }
        if let Some(change) = self.change {
            dossier.change = change;
        }
        if let Some(required) = self.required {
            dossier.required = required;
        }
        policy::DossierInput::new(&dossier)
            .map_err(|error| wrong(de_text("the dossier has no canonical form", &error)))?;
        model::canonical::to_vec(&self.parameters)
            .map_err(|error| wrong(format!("the parameters have no canonical form: {error}")))?;
        let expect = self.expect.complete().map_err(|said| wrong(said.into()))?;
        Ok(super::Case {
            name: self.case.value,
            place: place.clone(),
            dossier,
            parameters: self.parameters,
            within: self.limits,
            expect,
        })
    }
}

fn de_text(what: &str, error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{what}: {source}"),
        None => what.to_owned(),
    }
}

/// Reads a dossier as `trailmark artifact dossier` prints it.
fn of_file(path: &Path) -> Result<Dossier, ReadError> {
    crate::parse_dossier(path, &read::text(path, DOSSIER_BYTES_MAX)?)
}

/// A dossier about an artifact of which nothing is recorded.
const NOTHING: &str = r#"{
    "approvals": [], "attestations": [], "change": {"commits": [], "complete": true}, "now_ms": 1000000, "required": [],
    "subject": {
        "environment": "production", "flow": "pay", "name": "pay-1.2.3", "trail": "run-1",
        "fingerprint": "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    }
}"#;

/// The parts of the subject that a case gives.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    environment: Option<Name>,
    fingerprint: Option<Fingerprint>,
    flow: Option<Name>,
    name: Option<String>,
    trail: Option<Name>,
}

impl About {
    fn write(self, subject: &mut Subject) {
        fn put<T>(place: &mut T, given: Option<T>) {
            if let Some(given) = given {
                *place = given;
            }
        }
        put(&mut subject.environment, self.environment);
        put(&mut subject.fingerprint, self.fingerprint);
        put(&mut subject.flow, self.flow);
        put(&mut subject.name, self.name);
        put(&mut subject.trail, self.trail);
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attestation {
    entry: Entry,
    #[serde(rename = "type")]
    attestation_type: Name,
    name: Option<Name>,
    outcome: Option<Outcome>,
    schema: Option<Name>,
    #[serde(default)]
    facts: Map<String, Value>,
    recorded_ms: Option<u64>,
    claimed_ms: Option<u64>,
    reporter: Option<KeyId>,
    flow: Option<Name>,
    #[serde(default)]
    foreign: bool,
    subject: Option<SubjectKind>,
}

impl Attestation {
    fn complete(self, flow: &Name) -> Result<dossier::Attestation, serde_json::Error> {
        let facts = model::canonical::to_vec(&self.facts)?;
        let facts = String::from_utf8(facts).map_err(de::Error::custom)?;
        let schema = match self.schema {
            Some(schema) => schema,
            None => format!("{}.v1", self.attestation_type)
                .parse()
                .map_err(de::Error::custom)?,
        };
        Ok(dossier::Attestation {
            claimed_ms: self.claimed_ms,
            entry: self.entry.hash,
            facts: RawValue::from_string(facts)?,
            flow: self.flow.unwrap_or_else(|| flow.clone()),
            foreign: self.foreign,
            name: self.name.unwrap_or_else(|| self.attestation_type.clone()),
            outcome: self.outcome.unwrap_or(Outcome::Passed),
            recorded_ms: self.recorded_ms.unwrap_or(self.entry.recorded_ms),
            reporter: self.reporter,
            schema,
            subject: self.subject.unwrap_or(SubjectKind::Artifact),
            attestation_type: self.attestation_type,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    entry: Entry,
    person: PersonId,
    status: ApprovalStatus,
    reason: Option<Name>,
    recorded_ms: Option<u64>,
    expires_ms: Option<u64>,
}

impl Approval {
    fn complete(self) -> dossier::Approval {
        dossier::Approval {
            entry: self.entry.hash,
            expires_ms: self.expires_ms.unwrap_or(EXPIRES_MS),
            person: self.person,
            reason: self.reason,
            recorded_ms: self.recorded_ms.unwrap_or(self.entry.recorded_ms),
            status: self.status,
        }
    }
}

/// An entry: a small number that stands for a hash, or the hash itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) hash: EntryHash,
    /// When it was recorded, unless the case says it: numbers are a second apart.
    recorded_ms: u64,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct NumberOrHash;
        impl Visitor<'_> for NumberOrHash {
            type Value = Entry;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a small number or an entry's hash")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Entry, E> {
                let hash = format!("{number:064x}").parse().map_err(E::custom)?;
                Ok(Entry {
                    hash,
                    recorded_ms: number.saturating_mul(1_000),
                })
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Entry, E> {
                let number = u64::try_from(number).map_err(E::custom)?;
                self.visit_u64(number)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Entry, E> {
                Ok(Entry {
                    hash: text.parse().map_err(E::custom)?,
                    recorded_ms: RECORDED_MS,
                })
            }
        }
        from.deserialize_any(NumberOrHash)
    }
}
