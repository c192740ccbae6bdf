//! The one writer: takes all batches that wait, links and seals them together, writes them in one transaction, answers.

use std::sync::{Arc, PoisonError, RwLock};

use journal::Draft;
use journal::key::LogKey;
use journal::kind::Recovered;
use journal::tree::Frontier;
use model::kind::Fields as _;
use model::{Entry, EntryHash, JournalId};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::failure::append_error;
use super::past::StoredPast;
use super::write::{Remembered, write};
use crate::clock::Watch;
use crate::outside::{Outside, OutsideError};
use crate::seal::Sealed;
use crate::stage::{Outcome, Stage, Staged, Time};
use crate::{AppendError, ReadOnlyReason, RecoverError, Status};

/// Drafts of one group. More wait for the next: a group is answered as a whole.
const GROUP_DRAFTS_MAX: usize = 4_096;
/// Payload bytes of one group, after which no further batch is taken: they are all in memory.
const GROUP_PAYLOAD_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Batches that wait; further callers wait for their turn to wait.
pub(super) const WAITING_MAX: usize = 1_024;

/// What a caller asks of the writer.
pub(super) enum Job {
    Append(Vec<Draft>, oneshot::Sender<Result<Answer, AppendError>>),
    Recover(Box<Draft>, oneshot::Sender<Result<Answer, RecoverError>>),
    Rotate(Box<LogKey>, oneshot::Sender<Result<Answer, AppendError>>),
}

/// What became of a batch; the caller makes its receipts from it, on its own thread.
pub(super) struct Answer {
    pub(super) drafts: Vec<Answered>,
    /// Of the group that the new entries are in; absent where there are none.
    pub(super) sealed: Option<Arc<Sealed>>,
}

/// What became of a draft.
pub(super) struct Answered {
    pub(super) index: u64,
    /// The entry, where it is a new one.
    pub(super) new: Option<Entry>,
}

type Waiting = (Vec<Draft>, oneshot::Sender<Result<Answer, AppendError>>);

pub(super) struct Writer {
    pub(super) journal: JournalId,
    pub(super) key: LogKey,
    pub(super) connection: Connection,
    pub(super) frontier: Frontier,
    pub(super) remembered: Remembered,
    pub(super) watch: Watch,
    pub(super) outside: OutsideFile,
    pub(super) status: Arc<RwLock<Status>>,
}

/// The checkpoint outside, where one is kept.
pub(super) struct OutsideFile {
    pub(super) path: Option<std::path::PathBuf>,
    pub(super) file: Option<Outside>,
}

