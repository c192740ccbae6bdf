use std::fmt::Write as _;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Entry, JournalId, PayloadDigest, Salt};
use sha2::{Digest as _, Sha256};

use super::{Claims, Scope, VERSION};
use crate::tree::Hash;

/// Writes a bundle, line by line. It writes what it is given: whether that proves anything, [`crate::verify`] says.
pub struct Writer<W> {
    out: W,
    hasher: Sha256,
    lines: u64,
    line: String,
}

impl<W: Write> Writer<W> {
    /// Starts the bundle of a whole journal, up to a checkpoint.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn journal(out: W, journal: &JournalId, checkpoint: &str) -> io::Result<Self> {
        Self::start(out, journal, Scope::Journal, checkpoint)
    }

    /// Starts the bundle of stream ranges, up to a checkpoint.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn streams(
        out: W,
        journal: &JournalId,
        checkpoint: &str,
        claims: &Claims,
    ) -> io::Result<Self> {
        let mut writer = Self::start(out, journal, Scope::Streams, checkpoint)?;
        if let Some(consistency) = &claims.consistency {
            let proof = spaced(&consistency.proof);
            writer.write(format_args!("k {}{proof}", consistency.size))?;
        }
        for (stream, (from, to)) in &claims.ranges {
            writer.write(format_args!("s {stream} {from} {to}"))?;
        }
        if let Some(heads) = &claims.heads {
            writer.write(format_args!("h {}", heads.index))?;
            for (stream, proof) in &heads.proofs {
                writer.write(format_args!("m {stream} {proof}"))?;
            }
        }
        Ok(writer)
    }

    /// Writes the next entry of a journal with its payloads: in the header's order, `None` for one that is left out.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn entry<'a>(
        &mut self,
        index: u64,
        entry: &Entry,
        payloads: impl IntoIterator<Item = Option<(&'a Salt, &'a [u8])>>,
    ) -> io::Result<()> {
        self.header(index, entry, None)?;
        self.payloads(entry, payloads)
    }

    /// Writes the next entry of a bundle of streams, with its inclusion proof and its payloads.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn proved_entry<'a>(
        &mut self,
        index: u64,
        entry: &Entry,
        proof: &[Hash],
        payloads: impl IntoIterator<Item = Option<(&'a Salt, &'a [u8])>>,
    ) -> io::Result<()> {
        self.header(index, entry, Some(proof))?;
        self.payloads(entry, payloads)
    }

    /// Ends the bundle, and returns the output.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        let digest = hex::encode(self.hasher.finalize());
        writeln!(self.out, "end {} {digest}", self.lines)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn start(out: W, journal: &JournalId, scope: Scope, checkpoint: &str) -> io::Result<Self> {
        let mut writer = Self {
            out,
            hasher: Sha256::new(),
            lines: 0,
            line: String::new(),
        };
        let scope = scope.as_str();
        writer.write(format_args!("trailmark-bundle {VERSION} {journal} {scope}"))?;
        writer.write(format_args!("c {}", STANDARD.encode(checkpoint)))?;
        Ok(writer)
    }

    /// Writes the next entry alone, with its inclusion proof in a bundle of streams: its payloads are to follow one by
    /// one, in its order.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn header(&mut self, index: u64, entry: &Entry, proof: Option<&[Hash]>) -> io::Result<()> {
        let header = std::str::from_utf8(entry.bytes()).map_err(io::Error::other)?;
        self.write(format_args!("e {index} {} {header}", entry.hash()))?;
        match proof {
            Some(proof) => self.write(format_args!("i{}", spaced(proof))),
            None => Ok(()),
        }
    }

    /// Writes a payload, or the beginning of one that [`Writer::more`] goes on with.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn payload(&mut self, digest: PayloadDigest, salt: &Salt, bytes: &[u8]) -> io::Result<()> {
        let (salt, bytes) = (hex::encode(salt), STANDARD.encode(bytes));
        self.write(format_args!("p {digest} {salt} {bytes}"))
    }

    /// Writes more of a payload: at most 4 MiB at once.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn more(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(format_args!("+ {}", STANDARD.encode(bytes)))
    }

    /// Says that a payload is left out.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn absent(&mut self, digest: PayloadDigest) -> io::Result<()> {
        self.write(format_args!("x {digest}"))
    }

    fn payloads<'a>(
        &mut self,
        entry: &Entry,
        payloads: impl IntoIterator<Item = Option<(&'a Salt, &'a [u8])>>,
    ) -> io::Result<()> {
        let given = payloads.into_iter().chain(std::iter::repeat(None));
        for (reference, payload) in entry.header().payloads.iter().zip(given) {
            let digest = reference.digest;
            match payload {
                Some((salt, bytes)) => self.payload(digest, salt, bytes)?,
                None => self.absent(digest)?,
            }
        }
        Ok(())
    }

    fn write(&mut self, line: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.line.clear();
        writeln!(self.line, "{line}").map_err(io::Error::other)?;
        self.hasher.update(super::sealed(self.line.as_bytes()));
        self.lines += 1;
        self.out.write_all(self.line.as_bytes())
    }
}

fn spaced(hashes: &[Hash]) -> String {
    hashes.iter().fold(String::new(), |mut text, hash| {
        text.push(' ');
        text.push_str(&hash.to_string());
        text
    })
}
