//! Decisions and trials.

use axum::Router;
use axum::extract::State;
use model::kind::Verdict;
use model::{EntryHash, Fingerprint, Name};
use recorder::{DecideRequest, Decision, Grounds, Permit, TrialRequest};
use serde::Serialize;
use store::Receipt;

use crate::answer::Answer;
use crate::body::Json;
use crate::metrics::Function;
use crate::problem::Problem;
use crate::request::By;
use crate::routes::{self, Routes};
use crate::state::AppState;

/// Routes this function alone.
pub fn router(state: AppState) -> Router {
    routes::complete([routes().routed(&state)], &state)
}

pub(crate) fn routes() -> Routes {
    Routes::new(Function::Decide)
        .post("/v1/decisions", decide)
        .post("/v1/trials", try_policies)
}

/// A verdict and what it rests on. Exactly one of `decision` and `trial` names its entry: a trial allows nothing.
#[derive(Serialize)]
struct Judgement {
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<EntryHash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<EntryHash>,
    verdict: Verdict,
    reasons: Vec<String>,
    /// What exceptions did, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exceptions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<Name>,
    flow: Name,
    trail: Name,
    fingerprint: Fingerprint,
    grounds: Grounds,
    #[serde(skip_serializing_if = "Option::is_none")]
    permit: Option<Permit>,
    receipt: Receipt,
}

impl Judgement {
    fn of(decision: Decision, environment: Option<Name>) -> Self {
        Self {
            decision: None,
            trial: None,
            verdict: decision.verdict,
            reasons: decision.grounds.reasons(),
            exceptions: decision.grounds.exceptions(),
            environment,
            flow: decision.question.flow,
            trail: decision.question.trail,
            fingerprint: decision.question.fingerprint,
            grounds: decision.grounds,
            permit: decision.permit,
            receipt: decision.appended.receipt,
        }
    }
}

/// A denial is an answer like any other.
async fn decide(
    State(state): State<AppState>,
    By(caller): By,
    Json(request): Json<DecideRequest>,
) -> Result<Answer<Judgement>, Problem> {
    let decision = state.recorder.decide(&caller, &request).await?;
    let entry = Some(decision.appended.stored.entry.hash());
    let judgement = Judgement {
        decision: entry,
        ..Judgement::of(decision, Some(request.environment))
    };
    Ok(Answer::shown(judgement).noting(entry))
}

async fn try_policies(
    State(state): State<AppState>,
    By(caller): By,
    Json(request): Json<TrialRequest>,
) -> Result<Answer<Judgement>, Problem> {
    let trial = state.recorder.trial(&caller, &request).await?;
    let entry = Some(trial.appended.stored.entry.hash());
    let judgement = Judgement {
        trial: entry,
        ..Judgement::of(trial, request.environment)
    };
    Ok(Answer::shown(judgement).noting(entry))
}
