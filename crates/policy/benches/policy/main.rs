//! Policies of every size over dossiers of every size, beside their floors, as ratios of one run.
//!
//! `cargo xtask bench policy` builds it as in a release; `--quick` as for tests, with little of everything; `--long` makes
//! a million evaluations to see whether memory grows.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark that cannot begin has nothing to measure, and it talks to a person"
)]

mod dossier;
mod native;

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use native::Native;
use policy::{
    Cache, Config, DossierInput, Limits, PolicyForm, PolicySource, Prepared, Sandbox, Times, stock,
};
use rustix::time::{ClockId, clock_gettime};

/// Attestations in a dossier.
const SIZES: [u64; 4] = [10, 50, 100, 1_000];
/// Rego that says nothing: what remains is to instantiate, lower the dossier and read it.
const EMPTY: &str = "package bench.empty\n\nallow := false\n\nfindings := []\n";

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
    let cache = tempfile::tempdir().unwrap();
    let sandbox = || {
        let cache = Cache::in_folder(cache.path(), [7; 32]);
        let config = Config {
            cache: Some(cache),
            ..Config::default()
        };
        Sandbox::new(config).unwrap()
    };
    first(&sandbox);
    let inputs: Vec<DossierInput> = SIZES.map(dossier::input).into();
    making();
    let sandbox = sandbox();
    let policies = policies(&sandbox);
    warm(&sandbox, &policies, &inputs, effort);
    rates(&policies, effort);
    growth(&policies, effort);
}

struct Policy {
    name: &'static str,
    prepared: Prepared,
    /// Rego source, which can also run natively.
    source: Option<String>,
}

fn policies(sandbox: &Sandbox) -> Vec<Policy> {
    let component = |name, control| Policy {
        name,
        prepared: sandbox
            .prepare(
                &stock::seed(control, PolicyForm::Component)
                    .unwrap()
                    .source(),
            )
            .unwrap(),
        source: None,
    };
    let rego = |name, source: String| Policy {
        name,
        prepared: sandbox
            .prepare(&PolicySource::Rego(source.as_str().into()))
            .unwrap(),
        source: Some(source),
    };
    vec![
        component("component, unit-tested", "unit-tested"),
        component("component, four-eyes", "four-eyes"),
        component("component, provenance", "provenance"),
        rego("rego small, 1 control", small()),
        rego("rego medium, 6 controls", include_str!("six.rego").into()),
        rego("rego large, 300 rules", large()),
    ]
}

fn small() -> String {
    let seed = stock::seed("unit-tested", PolicyForm::Rego).unwrap();
    String::from_utf8(seed.source().bytes().to_vec()).unwrap()
}

/// Three hundred rules, each of which looks for one piece of evidence.
fn large() -> String {
    let mut source = String::from(
        "package bench.large\n\ndefault allow := false\n\nallow if count(met) == 300\n\njunit := [a | some a in input.attestations; a.type == \"junit\"]\n\n",
    );
    for rule in 0..300 {
        let _ = writeln!(
            source,
            "met contains {rule} if {{ some a in junit; a.facts.passed > {} }}",
            rule % 90
        );
    }
    source.push_str("\nfindings := [{\"control\": \"all\", \"status\": status, \"reason\": \"as its rules say\", \"entries\": []}]\n\nstatus := \"satisfied\" if allow else := \"failed\"\n");
    source
}

/// What happens before the first verdict: with nothing compiled yet, and with images in the cache.
fn first(sandbox: &impl Fn() -> Sandbox) {
    println!("before the first verdict, ms      prepare cold   prepare cached   first evaluation");
    let input = dossier::input(10);
    let component = stock::seed("unit-tested", PolicyForm::Component).unwrap();
    let rego = PolicySource::Rego(include_str!("six.rego").into());
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
    let limits = Limits::default();
    println!(
        "\n{:26}{:>6}{:>10}{:>10}{:>10}{:>10}{:>8}{:>10}{:>8}{:>10}",
        "warm, µs", "size", "p50", "p99", "begin", "call", "end", "native", "ratio", "fuel"
    );
    for (size, input) in SIZES.iter().zip(inputs) {
        let floor = parts(&empty, input, &limits, effort);
        row("floor: empty rego", *size, &floor, None);
        for policy in policies {
            let evaluation = policy.prepared.evaluate(input, "{}", &limits);
            assert!(evaluation.allows(), "{}: {evaluation:?}", policy.name);
            let measured = parts(&policy.prepared, input, &limits, effort);
            let native = policy.source.as_deref().map(|source| {
                let mut native = Native::compile(source);
                assert!(native.run(input.canonical()).contains("\"allow\":true"));
                let measured = sample(effort.seconds_each, || {
                    black_box(native.run(input.canonical()));
                });
                measured.p50
            });
            row(policy.name, *size, &measured, native);
            if let Some(aim) = aim(policy, *size, native)
                && measured.whole.p50 > aim
            {
                println!("    the aim is {aim:.0}: missed");
            }
        }
    }
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

struct Parts {
    whole: Sample,
    begin: f64,
    call: f64,
    end: f64,
    fuel: u64,
}

fn parts(policy: &Prepared, input: &DossierInput, limits: &Limits, effort: Effort) -> Parts {
    let whole = sample(effort.seconds_each, || {
        black_box(policy.evaluate(input, "{}", limits));
    });
    let mut times: Vec<Times> = Vec::new();
    let mut fuel = 0;
    let started = Instant::now();
    while started.elapsed().as_secs_f64() < effort.seconds_each / 4.0 || times.is_empty() {
        let (evaluation, time) = policy.evaluate_timed(input, "{}", limits);
        fuel = evaluation.fuel;
        times.push(time);
    }
    let middle = |part: fn(&Times) -> Duration| {
        let mut all: Vec<f64> = times.iter().map(|time| micros(part(time))).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    Parts {
        whole,
        begin: middle(|time| time.begin),
        call: middle(|time| time.call),
        end: middle(|time| time.end),
        fuel,
    }
}

fn row(name: &str, size: u64, parts: &Parts, native: Option<f64>) {
    let (floor, ratio) = native.map_or_else(
        || ("-".into(), "-".into()),
        |native| {
            (
                format!("{native:.1}"),
                format!("{:.2}", parts.whole.p50 / native),
            )
        },
    );
    println!(
        "{name:26}{size:>6}{:>10.1}{:>10.1}{:>10.1}{:>10.1}{:>8.1}{floor:>10}{ratio:>8}{:>10}",
        parts.whole.p50, parts.whole.p99, parts.begin, parts.call, parts.end, parts.fuel
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

/// Megabytes that are in memory, where the system says so.
fn resident() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1e3)
}

struct Sample {
    p50: f64,
    p99: f64,
}

/// Measures for so many seconds, after a tenth of that to warm up. It is this thread's time on a processor, so that what
/// else the machine does shows less.
fn sample(seconds: f64, mut work: impl FnMut()) -> Sample {
    let started = Instant::now();
    while started.elapsed().as_secs_f64() < seconds / 10.0 {
        work();
    }
    let mut times = Vec::new();
    let started = Instant::now();
    while started.elapsed().as_secs_f64() < seconds || times.len() < 3 {
        let begun = on_processor();
        work();
        times.push(micros(on_processor().saturating_sub(begun)));
    }
    times.sort_by(f64::total_cmp);
    Sample {
        p50: times[times.len() / 2],
        p99: times[(times.len() as f64 * 0.99) as usize],
    }
}

fn on_processor() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
