//! The same control in every language that there is a template of: what it weighs, and what it takes.
//!
//! `cargo xtask bench languages` builds it as in a release, installs the languages' tools and prints the table of
//! `policies/README.md`; `--quick` builds it as for tests, with little of everything.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that cannot begin has nothing to measure, and it talks to a person"
)]

#[path = "../../policy/benches/policy/dossier.rs"]
mod dossier;

use std::env;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use policy::{
    Cache, Config, DossierInput, Evaluation, Limits, PolicyForm, PolicySource, Prepared, Sandbox,
    Times,
};
use workbench::{Folder, Language, bench, build, template};

/// Where `cargo xtask` installed the languages' tools.
const TOOLS: &str = "TRAILMARK_TEST_LANGUAGES";
const LANGUAGES: [(&str, Language); 5] = [
    ("Rego", Language::Rego),
    ("C", Language::C),
    ("Rust", Language::Rust),
    ("JavaScript", Language::Javascript),
    ("Python", Language::Python),
];
/// Attestations in a dossier.
const SIZES: [u64; 2] = [10, 50];

fn main() {
    let given = |name: &str| env::args().any(|argument| argument == name);
    // Run as a test, there is nothing to do.
    if !given("--bench") {
        return;
    }
    let seconds_each = if given("--quick") { 0.2 } else { 2.0 };
    let inputs = SIZES.map(dossier::input);
    let empty = bench::empty(&sandbox(None)).unwrap();
    println!(
        "| language | size | compiled, s | loaded, ms | instance, µs | 10 attestations, µs | 50 attestations, µs | fuel | memory |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    row("(nothing)", &["-", "-", "-"], &empty, &inputs, seconds_each);
    for (name, language) in LANGUAGES {
        let source = built(language);
        let size = format!("{} KB", source.bytes().len().div_ceil(1_000));
        let (prepared, [compiled, loaded]) = made(&source);
        let compiled = format!("{:.2}", compiled.as_secs_f64());
        let loaded = format!("{:.1}", micros(loaded) / 1e3);
        row(
            name,
            &[&size, &compiled, &loaded],
            &prepared,
            &inputs,
            seconds_each,
        );
    }
}

/// Builds the policy of a template with the tools of its language.
fn built(language: Language) -> PolicySource {
    let below = tempfile::tempdir().unwrap();
    let path = below.path().join("tested");
    template::create(&"tested".parse().unwrap(), language, &path).unwrap();
    let tools = |from: &str, to: &str| {
        let tools = env::var_os(TOOLS).unwrap();
        symlink(Path::new(&tools).join(from), path.join(to)).unwrap();
    };
    match language {
        Language::Rust => tools("rust", "target"),
        Language::Javascript => tools("javascript/node_modules", "node_modules"),
        Language::Python => tools("python", ".venv"),
        _ => {}
    }
    let folder = Folder::open(&path).unwrap();
    build(&folder).unwrap();
    folder.source().unwrap()
}

/// Makes a policy ready twice: with nothing compiled yet but the engine for Rego, and from what was kept on disk.
fn made(source: &PolicySource) -> (Prepared, [Duration; 2]) {
    let kept = tempfile::tempdir().unwrap();
    let [first, second] = [sandbox(Some(kept.path())), sandbox(Some(kept.path()))];
    if source.form() == PolicyForm::Rego {
        bench::empty(&first).unwrap();
    }
    let started = Instant::now();
    first.prepare(source).unwrap();
    let compiled = started.elapsed();
    let started = Instant::now();
    let prepared = second.prepare(source).unwrap();
    (prepared, [compiled, started.elapsed()])
}

fn sandbox(kept: Option<&Path>) -> Sandbox {
    let cache = kept.map(|folder| Cache::in_folder(folder, [7; 32]));
    let config = Config {
        cache,
        ..Config::default()
    };
    Sandbox::new(config).unwrap()
}

fn row(
    name: &str,
    made: &[&str; 3],
    policy: &Prepared,
    inputs: &[DossierInput; 2],
    seconds_each: f64,
) {
    let [few, many] = inputs
        .each_ref()
        .map(|input| median(policy, input, seconds_each));
    println!(
        "| {name} | {} | {:.0} | {:.0} | {:.0} | {:.2} million | {:.1} MB |",
        made.join(" | "),
        few.begin,
        few.whole,
        many.whole,
        millions(few.evaluation.fuel),
        millions(few.evaluation.memory_bytes),
    );
}

/// Half of the evaluations took at most so long, µs.
struct Median {
    begin: f64,
    whole: f64,
    evaluation: Evaluation,
}

fn median(policy: &Prepared, input: &DossierInput, seconds: f64) -> Median {
    let limits = Limits::default();
    let evaluate = || policy.evaluate_timed(input, "{}", &limits);
    let (evaluation, _) = evaluate();
    let started = Instant::now();
    let mut times = Vec::new();
    while times.is_empty() || started.elapsed().as_secs_f64() < seconds {
        times.push(evaluate().1);
    }
    let middle = |part: fn(&Times) -> Duration| {
        let mut all: Vec<Duration> = times.iter().map(part).collect();
        all.sort_unstable();
        micros(all[all.len() / 2])
    };
    Median {
        begin: middle(|time| time.begin),
        whole: middle(|time| time.begin + time.call + time.end),
        evaluation,
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "it is printed with two digits")]
fn millions(count: u64) -> f64 {
    count as f64 / 1e6
}
