//! Makes a dossier that shows something as small as it gets by leaving things out.

use model::Dossier;
use policy::{InputError, Outcome};

use super::Judge;
use super::compare::{Result as Compared, compare};
use super::edit;
use super::mutant::Rule;

/// Evaluations that shrinking one mutant may take.
const TRIES_MAX: usize = 64;

/// What is left.
pub(super) struct Small {
    pub(super) dossier: Dossier,
    pub(super) outcome: Outcome,
}

impl Judge<'_> {
    /// Leaves out of both dossiers, one by one, what is not needed for the difference between them.
    pub(super) fn shrunk(
        &self,
        parameters: &str,
        rule: &Rule,
        before: Dossier,
        after: Dossier,
    ) -> Result<Small, InputError> {
        let outcome = self.evaluate(&after, parameters)?;
        let (mut before, mut after, mut outcome) = (before, after, outcome);
        for part in parts(&after).into_iter().take(TRIES_MAX) {
            let (mut less_before, mut less_after) = (before.clone(), after.clone());
            part.leave_out(&mut less_before);
            part.leave_out(&mut less_after);
            let against = self.evaluate(&less_before, parameters)?;
            let answer = self.evaluate(&less_after, parameters)?;
            let same = std::mem::discriminant(&answer) == std::mem::discriminant(&outcome);
            if same && compare(rule, &against, &answer) == Compared::Through {
                (before, after, outcome) = (less_before, less_after, answer);
            }
        }
        Ok(Small {
            dossier: after,
            outcome,
        })
    }
}

/// Something that can be left out.
enum Part {
    Attestation(model::EntryHash),
    Approval(model::EntryHash),
    Commit(model::CommitId),
}

fn parts(dossier: &Dossier) -> Vec<Part> {
    let attestations = dossier.attestations.iter();
    let approvals = dossier.approvals.iter();
    let commits = dossier.change.commits.iter();
    attestations
        .map(|one| Part::Attestation(one.entry))
        .chain(approvals.map(|one| Part::Approval(one.entry)))
        .chain(commits.map(|one| Part::Commit(one.sha.clone())))
        .collect()
}

impl Part {
    fn leave_out(&self, dossier: &mut Dossier) {
        match self {
            Self::Attestation(entry) => edit::without(dossier, &[*entry]),
            Self::Approval(entry) => edit::without_approval(dossier, entry),
            Self::Commit(sha) => dossier.change.commits.retain(|commit| commit.sha != *sha),
        }
    }
}
