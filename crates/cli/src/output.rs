//! What a command prints: the answer as it is, or a page for people.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

use anyhow::{Context as _, Result};
use serde::Serialize;

/// Prints answers in the form that was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints an answer: as one line of JSON, or as the page that `people` writes.
    pub(crate) fn answer<T: Serialize>(
        self,
        answer: &T,
        people: impl FnOnce(&mut Page),
    ) -> Result<()> {
        write(self.written(answer, people)?.as_bytes())
    }

    /// Prints an answer as [`Output::answer`] does; that nobody reads it is an error.
    pub(crate) fn must_be_read<T: Serialize>(
        self,
        answer: &T,
        people: impl FnOnce(&mut Page),
    ) -> Result<()> {
        let text = self.written(answer, people)?;
        write_all(text.as_bytes()).context("could not write to standard output")
    }

    fn written<T: Serialize>(self, answer: &T, people: impl FnOnce(&mut Page)) -> Result<String> {
        if self.json {
            let text =
                serde_json::to_string(answer).context("could not write the answer as JSON")?;
            return Ok(text + "\n");
        }
        let mut page = Page::new(Style::of_stdout());
        people(&mut page);
        Ok(page.text)
    }
}

/// Writes to standard output. That its reader has gone is no error: it had enough.
pub(crate) fn write(bytes: &[u8]) -> Result<()> {
    match write_all(bytes) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("could not write to standard output"),
    }
}

fn write_all(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Writes a remark to standard error, beside what is printed.
pub(crate) fn note(text: impl Display) {
    let line = format!("note: {}\n", printable(&text.to_string()));
    // A remark that nobody can read is not missed.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Text for people: lines, aligned fields and tables.
pub(crate) struct Page {
    pub(crate) style: Style,
    text: String,
}

impl Page {
    const fn new(style: Style) -> Self {
        Self {
            style,
            text: String::new(),
        }
    }

    /// Writes a line as it is: it may be styled, and what came from outside is already [`printable`].
    pub(crate) fn line(&mut self, line: impl Display) {
        self.text.push_str(line.to_string().trim_end());
        self.text.push('\n');
    }

    /// Writes labels with what belongs to them, aligned; a field without a value is left out.
    pub(crate) fn fields<const N: usize>(&mut self, fields: [(&str, String); N]) {
        let width = fields
            .iter()
            .map(|(label, _)| label.len())
            .max()
            .unwrap_or_default();
        for (label, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
            let label = self.style.dim(&format!("{label:width$}"));
            self.line(format!("{label}  {value}"));
        }
    }

    /// Writes rows under a heading, in aligned columns; or `none` when there are no rows.
    pub(crate) fn table<const N: usize>(
        &mut self,
        heading: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
        none: &str,
    ) {
        let rows: Vec<_> = rows.into_iter().collect();
        if rows.is_empty() {
            return self.line(none);
        }
        let mut widths = heading.map(str::len);
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let aligned = |cells: &[String; N]| {
            let cells = cells.iter().zip(widths);
            cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect::<Vec<_>>()
                .join("  ")
        };
        let heading = aligned(&heading.map(str::to_owned));
        self.line(self.style.dim(heading.trim_end()));
        for row in &rows {
            self.line(aligned(row));
        }
    }
}

/// Whether text is coloured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    coloured: bool,
}

impl Style {
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { coloured: false };

    fn of_stdout() -> Self {
        Self::of(io::stdout().is_terminal())
    }

    pub(crate) fn of_stderr() -> Self {
        Self::of(io::stderr().is_terminal())
    }

    /// Colours are for terminals whose user did not ask for none (no-color.org).
    fn of(terminal: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Self {
            coloured: terminal && !refused && !dumb,
        }
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.in_colour("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.in_colour("31", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.in_colour("2", text)
    }

    fn in_colour(self, code: &str, text: &str) -> String {
        if self.coloured {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Replaces what would move a terminal's cursor or hide text.
pub(crate) fn printable(text: &str) -> String {
    let hides = |char: char| {
        char.is_control()
            || matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|char| if hides(char) { '\u{fffd}' } else { char })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_trails() {
        let mut page = Page::new(Style::PLAIN);
        let row = |cells: [&str; 2]| cells.map(str::to_owned);
        page.table(
            ["name", "what"],
            [row(["a", "first"]), row(["longer", ""])],
            "none",
        );
        page.table(["name"], [], "nothing yet");
        page.fields([
            ("entry", "1".to_owned()),
            ("no", String::new()),
            ("by", "x".to_owned()),
        ]);
        assert_eq!(
            page.text,
            "name    what\na       first\nlonger\nnothing yet\nentry  1\nby     x\n"
        );
    }

    #[test]
    fn what_comes_from_outside_cannot_move_the_cursor() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c"), "a\u{fffd}[2Jb\u{fffd}c");
    }
}
