//! Policies: published, bound, unbound, endorsed, excepted from.

use axum::extract::{Request, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::kind::Language;
use model::{EntryHash, Name};
use policy::PolicySource;
use recorder::{BindPolicy, Caller, Checked, GrantException, Publication, Recorder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::definitions::Because;
use crate::answer::{Answer, Recorded};
use crate::body::{self, Json, MediaType};
use crate::problem::{Kind, Problem};
use crate::request::{By, Path, Query, to_the_end};
use crate::state::AppState;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    name: Name,
}

/// A policy with what comes with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Publish {
    code: Code,
    language: Language,
    parameters: Option<Value>,
    cases: Option<String>,
    checked: Option<Checked>,
}

/// Where a policy's code is.
#[derive(Deserialize)]
#[serde(untagged)]
enum Code {
    /// Rego source as it is, or a component in base64.
    Here(String),
    Sent(Sent),
}

/// It was uploaded before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    upload: String,
}

impl Publish {
    async fn publication(
        self,
        name: Name,
        recorder: &Recorder,
        caller: &Caller,
    ) -> Result<Publication, Problem> {
        let source = match (self.language, self.code) {
            (Language::Rego, Code::Here(code)) => PolicySource::Rego(code.into()),
            (Language::Component, Code::Here(code)) => {
                let wrong =
                    |_| Problem::new(Kind::UnexpectedForm, "a component's code is in base64");
                PolicySource::Component(STANDARD.decode(code).map_err(wrong)?.into())
            }
            (language, Code::Sent(Sent { upload })) => {
                let code = recorder.uploaded_code(caller, &upload).await?;
                match language {
                    Language::Rego => rego(&code)?,
                    Language::Component => PolicySource::Component(code.into()),
                }
            }
        };
        Ok(Publication {
            name,
            source,
            parameters: self.parameters,
            cases: self.cases,
            checked: self.checked,
        })
    }
}

#[derive(Serialize)]
pub(super) struct Published {
    policy: EntryHash,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Endorse {
    entry: EntryHash,
}

pub(super) async fn publish(
    State(state): State<AppState>,
    By(caller): By,
    Query(Named { name }): Query<Named>,
    request: Request,
) -> Result<Answer<Published>, Problem> {
    let media_type = MediaType::of(request.headers())?;
    let bytes_max = match media_type {
        MediaType::Json => state.limits.body_bytes_max,
        MediaType::Text | MediaType::Rego | MediaType::Wasm => state.limits.policy_bytes_max,
        _ => {
            return Err(body::unsupported(
                "application/rego`, `text/plain` (Rego source), `application/wasm` or `application/json",
            ));
        }
    };
    let bytes = body::read(request, &state, bytes_max).await?;
    let publication = match media_type {
        MediaType::Json => {
            let publish = body::object::<Publish>(&bytes)?;
            publish.publication(name, &state.recorder, &caller).await?
        }
        MediaType::Wasm => Publication::new(name, PolicySource::Component(bytes.as_ref().into())),
        _ => Publication::new(name, rego(&bytes)?),
    };
    let policy =
        to_the_end(async move { state.recorder.publish(&caller, publication).await }).await?;
    Ok(Answer::created(Published { policy }).noting(Some(policy)))
}

fn rego(bytes: &[u8]) -> Result<PolicySource, Problem> {
    let not_text = |_| Problem::new(Kind::InvalidText, "Rego source is UTF-8 text");
    let source = std::str::from_utf8(bytes).map_err(not_text)?;
    Ok(PolicySource::Rego(source.into()))
}

pub(super) async fn bind(
    State(state): State<AppState>,
    By(caller): By,
    Json(bind): Json<BindPolicy>,
) -> Result<Answer<Recorded>, Problem> {
    let appended =
        to_the_end(async move { state.recorder.bind_policy(&caller, bind).await }).await?;
    Ok(appended.into())
}

pub(super) async fn unbind(
    State(state): State<AppState>,
    By(caller): By,
    Path(binding): Path<EntryHash>,
    Json(because): Json<Because>,
) -> Result<Answer<Recorded>, Problem> {
    let unbind = async move {
        state
            .recorder
            .unbind_policy(&caller, binding, because.reason)
            .await
    };
    Ok(to_the_end(unbind).await?.into())
}

pub(super) async fn endorse(
    State(state): State<AppState>,
    By(caller): By,
    Json(Endorse { entry }): Json<Endorse>,
) -> Result<Answer<Recorded>, Problem> {
    let appended = to_the_end(async move { state.recorder.endorse(&caller, entry).await }).await?;
    Ok(appended.into())
}

pub(super) async fn except(
    State(state): State<AppState>,
    By(caller): By,
    Json(grant): Json<GrantException>,
) -> Result<Answer<Recorded>, Problem> {
    let appended =
        to_the_end(async move { state.recorder.grant_exception(&caller, grant).await }).await?;
    Ok(appended.into())
}

pub(super) async fn withdraw(
    State(state): State<AppState>,
    By(caller): By,
    Path(exception): Path<EntryHash>,
    Json(because): Json<Because>,
) -> Result<Answer<Recorded>, Problem> {
    let withdraw = async move {
        state
            .recorder
            .withdraw_exception(&caller, exception, because.reason)
            .await
    };
    Ok(to_the_end(withdraw).await?.into())
}
