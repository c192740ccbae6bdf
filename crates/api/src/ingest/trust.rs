//! Signatures of policies, and the keys that are trusted to make them.

use axum::extract::{Request, State};
use model::EntryHash;
use model::limits::SIGNATURE_BYTES_MAX;
use recorder::TrustPolicyKeys;
use serde::Serialize;

use crate::answer::{Answer, Recorded};
use crate::body::{self, Json, MediaType};
use crate::problem::Problem;
use crate::request::{By, Path, to_the_end};
use crate::state::AppState;

#[derive(Serialize)]
pub(super) struct Signed {
    signature: EntryHash,
}

pub(super) async fn trust(
    State(state): State<AppState>,
    By(caller): By,
    Json(trust): Json<TrustPolicyKeys>,
) -> Result<Answer<Recorded>, Problem> {
    let appended =
        to_the_end(async move { state.recorder.trust_policy_keys(&caller, trust).await }).await?;
    Ok(appended.into())
}

/// Takes a bundle as it is: its bytes are recorded.
pub(super) async fn sign(
    State(state): State<AppState>,
    By(caller): By,
    Path(policy): Path<EntryHash>,
    request: Request,
) -> Result<Answer<Signed>, Problem> {
    if !matches!(
        MediaType::of(request.headers())?,
        MediaType::Json | MediaType::Signature
    ) {
        return Err(body::unsupported(recorder::SIGNATURE_MEDIA_TYPE));
    }
    let bundle = body::read(request, &state, SIGNATURE_BYTES_MAX).await?;
    let sign = async move {
        state
            .recorder
            .sign_policy(&caller, &policy, bundle.to_vec())
            .await
    };
    let signature = to_the_end(sign).await?;
    Ok(Answer::created(Signed { signature }).noting(Some(signature)))
}
