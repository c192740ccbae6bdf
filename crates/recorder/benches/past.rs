//! How quickly a journal's decisions are made again and another policy is tried on them, and whether that depends on how
//! many there are.
//!
//! `cargo xtask bench policy` builds and runs it. A journal is made, exported, verified and gone through as
//! `policy impact` and `replay --all` do, at two sizes in one run: what one decision costs is compared.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that cannot begin has nothing to measure, and it talks to a person"
)]

#[expect(dead_code, reason = "it is what tests need, too")]
#[path = "../tests/stories/world.rs"]
mod world;

use std::num::NonZero;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use journal::verify::{Pin, VerifiedBundle, open_for_replay};
use model::Fingerprint;
use policy::{PolicyForm, Sandbox, stock};
use recorder::*;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;
use world::{World, name, policies};

/// Attestations about each artifact.
const ATTESTATIONS: usize = 10;
/// Artifacts that are recorded in one go.
const TOGETHER: u32 = 50;

fn main() {
    let given = |name: &str| env::args().any(|argument| argument == name);
    // Run as a test, there is nothing to do.
    if !given("--bench") {
        return;
    }
    let sizes = match given("--quick") {
        true => [50, 500],
        false => [1_000, 10_000],
    };
    let runtime = Runtime::new().unwrap();
    println!(
        "\nthe past, {ATTESTATIONS} attestations a decision: µs of processor time each, decisions a second, MB in memory"
    );
    let mut first: Option<Vec<f64>> = None;
    for decisions in sizes {
        let bundle = runtime.block_on(journal(decisions));
        let costs = measured(&bundle, decisions);
        let Some(small) = &first else {
            first = Some(costs);
            continue;
        };
        let ratios: Vec<String> = costs
            .iter()
            .zip(small)
            .map(|(large, small)| format!("{:.2}", large / small))
            .collect();
        println!(
            "each, of {} to {}: {}",
            sizes[1],
            sizes[0],
            ratios.join(" ")
        );
    }
}

/// Makes a journal with so many decisions, each about another artifact, by one policy; and exports it.
async fn journal(decisions: u32) -> Vec<u8> {
    let world = World::solo().await;
    world
        .bind(world.publish("unit-tested", PolicyForm::Component).await)
        .await;
    for from in (0..decisions).step_by(TOGETHER as usize) {
        let numbers = from..(from + TOGETHER).min(decisions);
        let submissions = numbers.clone().flat_map(events).map(|event| Submission {
            event,
            claimed_ms: None,
            idempotency: None,
        });
        for submissions in submissions.collect::<Vec<_>>().chunks(8) {
            let recorded = world.recorder.record(&world.ci, submissions.to_vec());
            recorded.await.unwrap();
        }
        for number in numbers {
            let question = DecideRequest {
                fingerprint: fingerprint(number),
                ..world::question(0)
            };
            world.recorder.decide(&world.ci, &question).await.unwrap();
        }
    }
    let exported = world.recorder.export_journal(&world.ci, Vec::new());
    exported.await.unwrap()
}

fn fingerprint(number: u32) -> Fingerprint {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Fingerprint(bytes)
}

/// A trail, an artifact, and what is attested of it.
fn events(number: u32) -> Vec<Event> {
    let trail = format!("trail-{number}");
    let begun = Event::Trail(BeginTrail {
        build_url: None,
        commit: None,
        flow: name("payments"),
        repository: None,
        trail: name(&trail),
    });
    let mut artifact = world::artifact(&trail, 1, "email:alice@example.com", None);
    if let Event::Artifact(artifact) = &mut artifact {
        artifact.fingerprint = fingerprint(number);
    }
    let attested = (1..ATTESTATIONS).map(|at| {
        let mut event = world::unit_tests(&trail, 1, false);
        if let Event::Attestation(attest) = &mut event {
            attest.fingerprint = Some(fingerprint(number));
            if at > 1 {
                attest.name = name(&format!("tests-{at}"));
            }
        }
        event
    });
    [begun, artifact].into_iter().chain(attested).collect()
}

/// Goes through a journal, and returns what each thing costs per decision, in microseconds of processor time.
fn measured(bytes: &[u8], decisions: u32) -> Vec<f64> {
    let mut costs = Vec::new();
    let mut row = |what: &str, cost: Cost| {
        let each = cost.processor.as_secs_f64() * 1e6 / f64::from(decisions);
        let rate = f64::from(decisions) / cost.wall.as_secs_f64();
        println!(
            "{decisions:>7} {what:42}{each:>10.1}{rate:>12.0}{:>9.0}",
            resident().unwrap_or_default()
        );
        costs.push(each);
    };
    let (bundle, cost): (VerifiedBundle, _) =
        timed(|| open_for_replay(bytes, &Pin::default()).unwrap());
    row("verify", cost);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let sandbox = Sandbox::new(policy::Config::default()).unwrap();
    let candidate = |form| Candidate {
        name: name("candidate"),
        parameters: None,
        prepared: sandbox
            .prepare(&stock::seed("unit-tested", form).unwrap().source())
            .unwrap(),
        measure: Measure::Alone(name("unit-tested")),
    };
    let candidates = [PolicyForm::Component, PolicyForm::Rego].map(candidate);
    let policies = policies();
    for threads in [1, cores] {
        let threads = NonZero::new(threads);
        let (past, opened) = timed(|| Past::new(&bundle).unwrap());
        // The first decision makes the policies ready, which is not what grows with a journal.
        past.replay(&past.asked()[0], &policies).unwrap();
        let ((), replayed) = timed(|| {
            for_all(
                past.asked(),
                threads,
                |asked| past.replay(asked, &policies),
                |_, replayed| assert!(replayed.unwrap().policies_ran),
            );
        });
        let count = threads.map_or(1, NonZero::get);
        row(&format!("replay, {count} threads"), replayed);
        for (candidate, form) in candidates.iter().zip(["component", "Rego"]) {
            let past = Past::new(&bundle).unwrap();
            let ((), cost) = timed(|| {
                for_all(
                    past.asked(),
                    threads,
                    |asked| past.impact(asked, candidate),
                    |_, impact| assert!(matches!(impact.unwrap(), Impact::Weighed { .. })),
                );
            });
            row(&format!("impact of a {form}, {count} threads"), cost);
        }
        if count == 1 {
            row("finding the decisions", opened);
        }
    }
    costs
}

/// What something took.
struct Cost {
    processor: Duration,
    wall: Duration,
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let (processor, wall) = (on_processor(), Instant::now());
    let made = work();
    let cost = Cost {
        processor: on_processor().saturating_sub(processor),
        wall: wall.elapsed(),
    };
    (made, cost)
}

fn on_processor() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
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
