//! Verification of a whole journal or of a bundle, from its bytes alone.
//!
//! Nothing is believed: neither the recorder nor the store nor the exporter. What a bundle does not show is not said of
//! it; see [`Report`] for the words. Kinds of entries that this program does not know are verified all the same.

mod chain;
mod fault;
mod glance;
mod heads;
mod keys;
mod log;
mod opened;
mod preamble;
mod run;

use std::io::BufRead;

use model::{JournalId, Role, StreamName};
use serde::Serialize;

use crate::bundle::Scope;
use crate::key::PublicKey;
use crate::kind::Recovered;
use crate::note::{Checkpoint, Vkey};

pub use fault::{Fault, Place, Wrong};
pub use opened::VerifiedBundle;

/// What a stranger already holds, and so need not take from the bundle.
#[derive(Debug, Clone, Default)]
pub struct Pin {
    /// A log key of the journal: its first one, or one that followed it.
    pub log_key: Option<Vkey>,
    /// The note of an older checkpoint, which the bundle's log must begin with.
    pub checkpoint: Option<String>,
}

/// What was proved.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The journal.
    pub journal: JournalId,
    /// What the bundle is of.
    pub scope: Scope,
    /// Size of the log in the checkpoint.
    pub size: u64,
    /// Root of the log in the checkpoint.
    pub root: crate::tree::Hash,
    /// The key that signed the checkpoint.
    pub log_key: Vkey,
    /// The newest key for permits among the bundle's entries.
    pub permit_key: PublicKey,
    /// Whether the log's keys are those that the verifier came with, not just those that the bundle names.
    pub pinned: bool,
    /// Size of the older checkpoint that the log was proved to begin with.
    pub consistent_with: Option<u64>,
    /// How many entries were checked. Every one is *included*: in the tree of the checkpoint.
    pub included: u64,
    /// How many payloads were checked.
    pub payloads: u64,
    /// How many payloads are named but not here.
    pub payloads_absent: u64,
    /// The bundle's length.
    pub bytes: u64,
    /// Where nothing can be missing.
    pub complete: Complete,
    /// Whether no seq of any stream is taken twice: said only when every header of the log was checked.
    pub unique: bool,
    /// The losses that the journal admits to.
    pub recovered: Vec<Recovered>,
}

/// Where nothing can be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Complete {
    /// All streams, up to the checkpoint: every header of the log was checked.
    Journal {
        /// How many streams there are.
        streams: u64,
    },
    /// These ranges, each up to a `heads` entry.
    Streams(Vec<CompleteRange>),
}

/// A range of which a `heads` entry shows that it ends where its stream then ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CompleteRange {
    /// The stream.
    pub stream: StreamName,
    /// First and last seq; `None` for a stream that has no entry.
    pub range: Option<(u64, u64)>,
    /// How many entries of the log the `heads` entry covers: what came after them is not said.
    pub up_to: u64,
}

/// Verifies a bundle, in one pass and without keeping it.
///
/// # Errors
/// Names the first thing that is wrong, and where.
pub fn verify(bundle: impl BufRead, pin: &Pin) -> Result<Report, Fault> {
    run::run(bundle, pin, &mut opened::Nothing)
}

/// Verifies a bundle, and keeps its entries and payloads for whoever reads on.
///
/// # Errors
/// As [`verify()`].
pub fn open(bundle: impl BufRead, pin: &Pin) -> Result<VerifiedBundle, Fault> {
    opened::open(bundle, pin, |_| true)
}

/// As [`open`], and keeps of the payloads only those that decisions rest on: not the reports as they came, which are most
/// of a journal's bytes, and nothing about people.
///
/// # Errors
/// As [`verify()`].
pub fn open_for_replay(bundle: impl BufRead, pin: &Pin) -> Result<VerifiedBundle, Fault> {
    opened::open(bundle, pin, |role| matches!(role, Role::Facts | Role::Rule))
}

impl Report {
    /// Returns the checkpoint that everything was proved against.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            origin: self.journal.clone(),
            size: self.size,
            root: self.root,
        }
    }
}
