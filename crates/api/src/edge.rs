//! What every request passes: limits, authentication, problems, the completion line.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use model::{Class, EntryHash};
use recorder::Caller;

use crate::metrics::Function;
use crate::problem::{Kind, Problem};
use crate::state::{AppState, RequestId};

/// Where uploads are sent.
pub(crate) const UPLOAD: &str = "/v1/uploads/{upload}";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What stands in front of one function.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) state: AppState,
    pub(crate) function: Function,
}

/// The entry that a request recorded, for the completion line.
#[derive(Clone, Copy)]
pub(crate) struct Noted(pub(crate) EntryHash);

/// Lets a request through, and answers it.
pub(crate) async fn pass(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = edge.state.next_request_id();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("", MatchedPath::as_str);
    let mut caller = None;
    let response = match admit(&edge, path, &mut request, &mut caller).await {
        // The permit counts the request until its answer begins.
        Ok(_permit) => whole(next.run(request).await, edge.state.limits.answer_bytes_max).await,
        Err(problem) => problem.into_response(),
    };
    let (problem, response) = finish(response, id);
    let status = response.status();
    let duration = started.elapsed();
    edge.state.metrics.count(edge.function, status, duration);
    let class = problem.as_ref().map(|problem| problem.kind.class());
    if let Some(Problem {
        cause: Some(cause), ..
    }) = &problem
    {
        tracing::error!(request_id = %id, class = class.map(Class::as_str), cause, "request failed");
    }
    tracing::info!(
        request_id = %id,
        function = edge.function.as_str(),
        method = method.as_str(),
        path,
        status = status.as_u16(),
        class = class.map(Class::as_str),
        problem = problem.as_ref().map(|problem| problem.kind.name()),
        duration_ms = duration.as_secs_f64() * 1_000.0,
        key = caller.as_ref().and_then(|caller: &Arc<Caller>| caller.by().key.as_ref()).map(AsRef::as_ref),
        entry = response.extensions().get::<Noted>().map(|noted| tracing::field::display(noted.0)),
        "request"
    );
    response
}

/// Checks what can be checked before the body is read.
async fn admit<'a>(
    edge: &'a Edge,
    path: &str,
    request: &mut Request,
    known: &mut Option<Arc<Caller>>,
) -> Result<Option<tokio::sync::SemaphorePermit<'a>>, Problem> {
    check_headers(request.headers(), edge.state.limits.headers_bytes_max)?;
    check_accept(request.method(), request.headers(), produced(path))?;
    // Health and metrics answer under any load, and to anybody.
    if matches!(edge.function, Function::Operations | Function::None) {
        return Ok(None);
    }
    let permit = edge.state.requests.try_acquire().map_err(|_| {
        let most = edge.state.limits.requests_max;
        Problem::new(
            Kind::Overloaded,
            format!("`{most}` requests are in progress"),
        )
        .with_hint("try again")
    })?;
    // Whoever knows an upload's name may send it: as where another takes it, who knows no keys.
    if path == UPLOAD {
        return Ok(Some(permit));
    }
    let token = token_of(request.headers());
    let caller = Arc::new(edge.state.recorder.authenticate(&token).await?);
    *known = Some(caller.clone());
    request.extensions_mut().insert(caller);
    Ok(Some(permit))
}

/// Reads an answer to its end, where it has a limit.
async fn whole(response: Response, bytes_max: Option<usize>) -> Response {
    let Some(bytes_max) = bytes_max else {
        return response;
    };
    let (head, body) = response.into_parts();
    match Limited::new(body, bytes_max).collect().await {
        Ok(all) => Response::from_parts(head, Body::from(all.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Problem::new(
            Kind::AnswerTooLarge,
            format!("the answer has more than `{bytes_max}` bytes"),
        )
        .with_hint("ask for less, or copy the journal: `trailmark journal copy --help`")
        .into_response(),
        Err(error) => {
            let mut problem = Problem::new(Kind::Unavailable, "the answer broke off");
            problem.cause = Some(error.to_string());
            problem.into_response()
        }
    }
}

fn check_headers(headers: &HeaderMap, bytes_max: usize) -> Result<(), Problem> {
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if bytes <= bytes_max {
        return Ok(());
    }
    Err(Problem::new(
        Kind::HeadersTooLarge,
        format!("the headers have `{bytes}` bytes, over the limit of {bytes_max}"),
    ))
}

/// Returns the token that a request brings, or nothing of any use.
fn token_of(headers: &HeaderMap) -> String {
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then_some(token.trim())
        });
    token.unwrap_or_default().to_owned()
}

/// Returns the media type of a path's answers.
fn produced(path: &str) -> &'static str {
    match path {
        "/checkpoint" | "/metrics" | "/v1/export" => "text/plain",
        "/tile/{*path}" => "application/octet-stream",
        _ => "application/json",
    }
}

/// Refuses before anything is recorded what could not be answered in a form that the client takes.
fn check_accept(method: &Method, headers: &HeaderMap, produced: &str) -> Result<(), Problem> {
    let mut ranges = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .peekable();
    if method == Method::OPTIONS || ranges.peek().is_none() {
        return Ok(());
    }
    let main = produced.split('/').next().unwrap_or_default();
    let takes = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let refused =
            parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        let every = media
            .strip_suffix("/*")
            .is_some_and(|range| range == "*" || range.eq_ignore_ascii_case(main));
        !refused && (every || media.eq_ignore_ascii_case(produced))
    };
    if ranges.any(|value| value.split(',').any(takes)) {
        return Ok(());
    }
    Err(Problem::new(
        Kind::NotAcceptable,
        format!("the answer is `{produced}`"),
    ))
}

/// Writes the problem, if it is one, and what every answer has.
fn finish(mut response: Response, id: RequestId) -> (Option<Problem>, Response) {
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = &problem {
        let headers = std::mem::take(response.headers_mut());
        let mut written = problem.write(id);
        written
            .headers_mut()
            .extend(headers.into_iter().filter(|(name, _)| name.is_some()));
        response = written;
    }
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    (problem, response)
}
