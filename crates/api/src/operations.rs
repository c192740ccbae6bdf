//! What operators and tools read: health, metrics, the OpenAPI document. They need no key.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Serialize;

use crate::answer::Answer;
use crate::metrics::Function;
use crate::routes::Routes;
use crate::state::AppState;

/// The OpenAPI 3.1 document, as `/openapi.json` serves it.
pub const OPENAPI: &str = include_str!("../openapi.json");

#[derive(Serialize)]
struct Health {
    status: &'static str,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_only: Option<String>,
}

pub(crate) fn routes() -> Routes {
    Routes::new(Function::Operations)
        .get("/healthz", health)
        .get("/metrics", metrics)
        .get("/openapi.json", openapi)
}

async fn health(State(state): State<AppState>) -> Answer<Health> {
    let status = state.recorder.store().status();
    let health = |word, read_only| Health { status: word, size: status.size, read_only };
    match &status.read_only {
        None => Answer::shown(health("ok", None)),
        Some(reason) => {
            Answer::with_status(StatusCode::SERVICE_UNAVAILABLE, health("read-only", Some(reason.to_string())))
        }
    }
}

async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    let text = state.metrics.write(&state.recorder.store().status());
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}
