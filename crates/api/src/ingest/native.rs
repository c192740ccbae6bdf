//! The native form of an event: its members, and beside them what surrounds it.

use std::borrow::Cow;

use recorder::{Event, Submission, timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::events::Envelope;
use super::idempotency;
use crate::problem::{Kind, Problem};

/// An event with what may stand beside its own members.
#[derive(Deserialize)]
struct Native {
    /// When it happened, RFC 3339.
    claimed: Option<String>,
    idempotency_key: Option<String>,
    #[serde(flatten)]
    event: Event,
}

/// Reads an event; `place` is its place in a list.
pub(super) fn read(
    raw: &RawValue,
    place: Option<usize>,
    envelope: &Envelope<'_>,
) -> Result<Submission, Problem> {
    if !raw.get().starts_with('{') {
        return Err(Problem::new(
            Kind::UnexpectedForm,
            "an event is a JSON object",
        ));
    }
    let form = |error: serde_json::Error| Problem::new(Kind::UnexpectedForm, error.to_string());
    let Native {
        claimed,
        idempotency_key,
        event,
    } = serde_json::from_str(raw.get()).map_err(form)?;
    // An event's own key goes before the one that the header has for all.
    let key = match (&idempotency_key, envelope.idempotency_key, place) {
        (Some(own), _, _) => Some(Cow::Borrowed(idempotency::check(own)?)),
        (None, Some(common), None) => Some(Cow::Borrowed(common)),
        (None, Some(common), Some(place)) => Some(Cow::Owned(format!("{common}/{place}"))),
        (None, None, _) => None,
    };
    let scope = envelope.sender.as_str();
    let content = event.content(raw.get().as_bytes());
    let idempotency = key.map(|key| recorder::idempotency(scope, &key, &content));
    Ok(Submission {
        claimed_ms: claimed.as_deref().map(claimed_ms).transpose()?,
        idempotency,
        event,
    })
}

/// Reads the time that an event claims.
pub(super) fn claimed_ms(text: &str) -> Result<u64, Problem> {
    timestamp::parse(text).ok_or_else(|| {
        Problem::new(
            Kind::InvalidValue,
            "the claimed time is not one as RFC 3339 writes it, since 1970",
        )
        .with_hint("for example `2026-11-19T02:30:00Z`")
    })
}