impl Writer {
    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut next = jobs.blocking_recv();
        while let Some(job) = next.take() {
            match job {
                Job::Append(drafts, reply) => {
                    let mut group = vec![(drafts, reply)];
                    next = fill(&mut group, &mut jobs);
                    self.group(group);
                }
                Job::Recover(draft, reply) => {
                    let answer = self.recover(*draft);
                    // Who no longer waits asks again.
                    drop(reply.send(answer));
                }
                Job::Rotate(key, reply) => drop(reply.send(self.rotate(*key))),
            }
            next = next.or_else(|| jobs.blocking_recv());
        }
    }

    /// Appends a group of batches; a batch that is refused does not harm the others.
    fn group(&mut self, batches: Vec<Waiting>) {
        if let Err(reason) = self.check_writable() {
            for (_, reply) in batches {
                drop(reply.send(Err(AppendError::ReadOnly(reason.clone()))));
            }
            return;
        }
        let (batches, replies): (Vec<_>, Vec<_>) = batches.into_iter().unzip();
        let answers = self.commit(batches);
        for (reply, answer) in replies.into_iter().zip(answers) {
            drop(reply.send(answer));
        }
    }

    /// Links, seals and writes batches, and answers each in its place.
    fn commit(&mut self, batches: Vec<Vec<Draft>>) -> Vec<Result<Answer, AppendError>> {
        self.remembered.hot.trim();
        let moment = self.watch.read();
        let time = Time {
            now_ms: moment.wall_ms,
            drift_ms: self.watch.drift_ms(moment),
            era: self.remembered.counters.era,
        };
        let past = StoredPast {
            connection: &self.connection,
            lookup: &self.remembered.lookup,
            hot: &mut self.remembered.hot,
            era: self.remembered.counters.era,
            corrected: self.remembered.counters.corrected,
        };
        let mut stage = Stage::new(&self.journal, past, time);
        let outcomes: Vec<_> = batches
            .into_iter()
            .map(|drafts| stage.batch(drafts))
            .collect();
        let (staged, after) = stage.finish();
        let first = self.frontier.size();
        if staged.is_empty() {
            return answers(outcomes, first, Vec::new(), None);
        }
        match self.write(&staged) {
            Ok(sealed) => {
                if after.era != time.era {
                    self.watch.rebase(moment);
                }
                answers(outcomes, first, staged, Some(Arc::new(sealed)))
            }
            Err(error) => outcomes
                .into_iter()
                .map(|outcome| Err(outcome.err().unwrap_or_else(|| error.again())))
                .collect(),
        }
    }

    /// Makes staged entries durable, then visible, then known outside.
    fn write(&mut self, staged: &[Staged]) -> Result<Sealed, AppendError> {
        let hashes: Vec<EntryHash> = staged.iter().map(|staged| staged.entry.hash()).collect();
        let mut frontier = self.frontier.clone();
        let sealed = Sealed::seal(&self.journal, &self.key, &mut frontier, &hashes)?;
        let counters = self.remembered.counters.clone();
        // Dying before the commit leaves nothing of the group, dying after it an answer that was lost.
        let written = write(&mut self.connection, staged, &sealed, &mut self.remembered);
        if let Err(error) = written {
            self.remembered.hot.clear();
            self.remembered.counters = counters;
            let error = append_error(error);
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a group was not written"
            );
            if matches!(error, AppendError::Unanswered) {
                self.set_read_only(Some(ReadOnlyReason::WriteUnconfirmed));
            }
            return Err(error);
        }
        self.frontier = frontier;
        self.lock_status().size = sealed.group.size();
        // Dying here leaves an older checkpoint outside, which the log continues.
        self.keep_outside(&sealed.checkpoint);
        Ok(sealed)
    }

    fn keep_outside(&mut self, checkpoint: &str) {
        let Some(outside) = &mut self.outside.file else {
            return;
        };
        if let Err(error) = outside.write(checkpoint) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the checkpoint outside the store was not written"
            );
            self.set_read_only(Some(ReadOnlyReason::OutsideUnwritable));
        }
    }

    fn check_writable(&mut self) -> Result<(), ReadOnlyReason> {
        let known = self.lock_status().read_only.clone();
        if let Some(reason) = known {
            return Err(reason);
        }
        let unchanged = self.outside.file.as_ref().is_none_or(Outside::is_unchanged);
        if unchanged {
            return Ok(());
        }
        self.set_read_only(Some(ReadOnlyReason::OutsideChanged));
        Err(ReadOnlyReason::OutsideChanged)
    }

    /// Appends the entry that names what was lost, and writes again from there on.
    fn recover(&mut self, draft: Draft) -> Result<Answer, RecoverError> {
        let Some(reason) = self.lock_status().read_only.clone() else {
            return Err(RecoverError::NotNeeded);
        };
        if draft.kind.as_str() != Recovered::KIND {
            return Err(RecoverError::Kind);
        }
        if !reason.is_recoverable() {
            return Err(RecoverError::Beyond(reason));
        }
        self.take_outside()?;
        self.set_read_only(None);
        let mut answers = self.commit(vec![vec![draft]]);
        let answer = answers.pop().unwrap_or(Err(AppendError::Unanswered));
        if answer.is_err() {
            self.lock_status().read_only.get_or_insert(reason);
        }
        Ok(answer?)
    }

    /// Puts a key in the place of the log's, which vouches for it in an entry; that entry's checkpoint is the first that the
    /// new key signs.
    ///
    /// Entry and checkpoint are one write: dying leaves a log that the old key ends, or one that the new key does.
    fn rotate(&mut self, new: LogKey) -> Result<Answer, AppendError> {
        self.check_writable().map_err(AppendError::ReadOnly)?;
        let rotated = self.key.vouch(&self.journal, *new.vkey().public());
        let draft = rotated
            .draft()
            .map_err(|source| AppendError::Draft { place: 0, source })?;
        let old = std::mem::replace(&mut self.key, new);
        let mut answers = self.commit(vec![vec![draft]]);
        let answer = answers.pop().unwrap_or(Err(AppendError::Unanswered));
        if answer.is_err() {
            // Where it is not known, nothing more is written.
            self.key = old;
        }
        answer
    }

    /// Takes hold of the checkpoint outside, with whatever it holds now.
    fn take_outside(&mut self) -> Result<(), RecoverError> {
        match (&mut self.outside.file, &self.outside.path) {
            (Some(outside), _) => outside
                .reread()
                .map_err(|error| RecoverError::Outside(error.into())),
            (None, Some(path)) => match Outside::open(path) {
                Ok(outside) => {
                    self.outside.file = Some(outside);
                    Ok(())
                }
                Err(OutsideError::Held) => Err(RecoverError::Beyond(ReadOnlyReason::OutsideHeld)),
                Err(OutsideError::Io(error)) => Err(RecoverError::Outside(error.into())),
            },
            (None, None) => Ok(()),
        }
    }

    fn set_read_only(&self, reason: Option<ReadOnlyReason>) {
        self.lock_status().read_only = reason;
    }

    fn lock_status(&self) -> std::sync::RwLockWriteGuard<'_, Status> {
        self.status.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds all batches that wait, and those whose callers only needed a moment of the processor to ask; returns a job that
