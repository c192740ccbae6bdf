//! The start: what is wrong is said to Lambda and in the log, once; then events are taken until the process is ended.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use lambda_runtime_api_client::PooledClient;
use lambda_runtime_api_client::body::Body;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{LogFormat, Settings, logging};

/// Where Lambda gives events out.
const RUNTIME: &str = "AWS_LAMBDA_RUNTIME_API";
/// Threads: the smallest functions have less than one processor, the largest no more than two.
const THREADS: usize = 2;

/// Runs a function: `open` makes it ready before the first event, and what it returns takes the events.
pub fn run<S, R>(
    function: &'static str,
    open: impl AsyncFnOnce(Settings) -> Result<S>,
    take: impl AsyncFn(&S, LambdaEvent<Box<RawValue>>) -> Result<R, Diagnostic>,
) -> ExitCode
where
    R: Serialize,
{
    let started = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build();
    let ran = runtime.context("could not start").and_then(|runtime| {
        runtime.block_on(async {
            let ready = match ready(function, open).await {
                Ok(ready) => ready,
                Err(error) => {
                    report(&error).await;
                    return Err(error);
                }
            };
            let init_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(
                function,
                version = env!("CARGO_PKG_VERSION"),
                init_ms,
                "started"
            );
            let service = service_fn(|event| take(&ready, event));
            lambda_runtime::run(service)
                .await
                .map_err(anyhow::Error::from_boxed)
        })
    });
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(function, error = format!("{error:#}"), "stopped");
            ExitCode::FAILURE
        }
    }
}

async fn ready<S>(
    function: &'static str,
    open: impl AsyncFnOnce(Settings) -> Result<S>,
) -> Result<S> {
    let settings = Settings::read(function, |name| std::env::var(name).ok());
    logging::start(
        settings
            .as_ref()
            .map_or(LogFormat::Json, |settings| settings.log_format),
    );
    open(settings?).await
}

/// Tells Lambda why the function does not start, which shows it to whoever called.
async fn report(error: &anyhow::Error) {
    // Without an address there is nobody to tell.
    if std::env::var_os(RUNTIME).is_none() {
        tracing::error!("`{RUNTIME}` is missing: this program runs in AWS Lambda");
        return;
    }
    let diagnostic = Diagnostic {
        error_type: "Trailmark.NotStarted".to_owned(),
        error_message: format!("{error:#}"),
    };
    let request = axum::http::Request::post("/2018-06-01/runtime/init/error")
        .header("lambda-runtime-function-error-type", &diagnostic.error_type)
        .body(Body::from(
            serde_json::to_vec(&diagnostic).unwrap_or_default(),
        ));
    let Ok(request) = request else { return };
    if let Err(error) = PooledClient::builder().build().call(request).await {
        tracing::error!(%error, "could not tell Lambda why");
    }
}
