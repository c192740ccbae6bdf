//! Mutation: evidence is lost, damaged or added in turn, and no verdict may become more permissive by it.
//!
//! What is tried claims nothing that its case does not: evidence is missing, unreadable, recorded twice, void, or not
//! about this artifact. So the rule needs no exception: such a dossier is never better than the one it was made from.
//! Two things look like losses and are not. Dropping the newest of several runs, or one name of several of a type that
//! nobody asks for, leaves a dossier with an answer of its own; and a number that becomes zero, or a list that becomes
//! shorter, is another claim. The exception to the last is a report in which *everything* is zero or empty: that is
//! what a tool writes which looked at nothing.

mod compare;
mod donor;
mod edit;
mod facts;
mod lookalike;
mod mutant;
mod shrink;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use model::Dossier;
use policy::{DossierInput, InputError, Limits, Outcome, Prepared};
use serde::Serialize;

use super::Trap;
use compare::{Result as Compared, compare};
use donor::Donors;
use mutant::{Case, Mutant, Rule, mutants};

/// Mutants that are run at most in one check, shared evenly among the cases.
pub const MUTANTS_MAX: usize = 6_000;

/// Mutants that got through and are reported at most, of each trap in each case.
const SHOWN_MAX: usize = 5;

/// A case to be mutated.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// What the case is called.
    pub case: &'a str,
    /// Its dossier.
    pub dossier: &'a Dossier,
    /// The canonical JSON of its parameters.
    pub parameters: &'a str,
    /// What the policy answers on it.
    pub outcome: &'a Outcome,
}

/// What came of mutating all cases.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Mutation {
    /// Mutants that were run.
    pub mutants: usize,
    /// Mutants that were left out, because there were more than [`MUTANTS_MAX`].
    pub left_out: usize,
    /// Mutants of which the machine gave no verdict.
    pub undecided: usize,
    /// Mutants that got through, also those that are not in the list below.
    pub got_through: usize,
    /// Those that got through: at most a few of each trap in each case.
    pub through: Vec<Through>,
}

/// A mutant that got through: the verdict became more permissive, or another.
#[derive(Debug, Clone, Serialize)]
pub struct Through {
    /// The trap.
    pub finding: Trap,
    /// The case that was changed.
    pub case: String,
    /// What was changed.
    pub change: String,
    /// What the policy answered on the case, or on the dossier that the change is compared with.
    pub before: Outcome,
    /// What it answers now.
    pub after: Outcome,
    /// The parameters.
    pub parameters: serde_json::Value,
    /// A small dossier that shows it.
    pub dossier: Dossier,
}

/// Runs the mutants of all cases on all processors. The answer does not depend on their number.
///
/// # Errors
/// When a dossier has no JSON form.
pub fn mutate(policy: &Prepared, subjects: &[Subject<'_>]) -> Result<Mutation, InputError> {
    let mut donors = Donors::default();
    for subject in subjects {
        if let Outcome::Verdict(verdict) = subject.outcome
            && verdict.allow
        {
            donors.take(subject.dossier, verdict);
        }
    }
    let share = MUTANTS_MAX / subjects.len().max(1);
    let mut work = Vec::new();
    let mut left_out = 0;
    for subject in subjects {
        let case = Case {
            dossier: subject.dossier,
            parameters: subject.parameters,
            allows: compare::allows(subject.outcome),
        };
        let mut mutants = mutants(&case, &donors);
        left_out += mutants.len().saturating_sub(share);
        mutants.truncate(share);
        work.extend(mutants.into_iter().map(|mutant| (subject, mutant)));
    }
    let judge = Judge { policy };
    let mut answers = in_parallel(&work, |(subject, mutant)| judge.run(subject, mutant))?;
    answers.sort_by_key(|(index, _)| *index);

    let mut mutation = Mutation {
        mutants: work.len(),
        left_out,
        ..Mutation::default()
    };
    for (index, answer) in answers {
        match answer {
            Answer::Held => {}
            Answer::Undecided => mutation.undecided += 1,
            Answer::Through(before) => {
                mutation.got_through += 1;
                let Some((subject, mutant)) = work.get(index) else {
                    continue;
                };
                let alike = mutation
                    .through
                    .iter()
                    .filter(|other| other.finding == mutant.trap && other.case == subject.case);
                if alike.count() < SHOWN_MAX {
                    let through = judge.shown(subject, mutant, before)?;
                    mutation.through.push(through);
                }
            }
        }
    }
    Ok(mutation)
}

/// What came of one mutant.
enum Answer {
    Held,
    Undecided,
    /// It got through; with the verdict that it is compared with.
    Through(Outcome),
}

struct Judge<'a> {
    policy: &'a Prepared,
}

