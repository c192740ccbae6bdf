//! Snapshots of environments.

use axum::Router;
use axum::extract::State;
use model::kind::SightingChange;
use model::{EntryHash, Fingerprint};
use recorder::TakeSnapshot;
use serde::Serialize;

use crate::answer::{Answer, Recorded};
use crate::body::Json;
use crate::metrics::Function;
use crate::problem::Problem;
use crate::request::{By, to_the_end};
use crate::routes::{self, Routes};
use crate::state::AppState;

/// Routes this function alone.
pub fn router(state: AppState) -> Router {
    routes::complete([routes().routed(&state)], &state)
}

pub(crate) fn routes() -> Routes {
    Routes::new(Function::Snapshot).post("/v1/snapshots", take)
}

#[derive(Serialize)]
struct Taken {
    #[serde(flatten)]
    recorded: Recorded,
    #[serde(skip_serializing_if = "Option::is_none")]
    same_as: Option<EntryHash>,
    sightings: Vec<Sighting>,
}

#[derive(Serialize)]
struct Sighting {
    change: SightingChange,
    fingerprint: Fingerprint,
}

/// The snapshot and its sightings are several writes: nobody's going away stops them half-way.
async fn take(
    State(state): State<AppState>,
    By(caller): By,
    Json(take): Json<TakeSnapshot>,
) -> Result<Answer<Taken>, Problem> {
    let snapshot = to_the_end(async move { state.recorder.snapshot(&caller, take).await }).await?;
    let recorded = Recorded::from(snapshot.appended);
    let entry = Some(recorded.entry);
    let sightings = snapshot
        .sightings
        .into_iter()
        .map(|(change, fingerprint)| Sighting {
            change,
            fingerprint,
        })
        .collect();
    Ok(Answer::created(Taken {
        recorded,
        same_as: snapshot.same_as,
        sightings,
    })
    .noting(entry))
}
