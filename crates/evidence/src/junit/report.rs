//! Walks through a report and counts.

use std::time::Duration;

use model::limits::INTEGER_MAX;

use super::tally::Tally;
use super::{Facts, Failure, JunitError, Suite};
use crate::limits::{CASES_MAX, FAILURES_SHOWN_MAX, SUITES_MAX, SUITES_SHOWN_MAX};
use crate::text::{cut, shown};
use crate::xml::Element;

/// An element that is open, as far as it matters here.
enum Open {
    Suite(OpenSuite),
    Case(OpenCase),
    Other(String),
}

struct OpenSuite {
    name: String,
    said: Vec<(&'static str, u64)>,
    /// Its place among all suites.
    place: usize,
    own: Tally,
    below: Tally,
    /// Whether it is there to hold others, so that it has a line only for cases of its own.
    is_frame: bool,
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
pub(super) struct Report {
    open: Vec<Open>,
    /// In the order in which they begin; a suite around others has no line of its own.
    suites: Vec<Option<Suite>>,
    failures: Vec<Failure>,
    whole: Tally,
    cases: usize,
    duration: Duration,
}

const COUNTS: [&str; 4] = ["tests", "failures", "errors", "skipped"];

impl Report {
    pub(super) fn open(&mut self, element: &Element) -> Result<(), JunitError> {
        let opened = match (element.name.as_str(), self.open.last_mut()) {
            ("testsuites" | "testsuite", None) => Open::Suite(self.open_suite(element)?),
            (root, None) => return Err(JunitError::NotJunit { root: shown(root) }),
            ("testsuite", Some(Open::Suite(parent))) => {
                parent.is_frame = true;
                Open::Suite(self.open_suite(element)?)
            }
            ("testcase", Some(Open::Suite(_))) => Open::Case(self.open_case(element)?),
            ("failure" | "error" | "skipped", Some(Open::Case(case))) => {
                case.note(&element.name);
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
        let place = self.suites.len();
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
        Ok(OpenSuite {
            name: cut(name),
            said,
            place,
            own: Tally::default(),
            below: Tally::default(),
            is_frame: element.name == "testsuites",
        })
    }

    fn open_case(&mut self, element: &Element) -> Result<OpenCase, JunitError> {
        if self.cases == CASES_MAX {
            return Err(JunitError::TooMany {
                what: "test cases",
                maximum: CASES_MAX,
            });
        }
        self.cases += 1;
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

    pub(super) fn close(&mut self) -> Result<(), JunitError> {
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
        let has_line = suite.own.tests > 0 || !suite.is_frame;
        if let Some(line) = self.suites.get_mut(suite.place).filter(|_| has_line) {
            *line = Some(Suite::new(suite.name, &suite.own));
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

    pub(super) fn into_facts(self) -> Facts {
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
    fn note(&mut self, result: &str) {
        match result {
            "failure" => self.failures += 1,
            "error" => self.errors += 1,
            _ => self.skipped += 1,
        }
    }

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

/// Reads seconds such as `0.25` or `1,234.5`. Times inform and prove nothing, so what is no time counts as none.
fn duration(seconds: &str) -> Duration {
    let plain = seconds.trim().replace(',', "");
    plain
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .unwrap_or_default()
}