impl Judge<'_> {
    fn evaluate(&self, dossier: &Dossier, parameters: &str) -> Result<Outcome, InputError> {
        let input = DossierInput::new(dossier)?;
        let evaluation = self.policy.evaluate(&input, parameters, &Limits::default());
        Ok(evaluation.outcome)
    }

    fn run(&self, subject: &Subject<'_>, mutant: &Mutant) -> Result<Answer, InputError> {
        let mut changed = subject.dossier.clone();
        (mutant.edit)(&mut changed);
        let after = self.evaluate(&changed, subject.parameters)?;
        let before = match &mutant.rule {
            // Most mutants deny, and what finds nothing but failures is no better than anything.
            Rule::NoBetterThan(_) if compare::is_worst(&after) => return Ok(Answer::Held),
            Rule::NoBetterThan(_) => {
                self.evaluate(&compared_with(subject, mutant), subject.parameters)?
            }
            _ => subject.outcome.clone(),
        };
        Ok(match compare(&mutant.rule, &before, &after) {
            Compared::Held => Answer::Held,
            Compared::Undecided => Answer::Undecided,
            Compared::Through => Answer::Through(before),
        })
    }

    /// Shows a mutant that got through, on a small dossier.
    fn shown(
        &self,
        subject: &Subject<'_>,
        mutant: &Mutant,
        before: Outcome,
    ) -> Result<Through, InputError> {
        let mut changed = subject.dossier.clone();
        (mutant.edit)(&mut changed);
        let other = compared_with(subject, mutant);
        let small = self.shrunk(subject.parameters, &mutant.rule, other, changed)?;
        Ok(Through {
            finding: mutant.trap,
            case: subject.case.to_owned(),
            change: mutant.words.clone(),
            before,
            after: small.outcome,
            parameters: serde_json::from_str(subject.parameters).unwrap_or_default(),
            dossier: small.dossier,
        })
    }
}

/// Returns the dossier whose verdict a mutant's is compared with.
fn compared_with(subject: &Subject<'_>, mutant: &Mutant) -> Dossier {
    let mut dossier = subject.dossier.clone();
    if let Rule::NoBetterThan(edit) = &mutant.rule {
        edit(&mut dossier);
    }
    dossier
}

/// Runs work on all processors; the answers come with the place of their work, in no order.
fn in_parallel<T: Sync, A: Send, E: Send>(
    work: &[T],
    run: impl Fn(&T) -> Result<A, E> + Sync,
) -> Result<Vec<(usize, A)>, E> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut answers = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = work.get(index) else {
                return Ok(answers);
            };
            answers.push((index, run(item)?));
        }
    };
    let helpers = thread::available_parallelism().map_or(0, |processors| processors.get() - 1);
    thread::scope(|scope| {
        let helpers: Vec<_> = (0..helpers)
            .filter_map(|_| thread::Builder::new().spawn_scoped(scope, worker).ok())
            .collect();
        let mut answers = worker()?;
        for helper in helpers {
            match helper.join() {
                Ok(more) => answers.extend(more?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(answers)
    })
}
