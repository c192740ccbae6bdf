//! Reports and templates that several tests use.

pub const TEMPLATE: &str = "\
required:
  - { type: junit, name: unit-tests, subject: artifact }
  - { type: sarif, name: security-scan, subject: artifact }
";

pub const JUNIT: &str =
    r#"<testsuite name="sums"><testcase name="one and one is two"/></testsuite>"#;

/// A SARIF report with as many findings as there are levels.
pub fn sarif(levels: &[&str]) -> String {
    let results: Vec<_> = levels
        .iter()
        .map(|level| {
            format!(r#"{{"ruleId":"leak","level":"{level}","message":{{"text":"a key"}}}}"#)
        })
        .collect();
    let results = results.join(",");
    format!(
        r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"scan"}}}},"results":[{results}]}}]}}"#
    )
}
