use std::collections::BTreeSet;

use policy::PolicyForm;
use serde::Serialize;

use super::{Mutation, Spotted, Trap};

/// What came of checking a policy.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// In which form the policy is.
    pub form: PolicyForm,
    /// How many cases it has.
    pub cases: usize,
    /// What its cases lack.
    pub lacking: Vec<Lacking>,
    /// What the lint found. Empty for a component.
    pub spotted: Vec<Spotted>,
    /// What came of changing the cases.
    pub mutation: Mutation,
}

/// Something that the cases lack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lacking {
    /// The trap.
    pub finding: Trap,
    /// What there is instead.
    pub what: String,
}

impl Report {
    /// Returns every trap that was found, once.
    #[must_use]
    pub fn findings(&self) -> BTreeSet<Trap> {
        let lacking = self.lacking.iter().map(|lacking| lacking.finding);
        let spotted = self.spotted.iter().map(|spotted| spotted.finding);
        let through = self.mutation.through.iter().map(|through| through.finding);
        lacking.chain(spotted).chain(through).collect()
    }

    /// Returns the traps that were found and not accepted.
    #[must_use]
    pub fn open(&self, accepted: &[Accepted]) -> BTreeSet<Trap> {
        let mut findings = self.findings();
        findings.retain(|trap| accepted.iter().all(|accepted| accepted.finding != *trap));
        findings
    }
}

/// A finding that somebody lives with, and why: recorded when the policy is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// The finding.
    pub finding: Trap,
    /// Why.
    pub reason: String,
}
