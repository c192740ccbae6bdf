//! What makes a retry recognisable.

use axum::http::HeaderMap;
use model::limits::IDEMPOTENCY_KEY_BYTES_MAX;

use crate::problem::{Kind, Problem};

const HEADER: &str = "idempotency-key";

/// Reads the `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header), as it is.
pub(super) fn header(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Problem::new(
            Kind::InvalidIdempotencyKey,
            "there is more than one `Idempotency-Key`",
        ));
    }
    check(value.to_str().unwrap_or_default()).map(Some)
}

/// Checks a key: printable ASCII, not too long.
pub(super) fn check(key: &str) -> Result<&str, Problem> {
    let printable = key
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if printable && (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len()) {
        return Ok(key);
    }
    let text =
        format!("an idempotency key has 1 to {IDEMPOTENCY_KEY_BYTES_MAX} bytes of printable ASCII");
    Err(Problem::new(Kind::InvalidIdempotencyKey, text))
}
