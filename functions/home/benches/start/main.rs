//! How functions start, beside the least that answers: from the process's start to its first answer, the most memory
//! that it took, the size of its package; and how ingest and decide answer once they are warm.
//!
//! The programs are those beside this one, built as it was; `cargo xtask bench aws` builds them and starts the servers.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints"
)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark stops at the first surprise"
)]

#[path = "../../tests/end_to_end/event.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod event;
#[path = "../../tests/end_to_end/lambda.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod lambda;
mod package;
#[path = "../../tests/end_to_end/world.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod world;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use event::{Call, Front, schedule};
use lambda::Instance;
use world::{World, ask};

const STARTS: usize = 15;
const WARM: usize = 200;
const START_AIM: f64 = 2.0;
const PACKAGE_AIM_MB: f64 = 15.0;
/// What every function is measured against.
const HELLO: &str = "examples/hello";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let Some(world) = World::new().await else {
            return;
        };
        let fingerprint = "ab".repeat(32);
        let requests = requests(&world, &fingerprint).await;
        cold(&world, &requests).await;
        warm(&world, &requests).await;
    });
}

/// What each function is asked first.
type Requests = Vec<(&'static str, Value)>;

async fn requests(world: &World, fingerprint: &str) -> Requests {
    let ci = world.reporter.clone();
    let post =
        |path: &'static str, body: &Value| Call::post(path, body).by(&ci).through(Front::Api);
    let trail = json!({"kind": "trail", "flow": "web", "trail": "run-1"});
    let artifact = json!({
        "kind": "artifact", "flow": "web", "trail": "run-1", "fingerprint": fingerprint, "name": "web.tar",
        "provenance": {"builder": "ci", "commit": "c".repeat(40), "repository": "https://example.com/web"},
    });
    // What is decided, and its policy's image.
    let ingest = world.start("ingest").await;
    let publish = Call {
        method: "POST",
        headers: vec![("content-type", "application/wasm".to_owned())],
        body: world::unit_tested(),
        ..Call::get("/v1/policies?name=unit-tested")
    };
    ask(&ingest, &publish.by(&world.admin), Front::Api)
        .await
        .done();
    for event in [&trail, &artifact] {
        ask(
            &ingest,
            &Call::post("/v1/events", event).by(&ci),
            Front::Api,
        )
        .await
        .done();
    }
    let report = r#"<testsuite name="sums"><testcase name="one and one is two"/></testsuite>"#;
    let attestation = json!({
        "kind": "attestation", "flow": "web", "trail": "run-1", "fingerprint": fingerprint,
        "name": "unit-tests", "type": "junit", "report": {"text": report},
    });
    let question = json!({"environment": "production", "fingerprint": fingerprint});
    let observed = json!({
        "environment": "production", "artifacts": [{"fingerprint": fingerprint, "name": "web"}],
    });
    vec![
        ("ingest", post("/v1/events", &attestation)),
        ("decide", post("/v1/decisions", &question)),
        ("approve", post("/v1/approval-requests", &question)),
        ("snapshot", post("/v1/snapshots", &observed)),
        ("query", Call::get("/v1/flows").by(&ci).through(Front::Api)),
        ("seal", schedule()),
    ]
}

async fn cold(world: &World, requests: &Requests) {
    println!("\ncold starts: {STARTS} each, by turns; first answer after the process's start, p50");
    println!(
        "{:<10} {:>12} {:>14} {:>10} {:>8} {:>12} {:>8}",
        "function", "first answer", "ratio to hello", "memory", "ratio", "package", "of 15 MB"
    );
    let hello = (HELLO, Call::get("/").through(Front::Api));
    let all: Vec<_> = std::iter::once(&hello).chain(requests).collect();
    let mut starts = vec![Vec::new(); all.len()];
    // By turns, so that what else this machine does meets all of them.
    for _ in 0..STARTS {
        for (start, (function, event)) in starts.iter_mut().zip(&all) {
            start.push(first_answer(world, function, event).await);
        }
    }
    let mut floor = None;
    for (mut start, (function, _)) in starts.into_iter().zip(&all) {
        start.sort_unstable();
        let (took, memory) = start[start.len() / 2];
        let memory = mebibytes(memory);
        let (floor_took, floor_memory) = *floor.get_or_insert((took, memory));
        let package = package::zipped_mb(&lambda::program(function));
        println!(
            "{:<10} {:>9.1} ms {:>14.2} {:>6.1} MiB {:>8.2} {:>9.2} MB {:>8.2}",
            function.trim_start_matches("examples/"),
            took.as_secs_f64() * 1_000.0,
            took.as_secs_f64() / floor_took.as_secs_f64(),
            memory,
            memory / floor_memory,
            package,
            package / PACKAGE_AIM_MB,
        );
    }
    println!(
        "aims: a ratio to hello of {START_AIM} at most, a package of {PACKAGE_AIM_MB} MB at most"
    );
}

/// Returns when the first answer came, and the most memory until then in KiB.
async fn first_answer(world: &World, function: &str, event: &Value) -> (Duration, u64) {
    let name = if function == HELLO { "query" } else { function };
    let environment = world.environment(name);
    let start = Instant::now();
    let instance = Instance::start(function, &environment).await;
    let answer = instance.invoke(event).await;
    let took = start.elapsed();
    let answer = answer.unwrap_or_else(|error| panic!("`{function}` answered with {error}"));
    let status = answer["statusCode"].as_u64().unwrap_or(200);
    assert!((200..300).contains(&status), "`{function}`: {answer}");
    (took, memory_kib(instance.child.id()))
}

async fn warm(world: &World, requests: &Requests) {
    println!(
        "\nwarm: {WARM} requests to one instance, one after the other, through the runtime API"
    );
    let hello = (HELLO, Call::get("/").through(Front::Api));
    let mut floor = None;
    for (function, event) in std::iter::once(&hello).chain(requests).take(3) {
        let name = if *function == HELLO {
            "query"
        } else {
            function
        };
        let instance = Instance::start(function, &world.environment(name)).await;
        instance.invoke(event).await.unwrap();
        let mut times = Vec::new();
        for _ in 0..WARM {
            let start = Instant::now();
            instance.invoke(event).await.unwrap();
            times.push(start.elapsed());
        }
        times.sort_unstable();
        let (middle, late) = (times[WARM / 2], times[WARM * 99 / 100]);
        let floor = *floor.get_or_insert(middle);
        println!(
            "{:<10} p50 {:?}, p99 {:?}, {:.2} of hello",
            function.trim_start_matches("examples/"),
            middle,
            late,
            middle.as_secs_f64() / floor.as_secs_f64(),
        );
    }
}

/// Returns the most memory that a process has had.
fn memory_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok());
    kib.unwrap_or_default()
}

fn mebibytes(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap()) / 1024.0
}
