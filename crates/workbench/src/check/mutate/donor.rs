//! Evidence of cases that allow, to be added to cases that deny in ways in which it must not count.

use model::Dossier;
use model::dossier::{Approval, Attestation};
use policy::Verdict;

/// Donors of either kind that are used at most: the first ones, in the order of the cases.
const DONORS_MAX: usize = 8;

#[derive(Default)]
pub(super) struct Donors {
    pub(super) attestations: Vec<Attestation>,
    pub(super) approvals: Vec<Approval>,
}

impl Donors {
    /// Takes what a verdict that allows rests on; where it names nothing, all that is there.
    pub(super) fn take(&mut self, dossier: &Dossier, verdict: &Verdict) {
        let findings = verdict.findings.iter();
        let named: Vec<_> = findings.flat_map(|finding| &finding.entries).collect();
        for one in &dossier.attestations {
            let counts = !one.foreign && (named.is_empty() || named.contains(&&one.entry));
            let known = self.attestations.iter().any(|other| {
                other.attestation_type == one.attestation_type
                    && other.name == one.name
                    && other.facts.get() == one.facts.get()
            });
            if counts && !known && self.attestations.len() < DONORS_MAX {
                self.attestations.push(one.clone());
            }
        }
        for one in &dossier.approvals {
            let counts = named.is_empty() || named.contains(&&one.entry);
            let mut others = self.approvals.iter();
            let known = others.any(|other| other.person == one.person);
            if counts && !known && self.approvals.len() < DONORS_MAX {
                self.approvals.push(one.clone());
            }
        }
    }
}
