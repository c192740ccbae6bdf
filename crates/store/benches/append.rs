//! What the store does in a second, beside what SQLite does with the same bytes and no journal around them.
//!
//! `cargo bench -p trailmark-store --bench append [-- quick]`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops when something is wrong"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use journal::key::{LogKey, PermitKey, Seed};
use journal::kind::Genesis;
use journal::{Draft, Idempotency};
use model::kind::Fields;
use model::{By, FORMAT, JournalId, Payload, Role, StreamName};
use store::{Options, Sqlite, Store};

const SEED: Seed = [7; 32];
const WRITERS: u64 = 64;
const BATCH: u64 = 33;

fn main() {
    let quick = std::env::args().any(|argument| argument == "quick");
    let scale = if quick { 10 } else { 1 };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let base = tempfile::tempdir_in(".").unwrap();
    runtime.block_on(async {
        singles(base.path(), 200_000 / scale).await;
        batches(base.path(), 400_000 / scale).await;
        as_of(base.path(), 1_000_000 / scale).await;
    });
    println!("peak memory: {}", peak_memory());
}

async fn singles(base: &Path, entries: u64) {
    let floor = floor(&base.join("floor-singles"), entries, WRITERS);
    let store = create(&base.join("singles")).await;
    let measured = load(&store, entries, 1).await;
    println!("groups: {}", groups(&base.join("singles")));
    report(
        "single entries, 64 writers",
        &measured,
        &floor,
        "groups of 64",
    );
}

async fn batches(base: &Path, entries: u64) {
    let floor = floor(&base.join("floor-batches"), entries, WRITERS * BATCH);
    let store = create(&base.join("batches")).await;
    let measured = load(&store, entries, BATCH).await;
    report(
        "batches of 33, 64 writers",
        &measured,
        &floor,
        "groups of 2112",
    );
}

