//! Approvals: requested, given, withdrawn.

use axum::Router;
use axum::extract::State;
use model::EntryHash;
use recorder::ApproveRequest;

use crate::answer::{Answer, Recorded};
use crate::body::Json;
use crate::metrics::Function;
use crate::problem::Problem;
use crate::request::{By, Path};
use crate::routes::{self, Routes};
use crate::state::AppState;

/// Routes this function alone.
pub fn router(state: AppState) -> Router {
    routes::complete([routes().routed(&state)], &state)
}

pub(crate) fn routes() -> Routes {
    Routes::new(Function::Approve)
        .post("/v1/approval-requests", request)
        .post("/v1/approvals", approve)
        .post("/v1/approvals/{entry}/withdrawal", withdraw)
}

async fn request(
    State(state): State<AppState>,
    By(caller): By,
    Json(request): Json<ApproveRequest>,
) -> Result<Answer<Recorded>, Problem> {
    Ok(state
        .recorder
        .request_approval(&caller, &request)
        .await?
        .into())
}

async fn approve(
    State(state): State<AppState>,
    By(caller): By,
    Json(request): Json<ApproveRequest>,
) -> Result<Answer<Recorded>, Problem> {
    Ok(state.recorder.approve(&caller, &request).await?.into())
}

async fn withdraw(
    State(state): State<AppState>,
    By(caller): By,
    Path(approval): Path<EntryHash>,
) -> Result<Answer<Recorded>, Problem> {
    Ok(state
        .recorder
        .withdraw_approval(&caller, approval)
        .await?
        .into())
}
