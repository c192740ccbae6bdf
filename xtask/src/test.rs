//! Every check that a change must pass, in the order in which they fail fastest.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

use crate::{
    aws::{self, Servers, Tools, template},
    guests, lint, process, readme,
    steps::Steps,
    tools, wasm,
};

/// The crates that strangers may run anywhere, a browser included.
const PORTABLE: [&str; 2] = ["trailmark-model", "trailmark-journal"];

/// What is compiled and run: unit and integration tests, and the programs they start. Benchmarks are not run.
const TARGETS: [&str; 5] = ["--workspace", "--locked", "--lib", "--bins", "--tests"];

const STEPS: usize = 8;
const STEPS_OF_AWS: usize = 4;

#[derive(clap::Args)]
pub struct Options {
    /// Leave a part out, and say so in the last line
    #[arg(long, value_name = "PART")]
    without: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The second home: needs Java, Maven and Python
    Aws,
}

/// Runs all steps; the first that fails ends it.
pub fn run(root: &Path, options: &Options) -> Result<()> {
    let with_aws = options.without != Some(Part::Aws);
    tools::format_and_lint(root)?;
    tools::c_compiler()?;
    if with_aws {
        tools::java_maven_and_python()?;
    }
    let mut steps = Steps::of(STEPS + if with_aws { STEPS_OF_AWS } else { 0 });
    steps.step("format", || lint::format(root))?;
    if with_aws {
        infrastructure(root, &mut steps)?;
    }
    steps.step("guests", || guests::build(root))?;
    steps.step("clippy", || lint::clippy(root))?;
    // Tests and programs in one command: with the same features, nothing is compiled twice.
    steps.step("build", || {
        process::run(process::cargo(root).arg("build").args(TARGETS))
    })?;
    steps.step("tests", || tests(root, with_aws))?;
    steps.step("documentation tests", || {
        process::run(process::cargo(root).args(["test", "--workspace", "--locked", "--doc"]))
    })?;
    steps.step("model and journal for WebAssembly", || portable(root))?;
    steps.step("commands of the README", || readme::check(root))?;
    steps.finish("test");
    if !with_aws {
        println!("left out (--without aws): DynamoDB, S3, the functions on them, infra/");
    }
    Ok(())
}

fn infrastructure(root: &Path, steps: &mut Steps) -> Result<()> {
    let tools = steps.step("tools for AWS", || Tools::installed(root))?;
    steps.step("sam validate", || template::sam_validate(root, &tools))?;
    steps.step("cfn-lint", || template::cfn_lint(root, &tools))?;
    steps.step("checkov", || template::checkov(root, &tools))
}

/// Runs the tests beside the servers that play AWS; those that need one fail without it, or are told that it is left out.
fn tests(root: &Path, with_aws: bool) -> Result<()> {
    let mut cargo = process::cargo(root);
    cargo.arg("test").args(TARGETS).arg("--no-fail-fast");
    if !with_aws {
        aws::hide(&mut cargo);
        return process::run(&mut cargo);
    }
    let servers = Servers::start(root)?;
    servers.show(&mut cargo);
    process::run(&mut cargo)
}

fn portable(root: &Path) -> Result<()> {
    let toolchain = wasm::Toolchain::find()?;
    println!("{}", toolchain.describe());
    let mut cargo = toolchain.cargo("check", root, &root.join("target/wasm"));
    for package in PORTABLE {
        cargo.args(["--package", package]);
    }
    process::run(cargo.args(["--lib", "--locked"]))
}
