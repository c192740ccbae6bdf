//! Test suites as a JUnit report: the form that most build systems understand.

use std::fmt::Write;

use super::libtest::{Case, Outcome, Suite};

/// Writes the report; a suite without tests is left out.
pub fn report(suites: &[Suite]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for suite in suites.iter().filter(|suite| !suite.cases.is_empty()) {
        let (failed, skipped) = (count(suite, is_failed), count(suite, is_skipped));
        let (name, total, seconds) = (
            escaped(&suite.name),
            suite.cases.len(),
            escaped(&suite.seconds),
        );
        // Writing into a string cannot fail.
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{name}\" tests=\"{total}\" failures=\"{failed}\" errors=\"0\" \
             skipped=\"{skipped}\" time=\"{seconds}\">"
        );
        for case in &suite.cases {
            xml.push_str(&element(suite, case));
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn element(suite: &Suite, case: &Case) -> String {
    let (module, name) = case.name.rsplit_once("::").unwrap_or(("", &case.name));
    let class = format!("{}::{module}", suite.name);
    let class = escaped(class.trim_end_matches("::"));
    let open = format!(
        "    <testcase classname=\"{class}\" name=\"{}\"",
        escaped(name)
    );
    match &case.outcome {
        Outcome::Passed => format!("{open}/>\n"),
        Outcome::Failed(text) => format!(
            "{open}><failure message=\"failed\">{}</failure></testcase>\n",
            escaped(text)
        ),
        Outcome::Skipped(why) => format!(
            "{open}><skipped message=\"{}\"/></testcase>\n",
            escaped(why)
        ),
    }
}

fn count(suite: &Suite, is: fn(&Case) -> bool) -> usize {
    suite.cases.iter().filter(|case| is(case)).count()
}

fn is_failed(case: &Case) -> bool {
    matches!(case.outcome, Outcome::Failed(_))
}

fn is_skipped(case: &Case) -> bool {
    matches!(case.outcome, Outcome::Skipped(_))
}

/// Text for XML 1.0, where most control characters cannot be written at all.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            control if control.is_control() => out.push('\u{fffd}'),
            plain => out.push(plain),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_totals_and_one_element_for_each_test() {
        let case = |name: &str, outcome| Case {
            name: name.to_owned(),
            outcome,
        };
        let suite = Suite {
            name: "trailmark_model".to_owned(),
            seconds: "0.12".to_owned(),
            cases: vec![
                case("name::tests::short", Outcome::Passed),
                case(
                    "fails",
                    Outcome::Failed("a < b & \"c\" \u{1b}[0m".to_owned()),
                ),
                case("slow", Outcome::Skipped(String::new())),
            ],
        };
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="trailmark_model" tests="3" failures="1" errors="0" skipped="1" time="0.12">
    <testcase classname="trailmark_model::name::tests" name="short"/>
    <testcase classname="trailmark_model" name="fails"><failure message="failed">a &lt; b &amp; &quot;c&quot; �[0m</failure></testcase>
    <testcase classname="trailmark_model" name="slow"><skipped message=""/></testcase>
  </testsuite>
</testsuites>
"#;
        assert_eq!(report(&[suite, Suite::default()]), expected);
    }
}
