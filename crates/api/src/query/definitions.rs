//! What is in force, as it is shown.

use axum::extract::State;
use model::dossier::Requirement;
use model::{EntryHash, Name, PersonId};
use recorder::view::KeyView;
use recorder::{Flow, RecorderError, timestamp};
use serde::Serialize;

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
