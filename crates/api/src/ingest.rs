//! What is recorded: events, definitions, keys and people, policies.

mod cloud_event;
mod definitions;
mod events;
mod idempotency;
mod native;
mod policies;
mod trust;
mod uploads;

use axum::Router;

use crate::edge;
use crate::metrics::Function;
use crate::routes::{self, Routes};
use crate::state::AppState;

/// Routes this function alone.
pub fn router(state: AppState) -> Router {
    routes::complete([routes().routed(&state)], &state)
}

pub(crate) fn routes() -> Routes {
    Routes::new(Function::Ingest)
        .post("/v1/events", events::record)
        .post("/v1/uploads", uploads::announce)
        .put(edge::UPLOAD, uploads::receive)
        .post("/v1/flows", definitions::define_flow)
        .post("/v1/environments", definitions::define_environment)
        .post("/v1/keys", definitions::add_key)
        .post("/v1/keys/{key}/revocation", definitions::revoke_key)
        .post("/v1/people", definitions::add_person)
        .post("/v1/aliases", definitions::add_alias)
        .post("/v1/policies", policies::publish)
        .post("/v1/policies/{entry}/signatures", trust::sign)
        .post("/v1/policy-keys", trust::trust)
        .post("/v1/bindings", policies::bind)
        .post("/v1/bindings/{entry}/unbinding", policies::unbind)
        .post("/v1/exceptions", policies::except)
        .post("/v1/exceptions/{entry}/withdrawal", policies::withdraw)
        .post("/v1/endorsements", policies::endorse)
        .post("/v1/recovery", definitions::recover)
        .post("/v1/clock-correction", definitions::correct_clock)
}
