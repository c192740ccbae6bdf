//! What is in force, as it is shown.

use axum::extract::State;
use model::dossier::Requirement;
use model::kind::{Language, Scope};
use model::{EntryHash, Name, PersonId, Root};
use recorder::view::KeyView;
use recorder::{Binding, Flow, RecorderError, timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::answer::Answer;
use crate::problem::Problem;
use crate::request::{By, Path};
use crate::state::AppState;

#[derive(Serialize)]
pub(super) struct FlowView {
    flow: Name,
    description: String,
    required: Vec<Requirement>,
    defined: String,
}

impl FlowView {
    fn new(name: &Name, flow: &Flow) -> Self {
        Self {
            flow: name.clone(),
            description: flow.description.clone(),
            required: flow.required.clone(),
            defined: timestamp::format(flow.defined_ms),
        }
    }
}

#[derive(Serialize)]
pub(super) struct EnvironmentSummary {
    environment: Name,
    description: String,
    defined: String,
}

#[derive(Serialize)]
pub(super) struct PersonView {
    person: PersonId,
    entry: EntryHash,
}

#[derive(Serialize)]
pub(super) struct PolicyView {
    entry: EntryHash,
    name: Name,
    language: Language,
    digest: Root,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<EntryHash>,
    published: String,
}

#[derive(Serialize)]
pub(super) struct BindingView {
    entry: EntryHash,
    policy: EntryHash,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Name>,
    scope: Scope,
    advisory: bool,
    parameters: Value,
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<PersonId>,
    /// Absent while it waits for a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
}

pub(super) async fn flows(
    State(state): State<AppState>,
    By(caller): By,
) -> Result<Answer<Vec<FlowView>>, Problem> {
    caller.require_any()?;
    let definitions = state.recorder.definitions();
    Ok(Answer::shown(
        definitions
            .flows()
            .map(|(name, flow)| FlowView::new(name, flow))
            .collect(),
    ))
}

pub(super) async fn flow(
    State(state): State<AppState>,
    By(caller): By,
    Path(name): Path<Name>,
) -> Result<Answer<FlowView>, Problem> {
    caller.require_any()?;
    let definitions = state.recorder.definitions();
    let unknown = || RecorderError::Unknown {
        what: "flow",
        name: name.to_string(),
    };
    Ok(Answer::shown(FlowView::new(
        &name,
        definitions.flow(&name).ok_or_else(unknown)?,
    )))
}

pub(super) async fn environments(
    State(state): State<AppState>,
    By(caller): By,
) -> Result<Answer<Vec<EnvironmentSummary>>, Problem> {
    caller.require_any()?;
    let definitions = state.recorder.definitions();
    let summaries = definitions
        .environments()
        .map(|(name, environment)| EnvironmentSummary {
            environment: name.clone(),
            description: environment.description.clone(),
            defined: timestamp::format(environment.defined_ms),
        });
    Ok(Answer::shown(summaries.collect()))
}

pub(super) async fn keys(
    State(state): State<AppState>,
    By(caller): By,
) -> Result<Answer<Vec<KeyView>>, Problem> {
    caller.require_any()?;
    Ok(Answer::shown(state.recorder.key_list()))
}

pub(super) async fn people(
    State(state): State<AppState>,
    By(caller): By,
) -> Result<Answer<Vec<PersonView>>, Problem> {
    caller.require_any()?;
    let definitions = state.recorder.definitions();
    let mut people: Vec<_> = definitions
        .people()
        .map(|(person, entry)| PersonView {
            person: person.clone(),
            entry: *entry,
        })
        .collect();
    people.sort_by(|left, right| left.person.cmp(&right.person));
    Ok(Answer::shown(people))
}

pub(super) async fn policies(
    State(state): State<AppState>,
    By(caller): By,
) -> Result<Answer<Vec<PolicyView>>, Problem> {
    caller.require_any()?;
    let definitions = state.recorder.definitions();
    let view = |(entry, policy): (&EntryHash, &recorder::Policy)| PolicyView {
        entry: *entry,
        name: policy.name.clone(),
        language: policy.language,
        digest: policy.digest,
        engine: policy.engine,
        published: timestamp::format(policy.published_ms),
    };
    let mut policies: Vec<_> = definitions.policies().collect();
    policies.sort_by_key(|(_, policy)| policy.published_ms);
    Ok(Answer::shown(policies.into_iter().map(view).collect()))
}

pub(super) async fn bindings(
    State(state): State<AppState>,
    By(caller): By,
) -> Result<Answer<Vec<BindingView>>, Problem> {
    caller.require_any()?;
    let definitions = state.recorder.definitions();
    let view = |binding: &Binding| BindingView {
        entry: binding.entry,
        policy: binding.bound.policy,
        name: definitions
            .policy(&binding.bound.policy)
            .map(|policy| policy.name.clone()),
        scope: binding.bound.scope.clone(),
        advisory: binding.bound.advisory,
        parameters: binding.bound.parameters.clone(),
        from: timestamp::format(binding.bound.from_ms),
        by: binding.by.clone(),
        confirmed: binding.confirmed_ms.map(timestamp::format),
        ended: binding.ended_ms.map(timestamp::format),
    };
    Ok(Answer::shown(
        definitions.bindings().iter().map(view).collect(),
    ))
}
