//! Where an expression really begins and ends.
//!
//! What the parser says of that leaves out quotation marks, and lets an object begin at its last field, whose line and
//! column are still those of its first token.

use std::collections::{BTreeMap, HashMap};

use regorus::unstable::{Expr, Lexer, Source, Span, Token, TokenKind};

use crate::mentions::parts;

/// The places of a source's tokens.
pub struct Places {
    begins: HashMap<(u32, u32), usize>,
    /// Where texts end, by where they end without their mark.
    texts: HashMap<u32, usize>,
    /// Where the marks stand that part a comprehension.
    symbols: BTreeMap<usize, &'static str>,
}

impl Places {
    /// Reads a source's tokens; what no parser would take is an error in words.
    pub fn read(source: &str) -> Result<Self, String> {
        let source = Source::from_contents("places".into(), source.to_owned())
            .map_err(|error| error.to_string())?;
        let mut lexer = Lexer::new(&source);
        let mut places = Self {
            begins: HashMap::new(),
            texts: HashMap::new(),
            symbols: BTreeMap::new(),
        };
        loop {
            let Token(kind, span) = lexer.next_token().map_err(|error| error.to_string())?;
            let start = span.start as usize;
            match kind {
                TokenKind::Eof => return Ok(places),
                TokenKind::String | TokenKind::RawString => {
                    let begin = start.saturating_sub(1);
                    places.begins.insert((span.line, span.col), begin);
                    places.texts.insert(span.end, span.end as usize + 1);
                }
                _ => {
                    places.begins.insert((span.line, span.col), start);
                    let parting = [":", "|"].into_iter().find(|mark| *mark == span.text());
                    places.symbols.extend(parting.map(|mark| (start, mark)));
                }
            }
        }
    }

    /// Returns where something begins, and where it ends.
    pub fn of_span(&self, span: &Span) -> (usize, usize) {
        let (start, end) = (span.start as usize, span.end as usize);
        let first = self.begins.get(&(span.line, span.col));
        let text = self.texts.get(&span.end);
        (
            first.map_or(start, |first| start.min(*first)),
            text.copied().unwrap_or(end),
        )
    }

    /// Returns where the next mark of a kind stands.
    pub fn symbol(&self, mark: &str, from: usize) -> Option<usize> {
        let mut marks = self.symbols.range(from..);
        marks.find(|(_, at)| **at == mark).map(|(at, _)| *at)
    }

    /// Returns where an expression begins, and where it ends: nothing in it lies outside.
    pub fn of_expr(&self, expr: &Expr) -> (usize, usize) {
        let (mut begin, mut end) = self.of_span(expr.span());
        parts(expr, &mut |part| {
            let (first, last) = self.of_expr(part);
            begin = begin.min(first);
            end = end.max(last);
        });
        (begin, end)
    }
}