/// Appends entries as 64 callers who each wait for their receipt.
async fn load(store: &Arc<Sqlite>, entries: u64, batch: u64) -> Measured {
    let next = Arc::new(AtomicU64::new(0));
    let meter = Meter::start();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..WRITERS {
        let (store, next) = (Arc::clone(store), Arc::clone(&next));
        callers.spawn(async move {
            loop {
                let first = next.fetch_add(batch, Ordering::Relaxed);
                if first >= entries {
                    break;
                }
                let drafts = (first..first + batch).map(event).collect();
                store.append(drafts).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    meter.stop(entries)
}

/// Counts the groups in which entries were written.
fn groups(folder: &Path) -> u64 {
    let database = rusqlite::Connection::open(folder.join("journal.sqlite3")).unwrap();
    database
        .query_row("SELECT count(*) FROM checkpoint", [], |row| row.get(0))
        .unwrap()
}

/// Grows one stream, and looks times up in it at 1,000, 100,000 and 1,000,000 entries.
async fn as_of(base: &Path, entries: u64) {
    let folder = base.join("as-of");
    let store = create(&folder).await;
    let stream: StreamName = "trail/flow/one".parse().unwrap();
    let mut at = 0;
    for size in [1_000, entries / 10, entries] {
        while at < size {
            let end = (at + 49 * 32).min(size);
            let mut callers = tokio::task::JoinSet::new();
            while at < end {
                let last = (at + 49).min(end);
                let drafts = (at..last).map(|number| Draft {
                    streams: vec![stream.clone()],
                    ..event(number)
                });
                let (store, drafts) = (Arc::clone(&store), drafts.collect());
                callers.spawn(async move { store.append(drafts).await.unwrap() });
                at = last;
            }
            callers.join_all().await;
        }
        println!(
            "as of, {size:>9} entries: {:>7.1} µs",
            lookups(&store, &stream, size).await.as_secs_f64() * 1e6
        );
    }
    drop(store);
    let started = Instant::now();
    let store = Sqlite::open(Options::new(&folder), None, &SEED).unwrap();
    let opened = started.elapsed().as_secs_f64() * 1e3;
    println!(
        "start-up, {:>9} entries: {opened:.1} ms",
        store.status().await.unwrap().size
    );
}

/// Returns the mean time of a look-up, at times spread over the stream.
async fn lookups(store: &Arc<Sqlite>, stream: &StreamName, size: u64) -> Duration {
    const LOOKUPS: u64 = 5_000;
    let recorded = async |seq| {
        let found = store.range(stream, seq, 1, store::Direction::Forward).await;
        let found = found.unwrap();
        found.first().unwrap().entry.header().recorded_ms
    };
    let (first, last) = (recorded(0).await, recorded(size - 1).await);
    let time = |number: u64| first + (last - first) * (number * 7_919 % LOOKUPS) / LOOKUPS;
    let started = Instant::now();
    for number in 0..LOOKUPS {
        assert!(store.as_of(stream, time(number)).await.unwrap().is_some());
    }
    started.elapsed() / u32::try_from(LOOKUPS).unwrap()
}

/// Inserts the same bytes into one table, in groups with one sync each.
fn floor(folder: &Path, entries: u64, group: u64) -> Measured {
    std::fs::create_dir_all(folder).unwrap();
    let mut database = rusqlite::Connection::open(folder.join("floor.sqlite3")).unwrap();
    database
        .query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))
        .unwrap();
    database
        .execute_batch(
            "PRAGMA synchronous = FULL;
             CREATE TABLE entry(idx INTEGER PRIMARY KEY, header BLOB, payload BLOB) STRICT;",
        )
        .unwrap();
    let (header, payload) = ([b'h'; 800], [b'p'; 332]);
    let meter = Meter::start();
    for first in (0..entries).step_by(usize::try_from(group).unwrap()) {
        let transaction = database.transaction().unwrap();
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO entry VALUES (?1, ?2, ?3)")
                .unwrap();
            for index in first..first + group {
                insert
                    .execute((index, header.as_slice(), payload.as_slice()))
                    .unwrap();
            }
        }
        transaction.commit().unwrap();
    }
    meter.stop(entries)
}

async fn create(folder: &Path) -> Arc<Sqlite> {
    let journal: JournalId = "trailmark/bench".parse().unwrap();
    let genesis = Genesis {
        format: FORMAT,
        log_key: LogKey::new(&journal, &SEED).vkey().clone(),
        name: "Bench".to_owned(),
        people_by_key: false,
        permit_key: PermitKey::new(&[8; 32]).public(),
        solo: true,
    };
    let draft = Draft {
        by: By::recorder(),
        claimed_ms: None,
        fields: genesis.encode().unwrap(),
        kind: Genesis::kind().unwrap(),
        streams: vec![StreamName::admin()],
        payloads: Vec::new(),
        idempotency: None,
        expected: Vec::new(),
        large: Vec::new(),
    };
    let options = Options {
        outside: Some(folder.with_extension("checkpoint")),
        ..Options::new(folder)
    };
    let (store, _) = Sqlite::create(options, &journal, &SEED, draft)
        .await
        .unwrap();
    Arc::new(store)
}

/// An attestation as it comes from a pipeline: about an artifact and a trail, ten events each.
fn event(number: u64) -> Draft {
    let digest = |what: &str, number: u64| {
        Payload::digest_of(&[0; 32], format!("{what} {number}").as_bytes())
    };
    let artifact = format!("artifact/{}", digest("artifact", number / 10));
    let trail = format!("trail/payments/run-{}", number / 10);
    let fields = format!(
        r#"{{"fingerprint":"{}","flow":"payments","name":"unit-tests","number":{number},"outcome":"passed","trail":"run-{}","type":"junit"}}"#,
        digest("artifact", number / 10),
        number / 10
    );
    let mut salt = [0; 32];
    salt.copy_from_slice(&digest("salt", number).0);
    Draft {
        by: By::recorder(),
        claimed_ms: Some(1_700_000_000_000),
        fields: serde_json::value::RawValue::from_string(fields).unwrap(),
        kind: "attestation".parse().unwrap(),
        streams: vec![artifact.parse().unwrap(), trail.parse().unwrap()],
        payloads: vec![Payload {
            role: Role::Facts,
            media_type: "application/json".to_owned(),
            schema: Some("junit.v1".parse().unwrap()),
            salt,
            bytes: vec![b'1'; 300],
        }],
        idempotency: Some(Idempotency {
            key: digest("key", number).0,
            content: digest("content", number).0,
        }),
        expected: Vec::new(),
        large: Vec::new(),
    }
}

/// Entries per second, and what each took of the processor, which says more on a machine that does other work too.
struct Measured {
    per_second: f64,
    cpu_us: f64,
}

struct Meter {
    started: Instant,
    cpu_ms: f64,
}

impl Meter {
    fn start() -> Self {
        Self {
            started: Instant::now(),
            cpu_ms: cpu_ms(),
        }
    }

    fn stop(&self, entries: u64) -> Measured {
        let entries = f64::from(u32::try_from(entries).unwrap());
        Measured {
            per_second: entries / self.started.elapsed().as_secs_f64(),
            cpu_us: (cpu_ms() - self.cpu_ms) * 1e3 / entries,
        }
    }
}

fn report(what: &str, store: &Measured, floor: &Measured, groups: &str) {
    println!(
        "{what}: {:>8.0}/s, {:>5.1} µs of processor each; raw SQLite, {groups}: {:>8.0}/s, {:>4.1} µs; ratio {:.2}",
        store.per_second,
        store.cpu_us,
        floor.per_second,
        floor.cpu_us,
        store.per_second / floor.per_second
    );
}

/// Reads how long this process used the processor, in steps of 10 ms (Linux; elsewhere nothing).
fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        * 10.0
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .map_or_else(|| "unknown".to_owned(), |peak| peak.trim().to_owned())
}
