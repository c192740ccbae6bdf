//! Crash safety, with real processes: killed at random moments, and with files that may not grow.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Options, Sqlite};
use crate::conformance::{SEED, Witness, attestation, genesis, journal_id, stream};
use crate::{AppendError, OutsideCheckpoint, Receipt, Store};
use journal::Draft;

/// Tells a copy of this test program that it is the one to be killed, where its data is, and which run it is.
const VICTIM: &str = "TRAILMARK_CRASH_VICTIM";
const KILLS: u64 = 110;
const WRITERS: u64 = 6;

/// A draft of a run, one writer and turn: nothing is sent twice unless it is meant to be.
fn draft(run: u64, writer: u64, turn: u64) -> Draft {
    let number = (run * 10 + writer) * 100_000 + turn;
    let own = stream(&format!("writer-{writer}"));
    attestation(number, &[stream("all"), own])
}

fn options(base: &Path) -> Options {
    Options {
        outside: Some(base.join("checkpoint")),
        ..Options::new(base.join("data"))
    }
}

/// What the copies run. Started by hand it does nothing.
#[test]
fn the_process_that_is_killed() {
    let Ok(order) = std::env::var(VICTIM) else {
        return;
    };
    let (run, base) = order.split_once(' ').unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let store: Arc<dyn Store> =
        Arc::new(Sqlite::open(options(Path::new(base)), None, &SEED).unwrap());
    runtime.block_on(append_until_killed(store, run.parse().unwrap()));
}

/// Tells every receipt as soon as it is there; ends with the first error.
async fn append_until_killed(store: Arc<dyn Store>, run: u64) {
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for turn in 0.. {
                // Some batches, some single entries.
                let turns = 3 * turn..3 * turn + 1 + turn % 3;
                let drafts = turns.map(|turn| draft(run, writer, turn)).collect();
                match store.append(drafts).await {
                    Ok(appended) => {
                        let receipts: Vec<_> = appended.iter().map(|one| &one.receipt).collect();
                        let line = serde_json::to_string(&(writer, 3 * turn, receipts)).unwrap();
                        writeln!(std::io::stdout().lock(), "receipts {line}").unwrap();
                    }
                    Err(error) => {
                        let full =
                            matches!(error, AppendError::Full(_) | AppendError::Unavailable(_));
                        assert!(full, "{error}");
                        writeln!(std::io::stdout().lock(), "refused").unwrap();
                        return;
                    }
                }
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
}

fn victim(command: &mut Command, run: u64, base: &Path) -> Child {
    command
        .env(VICTIM, format!("{run} {}", base.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn this_program() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "sqlite::crash::the_process_that_is_killed",
        "--exact",
        "--nocapture",
    ]);
    command
}

/// Receipts that a victim told, with writer and turn of the first draft.
type Told = (u64, u64, Vec<Receipt>);

/// Reads a line; one that was cut off by the kill was never handed out.
fn told(line: &str) -> Option<Told> {
    serde_json::from_str(line.strip_prefix("receipts ")?).ok()
}

async fn create(base: &Path) {
    let journal = journal_id();
    Sqlite::create(options(base), &journal, &SEED, genesis(&journal))
        .await
        .unwrap();
}

/// Small, reproducible, and random enough for moments.
struct Moments(u64);

impl Moments {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Lets a process run until it told some receipts and a moment longer, and kills it.
fn run_and_kill(run: u64, base: &Path, moments: &mut Moments) -> Vec<Told> {
    let mut child = victim(&mut this_program(), run, base);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut heard = Vec::new();
    let enough = 1 + usize::try_from(moments.below(40)).unwrap();
    while heard.len() < enough {
        let line = lines.next().expect("the process tells receipts").unwrap();
        heard.extend(told(&line));
    }
    let longer = Duration::from_micros(moments.below(3_000));
    let since = Instant::now();
    while since.elapsed() < longer {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    heard.extend(lines.map_while(Result::ok).filter_map(|line| told(&line)));
    heard
}

#[tokio::test]
async fn no_receipt_is_broken_by_a_process_killed_at_any_moment() {
    let base = tempfile::tempdir().unwrap();
    create(base.path()).await;
    let mut moments = Moments(0x7261_696c_6d61_726b);
    let mut all = Vec::new();
    for run in 0..KILLS {
        let heard = run_and_kill(run, base.path(), &mut moments);
        let store = Sqlite::open(options(base.path()), None, &SEED).unwrap();
        assert_eq!(
            store.status().await.unwrap().read_only,
            None,
            "after kill {run}"
        );
        assert_eq!(
            store.status().await.unwrap().outside,
            OutsideCheckpoint::Continued
        );
        // Sent again, what was acknowledged is known, with the receipt that was handed out.
        let (writer, turn, first) = heard.last().unwrap();
        let again = store
            .append(vec![draft(run, *writer, *turn)])
            .await
            .unwrap();
        assert!(again[0].replayed, "after kill {run}");
        assert_eq!(again[0].receipt, first[0], "after kill {run}");
        let receipts: Vec<Receipt> = heard.into_iter().flat_map(|(_, _, one)| one).collect();
        if run % 10 == 9 {
            let mut witness = Witness::of(&store);
            witness.keep_receipts(receipts.iter().cloned());
            witness.check(&store).await;
        }
        all.extend(receipts);
    }
    let store = Sqlite::open(options(base.path()), None, &SEED).unwrap();
    let mut witness = Witness::of(&store);
    witness.keep_receipts(all);
    witness.check(&store).await;
}

#[tokio::test]
async fn a_file_that_may_not_grow_stops_writing_and_breaks_no_receipt() {
    let base = tempfile::tempdir().unwrap();
    create(base.path()).await;
    // The limit is on every file that the process writes; past it, writes fail as on a full disk.
    let mut limited = Command::new("sh");
    limited
        .arg("-c")
        .arg(r#"trap "" XFSZ; ulimit -f 1500; exec "$0" "$@""#)
        .arg(this_program().get_program())
        .args(this_program().get_args());
    let mut child = victim(&mut limited, 0, base.path());
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines: Vec<String> = lines.map_while(Result::ok).collect();
    assert!(child.wait().unwrap().success());
    let refused = lines.iter().filter(|line| line.as_str() == "refused");
    assert_eq!(refused.count() as u64, WRITERS);

    let store = Sqlite::open(options(base.path()), None, &SEED).unwrap();
    assert_eq!(store.status().await.unwrap().read_only, None);
    let mut witness = Witness::of(&store);
    let receipts = lines.iter().filter_map(|line| told(line));
    witness.keep_receipts(receipts.flat_map(|(_, _, receipts)| receipts));
    let appended = store.append(vec![draft(1, 0, 0)]).await.unwrap();
    witness.keep(&appended);
    witness.check(&store).await;
}
