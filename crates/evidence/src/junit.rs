//! `junit.v1`: what a test runner reports, in the XML that JUnit's first Ant task wrote and everybody has varied since.
//!
//! Counts come from the test cases. What the suites' attributes say must agree, because a report that was cut or edited by hand
//! most often shows there; nested suites may say what is in them alone or what is below them all, and both ways of counting a
//! case with two failures are in use. A report without a single test that passed has not tested anything: it failed.

use std::time::Duration;

use model::dossier::Outcome;
use model::limits::INTEGER_MAX;
use serde::Serialize;

use crate::extract::Reading;
use crate::limits::{CASES_MAX, FAILURES_SHOWN_MAX, SUITES_MAX, SUITES_SHOWN_MAX};
use crate::text::{cut, shown};
use crate::xml::{self, Document, Element, Step};
use crate::{EvidenceError, People, XmlError};

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
    let facts = facts(raw)?;
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

fn facts(raw: &[u8]) -> Result<Facts, JunitError> {
    let text = xml::decode(raw)?;
    let mut document = Document::new(&text);
    let mut report = Report::default();
    while let Some(step) = document.next()? {
        match step {
            Step::Open(element) => report.open(&element)?,
            Step::Close => report.close()?,
        }
    }
    Ok(report.into_facts())
}

/// How many there are of each sort, in the ways in which runners count.
#[derive(Clone, Copy, Default)]
struct Tally {
    tests: u64,
    passed: u64,
    failed: u64,
    errors: u64,
    skipped: u64,
    failure_cases: u64,
    failure_elements: u64,
    error_cases: u64,
    error_elements: u64,
    skipped_cases: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.tests += other.tests;
        self.passed += other.passed;
        self.failed += other.failed;
        self.errors += other.errors;
        self.skipped += other.skipped;
        self.failure_cases += other.failure_cases;
        self.failure_elements += other.failure_elements;
        self.error_cases += other.error_cases;
        self.error_elements += other.error_elements;
        self.skipped_cases += other.skipped_cases;
    }

    /// Returns what an attribute may say of these cases, ours first.
    fn counted_as(&self, attribute: &str) -> [u64; 3] {
        match attribute {
            "failures" => [self.failed, self.failure_cases, self.failure_elements],
            "errors" => [self.errors, self.error_cases, self.error_elements],
            "skipped" => [self.skipped, self.skipped_cases, self.skipped_cases],
            _ => [self.tests; 3],
        }
    }
}

/// An element that is open, as far as it matters here.
enum Open {
    Suite(OpenSuite),
    Case(OpenCase),
    Other(String),
}

struct OpenSuite {
    name: String,
    said: Vec<(&'static str, u64)>,
    /// Its place among all suites, unless it is the root around them.
    place: Option<usize>,
    own: Tally,
    below: Tally,
    has_suites: bool,
}

#[derive(Default)]
struct OpenCase {
    name: String,
    failures: u64,
    errors: u64,
    skipped: u64,
    disabled: bool,
}

#[derive(Default)]
struct Report {
    open: Vec<Open>,
    /// In the order in which they begin; a suite around others has no line of its own.
    suites: Vec<Option<Suite>>,
    failures: Vec<Failure>,
    whole: Tally,
    duration: Duration,
}

const COUNTS: [&str; 4] = ["tests", "failures", "errors", "skipped"];

impl Report {
    fn open(&mut self, element: &Element) -> Result<(), JunitError> {
        let opened = match (element.name.as_str(), self.open.last_mut()) {
            ("testsuites" | "testsuite", None) => Open::Suite(self.open_suite(element)?),
            (root, None) => return Err(JunitError::NotJunit { root: shown(root) }),
            ("testsuite", Some(Open::Suite(parent))) => {
                parent.has_suites = true;
                Open::Suite(self.open_suite(element)?)
            }
            ("testcase", Some(Open::Suite(_))) => Open::Case(self.open_case(element)?),
            ("failure", Some(Open::Case(case))) => {
                case.failures += 1;
                Open::Other(element.name.clone())
            }
            ("error", Some(Open::Case(case))) => {
                case.errors += 1;
                Open::Other(element.name.clone())
            }
            ("skipped", Some(Open::Case(case))) => {
                case.skipped += 1;
                Open::Other(element.name.clone())
            }
            ("testsuites" | "testsuite" | "testcase", Some(_))
            | ("failure" | "error" | "skipped", Some(Open::Suite(_))) => {
                return Err(self.misplaced(element));
            }
            (other, Some(_)) => Open::Other(other.to_owned()),
        };
        self.open.push(opened);
        Ok(())
    }

    fn open_suite(&mut self, element: &Element) -> Result<OpenSuite, JunitError> {
        if self.suites.len() == SUITES_MAX {
            return Err(JunitError::TooMany {
                what: "test suites",
                maximum: SUITES_MAX,
            });
        }
        self.suites.push(None);
        let name = element.attribute("name").unwrap_or_default();
        let mut said = Vec::new();
        for attribute in COUNTS {
            let Some(text) = element.attribute(attribute) else {
                continue;
            };
            let number = text.trim().parse().map_err(|_| JunitError::NotANumber {
                suite: shown(name),
                attribute,
                found: shown(text),
            })?;
            said.push((attribute, number));
        }
        let place = Some(self.suites.len() - 1);
        Ok(OpenSuite {
            name: cut(name),
            said,
            place,
            own: Tally::default(),
            below: Tally::default(),
            has_suites: false,
        })
    }

