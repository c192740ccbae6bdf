use axum::extract::State;
use model::Name;
use recorder::view::{TrailSummary, TrailView};
use serde::Deserialize;

use crate::answer::Answer;
use crate::problem::Problem;
use crate::request::{By, Path, Query};
use crate::state::AppState;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    limit: Option<usize>,
}

pub(super) async fn list(
    State(state): State<AppState>,
    By(caller): By,
    Path(flow): Path<Name>,
    Query(page): Query<Page>,
) -> Result<Answer<Vec<TrailSummary>>, Problem> {
    caller.require_any()?;
    Ok(Answer::shown(
        state
            .recorder
            .trails(&flow, super::limit(page.limit))
            .await?,
    ))
}

pub(super) async fn show(
    State(state): State<AppState>,
    By(caller): By,
    Path((flow, trail)): Path<(Name, Name)>,
) -> Result<Answer<TrailView>, Problem> {
    caller.require_any()?;
    Ok(Answer::shown(
        state.recorder.trail_view(&flow, &trail).await?,
    ))
}
