//! Every check that a change must pass, in the order in which they fail fastest.

use std::{ffi::OsString, path::Path};

use anyhow::Result;
use clap::ValueEnum;

use crate::{
    aws::{self, Servers, Tools, template},
    fuzz::{self, Effort},
    go, guests, languages, lint, process, readme,
    steps::Steps,
    tools, wasm,
};

/// The crates that strangers may run anywhere, a browser included.
const PORTABLE: [&str; 2] = ["trailmark-model", "trailmark-journal"];

/// What is compiled and run: unit and integration tests, and the programs they start. Benchmarks are not run.
const TARGETS: [&str; 5] = ["--workspace", "--locked", "--lib", "--bins", "--tests"];

const STEPS: usize = 10;
/// For each of some fifteen targets: minutes, all in all.
const FUZZ_INPUTS: u64 = 20_000;
const STEPS_OF_AWS: usize = 4;
const STEPS_OF_GO: usize = 1;
const STEPS_OF_LANGUAGES: usize = 1;

#[derive(clap::Args)]
pub struct Options {
    /// Leave a part out, and say so in the last line; may be given more than once
    #[arg(long, value_name = "PART")]
    without: Vec<Part>,
}

impl Options {
    fn with(&self, part: Part) -> bool {
        !self.without.contains(&part)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The second home: needs Java, Maven and Python
    Aws,
    /// What Go programs are asked for: OPA what Rego means, a registry whether it takes policies
    Go,
    /// Policies in other languages: need clang, lld, Node.js and Python
    Languages,
}

impl Part {
    /// What is not tested without it.
    const fn says(self) -> &'static str {
        match self {
            Self::Aws => "(--without aws): DynamoDB, S3, the functions on them, infra/",
            Self::Go => "(--without go): Rego as OPA has it, pushing to a registry",
            Self::Languages => {
                "(--without languages): policies in Rust, JavaScript, Python and C from their templates"
            }
        }
    }
}

/// Runs all steps; the first that fails ends it.
pub fn run(root: &Path, options: &Options) -> Result<()> {
    let with_aws = options.with(Part::Aws);
    tools::format_and_lint(root)?;
    tools::c_compiler()?;
    if with_aws {
        tools::java_maven_and_python()?;
    }
    let parts = [
        (Part::Aws, STEPS_OF_AWS),
        (Part::Go, STEPS_OF_GO),
        (Part::Languages, STEPS_OF_LANGUAGES),
    ];
    let parts = parts.iter().filter(|(part, _)| options.with(*part));
    let count = STEPS + parts.map(|(_, steps)| steps).sum::<usize>();
    let mut steps = Steps::of(count);
    steps.step("format", || lint::format(root))?;
    if with_aws {
        infrastructure(root, &mut steps)?;
    }
    let mut seen = Vec::new();
    if options.with(Part::Go) {
        let programs = steps.step("programs in Go", || go::Programs::installed(root))?;
        seen.extend(programs.environment());
    }
    if options.with(Part::Languages) {
        let languages = steps.step("tools of other languages", || {
            languages::Languages::installed(root)
        })?;
        seen.extend(languages.environment());
    }
    steps.step("guests", || guests::build(root))?;
    steps.step("clippy", || lint::clippy(root))?;
    // Tests and programs in one command: with the same features, nothing is compiled twice.
    steps.step("build", || {
        process::run(process::cargo(root).arg("build").args(TARGETS))
    })?;
    steps.step("tests", || tests(root, with_aws, seen))?;
    steps.step("documentation tests", || {
        process::run(process::cargo(root).args(["test", "--workspace", "--locked", "--doc"]))
    })?;
    steps.step("model and journal for WebAssembly", || portable(root))?;
    steps.step("fuzz: kept inputs", || fuzz::corpus(root))?;
    steps.step("fuzz: new inputs", || {
        fuzz::search(root, Effort::Inputs(FUZZ_INPUTS), &[])
    })?;
    steps.step("commands of the README", || readme::check(root))?;
    steps.finish("test");
    for part in &options.without {
        println!("left out {}", part.says());
    }
    Ok(())
}

fn infrastructure(root: &Path, steps: &mut Steps) -> Result<()> {
    let tools = steps.step("tools for AWS", || Tools::installed(root))?;
    steps.step("sam validate", || template::sam_validate(root, &tools))?;
    steps.step("cfn-lint", || template::cfn_lint(root, &tools))?;
    steps.step("checkov", || template::checkov(root, &tools))
}

/// Runs the tests beside the servers that play AWS, and shows them what else was installed for them; those that need
/// something fail without it, or are told that it is left out.
fn tests(
    root: &Path,
    with_aws: bool,
    seen: impl IntoIterator<Item = (&'static str, OsString)>,
) -> Result<()> {
    let mut cargo = process::cargo(root);
    cargo.arg("test").args(TARGETS).arg("--no-fail-fast");
    aws::hide(&mut cargo);
    cargo.envs(seen);
    if !with_aws {
        return process::run(&mut cargo);
    }
    let servers = Servers::start(root)?;
    cargo.envs(servers.environment());
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
