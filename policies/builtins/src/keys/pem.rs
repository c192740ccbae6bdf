use anyhow::{Result, ensure};

use crate::base64;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// What stands between two lines of dashes.
pub(super) struct Block<'a> {
    pub label: &'a str,
    pub bytes: Vec<u8>,
}

/// Finds the first block; what stands before it does not count, and nothing may stand behind it. `None` where there is
/// no block that can be read.
pub(super) fn read(text: &str) -> Result<Option<Block<'_>>> {
    let mut rest = text;
    while let Some(end) = rest.find(END) {
        let (before, after) = (&rest[..end], &rest[end + END.len()..]);
        if let Some((label, bytes)) = block(before, after) {
            let behind = after.split_once('\n').map_or("", |(_, behind)| behind);
            ensure!(behind.is_empty(), "there is more behind a PEM block");
            return Ok(Some(Block { label, bytes }));
        }
        rest = after;
    }
    Ok(None)
}

/// Reads the block that begins last in what stands before an end, if this is its end.
fn block<'a>(before: &'a str, after: &str) -> Option<(&'a str, Vec<u8>)> {
    let begin = before.rfind(BEGIN)?;
    let at_line_start = |at: usize| at == 0 || before[..at].ends_with('\n');
    if !at_line_start(begin) || !at_line_start(before.len()) {
        return None;
    }
    let (label, mut body) = before[begin + BEGIN.len()..].split_once('\n')?;
    let label = label.trim_end().strip_suffix(DASHES)?;
    let ending = after.lines().next()?.trim_end();
    if ending.strip_suffix(DASHES)? != label {
        return None;
    }
    while let Some((line, next)) = body.split_once('\n') {
        if !line.contains(':') {
            break;
        }
        body = next;
    }
    let letters: String = body.chars().filter(|&c| c != ' ' && c != '\t').collect();
    Some((label, base64::plain(&letters).ok()?))
}
