//! HTTP: one router per function, authentication, problems, OpenAPI.
//!
//! Each function (`ingest`, `decide`, `approve`, `snapshot`, `query`) has a router of its own, complete with
//! authentication, limits and problems, so that it can be served alone; [`all`] merges them into one server. A handler
//! is a list of steps: read the request, call the [`Recorder`](recorder::Recorder), show what it answers. Which store
//! the recorder runs on is not known here, and neither is anything that a request means.
//!
//! ```no_run
//! # async fn run(recorder: std::sync::Arc<recorder::Recorder>) -> std::io::Result<()> {
//! let state = api::AppState::new(recorder, api::Limits::default());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:7070").await?;
//! let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
//! api::serve(listener, api::all(state), &api::Limits::default(), stop).await
//! # }
//! ```
#![warn(missing_docs)]

mod answer;
pub mod approve;
mod body;
pub mod decide;
mod edge;
pub mod ingest;
mod limits;
mod metrics;
mod operations;
mod problem;
pub mod query;
mod request;
mod routes;
mod serve;
pub mod snapshot;
mod state;

use axum::Router;

pub use body::NotBase64;
pub use limits::Limits;
pub use operations::OPENAPI;
pub use serve::serve;
pub use state::AppState;

use routes::Routes;

/// Routes every function, `/healthz`, `/metrics` and `/openapi.json`.
pub fn all(state: AppState) -> Router {
    routes::complete(functions().map(|function| function.routed(&state)), &state)
}

fn functions() -> [Routes; 6] {
    [
        ingest::routes(),
        decide::routes(),
        approve::routes(),
        snapshot::routes(),
        query::routes(),
        operations::routes(),
    ]
}
