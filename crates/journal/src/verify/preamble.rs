use std::io::BufRead;

use model::JournalId;

use super::Wrong;
use super::run::advance;
use crate::bundle::{Claims, Consistency, HeadsClaim, Line, Reader, Scope};

/// What stands before a bundle's first entry.
pub(super) struct Preamble {
    pub(super) journal: JournalId,
    pub(super) scope: Scope,
    pub(super) checkpoint: String,
    pub(super) claims: Claims,
}

impl Preamble {
    /// Reads up to the first line that is not part of it.
    pub(super) fn read(reader: &mut Reader<impl BufRead>, line: &mut u64) -> Result<Self, Wrong> {
        advance(reader, line)?;
        let Some(Line::Start { journal, scope }) = Line::parse(reader.line()) else {
            return Err(Wrong::Malformed("the first line is not that of a bundle"));
        };
        advance(reader, line)?;
        let Some(Line::Checkpoint(checkpoint)) = Line::parse(reader.line()) else {
            return Err(Wrong::Malformed("the second line is not a checkpoint"));
        };
        let mut claims = Claims::default();
        loop {
            advance(reader, line)?;
            let claim = match Line::parse(reader.line()) {
                Some(Line::Entry { .. } | Line::End { .. }) => break,
                Some(claim) => claim,
                None => return Err(Wrong::Malformed("a line is none of a bundle's")),
            };
            if scope == Scope::Journal || !claims.take(claim) {
                return Err(Wrong::Malformed("a line stands where it must not"));
            }
        }
        Ok(Self {
            journal,
            scope,
            checkpoint,
            claims,
        })
    }
}

impl Claims {
    /// Takes one claim, and says whether it may stand here.
    fn take(&mut self, claim: Line<'_>) -> bool {
        let first = self.ranges.is_empty() && self.heads.is_none();
        match (claim, &mut self.heads) {
            (Line::Consistency { size, proof }, None) if first && self.consistency.is_none() => {
                self.consistency = Some(Consistency { size, proof });
                true
            }
            (Line::Range { stream, from, to }, None) => {
                let last = self.ranges.last_key_value();
                let rising = last.is_none_or(|(last, _)| *last < stream);
                self.ranges.insert(stream, (from, to));
                rising
            }
            (Line::Heads(index), None) => {
                let proofs = std::collections::BTreeMap::new();
                self.heads = Some(HeadsClaim { index, proofs });
                true
            }
            (Line::MapProof { stream, proof }, Some(heads)) => {
                let last = heads.proofs.last_key_value();
                let rising = last.is_none_or(|(last, _)| *last < stream);
                heads.proofs.insert(stream, proof);
                rising
            }
            _ => false,
        }
    }
}
