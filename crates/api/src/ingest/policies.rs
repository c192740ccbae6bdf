//! Policies: published, bound, unbound, endorsed.

use axum::extract::{Request, State};
use model::{EntryHash, Name};
use policy::PolicySource;
use recorder::BindPolicy;
use serde::{Deserialize, Serialize};

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
    if !matches!(
        media_type,
        MediaType::Text | MediaType::Rego | MediaType::Wasm
    ) {
        return Err(body::unsupported(
            "application/rego`, `text/plain` (Rego source) or `application/wasm",
        ));
    }
    let bytes = body::read(request, &state, state.limits.policy_bytes_max).await?;
    let source = if media_type == MediaType::Wasm {
        PolicySource::Component(bytes.as_ref().into())
    } else {
        let not_text = |_| Problem::new(Kind::InvalidText, "Rego source is UTF-8 text");
        PolicySource::Rego(std::str::from_utf8(&bytes).map_err(not_text)?.into())
    };
    let policy =
        to_the_end(async move { state.recorder.publish_policy(&caller, name, source).await })
            .await?;
    Ok(Answer::created(Published { policy }).noting(Some(policy)))
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
