//! What handlers take from a request beside its body.

use std::error::Error;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use recorder::{Caller, RecorderError, timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::problem::{Kind, Problem};
use crate::state::AppState;

/// Who calls; the edge found out.
pub(crate) struct By(pub(crate) Arc<Caller>);

impl FromRequestParts<AppState> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Arc<Caller>>()
            .cloned()
            .map(Self)
            .ok_or_else(|| RecorderError::Unauthenticated.into())
    }
}

/// The variable parts of the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0))
            .map_err(|rejection| Problem::new(Kind::InvalidPath, root_of(&rejection)))
    }
}

/// The parameters after the path.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|query| Self(query.0))
            .map_err(|rejection| Problem::new(Kind::InvalidQuery, root_of(&rejection)))
    }
}

/// Returns what is wrong, without who found out.
fn root_of(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root.to_string()
}

/// A time in a parameter, RFC 3339.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time(pub(crate) u64);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = "a time as RFC 3339 writes it, for example `2026-11-19T02:30:00Z`";
        timestamp::parse(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("expected {expected}")))
    }
}

/// Work that must not stop half-way when its client goes away.
pub(crate) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, RecorderError>> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::spawn(work).await {
        Ok(done) => Ok(done?),
        Err(error) => {
            let mut problem =
                Problem::new(Kind::Internal, "the program has a defect; the log names it");
            problem.cause = Some(error.to_string());
            Err(problem)
        }
    }
}
