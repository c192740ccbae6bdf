//! Where something stands in a source: line and column, both from 1 on, the column in characters.
//!
//! regorus counts a tab as four columns, a character of a string as its bytes, and puts a path at its last dot.

use regorus::unstable::Span;

/// Shows where something begins: file, line and column, the line itself, and a message.
pub fn message(span: &Span, kind: &str, message: &str) -> String {
    let Place { line, column, .. } = Place::at(span.source.contents(), span.start as usize);
    span.source.message(line, column, kind, message)
}

/// A place, and the line that is there.
pub struct Place<'a> {
    line: u32,
    column: u32,
    text: &'a str,
}

impl<'a> Place<'a> {
    /// Finds what regorus means by a line and a column.
    #[must_use]
    pub fn counted(source: &'a str, line: u32, column: u32) -> Self {
        let index = usize::try_from(line).map_or(usize::MAX, |line| line.saturating_sub(1));
        Self {
            line,
            column: characters(source, line, column),
            text: source.lines().nth(index).unwrap_or_default(),
        }
    }

    /// Finds the place of a byte.
    pub(crate) fn at(source: &'a str, byte: usize) -> Self {
        let before = source.get(..byte).unwrap_or(source);
        let begin = before.rfind('\n').map_or(0, |at| at + 1);
        let line = source.get(begin..).unwrap_or_default();
        Self {
            line: number(before.matches('\n').count()).saturating_add(1),
            column: number(before.get(begin..).unwrap_or_default().chars().count())
                .saturating_add(1),
            text: line.lines().next().unwrap_or_default(),
        }
    }

    /// Finds the byte of a source that is there.
    pub(crate) fn byte(&self, source: &str) -> usize {
        let (line, column) = (self.line as usize, self.column as usize);
        let lines = source.split_inclusive('\n').take(line.saturating_sub(1));
        let begin: usize = lines.map(str::len).sum();
        let chars = self.text.chars().take(column.saturating_sub(1));
        begin + chars.map(char::len_utf8).sum::<usize>()
    }

    fn shown(&self, file: &str) -> String {
        let Self { line, column, text } = self;
        let width = line.to_string().len() + 1;
        let before = (*column as usize).saturating_sub(1);
        format!(
            "--> {file}:{line}:{column}\n{:width$}|\n{line:<width$}| {text}\n{:width$}| {:before$}^",
            "", "", ""
        )
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Writes a message of regorus with the places that an author knows: `find` gives them by file, line, and column as
/// regorus counts it.
pub fn corrected<'a>(message: &str, find: impl Fn(&str, u32, u32) -> Option<Place<'a>>) -> String {
    /// How many lines regorus shows of a place.
    const SHOWN: usize = 3;
    let mut shown = 0;
    let mut said = Vec::new();
    for line in message.split('\n') {
        let place =
            arrow(line).and_then(|(file, row, column)| Some((file, find(file, row, column)?)));
        let margin = line.split('|').next().unwrap_or_default();
        let excerpt = line.contains('|') && margin.chars().all(|char| " 0123456789".contains(char));
        if let Some((file, place)) = place {
            said.push(place.shown(file));
            shown = SHOWN;
        } else if shown > 0 && excerpt {
            shown -= 1;
        } else {
            said.push(line.to_owned());
            shown = 0;
        }
    }
    said.join("\n")
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
