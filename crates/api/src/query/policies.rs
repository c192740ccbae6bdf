//! Policies, where they are in force, and what is excepted from them.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use model::kind::{ExceptionScope, Language, Scope};
use model::{EntryHash, Name, PersonId, Root};
use policy::PolicyForm;
use recorder::{Binding, Checked, Exception, Part, timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::answer::Answer;
use crate::problem::Problem;
use crate::request::{By, Path};
use crate::state::AppState;

#[derive(Serialize)]
pub(super) struct PolicyView {
    entry: EntryHash,
    name: Name,
    language: Language,
    digest: Root,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<EntryHash>,
    /// SHA-256 of the parameters' schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_sha256: Option<Root>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cases_sha256: Option<Root>,
    /// Absent where the policy is unchecked.
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_sha256: Option<Root>,
    published: String,
}

impl PolicyView {
    fn new(entry: EntryHash, policy: &recorder::Policy) -> Self {
        let digest = |part: Option<Part>| part.map(|part| part.digest);
        Self {
            entry,
            name: policy.name.clone(),
            language: policy.language,
            digest: policy.digest,
            engine: policy.engine,
            parameters_sha256: digest(policy.parameters),
            cases_sha256: digest(policy.cases),
            checked_sha256: digest(policy.checked),
            published: timestamp::format(policy.published_ms),
        }
    }
}

/// A policy with what came with it.
#[derive(Serialize)]
pub(super) struct PolicyShown {
    #[serde(flatten)]
    policy: PolicyView,
    code_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checked: Option<Checked>,
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

#[derive(Serialize)]
pub(super) struct ExceptionView {
    entry: EntryHash,
    binding: EntryHash,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<Name>,
    environment: Name,
    scope: ExceptionScope,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<PersonId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endorsed_by: Option<PersonId>,
    /// Absent while it waits for a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed: Option<String>,
    expires: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn: Option<String>,
    in_force: bool,
}

pub(super) async fn list(
    State(state): State<AppState>,
    By(caller): By,
) -> Result<Answer<Vec<PolicyView>>, Problem> {
    caller.require_any()?;
    let definitions = state.recorder.definitions();
    let mut policies: Vec<_> = definitions.policies().collect();
    policies.sort_by_key(|(_, policy)| policy.published_ms);
    let view = |(entry, policy): (&EntryHash, &recorder::Policy)| PolicyView::new(*entry, policy);
    Ok(Answer::shown(policies.into_iter().map(view).collect()))
}

pub(super) async fn show(
    State(state): State<AppState>,
    By(caller): By,
    Path(entry): Path<EntryHash>,
) -> Result<Answer<PolicyShown>, Problem> {
    caller.require_any()?;
    let found = state.recorder.published_policy(&entry).await?;
    Ok(Answer::shown(PolicyShown {
        policy: PolicyView::new(entry, &found.policy),
        code_bytes: found.publication.source.bytes().len(),
        parameters: found.publication.parameters,
        cases: found.publication.cases,
        checked: found.publication.checked,
    }))
}

/// The bytes that are named by the policy's digest.
pub(super) async fn code(
    State(state): State<AppState>,
    By(caller): By,
    Path(entry): Path<EntryHash>,
) -> Result<impl IntoResponse, Problem> {
    caller.require_any()?;
    let source = state
        .recorder
        .published_policy(&entry)
        .await?
        .publication
        .source;
    let media_type = match source.form() {
        PolicyForm::Rego => "application/rego",
        PolicyForm::Component => "application/wasm",
    };
    Ok(([(CONTENT_TYPE, media_type)], source.bytes().to_vec()))
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

pub(super) async fn exceptions(
    State(state): State<AppState>,
    By(caller): By,
) -> Result<Answer<Vec<ExceptionView>>, Problem> {
    caller.require_any()?;
    let definitions = state.recorder.definitions();
    let now_ms = state.recorder.now_ms();
    let name = |binding: &EntryHash| {
        let mut bindings = definitions.bindings().iter();
        let bound = bindings.find(|found| found.entry == *binding)?.bound.policy;
        Some(definitions.policy(&bound)?.name.clone())
    };
    let view = |exception: &Exception| ExceptionView {
        entry: exception.entry,
        binding: exception.granted.binding,
        name: name(&exception.granted.binding),
        control: exception.granted.control.clone(),
        environment: exception.granted.environment.clone(),
        scope: exception.granted.scope.clone(),
        reason: exception.granted.reason.clone(),
        by: exception.by.clone(),
        endorsed_by: exception.endorsed_by.clone(),
        confirmed: exception.confirmed_ms.map(timestamp::format),
        expires: timestamp::format(exception.granted.expires_ms),
        withdrawn: exception.withdrawn_ms.map(timestamp::format),
        in_force: exception.is_in_force(now_ms),
    };
    Ok(Answer::shown(
        definitions.exceptions().iter().map(view).collect(),
    ))
}
