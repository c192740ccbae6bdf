//! As much of a SARIF log as is read (SARIF 2.1.0, section 3.13 and what it names).

use std::fmt;
use std::ops::Deref;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

use super::Summary;
use crate::limits::{EXTENSIONS_MAX, RESULTS_MAX, RULES_MAX, RUNS_MAX, SARIF_TEXT_BYTES_MAX};
use crate::strict_json::{at_most, each};

#[derive(Deserialize)]
#[serde(expecting = "a SARIF log")]
pub(super) struct Head {
    pub(super) version: Option<Short>,
}

#[derive(Deserialize)]
#[serde(expecting = "a SARIF log")]
pub(super) struct Log {
    #[serde(default, deserialize_with = "at_most::<RUNS_MAX, _, _>")]
    pub(super) runs: Vec<Summary>,
    pub(super) version: Option<Short>,
}

#[derive(Deserialize)]
#[serde(expecting = "a run")]
pub(super) struct Run {
    /// Whether an invocation did not succeed.
    #[serde(default, deserialize_with = "any_failed", rename = "invocations")]
    pub(super) invocation_failed: bool,
    #[serde(default, deserialize_with = "some_results")]
    pub(super) results: Option<Vec<Finding>>,
    pub(super) tool: Tool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an invocation")]
struct Invocation {
    execution_successful: Option<bool>,
}

#[derive(Deserialize)]
#[serde(expecting = "a tool")]
pub(super) struct Tool {
    pub(super) driver: Component,
    #[serde(default, deserialize_with = "at_most::<EXTENSIONS_MAX, _, _>")]
    pub(super) extensions: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a tool component")]
pub(super) struct Component {
    pub(super) name: Short,
    #[serde(default, deserialize_with = "at_most::<RULES_MAX, _, _>")]
    pub(super) rules: Vec<Rule>,
    pub(super) semantic_version: Option<Short>,
    pub(super) version: Option<Short>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a rule")]
pub(super) struct Rule {
    #[serde(default)]
    pub(super) default_configuration: Configuration,
    pub(super) id: Short,
    #[serde(default)]
    pub(super) properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(expecting = "a rule's configuration")]
pub(super) struct Configuration {
    pub(super) level: Option<Level>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a rule's properties")]
pub(super) struct Properties {
    pub(super) security_severity: Option<TextOrNumber>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a number, or a number in a string")]
pub(super) enum TextOrNumber {
    Text(Short),
    Number(serde_json::Number),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a result")]
pub(super) struct Finding {
    pub(super) baseline_state: Option<Short>,
    pub(super) kind: Option<Kind>,
    pub(super) level: Option<Level>,
    /// The first of them.
    #[serde(default, deserialize_with = "first", rename = "locations")]
    pub(super) location: Option<Location>,
    #[serde(default)]
    pub(super) rule: RuleReference,
    pub(super) rule_id: Option<Short>,
    pub(super) rule_index: Option<i64>,
    /// Whether everyone who was asked accepted its suppression (SARIF 2.1.0, section 3.35.3: no status means accepted).
    #[serde(default, deserialize_with = "all_accepted", rename = "suppressions")]
    pub(super) suppressed: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a reference to a rule")]
pub(super) struct RuleReference {
    pub(super) id: Option<Short>,
    pub(super) index: Option<i64>,
    #[serde(default)]
    pub(super) tool_component: ComponentReference,
}

#[derive(Default, Deserialize)]
#[serde(expecting = "a reference to a tool component")]
pub(super) struct ComponentReference {
    pub(super) index: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    None,
    Note,
    Warning,
    Error,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Kind {
    Pass,
    Open,
    Informational,
    NotApplicable,
    Review,
    Fail,
}

#[derive(Deserialize)]
#[serde(expecting = "a suppression")]
struct Suppression {
    status: Option<Short>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a location")]
pub(super) struct Location {
    #[serde(default)]
    pub(super) physical_location: PhysicalLocation,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a physical location")]
pub(super) struct PhysicalLocation {
    #[serde(default)]
    pub(super) artifact_location: ArtifactLocation,
    #[serde(default)]
    pub(super) region: Region,
}

#[derive(Default, Deserialize)]
#[serde(expecting = "an artifact location")]
pub(super) struct ArtifactLocation {
    pub(super) uri: Option<Short>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a region")]
pub(super) struct Region {
    pub(super) start_line: Option<u64>,
}

/// The beginning of a text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Short(Box<str>);

impl Deref for Short {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Short {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Short;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Short, E> {
                let end = text.floor_char_boundary(SARIF_TEXT_BYTES_MAX);
                Ok(Short(text.get(..end).unwrap_or(text).into()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

fn any_failed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let mut failed = false;
    each(deserializer, |one: Invocation| {
        failed |= one.execution_successful == Some(false);
    })?;
    Ok(failed)
}

fn all_accepted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let mut accepted = None;
    each(deserializer, |one: Suppression| {
        let accepts = one.status.is_none_or(|status| &*status == "accepted");
        accepted = Some(accepts && accepted.unwrap_or(true));
    })?;
    Ok(accepted.unwrap_or(false))
}

fn first<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Location>, D::Error> {
    let mut first = None;
    each(deserializer, |one: Location| {
        first.get_or_insert(one);
    })?;
    Ok(first)
}

fn some_results<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Finding>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Findings(#[serde(deserialize_with = "at_most::<RESULTS_MAX, _, _>")] Vec<Finding>);
    Ok(Option::<Findings>::deserialize(deserializer)?.map(|Findings(list)| list))
}
