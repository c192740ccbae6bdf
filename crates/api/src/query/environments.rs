use axum::extract::State;
use model::Name;
use recorder::view::{EntryView, EnvironmentDiff, EnvironmentView};
use serde::Deserialize;

use crate::answer::Answer;
use crate::problem::Problem;
use crate::request::{By, Path, Query, Time};
use crate::state::AppState;

/// Deployments listed where nothing else is asked for.
const DEPLOYMENTS_DEFAULT: usize = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AsOf {
    at: Option<Time>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Between {
    from: Time,
    to: Option<Time>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    limit: Option<usize>,
}

pub(super) async fn show(
    State(state): State<AppState>,
    By(caller): By,
    Path(environment): Path<Name>,
    Query(as_of): Query<AsOf>,
) -> Result<Answer<EnvironmentView>, Problem> {
    caller.require_any()?;
    let at_ms = as_of
        .at
        .map_or_else(|| state.recorder.now_ms(), |Time(at_ms)| at_ms);
    Ok(Answer::shown(
        state.recorder.environment_view(&environment, at_ms).await?,
    ))
}

pub(super) async fn deployments(
    State(state): State<AppState>,
    By(caller): By,
    Path(environment): Path<Name>,
    Query(page): Query<Page>,
) -> Result<Answer<Vec<EntryView>>, Problem> {
    caller.require_any()?;
    let limit = super::limit(page.limit.or(Some(DEPLOYMENTS_DEFAULT)));
    Ok(Answer::shown(
        state.recorder.deployments(&environment, limit).await?,
    ))
}

pub(super) async fn diff(
    State(state): State<AppState>,
    By(caller): By,
    Path(environment): Path<Name>,
    Query(Between {
        from: Time(from_ms),
        to,
    }): Query<Between>,
) -> Result<Answer<EnvironmentDiff>, Problem> {
    caller.require_any()?;
    let to_ms = to.map_or_else(|| state.recorder.now_ms(), |Time(to_ms)| to_ms);
    Ok(Answer::shown(
        state
            .recorder
            .environment_diff(&environment, from_ms, to_ms)
            .await?,
    ))
}
