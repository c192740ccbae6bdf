//! Looking up: trails, artifacts, environments, decisions, definitions, and the log itself.

mod artifacts;
mod definitions;
mod environments;
mod export;
mod log;
mod policies;
mod trails;
mod trust;

use axum::Router;
use recorder::view::LIST_MAX;

use crate::metrics::Function;
use crate::operations;
use crate::routes::{self, Routes};
use crate::state::AppState;

/// Items in a list where nothing else is asked for.
const LIMIT_DEFAULT: usize = 100;

/// Routes this function alone, and what operators and tools read: it answers whatever no other function does.
pub fn router(state: AppState) -> Router {
    let routed = [routes(), operations::routes()].map(|function| function.routed(&state));
    routes::complete(routed, &state)
}

pub(crate) fn routes() -> Routes {
    Routes::new(Function::Query)
        .get("/v1/flows", definitions::flows)
        .get("/v1/flows/{flow}", definitions::flow)
        .get("/v1/flows/{flow}/trails", trails::list)
        .get("/v1/flows/{flow}/trails/{trail}", trails::show)
        .get("/v1/artifacts", artifacts::list)
        .get("/v1/artifacts/{fingerprint}", artifacts::show)
        .get("/v1/artifacts/{fingerprint}/dossier", artifacts::dossier)
        .get("/v1/search", artifacts::search)
        .get("/v1/environments", definitions::environments)
        .get("/v1/environments/{environment}", environments::show)
        .get(
            "/v1/environments/{environment}/deployments",
            environments::deployments,
        )
        .get("/v1/environments/{environment}/diff", environments::diff)
        .get("/v1/keys", definitions::keys)
        .get("/v1/people", definitions::people)
        .get("/v1/policies", policies::list)
        .get("/v1/policies/{entry}", policies::show)
        .get("/v1/policies/{entry}/code", policies::code)
        .get("/v1/policies/{entry}/signatures", trust::signatures)
        .get("/v1/policy-keys", trust::keys)
        .get("/v1/bindings", policies::bindings)
        .get("/v1/exceptions", policies::exceptions)
        .get("/v1/decisions/{entry}", log::decision)
        .get("/v1/entries/{entry}", log::entry)
        .get("/v1/entries/{entry}/receipt", log::receipt)
        .get("/v1/export", export::bundle)
        .get("/checkpoint", log::checkpoint)
        .get("/tile/{*path}", log::tile)
}

/// Takes a limit as it was asked for, up to the most that is listed at once.
fn limit(asked: Option<usize>) -> usize {
    asked.unwrap_or(LIMIT_DEFAULT).min(LIST_MAX)
}
