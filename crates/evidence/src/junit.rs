//! `junit.v1`: what a test runner reports, in the XML that JUnit's first Ant task wrote and everybody has varied since.
//!
//! Counts come from the test cases. What the suites' attributes say must agree, because a report that was cut or edited by hand
//! most often shows there; nested suites may say what is in them alone or what is below them all, and both ways of counting a
//! case with two failures are in use. A report without a single test that passed has not tested anything: it failed.

mod report;
mod tally;

use std::io::Read;

use model::dossier::Outcome;
use serde::Serialize;

use crate::extract::Reading;
use crate::xml::{self, Document, Step, Text};
use crate::{EvidenceError, People, XmlError};

use report::Report;
use tally::Tally;

/// A JUnit report that cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum JunitError {
    /// It is not XML as it is accepted here.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// Its root is another one.
    #[error(
        "the report is not a JUnit report: its root element is `{root}`, neither `testsuites` nor `testsuite`"
    )]
    NotJunit {
        /// The root element, shortened.
        root: String,
    },
    /// An element stands where it could be overlooked.
    #[error("`{element}` in suite `{suite}` stands in the wrong place, inside of `{parent}`")]
    Misplaced {
        /// The element.
        element: String,
        /// The element around it, shortened.
        parent: String,
        /// The suite, shortened.
        suite: String,
    },
    /// A suite's attribute is not a number.
    #[error("`{attribute}` of suite `{suite}` is `{found}`, not a number")]
    NotANumber {
        /// The suite, shortened.
        suite: String,
        /// The attribute.
        attribute: &'static str,
        /// What it says, shortened.
        found: String,
    },
    /// A suite's attribute says something else than its test cases.
    #[error("`{attribute}` of suite `{suite}` says `{said}`, but its test cases show `{found}`")]
    Disagrees {
        /// The suite, shortened.
        suite: String,
        /// The attribute.
        attribute: &'static str,
        /// What the attribute says.
        said: u64,
        /// What was counted.
        found: u64,
    },
    /// There are too many suites or cases.
    #[error("the report has more than {maximum} {what}")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many there may be.
        maximum: usize,
    },
}

impl JunitError {
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Disagrees { .. } => Some(
                "the report is cut short, edited, or merged wrongly; send what the test runner wrote",
            ),
            Self::Xml(XmlError::DocumentType | XmlError::Entity { .. }) => {
                Some("write the report without a document type")
            }
            _ => None,
        }
    }
}

/// The facts. Members stand in canonical (alphabetical) order.
#[derive(Serialize)]
struct Facts {
    duration_ms: u64,
    errors: u64,
    failed: u64,
    failures: Vec<Failure>,
    passed: u64,
    skipped: u64,
    /// How many suites there are, listed or not.
    suite_count: usize,
    suites: Vec<Suite>,
    tests: u64,
}

#[derive(Serialize)]
struct Failure {
    name: String,
    suite: String,
}

/// A suite, with the cases in itself and not in suites below it: the suites add up to the whole.
#[derive(Serialize)]
struct Suite {
    errors: u64,
    failed: u64,
    name: String,
    passed: u64,
    skipped: u64,
    tests: u64,
}

pub(crate) fn read(raw: &[u8], _: &dyn People) -> Result<Reading, EvidenceError> {
    let text = xml::decode(raw).map_err(JunitError::from)?;
    reading(Document::new(text.as_bytes()))
}

pub(crate) fn stream(raw: &mut dyn Read, _: &dyn People) -> Result<Reading, EvidenceError> {
    let text = xml::Decoded::new(raw).map_err(JunitError::from)?;
    reading(Document::new(text))
}

fn reading(document: Document<impl Text>) -> Result<Reading, EvidenceError> {
    let facts = facts(document)?;
    let green = facts.failed == 0 && facts.errors == 0 && facts.passed > 0;
    Reading::new(
        &facts,
        if green {
            Outcome::Passed
        } else {
            Outcome::Failed
        },
    )
}

fn facts(mut document: Document<impl Text>) -> Result<Facts, JunitError> {
    let mut report = Report::default();
    while let Some(step) = document.next()? {
        match step {
            Step::Open(element) => report.open(&element)?,
            Step::Close => report.close()?,
        }
    }
    Ok(report.into_facts())
}

impl Suite {
    fn new(name: String, tally: &Tally) -> Self {
        Self {
            errors: tally.errors,
            failed: tally.failed,
            name,
            passed: tally.passed,
            skipped: tally.skipped,
            tests: tally.tests,
        }
    }
}
