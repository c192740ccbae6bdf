mod watch;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use policy::Sandbox;
use serde::Serialize;
use workbench::{Cases, Coverage, Folder, Suite, Tested, junit};

use crate::command::Global;
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::file;
use crate::output::{Page, printable};
use crate::workshop::{self, unexplained};

/// Runs a policy's cases in the sandbox that decides, and shows what came out differently.
///
/// Exits with 0 when every case came out as it should, and with 1 when one did not or could not be run.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The policy: its folder, or a file that ends in `.rego` or `.wasm`.
    #[arg(default_value = ".")]
    policy: PathBuf,
    /// The cases [default: `cases.yaml` beside the policy].
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    /// Runs only the cases whose names contain this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Writes the results as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Says which lines and rules of Rego no case reached.
    #[arg(long)]
    coverage: bool,
    /// Fails when the cases reach less of the lines of Rego than this.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    coverage_min: Option<u8>,
    /// Runs them again whenever a file changes, until Ctrl-C.
    #[arg(long)]
    watch: bool,
}

/// What is printed of a run.
#[derive(Serialize)]
struct Ran<'a> {
    policy: String,
    passed: usize,
    failed: usize,
    cases: Vec<Line<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<&'a Coverage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unexplained: Option<&'a str>,
}

/// What is printed of a case.
#[derive(Serialize)]
struct Line<'a> {
    case: &'a str,
    place: String,
    passed: bool,
    fuel: u64,
    memory_bytes: u64,
    outcome: &'a policy::Outcome,
    #[serde(skip_serializing_if = "String::is_empty")]
    diff: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    prints: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interpreter: Option<&'a str>,
}

impl Test {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let sandbox = workshop::sandbox()?;
        if !self.watch {
            return self.once(global, &sandbox);
        }
        let mut changes = watch::Changes::of(&self)?;
        loop {
            // What cannot be run now may be right after the next change.
            if let Err(error) = self.once(global, &sandbox) {
                failure::report(&error);
            }
            crate::output::note("waiting for a change; Ctrl-C ends");
            changes.wait()?;
        }
    }

    fn once(&self, global: &Global, sandbox: &Sandbox) -> Result<Exit> {
        let folder = workshop::open(&self.policy)?;
        let suite = self.suite(&folder, sandbox)?;
        if let Some(path) = &self.junit {
            let xml = junit(folder.name().as_str(), &suite).context("could not write JUnit")?;
            file::write(path, xml.as_bytes())?;
        }
        let wanted = self.coverage || self.coverage_min.is_some();
        let coverage = suite.coverage.as_ref().filter(|_| wanted);
        if wanted && coverage.is_none() && suite.unexplained.is_none() {
            let what = "lines are counted for Rego alone, and this policy is a component";
            return Err(Failure::usage(what).into());
        }
        let failed = suite.failed();
        let ran = Ran {
            policy: folder.name().to_string(),
            passed: suite.cases.len() - failed,
            failed,
            cases: suite.cases.iter().map(Line::of).collect(),
            coverage,
            unexplained: suite.unexplained.as_deref(),
        };
        global.output().answer(&ran, |page| ran.write(page))?;
        let reached = coverage.map(Coverage::percent).zip(self.coverage_min);
        match reached {
            _ if failed > 0 => Ok(Exit::Failed),
            Some((percent, min)) if percent < usize::from(min) => {
                let what = format!("the cases reach {percent} % of the lines, less than {min} %");
                Err(Failure::new(Exit::Failed, what).into())
            }
            None if self.coverage_min.is_some() => {
                let what = "how many lines the cases reach is not known";
                Err(Failure::new(Exit::Failed, what).into())
            }
            _ => Ok(Exit::Done),
        }
    }

    fn suite(&self, folder: &Folder, sandbox: &Sandbox) -> Result<Suite> {
        let path = self.cases.clone().unwrap_or_else(|| folder.cases_path());
        let cases = Cases::open(&path).map_err(|error| {
            Failure::new(Exit::Failed, "there are no cases to run").because(error)
        })?;
        let policy = workshop::prepare(sandbox, folder)?;
        let modules = folder.modules().map_err(workshop::wrong_folder)?;
        let filter = self.filter.as_deref().unwrap_or_default();
        let chosen: Vec<_> = cases
            .iter()
            .filter(|case| case.name.contains(filter))
            .collect();
        if chosen.is_empty() {
            let what = format!("no case has `{filter}` in its name");
            return Err(Failure::usage(what).into());
        }
        Ok(Suite::run(&policy, modules.as_ref(), chosen)?)
    }
}

impl<'a> Line<'a> {
    fn of(case: &'a Tested) -> Self {
        let result = &case.result;
        Self {
            case: &result.name,
            place: result.place.to_string(),
            passed: case.passed(),
            fuel: result.evaluation.fuel,
            memory_bytes: result.evaluation.memory_bytes,
            outcome: &result.evaluation.outcome,
            diff: result.diff(),
            prints: &case.prints,
            said: case.said.as_deref(),
            interpreter: case.disagrees.as_deref(),
        }
    }

    fn write(&self, page: &mut Page) {
        let name = printable(self.case);
        if self.passed {
            page.line(format!("{}  {name}", page.style.good("ok")));
        } else {
            let failed = page.style.bad("FAILED");
            page.line(format!("{failed}  {}: {name}", printable(&self.place)));
        }
        for said in self.prints {
            page.line(format!("    print {}", printable(said)));
        }
        for line in self.diff.lines().map(printable) {
            let line = match line.get(..1) {
                Some("-") => page.style.bad(&line),
                Some("+") => page.style.good(&line),
                _ => line,
            };
            page.line(format!("    {line}"));
        }
        for line in self
            .said
            .filter(|_| !self.passed)
            .into_iter()
            .flat_map(str::lines)
        {
            page.line(format!("    {}", printable(line)));
        }
        if let Some(found) = self.interpreter {
            page.line("    the verdict is the sandbox's; the interpreter, which only says what is printed and reached,");
            page.line("    read the policy otherwise: please report it. It found");
            for line in found.lines() {
                page.line(format!("      {}", printable(line)));
            }
        }
    }
}

impl Ran<'_> {
    fn write(&self, page: &mut Page) {
        for case in &self.cases {
            case.write(page);
        }
        for line in self.unexplained.into_iter().flat_map(unexplained) {
            page.line(line);
        }
        for file in self.coverage.iter().flat_map(|coverage| &coverage.files) {
            let (rules, missed) = (file.rules, file.missed_rules.len());
            page.line(format!(
                "{}: {} % of {} lines, {} of {rules} rules",
                printable(&file.path),
                file.percent(),
                file.lines,
                rules - missed,
            ));
            for rule in &file.missed_rules {
                page.line(format!(
                    "    line {}: no case reaches `{}`",
                    rule.line,
                    printable(&rule.name)
                ));
            }
            if !file.missed_lines.is_empty() {
                let lines: Vec<_> = file.missed_lines.iter().map(ToString::to_string).collect();
                page.line(format!("    no case reaches lines {}", lines.join(", ")));
            }
        }
        let said = format!(
            "{}: {} passed, {} failed",
            self.policy, self.passed, self.failed
        );
        let said = if self.failed == 0 {
            page.style.good(&said)
        } else {
            page.style.bad(&said)
        };
        page.line(said);
    }
}
