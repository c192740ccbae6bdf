//! No fail-open by accident: what is checked of a policy before it is published.
//!
//! Three things are looked at: whether there are cases of both ends, the Rego source for known traps, and what the
//! policy answers when evidence is lost, damaged or added. The last needs no source, so it is the same for components.
//! `docs/checks.md` has every finding with an example.

mod lint;
mod mutate;
mod report;
mod run;
mod trap;

pub use lint::{LintError, Spotted, lint};
pub use mutate::{MUTANTS_MAX, Mutation, Subject, Through, mutate};
pub use report::{Accepted, Lacking, Report};
pub use run::{Candidate, CheckError, check, run};
pub use trap::{Trap, UnknownTrap};
