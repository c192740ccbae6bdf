//! The readers of outside formats, over bytes that nobody would write: `tests/fuzz` is a workspace of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::{process, steps::Steps, tools};

/// What libFuzzer needs to see which way the bytes went. Ours alone are compiled with it, never what builds them.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// A reader that takes longer over one input is a finding.
const INPUT_SECONDS_MAX: u64 = 10;
const INPUT_BYTES_MAX: u64 = 16 * 1024;
const MEMORY_MIB_MAX: u64 = 1_024;
/// Beyond the time that a search was given: to start, and to end.
const GRACE: Duration = Duration::from_secs(60);
/// A fixed number of inputs that takes longer than that hangs.
const INPUTS_SECONDS_MAX: u64 = 120;

#[derive(clap::Args)]
pub struct Options {
    /// How long new inputs are looked for, for each target; 0 for the kept ones alone
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u64,
    /// Only these targets [default: all]
    targets: Vec<String>,
}

/// Runs the kept inputs, then looks for new ones.
pub fn run(root: &Path, options: &Options) -> Result<()> {
    tools::c_compiler()?;
    let mut steps = Steps::of(2);
    steps.step("kept inputs", || corpus(root))?;
    let effort = Effort::Seconds(options.seconds);
    steps.step("new inputs", || search(root, effort, &options.targets))?;
    steps.finish("fuzz");
    Ok(())
}

/// How much is tried for each target.
#[derive(Clone, Copy)]
pub enum Effort {
    /// As much as comes to be, led on by what was found before.
    Seconds(u64),
    /// Always the same inputs, made from the kept ones: what holds today does not fail by chance tomorrow.
    Inputs(u64),
}

/// Runs every target over the inputs that are kept, and around each.
pub fn corpus(root: &Path) -> Result<()> {
    let mut cargo = cargo(root, "run");
    process::run(cargo.args(["--release", "--bin", "corpus"]))
}

/// Looks for inputs that reach something new, and for one that breaks a promise; what is found stays below `target`.
pub fn search(root: &Path, effort: Effort, only: &[String]) -> Result<()> {
    if matches!(effort, Effort::Seconds(0)) {
        println!("left out (0 seconds): looking for new inputs");
        return Ok(());
    }
    let Some(host) = libfuzzer() else {
        println!("left out (no C++ compiler, which libFuzzer needs): looking for new inputs");
        return Ok(());
    };
    let mut build = cargo(root, "build");
    build
        .args([
            "--release",
            "--features",
            "search",
            "--bin",
            "search",
            "--target",
            &host,
        ])
        .env("RUSTFLAGS", COVERAGE);
    process::run(&mut build)?;
    let fuzzer = root.join("target/fuzz").join(&host).join("release/search");
    for target in targets(root)? {
        if only.is_empty() || only.contains(&target) {
            search_one(root, &fuzzer, &target, effort)?;
        }
    }
    Ok(())
}

fn search_one(root: &Path, fuzzer: &Path, target: &str, effort: Effort) -> Result<()> {
    let crashes = folder(root, "crashes", target)?;
    let mut command = Command::new(fuzzer);
    command
        .env("TRAILMARK_FUZZ_TARGET", target)
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"))
        .args(["-verbosity=0", "-print_final_stats=1", "-seed=1"]);
    let seconds = match effort {
        Effort::Seconds(seconds) => {
            println!("\n{target}: {seconds} s");
            command.arg(folder(root, "found", target)?);
            command.arg(format!("-max_total_time={seconds}"));
            seconds
        }
        Effort::Inputs(count) => {
            println!("\n{target}: {count} inputs");
            command.arg(format!("-runs={count}"));
            INPUTS_SECONDS_MAX
        }
    };
    command.arg(root.join("tests/fuzz/corpus").join(target));
    let status = process::run_within(&mut command, Duration::from_secs(seconds) + GRACE)?;
    anyhow::ensure!(
        status.success(),
        "target `{target}` broke; the input is in `{}`: keep it in `tests/fuzz/corpus/{target}`, then mend what it found",
        crashes.display()
    );
    Ok(())
}

/// What is found stays below `target`.
fn folder(root: &Path, kind: &str, target: &str) -> Result<PathBuf> {
    let folder = root.join("target/fuzz").join(kind).join(target);
    fs::create_dir_all(&folder)
        .with_context(|| format!("could not create `{}`", folder.display()))?;
    Ok(folder)
}

/// The targets are the folders of the corpus; the kept inputs' run checks that it is so.
fn targets(root: &Path) -> Result<Vec<String>> {
    let corpus = root.join("tests/fuzz/corpus");
    let mut names = fs::read_dir(&corpus)
        .with_context(|| format!("could not read `{}`", corpus.display()))?
        .map(|folder| Ok(folder?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn cargo(root: &Path, command: &str) -> Command {
    let mut cargo = process::cargo(&root.join("tests/fuzz"));
    cargo
        .args([command, "--locked", "--target-dir"])
        .arg(root.join("target/fuzz"));
    cargo
}

/// The host's name, where libFuzzer can be compiled for it.
fn libfuzzer() -> Option<String> {
    let chosen = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    process::text(Command::new(chosen).arg("--version"))?;
    let version = process::text(Command::new("rustc").arg("-vV"))?;
    let mut lines = version.lines();
    let host = lines.find_map(|line| line.strip_prefix("host: "))?;
    Some(host.to_owned())
}
