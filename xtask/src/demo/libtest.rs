//! What Rust's test runner prints, read back.
//!
//! The stable runner writes no report of its own; its lines (`running 2 tests`, `test NAME ... ok`, `test result: …`)
//! have been the same for years, and its totals say whether every line was understood.

use anyhow::{Context, Result, bail};

/// The tests of one program.
#[derive(Debug, Default, PartialEq)]
pub struct Suite {
    pub name: String,
    pub cases: Vec<Case>,
    /// As the runner printed it, in seconds.
    pub seconds: String,
}

/// One test.
#[derive(Debug, PartialEq)]
pub struct Case {
    pub name: String,
    pub outcome: Outcome,
}

/// How a test ended.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    Passed,
    /// With what the test printed.
    Failed(String),
    /// With the reason, which may be empty.
    Skipped(String),
}

/// Reads the output of `cargo test`, standard error included: it names the programs.
pub fn parse(output: &str) -> Result<Vec<Suite>> {
    let mut suites = Vec::new();
    let mut current = Suite::default();
    let mut lines = output.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(name) = program(line) {
            current = Suite {
                name,
                ..Suite::default()
            };
        } else if let Some(case) = case(line) {
            current.cases.push(case);
        } else if let Some(test) = line
            .strip_prefix("---- ")
            .and_then(|rest| rest.strip_suffix(" stdout ----"))
        {
            let mut printed = String::new();
            while let Some(line) =
                lines.next_if(|line| !line.starts_with("---- ") && *line != "failures:")
            {
                printed.push_str(line);
                printed.push('\n');
            }
            explain(&mut current, test, printed.trim());
        } else if let Some(result) = line.strip_prefix("test result: ") {
            suites.push(close(std::mem::take(&mut current), result)?);
        }
    }
    if suites.is_empty() {
        bail!("the test runner printed no result");
    }
    Ok(suites)
}

/// `Running unittests src/lib.rs (target/debug/deps/NAME-HASH)` or `Doc-tests NAME`.
fn program(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{name} (documentation)"));
    }
    let (_, path) = line.strip_prefix("Running ")?.rsplit_once('(')?;
    let file = path.strip_suffix(')')?.rsplit('/').next()?;
    Some(
        file.rsplit_once('-')
            .map_or(file, |(name, _)| name)
            .to_owned(),
    )
}

/// `test NAME ... ok`, `… FAILED`, `… ignored` or `… ignored, REASON`.
fn case(line: &str) -> Option<Case> {
    let (name, ended) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let outcome = match ended {
        "ok" => Outcome::Passed,
        "FAILED" => Outcome::Failed(String::new()),
        _ => Outcome::Skipped(
            ended
                .strip_prefix("ignored")?
                .trim_start_matches(", ")
                .to_owned(),
        ),
    };
    Some(Case {
        name: name.trim_end_matches(" - should panic").to_owned(),
        outcome,
    })
}

fn explain(suite: &mut Suite, test: &str, printed: &str) {
    for case in suite.cases.iter_mut().filter(|case| case.name == test) {
        if let Outcome::Failed(text) = &mut case.outcome {
            printed.clone_into(text);
        }
    }
}

/// `ok. 2 passed; 0 failed; 1 ignored; 0 measured; 5 filtered out; finished in 0.01s`.
fn close(mut suite: Suite, result: &str) -> Result<Suite> {
    let number = |word: &str| -> Result<usize> {
        let part = result
            .split(['.', ';'])
            .find_map(|part| part.trim().strip_suffix(word));
        let part = part.with_context(|| format!("`{result}` does not say how many{word}"))?;
        part.trim()
            .parse()
            .with_context(|| format!("`{part}` is not a number of tests"))
    };
    let counted = number(" passed")? + number(" failed")? + number(" ignored")?;
    if counted != suite.cases.len() {
        bail!(
            "`{}` ran {counted} tests but {} were named",
            suite.name,
            suite.cases.len()
        );
    }
    let seconds = result
        .rsplit_once("finished in ")
        .and_then(|(_, time)| time.strip_suffix('s'));
    suite.seconds = seconds.unwrap_or("0").to_owned();
    Ok(suite)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
   Compiling trailmark-model v0.1.0
     Running unittests src/lib.rs (target/debug/deps/trailmark_model-0a1b2c3d)

running 4 tests
test name::tests::a_name_is_short ... ok
test name::tests::it_panics - should panic ... ok
test slow ... ignored, needs a disk
test entry::tests::it_fails ... FAILED

failures:

---- entry::tests::it_fails stdout ----

thread 'entry::tests::it_fails' panicked at crates/model/src/entry.rs:9:5:
left < right

failures:
    entry::tests::it_fails

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.12s

   Doc-tests trailmark_model

running 0 tests

test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn every_kind_of_ending_is_read() {
        let suites = parse(OUTPUT).unwrap();
        let names: Vec<_> = suites
            .iter()
            .map(|suite| (suite.name.as_str(), suite.seconds.as_str()))
            .collect();
        assert_eq!(
            names,
            [
                ("trailmark_model", "0.12"),
                ("trailmark_model (documentation)", "0.00")
            ]
        );
        let outcomes: Vec<_> = suites[0]
            .cases
            .iter()
            .map(|case| (case.name.as_str(), &case.outcome))
            .collect();
        let printed = "thread 'entry::tests::it_fails' panicked at crates/model/src/entry.rs:9:5:\nleft < right";
        assert_eq!(
            outcomes,
            [
                ("name::tests::a_name_is_short", &Outcome::Passed),
                ("name::tests::it_panics", &Outcome::Passed),
                ("slow", &Outcome::Skipped("needs a disk".to_owned())),
                (
                    "entry::tests::it_fails",
                    &Outcome::Failed(printed.to_owned())
                ),
            ]
        );
    }

    #[test]
    fn a_line_that_was_not_understood_is_an_error_not_a_lost_test() {
        let garbled = OUTPUT.replace("test slow ... ignored", "garbage test slow ... ignored");
        let error = parse(&garbled).unwrap_err().to_string();
        assert_eq!(error, "`trailmark_model` ran 4 tests but 3 were named");
    }

    #[test]
    fn output_without_a_result_is_an_error() {
        assert!(parse("error: could not compile `trailmark-model`").is_err());
    }
}
