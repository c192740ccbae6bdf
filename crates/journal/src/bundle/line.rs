use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{EntryHash, JournalId, PayloadDigest, Salt, StreamName};

use super::{Scope, VERSION};
use crate::decimal;
use crate::map::MapProof;
use crate::tree::Hash;

/// One line of a bundle, read.
#[derive(Debug)]
pub(crate) enum Line<'a> {
    Start {
        journal: JournalId,
        scope: Scope,
    },
    Checkpoint(String),
    Consistency {
        size: u64,
        proof: Vec<Hash>,
    },
    Range {
        stream: StreamName,
        from: u64,
        to: u64,
    },
    Heads(u64),
    MapProof {
        stream: StreamName,
        proof: MapProof,
    },
    Entry {
        index: u64,
        hash: EntryHash,
        header: &'a [u8],
    },
    Inclusion(Vec<Hash>),
    Payload {
        digest: PayloadDigest,
        salt: Salt,
        bytes: Vec<u8>,
    },
    /// More bytes of the payload before it.
    More(Vec<u8>),
    Absent(PayloadDigest),
    End {
        lines: u64,
        digest: Hash,
    },
}

impl<'a> Line<'a> {
    /// Reads a line, without its line feed; `None` where it is none of a bundle's.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        if let Some(rest) = line.strip_prefix(b"e ") {
            return entry(rest);
        }
        let line = std::str::from_utf8(line).ok()?;
        let (sort, rest) = line.split_once(' ').unwrap_or((line, ""));
        match sort {
            "trailmark-bundle" => start(rest),
            "c" => {
                let note = STANDARD.decode(rest).ok()?;
                Some(Self::Checkpoint(String::from_utf8(note).ok()?))
            }
            "k" => {
                let (size, proof) = rest.split_once(' ').unwrap_or((rest, ""));
                Some(Self::Consistency {
                    size: decimal(size)?,
                    proof: hashes(proof, line)?,
                })
            }
            "s" => range(rest),
            "h" => Some(Self::Heads(decimal(rest)?)),
            "m" => {
                let (stream, proof) = rest.split_once(' ')?;
                Some(Self::MapProof {
                    stream: stream.parse().ok()?,
                    proof: proof.parse().ok()?,
                })
            }
            "i" => Some(Self::Inclusion(hashes(rest, line)?)),
            "p" => payload(rest),
            "+" => Some(Self::More(STANDARD.decode(rest).ok()?)),
            "x" => Some(Self::Absent(rest.parse().ok()?)),
            "end" => {
                let (lines, digest) = rest.split_once(' ')?;
                Some(Self::End {
                    lines: decimal(lines)?,
                    digest: digest.parse().ok()?,
                })
            }
            _ => None,
        }
    }
}

fn start(rest: &str) -> Option<Line<'static>> {
    let (version, rest) = rest.split_once(' ')?;
    let (journal, scope) = rest.split_once(' ')?;
    let scope = match scope {
        "journal" => Scope::Journal,
        "streams" => Scope::Streams,
        _ => return None,
    };
    let journal = journal.parse().ok()?;
    (version == VERSION).then_some(Line::Start { journal, scope })
}

fn entry(rest: &[u8]) -> Option<Line<'_>> {
    let space = rest.iter().position(|byte| *byte == b' ')?;
    let (index, rest) = rest.split_at_checked(space)?;
    let (hash, header) = rest.get(1..)?.split_at_checked(64)?;
    Some(Line::Entry {
        index: decimal(std::str::from_utf8(index).ok()?)?,
        hash: std::str::from_utf8(hash).ok()?.parse().ok()?,
        header: header.strip_prefix(b" ")?,
    })
}

fn range(rest: &str) -> Option<Line<'static>> {
    let (stream, rest) = rest.split_once(' ')?;
    let (from, to) = rest.split_once(' ')?;
    let (from, to) = (decimal(from)?, decimal(to)?);
    let stream = stream.parse().ok()?;
    (from <= to).then_some(Line::Range { stream, from, to })
}

fn payload(rest: &str) -> Option<Line<'static>> {
    let (digest, rest) = rest.split_once(' ')?;
    let (salt, bytes) = rest.split_once(' ')?;
    Some(Line::Payload {
        digest: digest.parse().ok()?,
        salt: salt.parse::<Hash>().ok()?.0,
        bytes: STANDARD.decode(bytes).ok()?,
    })
}

/// Reads hashes separated by one space; `line` tells an empty list from a space too many.
fn hashes(words: &str, line: &str) -> Option<Vec<Hash>> {
    if words.is_empty() {
        return (!line.ends_with(' ')).then(Vec::new);
    }
    words.split(' ').map(|word| word.parse().ok()).collect()
}
