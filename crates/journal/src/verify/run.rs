use std::io::BufRead;

use model::kind::Fields as _;
use model::limits::PAYLOAD_BYTES_MAX;
use model::{Entry, EntryHash, Header, Link, PayloadDigest, Role, Salt, StreamName};
use sha2::{Digest as _, Sha256};

use super::chain::Chains;
use super::glance::{Glance, PayloadGlance};
use super::heads::Heads;
use super::keys::Keys;
use super::log::Log;
use super::preamble::Preamble;
use super::{Complete, Fault, Pin, Place, Report, Wrong};
use crate::bundle::{Line, ReadError, Reader, Scope};
use crate::kind::{self, ClockCorrected, Genesis, KeyRotated, Recovered};

/// Takes what was verified, in the order of the log.
pub(super) trait Keep {
    /// Whether entries are kept at all; otherwise most need not be read in full.
    const ENTRIES: bool;

    fn entry(&mut self, index: u64, entry: Entry);

    /// `role` is there where the entry is kept, too.
    fn payload(&mut self, digest: PayloadDigest, role: Option<Role>, salt: Salt, bytes: Vec<u8>);
}

/// Verifies a bundle line by line.
pub(super) fn run(input: impl BufRead, pin: &Pin, keep: &mut impl Keep) -> Result<Report, Fault> {
    let mut reader = Reader::new(input);
    let mut place = Box::new(Place::default());
    let preamble = match Preamble::read(&mut reader, &mut place.line) {
        Ok(preamble) => preamble,
        Err(wrong) => return Err(Fault { place, wrong }),
    };
    let mut run = match Run::new(preamble, pin, keep) {
        Ok(run) => run,
        Err((line, wrong)) => {
            place.line = line;
            return Err(Fault { place, wrong });
        }
    };
    run.place.line = place.line;
    match run.lines(&mut reader) {
        Ok(()) => run.finish(reader.bytes()),
        Err(wrong) => Err(Fault {
            wrong: run.explain(&mut reader, wrong),
            place: Box::new(run.place),
        }),
    }
}

struct Run<'a, K> {
    pin: &'a Pin,
    keep: &'a mut K,
    journal: model::JournalId,
    scope: Scope,
    place: Place,
    keys: Keys,
    log: Log,
    chains: Chains,
    heads: Heads,
    recovered: Vec<Recovered>,
    /// The entry whose lines are not all read.
    current: Option<Current>,
    /// Of an entry that does not follow, what it links to.
    linked: Option<EntryHash>,
    included: u64,
    payloads: u64,
    payloads_absent: u64,
}

struct Current {
    index: u64,
    hash: EntryHash,
    /// The entry itself, where it was read in full.
    entry: Option<Entry>,
    /// Whether its inclusion proof is still to come.
    unproved: bool,
    /// Its payloads that are still to come, the next one last.
    payloads: Vec<PayloadGlance>,
    /// The payload that has begun.
    begun: Option<Begun>,
}

/// A payload whose lines are not all read.
struct Begun {
    named: PayloadGlance,
    /// Where it begins.
    line: u64,
    salt: Salt,
    hasher: Sha256,
    size: u64,
    /// Its bytes, of one that is held in memory.
    bytes: Vec<u8>,
}

impl Begun {
    fn add(&mut self, bytes: Vec<u8>) {
        self.hasher.update(&bytes);
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.named.size > PAYLOAD_BYTES_MAX as u64 || self.size > self.named.size {
            return;
        }
        if self.bytes.is_empty() {
            self.bytes = bytes;
        } else {
            self.bytes.extend_from_slice(&bytes);
        }
    }
}

