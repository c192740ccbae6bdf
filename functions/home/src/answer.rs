use std::process::ExitCode;

use api::{AppState, Limits};
use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use axum::Router;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::value::RawValue;
use store::aws::Clients;
use tower::ServiceExt as _;

use crate::event::{Event, Takes};
use crate::http;
use crate::open::{self, Opened};

/// Lambda takes events of 6 MB, a body and what stands around it.
const BODY_BYTES_MAX: usize = 6 * 1024 * 1024 - 64 * 1024;
/// And gives out answers of 6 MB, in base64 where they are no text.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Runs a function that answers HTTP with a router.
pub fn answer(function: &'static str, router: fn(AppState) -> Router) -> ExitCode {
    let takes = Takes {
        function,
        what: "HTTP requests, of an HTTP API or a function URL (payload version 2.0)",
    };
    crate::run(
        function,
        async |settings| {
            let clients = Clients::load(&settings.endpoints).await;
            let opened = open::open(&settings, &clients).await?;
            let router = router(AppState::new(opened.recorder.clone(), limits()));
            Ok((opened, router))
        },
        async |(opened, router): &(Opened, Router), event| {
            opened.refresh().await;
            respond(router, takes, event).await
        },
    )
}

fn limits() -> Limits {
    Limits {
        body_bytes_max: BODY_BYTES_MAX,
        answer_bytes_max: Some(ANSWER_BYTES_MAX),
        ..Limits::default()
    }
}

async fn respond(
    router: &Router,
    takes: Takes,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<ApiGatewayV2httpResponse, Diagnostic> {
    let request = match Event::read(takes, &event.payload)? {
        Event::Http(request) => http::request(*request),
        other => return Err(takes.refuse(other.name()).into()),
    };
    let response = match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    http::answer(response).await.map_err(|error| Diagnostic {
        error_type: "Trailmark.AnswerBrokeOff".to_owned(),
        error_message: error.to_string(),
    })
}
