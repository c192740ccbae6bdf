//! What operators and tools read: health, metrics, the OpenAPI document. They need no key.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Serialize;

use crate::answer::Answer;
use crate::metrics::Function;
use crate::problem::Problem;
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

async fn health(State(state): State<AppState>) -> Result<Answer<Health>, Problem> {
    let status = state.recorder.store().status().await?;
    let health = |word, read_only| Health {
        status: word,
        size: status.size,
        read_only,
    };
    Ok(match &status.read_only {
        None => Answer::shown(health("ok", None)),
        Some(reason) => Answer::with_status(
            StatusCode::SERVICE_UNAVAILABLE,
            health("read-only", Some(reason.to_string())),
        ),
    })
}

async fn metrics(State(state): State<AppState>) -> Result<impl IntoResponse, Problem> {
    let text = state.metrics.write(&state.recorder.store().status().await?);
    Ok((
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    ))
}

async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::http::Method;
    use serde_json::Value;

    use crate::problem::Kind;

    #[test]
    fn every_route_is_described_and_every_described_path_is_routed() {
        let described: Value = serde_json::from_str(super::OPENAPI).unwrap();
        let paths = described["paths"].as_object().unwrap().iter();
        let described: BTreeSet<(String, String)> = paths
            .flat_map(|(path, methods)| {
                methods
                    .as_object()
                    .unwrap()
                    .keys()
                    .map(move |method| (method.to_uppercase(), path.clone()))
            })
            .collect();
        let listed =
            |(method, path): &(Method, &str)| (method.to_string(), path.replace("{*", "{"));
        let routed: BTreeSet<_> = crate::functions()
            .iter()
            .flat_map(|function| function.listed().iter().map(listed).collect::<Vec<_>>())
            .collect();
        assert_eq!(described, routed);
    }

    #[test]
    fn every_problem_is_in_the_documents_and_none_that_is_not() {
        let text = include_str!("../../../docs/api.md");
        let rows = text
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let documented: BTreeSet<_> = rows
            .filter_map(|(name, rest)| Some((name, rest.split_once(" |")?.0.parse::<u16>().ok()?)))
            .collect();
        let known: BTreeSet<_> = Kind::ALL
            .iter()
            .map(|kind| (kind.name(), kind.status().as_u16()))
            .collect();
        assert_eq!(documented, known);
    }
}