impl<'a, K: Keep> Run<'a, K> {
    fn new(preamble: Preamble, pin: &'a Pin, keep: &'a mut K) -> Result<Self, (u64, Wrong)> {
        let Preamble {
            journal,
            scope,
            checkpoint,
            claims,
        } = preamble;
        // The note stands in line 2, the claims from line 3 on.
        let (keys, checkpoint) = Keys::new(&journal, &checkpoint).map_err(|wrong| (2, wrong))?;
        let log = Log::new(checkpoint, scope, &claims, pin).map_err(|wrong| (2, wrong))?;
        let heads = Heads::new(scope, &claims).map_err(|wrong| (3, wrong))?;
        let claimed = (scope == Scope::Streams).then_some(claims.ranges);
        Ok(Self {
            pin,
            keep,
            journal,
            scope,
            place: Place::default(),
            keys,
            log,
            chains: Chains::new(claimed),
            heads,
            recovered: Vec::new(),
            current: None,
            linked: None,
            included: 0,
            payloads: 0,
            payloads_absent: 0,
        })
    }

    /// Reads from the first entry to the end.
    fn lines(&mut self, reader: &mut Reader<impl BufRead>) -> Result<(), Wrong> {
        loop {
            let line = Line::parse(reader.line());
            if !matches!(line, Some(Line::More(_))) {
                self.end_payload()?;
            }
            if matches!(line, Some(Line::Entry { .. } | Line::End { .. })) {
                self.close()?;
            }
            if matches!(line, None | Some(Line::Entry { .. } | Line::End { .. })) {
                self.place = Place::default();
            }
            self.place.line = reader.before() + 1;
            match line.ok_or(Wrong::Malformed("a line is none of a bundle's"))? {
                Line::Entry {
                    index,
                    hash,
                    header,
                } => {
                    self.place.index = Some(index);
                    self.place.entry = Some(hash);
                    self.entry(index, hash, header)?;
                }
                Line::Inclusion(proof) => self.inclusion(&proof)?,
                Line::Payload {
                    digest,
                    salt,
                    bytes,
                } => self.begin_payload(digest, salt, bytes)?,
                Line::More(bytes) => {
                    let current = self.current.as_mut();
                    let begun = current.and_then(|current| current.begun.as_mut());
                    let begun = begun.ok_or(Wrong::Malformed("a line stands where it must not"))?;
                    begun.add(bytes);
                }
                Line::Absent(digest) => {
                    self.named_payload(digest)?;
                    self.payloads_absent += 1;
                }
                Line::End { lines, digest } => {
                    return end(
                        reader,
                        lines == reader.before() && digest == reader.digest(),
                    );
                }
                _ => return Err(Wrong::Malformed("a line stands where it must not")),
            }
            advance(reader, &mut self.place.line)?;
        }
    }

    fn entry(&mut self, index: u64, hash: EntryHash, header: &[u8]) -> Result<(), Wrong> {
        if Entry::hash_of(header) != hash {
            return Err(Wrong::BadHash);
        }
        let ordinary = match Glance::read(header) {
            Some(glance) if !K::ENTRIES && !is_own(glance.kind) => Some(glance),
            _ => None,
        };
        if let Some(glance) = ordinary {
            return self.follow(index, hash, glance, None);
        }
        let entry = Entry::parse(header).map_err(Wrong::NotAnEntry)?;
        self.follow(index, hash, Glance::of(entry.header()), Some(&entry))?;
        if let Some(current) = &mut self.current {
            current.entry = Some(entry);
        }
        Ok(())
    }

    /// Puts an entry in its place in the log and in its streams. `entry` is there for every one of the journal's own kinds.
    fn follow(
        &mut self,
        index: u64,
        hash: EntryHash,
        glance: Glance<'_>,
        entry: Option<&Entry>,
    ) -> Result<(), Wrong> {
        if glance.journal != self.journal.as_str() {
            return Err(Wrong::WrongJournal(glance.journal.to_owned()));
        }
        self.log.advance(index)?;
        if !self.chains.claims(&glance) {
            return Err(Wrong::Unclaimed);
        }
        let heads = &mut self.heads;
        let moved = |leaf| heads.moved(index, leaf);
        if let Err((wrong, place)) = self.chains.extend((index, hash), &glance, moved) {
            let link = glance.links.get(place);
            self.place.stream = link.and_then(|link| link.stream.parse().ok());
            self.linked = link.and_then(|link| link.previous);
            return Err(wrong);
        }
        if (glance.kind == Genesis::KIND) != (index == 0) {
            return Err(Wrong::NoGenesis);
        }
        if let Some(entry) = entry.filter(|_| is_own(glance.kind)) {
            self.own_kind(index, entry.header())?;
        }
        self.heads.observe(index, hash, &glance)?;
        if self.scope == Scope::Journal {
            self.log.append(&hash)?;
        }
        self.included += 1;
        let mut payloads = glance.payloads;
        payloads.reverse();
        self.current = Some(Current {
            index,
            hash,
            entry: None,
            unproved: self.scope == Scope::Streams,
            payloads,
            begun: None,
        });
        Ok(())
    }

