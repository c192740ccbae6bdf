//! Reading an answer for people: what is absent is an empty text, and what came from outside is printable.

use serde_json::Value;

use crate::output::printable;

/// Hexadecimal digits of a hash that people are shown; `--json` has all of them.
const SHORT: usize = 12;

/// Returns a text or a number at a pointer (RFC 6901).
pub(crate) fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => printable(text),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// Returns the beginning of a hash.
pub(crate) fn short(value: &Value, pointer: &str) -> String {
    text(value, pointer).chars().take(SHORT).collect()
}

/// Returns a time without its fractions of a second.
pub(crate) fn time(value: &Value, pointer: &str) -> String {
    let text = text(value, pointer);
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

/// Returns the items of a list.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Says whether a flag is set.
pub(crate) fn flag(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_absent_is_empty() {
        let answer = json!({"a": {"b": "2026-11-22T18:08:01.125Z"}, "n": 7, "no": null});
        assert_eq!(text(&answer, "/n"), "7");
        assert_eq!(text(&answer, "/no"), "");
        assert_eq!(text(&answer, "/a/c"), "");
        assert_eq!(time(&answer, "/a/b"), "2026-11-22T18:08:01Z");
        assert_eq!(short(&answer, "/a/b"), "2026-11-22T1");
        assert!(list(&answer, "/a").is_empty() && !flag(&answer, "/n"));
    }
}
