//! The DSSE envelope: what is signed of a payload, and how it travels (DSSE 1.0, protocol and envelope).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// The payload type of an in-toto statement.
pub(crate) const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Returns what is signed: the pre-authentication encoding of type and payload.
pub(crate) fn to_sign(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let (of_type, of_payload) = (payload_type.len(), payload.len());
    let mut signed = format!("DSSEv1 {of_type} {payload_type} {of_payload} ").into_bytes();
    signed.extend_from_slice(payload);
    signed
}

/// Reads base64 in either alphabet, as a verifier must.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()
}