    /// Checks an entry that is about the journal itself.
    fn own_kind(&mut self, index: u64, header: &Header) -> Result<(), Wrong> {
        let stream = if header.kind.as_str() == kind::Heads::KIND {
            StreamName::heads()
        } else {
            StreamName::admin()
        };
        let in_place = |link: &Link| index > 0 || link.seq == 0;
        if !header.link(&stream).is_some_and(in_place) {
            return Err(Wrong::Misplaced(header.kind.to_string()));
        }
        if let Some(genesis) = kind::read::<Genesis>(header).map_err(Wrong::NotAnEntry)? {
            self.keys.begin(genesis)?;
        }
        if let Some(rotated) = kind::read::<KeyRotated>(header).map_err(Wrong::NotAnEntry)? {
            self.keys.rotate(&rotated)?;
        }
        if let Some(heads) = kind::read::<kind::Heads>(header).map_err(Wrong::NotAnEntry)? {
            self.heads.check(index, &heads)?;
        }
        kind::read::<ClockCorrected>(header).map_err(Wrong::NotAnEntry)?;
        self.recovered
            .extend(kind::read::<Recovered>(header).map_err(Wrong::NotAnEntry)?);
        Ok(())
    }

    fn inclusion(&mut self, proof: &[crate::tree::Hash]) -> Result<(), Wrong> {
        match &mut self.current {
            Some(current) if current.unproved => {
                current.unproved = false;
                self.log.prove(&current.hash, proof)
            }
            _ => Err(Wrong::Malformed("a line stands where it must not")),
        }
    }

    fn begin_payload(
        &mut self,
        digest: PayloadDigest,
        salt: Salt,
        bytes: Vec<u8>,
    ) -> Result<(), Wrong> {
        let named = self.named_payload(digest)?;
        let mut begun = Begun {
            named,
            line: self.place.line,
            salt,
            hasher: Sha256::new_with_prefix(salt),
            size: 0,
            bytes: Vec::new(),
        };
        begun.add(bytes);
        if let Some(current) = &mut self.current {
            current.begun = Some(begun);
        }
        Ok(())
    }

    /// Ends a payload, all of whose lines were there.
    fn end_payload(&mut self) -> Result<(), Wrong> {
        let current = self.current.as_mut();
        let Some(begun) = current.and_then(|current| current.begun.take()) else {
            return Ok(());
        };
        let digest = begun.named.digest;
        let found = PayloadDigest(begun.hasher.finalize().into());
        if found != digest || begun.named.size != begun.size {
            self.place.line = begun.line;
            return Err(Wrong::Payload(digest));
        }
        self.payloads += 1;
        if begun.bytes.len() as u64 == begun.size {
            let current = self.current.as_ref();
            let entry = current.and_then(|current| current.entry.as_ref());
            let mut payloads = entry.into_iter().flat_map(|entry| &entry.header().payloads);
            let role = payloads.find(|payload| payload.digest == digest);
            let role = role.map(|payload| payload.role);
            self.keep.payload(digest, role, begun.salt, begun.bytes);
        }
        Ok(())
    }

    /// Finds what the current entry says of its next payload, which must be this one.
    fn named_payload(&mut self, digest: PayloadDigest) -> Result<PayloadGlance, Wrong> {
        let current = self.current.as_mut().filter(|current| !current.unproved);
        match current.and_then(|current| current.payloads.pop()) {
            Some(named) if named.digest == digest => Ok(named),
            _ => Err(Wrong::Payload(digest)),
        }
    }

