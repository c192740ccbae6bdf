//! Outside text, made fit to be shown or stored.

use crate::limits::SHOWN_CHARS_MAX;

/// Shortens outside text for an error message and escapes what a terminal would act on.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

/// Cuts outside text for the facts, on a character boundary.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

/// Says whether a text that is stored as it is has something to say, in one line of at most so many bytes.
pub(crate) fn fits(text: &str, bytes_max: usize) -> bool {
    !text.is_empty() && text.len() <= bytes_max && !text.chars().any(char::is_control)
}
