use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a text: what editors and people find at once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1 on.
    pub line: u64,
    /// The column in characters, from 1 on.
    pub column: u64,
}

impl Place {
    /// Names a place in a file.
    #[must_use]
    pub fn new(path: &Path, line: u64, column: u64) -> Self {
        Self {
            path: path.to_owned(),
            line,
            column,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

/// Characters of a line that are shown at most.
const WIDTH: usize = 120;

/// Shows a line with a caret below one of its columns.
pub(crate) fn excerpt(text: &str, line: u64, column: u64) -> String {
    let index = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(said) = text.lines().nth(index(line)) else {
        return String::new();
    };
    // A long line is shown from a little before the place on.
    let from = if index(column) < WIDTH {
        0
    } else {
        index(column).saturating_sub(WIDTH / 2)
    };
    // A tab would be as wide as the terminal likes.
    let shown = said
        .chars()
        .map(|char| if char == '\t' { ' ' } else { char });
    let shown: String = shown.skip(from).take(WIDTH).collect();
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let before = " ".repeat(index(column).saturating_sub(from).min(WIDTH));
    format!("{number} | {shown}\n{margin} | {before}^")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caret_stands_below_the_column_even_of_a_long_line() {
        assert_eq!(excerpt("a\nbcd", 2, 3), "2 | bcd\n  |   ^");
        let long = "x".repeat(500) + "!";
        let shown = excerpt(&long, 1, 501);
        let (line, caret) = shown.split_once('\n').unwrap();
        assert_eq!(line.find('!'), caret.find('^'));
        assert_eq!(excerpt("a", 7, 1), "");
    }
}