/// is of another sort.
fn fill(group: &mut Vec<Waiting>, jobs: &mut mpsc::Receiver<Job>) -> Option<Job> {
    let weigh = |drafts: &[Draft]| -> (usize, usize) {
        let payloads = drafts.iter().flat_map(|draft| &draft.payloads);
        (
            drafts.len(),
            payloads.map(|payload| payload.bytes.len()).sum(),
        )
    };
    let (mut drafts, mut bytes) = group.first().map_or((0, 0), |(first, _)| weigh(first));
    let mut before_yield = 0;
    while drafts < GROUP_DRAFTS_MAX && bytes < GROUP_PAYLOAD_BYTES_MAX {
        match jobs.try_recv() {
            Ok(Job::Append(batch, reply)) => {
                let (more_drafts, more_bytes) = weigh(&batch);
                drafts += more_drafts;
                bytes += more_bytes;
                group.push((batch, reply));
            }
            Ok(other) => return Some(other),
            // Those who were just answered ask again about now: worth a turn, as long as that brings some.
            Err(mpsc::error::TryRecvError::Empty) if before_yield < group.len() => {
                before_yield = group.len();
                std::thread::yield_now();
            }
            Err(_) => break,
        }
    }
    None
}

/// Gives each batch its entries, which stand in the order of the batches.
fn answers(
    outcomes: Vec<Result<Vec<Outcome<u64>>, AppendError>>,
    first: u64,
    staged: Vec<Staged>,
    sealed: Option<Arc<Sealed>>,
) -> Vec<Result<Answer, AppendError>> {
    let mut entries = staged.into_iter();
    let mut answered = |outcome| match outcome {
        Outcome::Known(index) => Answered { index, new: None },
        Outcome::Again(place) => Answered {
            index: first + place as u64,
            new: None,
        },
        Outcome::New(place) => Answered {
            index: first + place as u64,
            new: entries.next().map(|staged| staged.entry),
        },
    };
    outcomes
        .into_iter()
        .map(|outcome| {
            let drafts = outcome?.into_iter().map(&mut answered).collect();
            Ok(Answer {
                drafts,
                sealed: sealed.clone(),
            })
        })
        .collect()
}
