//! Reading a body: of a known media type, within its limit, in time.

use std::error::Error;
use std::fmt;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use evidence::strict_json;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;

use crate::problem::{Kind, Problem};
use crate::state::AppState;

/// A body over its limit is read on for so many times the limit, so that its sender gets to see the refusal.
const DRAINED_LIMITS: usize = 4;

/// A JSON object from a body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<AppState> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        if MediaType::of(request.headers())? != MediaType::Json {
            return Err(unsupported("application/json"));
        }
        let body = read(request, state, state.limits.body_bytes_max).await?;
        object(&body).map(Self)
    }
}

/// Reads a JSON object: a list in its place is refused, though its items could be taken for members.
pub(crate) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::new(
            Kind::UnexpectedForm,
            "the JSON is a list where an object is expected",
        ));
    }
    Ok(strict_json::from_slice(bytes)?)
}

/// A media type that some route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaType {
    Json,
    CloudEvent,
    CloudEventBatch,
    Text,
    Rego,
    Wasm,
    Signature,
    /// None of these.
    Other,
}

impl MediaType {
    /// Reads `Content-Type`; text and JSON are in UTF-8.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let value = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut parts = value
            .split(';')
            .map(|part| part.trim().to_ascii_lowercase());
        let media_type = parts.next().unwrap_or_default();
        let charset = parts.find_map(|part| {
            part.strip_prefix("charset=")
                .map(|charset| charset.trim_matches('"').to_owned())
        });
        if charset.is_some_and(|charset| !matches!(charset.as_str(), "utf-8" | "utf8" | "us-ascii"))
        {
            return Err(Problem::new(
                Kind::UnsupportedMediaType,
                "the body must be in UTF-8",
            ));
        }
        Ok(match media_type.as_str() {
            "application/json" => Self::Json,
            "application/cloudevents+json" => Self::CloudEvent,
            "application/cloudevents-batch+json" => Self::CloudEventBatch,
            "text/plain" => Self::Text,
            "application/rego" => Self::Rego,
            "application/wasm" => Self::Wasm,
            recorder::SIGNATURE_MEDIA_TYPE => Self::Signature,
            _ => Self::Other,
        })
    }
}

/// Names what would have been taken.
pub(crate) fn unsupported(expected: &str) -> Problem {
    Problem::new(
        Kind::UnsupportedMediaType,
        format!("the body must be `{expected}`"),
    )
    .with_hint("name the media type in `Content-Type`")
}

/// Refuses a body that is not sent as it is.
pub(crate) fn refuse_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let encoding = headers.get(CONTENT_ENCODING);
    if encoding.is_none_or(|encoding| encoding == "identity") {
        return Ok(());
    }
    Err(Problem::new(
        Kind::UnsupportedEncoding,
        "the body must be sent as it is, without `Content-Encoding`",
    ))
}

/// Reads a body of at most `bytes_max` bytes.
pub(crate) async fn read(
    request: Request,
    state: &AppState,
    bytes_max: usize,
) -> Result<Bytes, Problem> {
    let (head, body) = request.into_parts();
    refuse_encoding(&head.headers)?;
    let declared = head
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let too_large = || {
        Problem::new(
            Kind::BodyTooLarge,
            format!("the body has more than `{bytes_max}` bytes"),
        )
        .with_hint("a large report or policy is sent apart: `POST /v1/uploads`, as `trailmark` does by itself")
    };
    // Who waits for leave to send the body needs none of it to be read, and nobody far more than is taken.
    let read_max = if head.headers.contains_key(EXPECT) {
        bytes_max
    } else {
        bytes_max.saturating_mul(DRAINED_LIMITS)
    };
    if declared.is_some_and(|declared| declared > read_max) {
        return Err(too_large());
    }
    let timeout = state.limits.body_timeout;
    let read = tokio::time::timeout(timeout, collect(body, bytes_max)).await;
    let too_slow = |_| {
        Problem::new(
            Kind::BodyTooSlow,
            format!("the body did not arrive within {} s", timeout.as_secs()),
        )
    };
    read.map_err(too_slow)??.ok_or_else(too_large)
}

/// Collects a body; `None` where it is over the limit.
async fn collect(mut body: Body, bytes_max: usize) -> Result<Option<Bytes>, Problem> {
    let mut first: Option<Bytes> = None;
    let mut all: Vec<u8> = Vec::new();
    let mut size = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() else {
            continue;
        };
        size = size.saturating_add(data.len());
        if size > bytes_max.saturating_mul(DRAINED_LIMITS) {
            return Ok(None);
        }
        if size > bytes_max {
            (first, all) = (None, Vec::new());
            continue;
        }
        // Most bodies come in one piece, which is then not copied.
        match (&first, all.is_empty()) {
            (None, true) => first = Some(data),
            (Some(before), true) => {
                all.reserve(before.len() + data.len());
                all.extend_from_slice(before);
                all.extend_from_slice(&data);
            }
            _ => all.extend_from_slice(&data),
        }
    }
    if size > bytes_max {
        return Ok(None);
    }
    Ok(Some(if all.is_empty() {
        first.unwrap_or_default()
    } else {
        all.into()
    }))
}

/// A body that is not the base64 which its event says it is in: a body that breaks off with this is answered so.
#[derive(Debug, Clone, Copy)]
pub struct NotBase64;

impl fmt::Display for NotBase64 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the body is not base64")
    }
}

impl Error for NotBase64 {}

/// Says why a body broke off.
fn broken(error: &axum::Error) -> Problem {
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        if error.is::<NotBase64>() {
            return Problem::new(Kind::InvalidBase64, error.to_string());
        }
        next = error.source();
    }
    Problem::new(
        Kind::BodyIncomplete,
        "the connection ended before the body did",
    )
}
