//! Flows, environments, keys and people. Each is taken into force before it is answered, whether or not anybody waits.

use axum::extract::State;
use model::{KeyId, PersonId};
use recorder::{AddAlias, AddKey, AddPerson, DefineEnvironment, DefineFlow, NewKey};
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Recorded};
use crate::body::Json;
use crate::problem::Problem;
use crate::request::{By, Path, to_the_end};
use crate::state::AppState;

/// Says why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Because {
    pub(super) reason: String,
}

#[derive(Serialize)]
pub(super) struct NewPerson {
    person: PersonId,
}

pub(super) async fn define_flow(
    State(state): State<AppState>,
    By(caller): By,
    Json(define): Json<DefineFlow>,
) -> Result<Answer<Recorded>, Problem> {
    let appended =
        to_the_end(async move { state.recorder.define_flow(&caller, define).await }).await?;
    Ok(appended.into())
}

pub(super) async fn define_environment(
    State(state): State<AppState>,
    By(caller): By,
    Json(define): Json<DefineEnvironment>,
) -> Result<Answer<Recorded>, Problem> {
    let appended =
        to_the_end(async move { state.recorder.define_environment(&caller, define).await }).await?;
    Ok(appended.into())
}

pub(super) async fn add_key(
    State(state): State<AppState>,
    By(caller): By,
    Json(add): Json<AddKey>,
) -> Result<Answer<NewKey>, Problem> {
    let key = to_the_end(async move { state.recorder.add_key(&caller, add).await }).await?;
    Ok(Answer::created(key))
}

pub(super) async fn revoke_key(
    State(state): State<AppState>,
    By(caller): By,
    Path(key): Path<KeyId>,
    Json(because): Json<Because>,
) -> Result<Answer<Recorded>, Problem> {
    let appended = to_the_end(async move {
        state
            .recorder
            .revoke_key(&caller, key, because.reason)
            .await
    })
    .await?;
    Ok(appended.into())
}

pub(super) async fn add_person(
    State(state): State<AppState>,
    By(caller): By,
    Json(add): Json<AddPerson>,
) -> Result<Answer<NewPerson>, Problem> {
    let person = to_the_end(async move { state.recorder.add_person(&caller, add).await }).await?;
    Ok(Answer::created(NewPerson { person }))
}

pub(super) async fn add_alias(
    State(state): State<AppState>,
    By(caller): By,
    Json(add): Json<AddAlias>,
) -> Result<Answer<Recorded>, Problem> {
    let appended = to_the_end(async move { state.recorder.add_alias(&caller, add).await }).await?;
    Ok(appended.into())
}

pub(super) async fn recover(
    State(state): State<AppState>,
    By(caller): By,
    Json(because): Json<Because>,
) -> Result<Answer<Recorded>, Problem> {
    let appended =
        to_the_end(async move { state.recorder.recover(&caller, because.reason).await }).await?;
    Ok(appended.into())
}

pub(super) async fn correct_clock(
    State(state): State<AppState>,
    By(caller): By,
    Json(because): Json<Because>,
) -> Result<Answer<Recorded>, Problem> {
    let appended =
        to_the_end(async move { state.recorder.correct_clock(&caller, because.reason).await })
            .await?;
    Ok(appended.into())
}
