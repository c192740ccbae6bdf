//! Measures the whole: appends over HTTP, decisions, start-up, memory, each beside its floor in the same run.
//!
//! Client and server share this machine's cores, as the peers' figures do. Every answer is checked.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first surprise"
)]

mod client;
mod decisions;
mod floor;
mod world;

use std::time::{Duration, Instant};

use client::Load;
use world::World;

/// Requests of each run; enough for seconds of load.
const SINGLES: usize = 30_000;
const BATCHES: usize = 2_000;
/// The most events of one request: each is an entry and one link.
const BATCH_EVENTS: usize = 49;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run());
}

async fn run() {
    let world = World::start().await;
    println!(
        "{:<46} {:>12} {:>12} {:>8}",
        "what", "measured", "floor", "ratio"
    );

    let empty = floor::empty_handler().await;
    let single = world.attestation(1);
    for clients in [16, 64] {
        let bare = client::run(
            empty,
            Load {
                clients,
                requests: SINGLES,
                path: "/",
                token: "",
                bodies: std::slice::from_ref(&single),
            },
        )
        .await;
        let bodies: Vec<String> = (0..world::TRAILS)
            .map(|trail| world.attestation(trail))
            .collect();
        let load = Load {
            clients,
            requests: SINGLES,
            path: "/v1/events",
            token: &world.token,
            bodies: &bodies,
        };
        let found = client::run(world.address, load).await;
        rate(
            &format!("single events over HTTP, {clients} clients"),
            found.per_second(),
            "empty handler",
            bare.per_second(),
        );
        println!(
            "    p50 {:?}, p99 {:?}",
            found.quantile(0.5),
            found.quantile(0.99)
        );
    }
    let bodies: Vec<String> = (0..world::TRAILS)
        .map(|trail| world.batch(trail, BATCH_EVENTS))
        .collect();
    let rows = floor::sqlite_rows(BATCH_EVENTS * 4);
    for clients in [4, 16] {
        let load = Load {
            clients,
            requests: BATCHES,
            path: "/v1/events",
            token: &world.token,
            bodies: &bodies,
        };
        let found = client::run(world.address, load).await;
        let events = found.per_second() * f64::from(u16::try_from(BATCH_EVENTS).unwrap());
        rate(
            &format!("events in batches of {BATCH_EVENTS}, {clients} clients"),
            events,
            "SQLite rows",
            rows,
        );
    }
    for writers in [16, 64] {
        let found = world.in_process(writers, SINGLES).await;
        rate(
            &format!("single events in process, {writers} writers"),
            found,
            "SQLite rows",
            floor::sqlite_rows(writers),
        );
    }
    decisions::run(&world).await;
    let (entries, started) = world.restart().await;
    println!("start-up with {entries} entries: {started:?}");
    println!("peak memory, client included: {} MiB", peak_memory_mib());
}

fn rate(what: &str, measured: f64, floor_name: &str, floor: f64) {
    println!(
        "{what:<46} {measured:>10.0}/s {floor:>10.0}/s {:>7.2}  ({floor_name})",
        measured / floor
    );
}

fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| {
        line.trim()
            .trim_end_matches(" kB")
            .trim()
            .parse::<u64>()
            .ok()
    });
    kib.unwrap_or(0) / 1024
}

/// Returns how long `work` took.
async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    let done = work.await;
    (done, start.elapsed())
}
