//! A suite as JUnit XML, for CI systems: and for `trailmark attest junit`.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::{Suite, Tested};

/// Writes what came of a policy's cases as JUnit XML.
///
/// # Errors
/// When it has no XML form.
pub fn junit(policy: &str, suite: &Suite) -> Result<String, SerializeError> {
    let mut cases = TestSuite::new(policy);
    cases.add_test_cases(suite.cases.iter().map(|case| test_case(policy, case)));
    let mut report = Report::new("trailmark policy test");
    report.add_test_suite(cases);
    report.to_string()
}

fn test_case(policy: &str, case: &Tested) -> TestCase {
    let status = if let Some(found) = &case.disagrees {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status
            .set_message("the interpreter reads the policy otherwise than the sandbox")
            .set_description(found.as_str());
        status
    } else if case.result.passed() {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let place = &case.result.place;
        status
            .set_message(format!("{place}: not as expected"))
            .set_description(case.result.diff());
        status
    };
    let mut written = TestCase::new(case.result.name.as_str(), status);
    written.set_classname(policy);
    if !case.prints.is_empty() {
        written.set_system_out(case.prints.join("\n"));
    }
    written
}
