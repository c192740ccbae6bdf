//! Base64 as Go reads it: line breaks do not count, nor do the bits that are left over at the end.

use std::sync::LazyLock;

use anyhow::{Context, Result};
use data_encoding::{Encoding, Specification};

const URL_LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static URL: LazyLock<Option<Encoding>> = LazyLock::new(|| encoding(URL_LETTERS, false));
static URL_PADDED: LazyLock<Option<Encoding>> = LazyLock::new(|| encoding(URL_LETTERS, true));
static PLAIN: LazyLock<Option<Encoding>> = LazyLock::new(|| encoding(LETTERS, false));
static PLAIN_PADDED: LazyLock<Option<Encoding>> = LazyLock::new(|| encoding(LETTERS, true));

fn encoding(letters: &str, padded: bool) -> Option<Encoding> {
    let mut specification = Specification::new();
    specification.symbols.push_str(letters);
    specification.padding = padded.then_some('=');
    specification.check_trailing_bits = false;
    specification.ignore.push_str("\r\n");
    specification.encoding().ok()
}

fn decode(encoding: &LazyLock<Option<Encoding>>, text: &str) -> Result<Vec<u8>> {
    let encoding = encoding.as_ref().context("base64 is not known")?;
    Ok(encoding.decode(text.as_bytes())?)
}

/// Reads the alphabet for addresses, which is padded to the end or not at all.
pub(crate) fn url(text: &str) -> Result<Vec<u8>> {
    decode(
        if text.ends_with('=') {
            &URL_PADDED
        } else {
            &URL
        },
        text,
    )
}

/// Reads the plain alphabet, padded.
pub(crate) fn plain(text: &str) -> Result<Vec<u8>> {
    decode(&PLAIN_PADDED, text)
}

/// Reads either alphabet, padded or not.
pub(crate) fn any(text: &str) -> Result<Vec<u8>> {
    if !text.contains(['+', '/']) {
        return url(text);
    }
    decode(
        if text.ends_with('=') {
            &PLAIN_PADDED
        } else {
            &PLAIN
        },
        text,
    )
}
