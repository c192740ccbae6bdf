//! What is answered when something is not done: RFC 9457 problem details.

mod kind;
mod recorder;

use std::error::Error;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use evidence::strict_json::JsonError;
use serde::Serialize;

pub(crate) use self::kind::Kind;
use crate::state::RequestId;

/// Characters of a detail; it may quote what was sent.
const DETAIL_CHARS_MAX: usize = 1_000;
/// Seconds after which trying again makes sense.
const RETRY_AFTER_SECONDS: &str = "1";

/// Why a request was not carried out, before it is written.
///
/// As a response it is empty: [`crate::edge`], which knows the request's id, writes it.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) kind: Kind,
    /// For the log alone.
    pub(crate) cause: Option<String>,
    detail: String,
    event: Option<usize>,
    hint: Option<String>,
}

/// A problem as it is written.
#[derive(Serialize)]
struct Written<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<usize>,
    request_id: String,
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        if let Some((at, _)) = detail.char_indices().nth(DETAIL_CHARS_MAX) {
            detail.truncate(at);
            detail.push('…');
        }
        Self {
            kind,
            cause: None,
            detail,
            event: None,
            hint: None,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says which event of the request is meant, from 0.
    pub(crate) fn at_event(mut self, place: Option<usize>) -> Self {
        self.event = place.or(self.event);
        self
    }

    /// Where there is but one event, its place says nothing.
    pub(crate) fn without_event(mut self) -> Self {
        self.event = None;
        self
    }

    /// Writes the problem.
    pub(crate) fn write(&self, request_id: RequestId) -> axum::response::Response {
        let written = Written {
            r#type: format!("/problems/{}", self.kind.name()),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: &self.detail,
            hint: self.hint.as_deref(),
            event: self.event,
            request_id: request_id.to_string(),
        };
        let mut response =
            Response::new(Body::from(serde_json::to_vec(&written).unwrap_or_default()));
        *response.status_mut() = self.kind.status();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.kind.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        if self.kind.status() == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.kind.status();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<JsonError> for Problem {
    fn from(error: JsonError) -> Self {
        let kind = match error {
            JsonError::Form { .. } => Kind::UnexpectedForm,
            _ => Kind::InvalidJson,
        };
        Self::new(kind, chain(&error))
    }
}

/// Writes an error and what caused it in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
