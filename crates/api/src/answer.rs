//! What is answered when something was done.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use model::EntryHash;
use recorder::timestamp;
use serde::Serialize;
use store::{Appended, Receipt};

use crate::edge::Noted;
use crate::problem::{Kind, Problem};

/// An answer in JSON.
pub(crate) struct Answer<T> {
    status: StatusCode,
    entry: Option<EntryHash>,
    body: T,
}

impl<T: Serialize> Answer<T> {
    /// Shows what was asked for, or what had been recorded before.
    pub(crate) const fn shown(body: T) -> Self {
        Self::with_status(StatusCode::OK, body)
    }

    /// Tells that something was made.
    pub(crate) const fn created(body: T) -> Self {
        Self::with_status(StatusCode::CREATED, body)
    }

    pub(crate) const fn with_status(status: StatusCode, body: T) -> Self {
        Self {
            status,
            entry: None,
            body,
        }
    }

    /// Names what was recorded to the log.
    pub(crate) fn noting(self, entry: Option<EntryHash>) -> Self {
        Self { entry, ..self }
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let bytes = match serde_json::to_vec(&self.body) {
            Ok(bytes) => bytes,
            Err(error) => {
                let mut problem = Problem::new(Kind::Internal, "the answer has no JSON form");
                problem.cause = Some(error.to_string());
                return problem.into_response();
            }
        };
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = self.status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(entry) = self.entry {
            response.extensions_mut().insert(Noted(entry));
        }
        response
    }
}

/// An entry that was recorded, with its receipt.
#[derive(Debug, Serialize)]
pub(crate) struct Recorded {
    pub(crate) entry: EntryHash,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<u64>,
    pub(crate) recorded: String,
    pub(crate) recorded_ms: u64,
    pub(crate) replayed: bool,
    pub(crate) receipt: Receipt,
}

impl From<Appended> for Recorded {
    fn from(appended: Appended) -> Self {
        let recorded_ms = appended.stored.entry.header().recorded_ms;
        Self {
            entry: appended.stored.entry.hash(),
            index: appended.stored.index,
            recorded: timestamp::format(recorded_ms),
            recorded_ms,
            replayed: appended.replayed,
            receipt: appended.receipt,
        }
    }
}

impl From<Appended> for Answer<Recorded> {
    fn from(appended: Appended) -> Self {
        let recorded = Recorded::from(appended);
        let entry = Some(recorded.entry);
        if recorded.replayed {
            Self::shown(recorded).noting(entry)
        } else {
            Self::created(recorded).noting(entry)
        }
    }
}