    fn open_case(&mut self, element: &Element) -> Result<OpenCase, JunitError> {
        if self.whole.tests == CASES_MAX as u64 {
            return Err(JunitError::TooMany {
                what: "test cases",
                maximum: CASES_MAX,
            });
        }
        self.whole.tests += 1;
        self.duration = self
            .duration
            .saturating_add(duration(element.attribute("time").unwrap_or_default()));
        // GoogleTest and CTest write a test that did not run without, or with more than, a `skipped` element.
        let disabled = matches!(
            element.attribute("status"),
            Some("notrun" | "disabled" | "skipped")
        ) || matches!(element.attribute("result"), Some("suppressed" | "skipped"));
        Ok(OpenCase {
            name: cut(element.attribute("name").unwrap_or_default()),
            disabled,
            ..OpenCase::default()
        })
    }

    fn close(&mut self) -> Result<(), JunitError> {
        match self.open.pop() {
            Some(Open::Suite(suite)) => self.close_suite(suite),
            Some(Open::Case(case)) => {
                self.close_case(&case);
                Ok(())
            }
            Some(Open::Other(_)) | None => Ok(()),
        }
    }

    fn close_case(&mut self, case: &OpenCase) {
        let Some(Open::Suite(suite)) = self.open.last_mut() else {
            return;
        };
        let tally = case.tally();
        suite.own.add(&tally);
        if tally.failed + tally.errors > 0 && self.failures.len() < FAILURES_SHOWN_MAX {
            self.failures.push(Failure {
                name: case.name.clone(),
                suite: suite.name.clone(),
            });
        }
    }

    fn close_suite(&mut self, suite: OpenSuite) -> Result<(), JunitError> {
        let mut all = suite.own;
        all.add(&suite.below);
        for (attribute, said) in &suite.said {
            let agrees = [&all, &suite.own]
                .iter()
                .any(|tally| tally.counted_as(attribute).contains(said));
            if !agrees {
                let [found, ..] = all.counted_as(attribute);
                return Err(JunitError::Disagrees {
                    suite: shown(&suite.name),
                    attribute,
                    said: *said,
                    found,
                });
            }
        }
        match self.open.last_mut() {
            Some(Open::Suite(parent)) => parent.below.add(&all),
            _ => self.whole = all,
        }
        if suite.own.tests > 0 || !suite.has_suites {
            if let Some(line) = suite.place.and_then(|place| self.suites.get_mut(place)) {
                *line = Some(Suite::new(suite.name, &suite.own));
            }
        }
        Ok(())
    }

    fn misplaced(&self, element: &Element) -> JunitError {
        let suite = self.open.iter().rev().find_map(|open| match open {
            Open::Suite(suite) => Some(shown(&suite.name)),
            _ => None,
        });
        let parent = match self.open.last() {
            Some(Open::Other(name)) => shown(name),
            Some(Open::Case(_)) => "testcase".to_owned(),
            _ => "testsuite".to_owned(),
        };
        JunitError::Misplaced {
            element: element.name.clone(),
            parent,
            suite: suite.unwrap_or_default(),
        }
    }

    fn into_facts(self) -> Facts {
        let mut suites: Vec<Suite> = self.suites.into_iter().flatten().collect();
        let suite_count = suites.len();
        suites.truncate(SUITES_SHOWN_MAX);
        let duration_ms = u64::try_from(self.duration.as_millis())
            .unwrap_or(INTEGER_MAX)
            .min(INTEGER_MAX);
        let Tally {
            tests,
            passed,
            failed,
            errors,
            skipped,
            ..
        } = self.whole;
        Facts {
            duration_ms,
            errors,
            failed,
            failures: self.failures,
            passed,
            skipped,
            suite_count,
            suites,
            tests,
        }
    }
}

impl OpenCase {
    /// Counts this case once: the worst that is said of it stands.
    fn tally(&self) -> Tally {
        let mut tally = Tally {
            tests: 1,
            failure_cases: self.failures.min(1),
            failure_elements: self.failures,
            error_cases: self.errors.min(1),
            error_elements: self.errors,
            skipped_cases: self.skipped.min(1),
            ..Tally::default()
        };
        *if self.failures > 0 {
            &mut tally.failed
        } else if self.errors > 0 {
            &mut tally.errors
        } else if self.skipped > 0 || self.disabled {
            &mut tally.skipped
        } else {
            &mut tally.passed
        } = 1;
        tally
    }
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

/// Reads seconds such as `0.25` or `1,234.5`. Times inform and prove nothing, so what is no time counts as none.
fn duration(seconds: &str) -> Duration {
    let plain = seconds.trim().replace(',', "");
    plain
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .unwrap_or_default()
}
