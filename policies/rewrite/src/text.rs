//! A text made of pieces of a source and of what is added to them: of each line and each piece of it is known where it was.

use std::ops::Range;

use crate::place::Place;

/// A text in the making.
#[derive(Default, Clone)]
pub struct Text(Vec<Piece>);

#[derive(Clone)]
enum Piece {
    Source(Range<usize>),
    Added(String),
}

impl From<String> for Text {
    fn from(added: String) -> Self {
        Self(vec![Piece::Added(added)])
    }
}

impl From<&str> for Text {
    fn from(added: &str) -> Self {
        Self::from(added.to_owned())
    }
}

impl Text {
    pub fn push(&mut self, more: impl Into<Self>) {
        self.0.extend(more.into().0);
    }

    pub fn push_source(&mut self, range: Range<usize>) {
        self.0.push(Piece::Source(range));
    }

    #[must_use]
    pub fn then(mut self, more: impl Into<Self>) -> Self {
        self.push(more);
        self
    }

    /// Writes the text down. What was on two lines of the source is on two lines here, even where it was put beside each
    /// other.
    pub fn written(&self, source: &str) -> Rewritten {
        let mut rewritten = Rewritten {
            text: String::new(),
            lines: vec![None],
            pieces: Vec::new(),
        };
        let begins = begins(source);
        for piece in &self.0 {
            match piece {
                Piece::Added(text) => rewritten.push(text),
                Piece::Source(range) => rewritten.push_source(source, &begins, range),
            }
        }
        rewritten
    }
}

/// Where lines begin.
fn begins(text: &str) -> Vec<usize> {
    let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(breaks).collect()
}

/// A module as it is compiled.
pub struct Rewritten {
    /// The whole text.
    pub text: String,
    /// Of each line, the one of the source that it was.
    lines: Vec<Option<u32>>,
    /// Where pieces of the source stand now, how long they are, and where they stood.
    pieces: Vec<(usize, usize, usize)>,
}

impl Rewritten {
    /// Returns the line of the source, from 1 on, of which a line is; none for a line that was added.
    #[must_use]
    pub fn line(&self, line: u32) -> Option<u32> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        self.lines.get(index).copied().flatten()
    }

    /// Returns where in the source something stood that now is where regorus says; for what was added, where the next
    /// piece of the source did.
    #[must_use]
    pub fn place<'a>(&self, source: &'a str, line: u32, column: u32) -> Place<'a> {
        let now = Place::counted(&self.text, line, column);
        Place::at(source, self.at(now.byte(&self.text)))
    }

    fn at(&self, place: usize) -> usize {
        let next = self
            .pieces
            .partition_point(|(begin, length, _)| begin + length <= place);
        match self.pieces.get(next).or(self.pieces.last()) {
            Some((begin, length, from)) => from + place.saturating_sub(*begin).min(*length),
            None => 0,
        }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        let breaks = text.matches('\n').count();
        self.lines.extend(std::iter::repeat_n(None, breaks));
    }

    fn push_source(&mut self, source: &str, begins: &[usize], range: &Range<usize>) {
        let mut at = range.start;
        let text = source.get(range.clone()).unwrap_or_default();
        for part in text.split_inclusive('\n') {
            let number = begins.partition_point(|begin| *begin <= at);
            if !part.trim().is_empty() {
                let number = u32::try_from(number).ok();
                if self
                    .lines
                    .last()
                    .is_some_and(|line| line.is_some() && *line != number)
                {
                    self.push("\n");
                }
                if let Some(line) = self.lines.last_mut() {
                    *line = number;
                }
            }
            self.pieces.push((self.text.len(), part.len(), at));
            self.push(part);
            at += part.len();
        }
    }
}
