//! Policies of every size over dossiers of every size, beside their floors, as ratios of one run.
//!
//! `cargo xtask bench policy` builds it as in a release; `--quick` as for tests, with little of everything; `--long` makes
//! a million evaluations to see whether memory grows. `--only NAME` leaves the others out; `--engine PATH` takes another
//! engine.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark that cannot begin has nothing to measure, and it talks to a person"
)]

#[expect(dead_code, reason = "it is what tests need, too")]
#[path = "../../tests/suite/support/component.rs"]
mod component;
mod dossier;
mod floors;
mod measure;
mod native;
mod peers;
mod policies;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs, thread};

use measure::{Parts, micros, on_processor, parts, resident, sample};
use native::Native;
use policies::{EMPTY, Policy, SIX, policies};
use policy::{Cache, Config, DossierInput, Limits, PolicyForm, PolicySource, Sandbox, stock};

/// Attestations in a dossier.
const SIZES: [u64; 4] = [10, 50, 100, 1_000];

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    seconds_each: f64,
    evaluations: u64,
}

fn main() {
    let given = |name: &str| env::args().any(|argument| argument == name);
    // Run as a test, there is nothing to do.
    if !given("--bench") {
        return;
    }
    let effort = Effort {
        seconds_each: if given("--quick") { 0.15 } else { 1.0 },
        evaluations: match (given("--long"), given("--quick")) {
            (true, _) => 1_000_000,
            (false, true) => 2_000,
            (false, false) => 50_000,
        },
    };
    let after = |name: &str| env::args().skip_while(|argument| argument != name).nth(1);
    let engine: Option<Arc<[u8]>> = after("--engine").map(|path| fs::read(path).unwrap().into());
    let only = after("--only").unwrap_or_default();
    let cache = tempfile::tempdir().unwrap();
    let sandbox = || {
        let cache = Cache::in_folder(cache.path(), [7; 32]);
        let config = Config {
            cache: Some(cache),
            engine: engine.clone(),
            ..Config::default()
        };
        Sandbox::new(config).unwrap()
    };
    if let Ok(load) = fs::read_to_string("/proc/loadavg") {
        println!("load of the machine: {load}");
    }
    first(&sandbox);
    let inputs: Vec<DossierInput> = SIZES.map(dossier::input).into();
    making();
    let sandbox = sandbox();
    let mut policies = policies(&sandbox);
    policies.retain(|policy| policy.name.contains(&only));
    warm(&sandbox, &policies, &inputs, effort);
    peers::all(&sandbox, effort.seconds_each);
    rates(&policies, effort);
    growth(&policies, effort);
}

/// What happens before the first verdict: with nothing compiled yet, and with images in the cache.
fn first(sandbox: &impl Fn() -> Sandbox) {
    println!("before the first verdict, ms      prepare cold   prepare cached   first evaluation");
    let input = dossier::input(10);
    let component = stock::seed("unit-tested", PolicyForm::Component).unwrap();
    let rego = PolicySource::Rego(SIX.into());
    for (name, source) in [
        ("component", component.source()),
        ("rego, 6 controls", rego),
    ] {
        let started = Instant::now();
        black_box(sandbox().prepare(&source).unwrap());
        let cold = started.elapsed();
        let warm = sandbox();
        let started = Instant::now();
        let policy = warm.prepare(&source).unwrap();
        let cached = started.elapsed();
        let started = Instant::now();
        black_box(policy.evaluate(&input, "{}", &Limits::default()));
        let evaluation = started.elapsed();
        println!(
            "{name:32} {:14.1} {:16.1} {:18.2}",
            micros(cold) / 1e3,
            micros(cached) / 1e3,
            micros(evaluation) / 1e3
        );
    }
}

/// What is done once per decision, whatever the number of policies.
fn making() {
    println!("\nmaking the input, µs, once per decision: canonical JSON, records, flat document");
    for size in SIZES {
        let dossier = dossier::dossier(size);
        let made = sample(0.1, || {
            black_box(DossierInput::new(&dossier).unwrap());
        });
        let bytes = DossierInput::new(&dossier).unwrap().canonical().len();
        println!("{size:6} attestations, {bytes:8} bytes: {:9.1}", made.p50);
    }
}

