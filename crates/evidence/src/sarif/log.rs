//! As much of a SARIF log as is read (SARIF 2.1.0, section 3.13 and what it names).

use serde::Deserialize;

use crate::limits::{RESULTS_MAX, RULES_MAX, RUNS_MAX};
use crate::strict_json::at_most;

#[derive(Deserialize)]
#[serde(expecting = "a SARIF log")]
pub(super) struct Head {
    pub(super) version: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "a SARIF log")]
pub(super) struct Log {
    #[serde(default, deserialize_with = "at_most::<RUNS_MAX, _, _>")]
    pub(super) runs: Vec<Run>,
}

#[derive(Deserialize)]
#[serde(expecting = "a run")]
pub(super) struct Run {
    #[serde(default)]
    pub(super) invocations: Vec<Invocation>,
    #[serde(default, deserialize_with = "some_results")]
    pub(super) results: Option<Vec<Finding>>,
    pub(super) tool: Tool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an invocation")]
pub(super) struct Invocation {
    pub(super) execution_successful: Option<bool>,
}

#[derive(Deserialize)]
#[serde(expecting = "a tool")]
pub(super) struct Tool {
    pub(super) driver: Component,
    #[serde(default, deserialize_with = "at_most::<RULES_MAX, _, _>")]
    pub(super) extensions: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a tool component")]
pub(super) struct Component {
    pub(super) name: String,
    #[serde(default, deserialize_with = "at_most::<RULES_MAX, _, _>")]
    pub(super) rules: Vec<Rule>,
    pub(super) semantic_version: Option<String>,
    pub(super) version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a rule")]
pub(super) struct Rule {
    #[serde(default)]
    pub(super) default_configuration: Configuration,
    pub(super) id: String,
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
    Text(String),
    Number(serde_json::Number),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a result")]
pub(super) struct Finding {
    pub(super) baseline_state: Option<String>,
    pub(super) kind: Option<Kind>,
    pub(super) level: Option<Level>,
    #[serde(default)]
    pub(super) locations: Vec<Location>,
    #[serde(default)]
    pub(super) rule: RuleReference,
    pub(super) rule_id: Option<String>,
    pub(super) rule_index: Option<i64>,
    #[serde(default)]
    pub(super) suppressions: Vec<Suppression>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a reference to a rule")]
pub(super) struct RuleReference {
    pub(super) id: Option<String>,
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
pub(super) struct Suppression {
    pub(super) status: Option<String>,
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
    pub(super) uri: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a region")]
pub(super) struct Region {
    pub(super) start_line: Option<u64>,
}

fn some_results<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Finding>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Findings(#[serde(deserialize_with = "at_most::<RESULTS_MAX, _, _>")] Vec<Finding>);
    Ok(Option::<Findings>::deserialize(deserializer)?.map(|Findings(list)| list))
}
