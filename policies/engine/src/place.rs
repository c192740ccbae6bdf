//! Where something stands in a source: line and column, both from 1 on, the column in characters.
//!
//! regorus counts a tab as four columns, a character of a string as its bytes, and puts a path at its last dot.

use regorus::unstable::Span;

/// Shows where something begins: file, line and column, the line itself, and a message.
pub fn message(span: &Span, kind: &str, message: &str) -> String {
    let before = span.source.contents().get(..span.start as usize);
    let Some(before) = before else {
        return span.message(kind, message);
    };
    let line = before.rsplit('\n').next().unwrap_or_default();
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let lines = number(before.matches('\n').count()).saturating_add(1);
    let column = number(line.chars().count()).saturating_add(1);
    span.source.message(lines, column, kind, message)
}

/// Writes a message of regorus with columns in characters; `text` gives the source of a file.
pub fn corrected<'a>(message: &str, text: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut column = None;
    let lines = message.split('\n').map(|line| {
        if let Some((file, row, counted)) = arrow(line)
            && let Some(source) = text(file)
        {
            let found = characters(source, row, counted);
            column = Some(found);
            return format!("--> {file}:{row}:{found}");
        }
        match line.split_once("| ").zip(column) {
            Some(((margin, caret), found)) if caret.trim_start() == "^" => {
                format!("{margin}| {}^", " ".repeat(found as usize - 1))
            }
            _ => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Reads `--> FILE:LINE:COLUMN`.
fn arrow(line: &str) -> Option<(&str, u32, u32)> {
    let mut parts = line.trim_end().strip_prefix("--> ")?.rsplitn(3, ':');
    let column = parts.next()?.parse().ok()?;
    let row = parts.next()?.parse().ok()?;
    Some((parts.next()?, row, column))
}

/// In what a character stands: there columns are counted differently.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Code,
    Comment,
    Text,
    RawText,
}

/// Finds the character of a line that regorus means by a column.
fn characters(source: &str, row: u32, counted: u32) -> u32 {
    let mut within = Within::Code;
    let (mut line, mut theirs, mut ours) = (1, 1, 1);
    let mut chars = source.chars();
    while let Some(char) = chars.next() {
        if line == row && theirs >= counted {
            break;
        }
        if char == '\n' {
            if line == row {
                break;
            }
            (line, theirs, ours) = (line + 1, 1, 1);
            if within == Within::Comment {
                within = Within::Code;
            }
            continue;
        }
        ours += 1;
        theirs += match (char, within) {
            ('\t', _) => 4,
            (_, Within::Text) => char.len_utf8() as u32,
            _ => 1,
        };
        within = match (within, char) {
            (Within::Code, '"') => Within::Text,
            (Within::Code, '`') => Within::RawText,
            (Within::Code, '#') => Within::Comment,
            (Within::Text, '"') | (Within::RawText, '`') => Within::Code,
            (Within::Text, '\\') => {
                let escaped = chars.next().map_or(0, char::len_utf8);
                ours += 1;
                theirs += escaped as u32;
                within
            }
            _ => within,
        };
    }
    ours
}
