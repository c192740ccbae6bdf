use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use workbench::Cases;
use workbench::bench::{self, Measured};

use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::printable;
use crate::workshop;

/// Measures a policy on each of its cases, beside a policy that does nothing.
///
/// Both run in turn, in fresh instances: the ratio says what the policy itself takes, on any machine.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// The policy: its folder, or a file that ends in `.rego` or `.wasm`.
    #[arg(default_value = ".")]
    policy: PathBuf,
    /// The cases [default: `cases.yaml` beside the policy].
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    /// How often each case is run.
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    iterations: u32,
}

/// What is printed of a case.
#[derive(Serialize)]
struct Line {
    case: String,
    policy: Measured,
    /// The empty policy in Rego, on the same dossier in the same run.
    empty: Measured,
}

impl Line {
    /// Says how many times as long as the empty policy this one takes.
    fn ratio(&self) -> String {
        let tenths = self.policy.p50_ns.saturating_mul(10) / self.empty.p50_ns.max(1);
        format!("{}.{}", tenths / 10, tenths % 10)
    }
}

impl Bench {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let folder = workshop::open(&self.policy)?;
        let path = self.cases.unwrap_or_else(|| folder.cases_path());
        let cases = Cases::open(&path).map_err(|error| {
            Failure::new(Exit::Failed, "there are no cases to run").because(error)
        })?;
        let sandbox = workshop::sandbox()?;
        let policy = workshop::prepare(&sandbox, &folder)?;
        let empty = bench::empty(&sandbox)?;
        let mut lines = Vec::with_capacity(cases.len());
        for case in &cases {
            let input = case.input()?;
            let parameters = case.parameters_json();
            let [policy, empty] =
                bench::measure([&policy, &empty], &input, &parameters, self.iterations);
            lines.push(Line {
                case: case.name.clone(),
                policy,
                empty,
            });
        }
        global.output().answer(&lines, |page| {
            page.table(
                ["p50 µs", "p99 µs", "× empty", "fuel", "memory KiB", "case"],
                lines.iter().map(|line| {
                    [
                        micros(line.policy.p50_ns),
                        micros(line.policy.p99_ns),
                        line.ratio(),
                        line.policy.fuel.to_string(),
                        (line.policy.memory_bytes / 1_024).to_string(),
                        printable(&line.case),
                    ]
                }),
                "there is no case",
            );
        })?;
        Ok(Exit::Done)
    }
}

fn micros(ns: u64) -> String {
    format!("{}.{}", ns / 1_000, ns % 1_000 / 100)
}