fn warm(sandbox: &Sandbox, policies: &[Policy], inputs: &[DossierInput], effort: Effort) {
    let empty = sandbox.prepare(&PolicySource::Rego(EMPTY.into())).unwrap();
    let silent = [floors::component(sandbox), floors::engine()];
    let limits = Limits::default();
    lifting(sandbox, effort);
    println!(
        "\n{:26}{:>6}{:>10}{:>10}{:>8}{:>8}{:>10}{:>8}{:>10}{:>8}{:>11}",
        "warm, µs", "size", "p50", "p99", "begin", "lower", "run", "end", "native", "ratio", "fuel"
    );
    for (size, input) in SIZES.iter().zip(inputs) {
        let floors = silent
            .each_ref()
            .map(|floor| parts(floor, input, effort.seconds_each));
        row("floor: silent component", *size, &floors[0], 0.0, None);
        row("floor: silent engine", *size, &floors[1], 0.0, None);
        let floor = parts(&empty, input, effort.seconds_each);
        row("floor: empty rego", *size, &floor, floors[1].call, None);
        for policy in policies {
            let evaluation = policy.prepared.evaluate(input, "{}", &limits);
            assert!(evaluation.allows(), "{}: {evaluation:?}", policy.name);
            let measured = parts(&policy.prepared, input, effort.seconds_each);
            let native = policy.source.as_deref().map(|source| {
                let mut native = Native::compile(&[source], None);
                assert!(native.run(input.canonical()).contains("\"allow\":true"));
                let measured = sample(effort.seconds_each, || {
                    black_box(native.run(input.canonical()));
                });
                measured.p50
            });
            let lower = floors[usize::from(native.is_some())].call;
            row(policy.name, *size, &measured, lower, native);
            if let Some(aim) = aim(policy, *size, native)
                && measured.whole.p50 > aim
            {
                println!("    the aim is {aim:.0}: missed");
            }
        }
    }
}

/// What a verdict costs to take over, beyond its first finding.
fn lifting(sandbox: &Sandbox, effort: Effort) {
    let input = dossier::input(1);
    let call = |findings: usize| {
        let all = vec![("control", 0, "as its rule says", &[][..]); findings];
        let policy = sandbox.prepare(&component::answering(true, &all)).unwrap();
        parts(&policy, &input, effort.seconds_each).call
    };
    println!(
        "\nto lift a finding, µs: {:.2}",
        (call(101) - call(1)) / 100.0
    );
}

/// The aim for one policy over one dossier, µs.
fn aim(policy: &Policy, size: u64, native: Option<f64>) -> Option<f64> {
    match (native, size) {
        (None, 10) => Some(30.0),
        (None, 50) => Some(50.0),
        (Some(_), 50) if policy.name.contains("6 controls") => Some(350.0),
        (Some(native), 10) => Some((native * 2.0).min(100.0)),
        (Some(native), _) => Some(native * 2.0),
        (None, _) => None,
    }
}

/// Prints a policy's parts; `lower` is what a guest that looks at nothing is called for.
fn row(name: &str, size: u64, parts: &Parts, lower: f64, native: Option<f64>) {
    let (floor, ratio) = native.map_or_else(
        || ("-".into(), "-".into()),
        |native| {
            (
                format!("{native:.1}"),
                format!("{:.2}", parts.whole.p50 / native),
            )
        },
    );
    let (lower, run) = match lower > 0.0 {
        true => (lower, (parts.call - lower).max(0.0)),
        false => (parts.call, 0.0),
    };
    println!(
        "{name:26}{size:>6}{:>10.1}{:>10.1}{:>8.1}{lower:>8.1}{run:>10.1}{:>8.1}{floor:>10}{ratio:>8}{:>11}",
        parts.whole.p50, parts.whole.p99, parts.begin, parts.end, parts.fuel
    );
}

/// Decisions per second of processor time as `impact` and `replay` make them: different dossiers, one policy each, on all cores.
fn rates(policies: &[Policy], effort: Effort) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let inputs: Vec<DossierInput> = (8..16).map(dossier::input).collect();
    println!("\ndecisions per second over 8 to 15 attestations, 1 thread and {cores}");
    for policy in policies {
        let [one, all] = [1, cores].map(|threads| rate(policy, &inputs, threads, effort));
        let aim = if policy.source.is_some() {
            3_000.0
        } else {
            20_000.0
        };
        let missed = if one < aim {
            format!("; the aim is {aim:.0}: missed")
        } else {
            String::new()
        };
        println!("{:26}{one:>10.0}{all:>10.0}{missed}", policy.name);
    }
}

fn rate(policy: &Policy, inputs: &[DossierInput], threads: usize, effort: Effort) -> f64 {
    let limits = Limits::default();
    let started = Instant::now();
    let work = || {
        let mut done = 0_u32;
        let begun = on_processor();
        while started.elapsed().as_secs_f64() < effort.seconds_each {
            for input in inputs {
                black_box(policy.prepared.evaluate(input, "{}", &limits));
                done += 1;
            }
        }
        f64::from(done) / on_processor().saturating_sub(begun).as_secs_f64()
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    })
}

/// Whether memory grows over many evaluations.
fn growth(policies: &[Policy], effort: Effort) {
    let limits = Limits::default();
    let input = dossier::input(10);
    println!(
        "\nresident memory, MB, before and after {} evaluations of each",
        effort.evaluations
    );
    for policy in policies {
        for _ in 0..effort.evaluations / 10 {
            black_box(policy.prepared.evaluate(&input, "{}", &limits));
        }
        let before = resident();
        for _ in 0..effort.evaluations {
            black_box(policy.prepared.evaluate(&input, "{}", &limits));
        }
        let (before, after) = (before.unwrap_or_default(), resident().unwrap_or_default());
        println!("{:26}{before:>10.1}{after:>10.1}", policy.name);
    }
}