    /// Ends the current entry, all of whose lines must have been there.
    fn close(&mut self) -> Result<(), Wrong> {
        let Some(current) = self.current.take() else {
            return Ok(());
        };
        if current.unproved {
            return Err(Wrong::Malformed("an entry has no inclusion proof"));
        }
        if let Some(missing) = current.payloads.last() {
            return Err(Wrong::Payload(missing.digest));
        }
        if let Some(entry) = current.entry {
            self.keep.entry(current.index, entry);
        }
        Ok(())
    }

    /// Tells what is missing from what only stands further down.
    fn explain(&self, reader: &mut Reader<impl BufRead>, wrong: Wrong) -> Wrong {
        let mut comes_later = |is_it: &dyn Fn(u64, EntryHash) -> bool| {
            while reader.advance().is_ok() {
                match Line::parse(reader.line()) {
                    Some(Line::Entry { index, hash, .. }) if is_it(index, hash) => return true,
                    _ => {}
                }
            }
            false
        };
        match (&wrong, self.linked) {
            (Wrong::Missing(due), _) if comes_later(&|index, _| index == *due) => {
                Wrong::Reordered { expected: *due }
            }
            (Wrong::Gap { .. }, Some(previous)) if comes_later(&|_, hash| hash == previous) => {
                Wrong::SealedBefore { previous }
            }
            _ => wrong,
        }
    }

    /// Checks what only the end shows, and says what was proved.
    fn finish(self, bytes: u64) -> Result<Report, Fault> {
        let mut place = Box::new(self.place);
        let unfinished = self.chains.unfinished();
        if let Some((stream, seq)) = unfinished {
            place.stream = Some(stream.clone());
            let wrong = Wrong::Gap { seq };
            return Err(Fault { place, wrong });
        }
        let fault = |wrong| Fault { place, wrong };
        let consistent_with = self.log.consistent_with();
        let streams = self.chains.streams();
        let parts = self
            .keys
            .finish(self.pin)
            .and_then(|(log_key, permit_key)| {
                let complete = match self.heads.finish()? {
                    Some(ranges) => Complete::Streams(ranges),
                    None => Complete::Journal { streams },
                };
                Ok((log_key, permit_key, self.log.finish()?, complete))
            });
        let (log_key, permit_key, checkpoint, complete) = parts.map_err(fault)?;
        Ok(Report {
            journal: self.journal,
            scope: self.scope,
            size: checkpoint.size,
            root: checkpoint.root,
            log_key,
            permit_key,
            pinned: self.pin.log_key.is_some(),
            consistent_with,
            included: self.included,
            payloads: self.payloads,
            payloads_absent: self.payloads_absent,
            bytes,
            complete,
            unique: self.scope == Scope::Journal,
            recovered: self.recovered,
        })
    }
}

/// Says whether entries of this kind are about the journal itself.
fn is_own(kind: &str) -> bool {
    [
        Genesis::KIND,
        kind::Heads::KIND,
        ClockCorrected::KIND,
        Recovered::KIND,
        KeyRotated::KIND,
    ]
    .contains(&kind)
}

/// Checks the last line, after which nothing may stand.
fn end(reader: &mut Reader<impl BufRead>, counted: bool) -> Result<(), Wrong> {
    if !counted {
        Err(Wrong::End)
    } else if reader.is_at_end()? {
        Ok(())
    } else {
        Err(Wrong::Malformed("something stands after the last line"))
    }
}

/// Reads the next line, and keeps count.
pub(super) fn advance(reader: &mut Reader<impl BufRead>, line: &mut u64) -> Result<(), Wrong> {
    let advanced = reader.advance();
    *line = reader.before() + 1;
    advanced.map_err(|error| match error {
        ReadError::Unreadable(error) => Wrong::Unreadable(error),
        ReadError::Truncated => Wrong::Truncated,
        ReadError::TooLong => Wrong::Malformed("a line is over 8 MiB"),
    })
}
