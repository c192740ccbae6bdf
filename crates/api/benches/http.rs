//! Events over HTTP, each acknowledged durable and provable: server, store and clients share this machine's cores.
//!
//! `cargo bench -p trailmark-api --bench http [-- quick]`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops when something is wrong"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use api::{AppState, Limits};
use axum::Router;
use axum::routing::post;
use journal::key::{LogKey, PermitKey};
use recorder::{
    AddKey, AliasKey, Caller, Charter, DefineFlow, Parts, Policies, Recorder, SystemEntropy,
    genesis,
};
use serde_json::{Value, json};
use store::{Options, Sqlite, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Trails that attestations are spread over.
const TRAILS: u64 = 1_000;
const SEED: [u8; 32] = [7; 32];

fn main() {
    let quick = std::env::args().any(|argument| argument == "quick");
    let scale = if quick { 10 } else { 1 };
    let server = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir_in(".").unwrap();
    let (router, token) = server.block_on(recorder(folder.path()));
    let address = server.block_on(start(&server, router));
    let floor = Router::new().route(
        "/v1/events",
        post(|body: axum::body::Bytes| async move { body.len().to_string() }),
    );
    let floor = server.block_on(start(&server, floor));

    let trail = |number: u64| json!({"kind": "trail", "flow": "payments", "trail": format!("run-{number}")});
    let attestation = |number: u64| {
        json!({
            "kind": "attestation", "flow": "payments", "trail": format!("run-{}", number % TRAILS), "name": "contract-tests",
            "type": "generic", "report": {"json": {"outcome": "passed", "data": {"number": number, "suite": "orders"}}},
        })
    };
    run(address, &token, 16, TRAILS / 20, &|number| {
        json!(
            (0..20)
                .map(|at| trail(number * 20 + at))
                .collect::<Vec<_>>()
        )
    });
    let report = |what: &str,
                  clients: u64,
                  requests: u64,
                  events: u64,
                  body: &dyn Fn(u64) -> Value| {
        let least = run(floor, &token, clients, requests, body);
        let took = run(address, &token, clients, requests, body);
        println!(
            "{what}, {clients} clients: {:.0} events/s; an empty handler {:.0} requests/s, {:.2} of its speed",
            rate(requests * events, took),
            rate(requests, least),
            least / took
        );
    };
    for clients in [16, 64] {
        report("single trails", clients, 100_000 / scale, 1, &|number| {
            trail(clients * 10_000_000 + number)
        });
        report(
            "single attestations",
            clients,
            100_000 / scale,
            1,
            &attestation,
        );
        report(
            "batches of 33 trails",
            clients,
            10_000 / scale,
            33,
            &|number| {
                json!(
                    (0..33)
                        .map(|at| trail(clients * 100_000_000 + number * 33 + at))
                        .collect::<Vec<_>>()
                )
            },
        );
        report(
            "batches of 49 attestations",
            clients,
            10_000 / scale,
            49,
            &|number| {
                json!(
                    (0..49)
                        .map(|at| attestation(number * 49 + at))
                        .collect::<Vec<_>>()
                )
            },
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate is read by people")]
fn rate(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds
}

async fn start(server: &tokio::runtime::Runtime, router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    server.spawn(async move {
        api::serve(listener, router, &Limits::default(), std::future::pending()).await
    });
    address
}

/// Starts a recorder on a store on disk, with a flow and a key that reports for it.
async fn recorder(folder: &std::path::Path) -> (Router, String) {
    let journal = "trailmark/bench".parse().unwrap();
    let charter = Charter {
        name: "Bench".to_owned(),
        people_by_key: false,
        solo: true,
    };
    let draft = genesis(
        &charter,
        &LogKey::new(&journal, &SEED),
        &PermitKey::new(&SEED),
    )
    .unwrap();
    let (store, _) = Sqlite::create(Options::new(folder.join("journal")), &journal, &SEED, draft)
        .await
        .unwrap();
    let recorder = Recorder::start(Parts {
        store: Arc::new(store),
        clock: Arc::new(SystemClock::start()),
        entropy: Arc::new(SystemEntropy),
        alias_key: AliasKey(SEED),
        permit_key: PermitKey::new(&SEED),
        policies: Policies::new(policy::stock::engine().into(), None).unwrap(),
    });
    let recorder = Arc::new(recorder.await.unwrap());
    let admin = recorder.add_first_key().await.unwrap().unwrap();
    let admin =
        Caller::authenticate(&recorder.definitions(), &admin.token, recorder.now_ms()).unwrap();
    let flow: DefineFlow = serde_json::from_value(json!({"flow": "payments"})).unwrap();
    recorder.define_flow(&admin, flow).await.unwrap();
    let key: AddKey = serde_json::from_value(
        json!({"name": "ci", "roles": ["reporter"], "grants": [{"flow": "*"}]}),
    )
    .unwrap();
    let token = recorder.add_key(&admin, key).await.unwrap().token;
    (api::all(AppState::new(recorder, Limits::default())), token)
}

/// Sends requests from clients that each wait for their answer, and returns how many seconds it took.
fn run(
    address: SocketAddr,
    token: &str,
    clients: u64,
    requests: u64,
    body: &dyn Fn(u64) -> Value,
) -> f64 {
    // What is sent is made before the clock starts.
    let request = |number| {
        let body = body(number).to_string();
        format!(
            "POST /v1/events HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let all: Arc<Vec<String>> = Arc::new((0..requests).map(request).collect());
    let next = Arc::new(AtomicU64::new(0));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let started = Instant::now();
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..clients {
            tasks.spawn(client(address, all.clone(), next.clone()));
        }
        tasks.join_all().await;
    });
    started.elapsed().as_secs_f64()
}

async fn client(address: SocketAddr, requests: Arc<Vec<String>>, next: Arc<AtomicU64>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; 512 * 1024];
    while let Some(request) =
        requests.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap())
    {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut filled = 0;
        loop {
            filled += stream
                .read(buffer.get_mut(filled..).unwrap())
                .await
                .unwrap();
            let answer = buffer.get(..filled).unwrap();
            if let Some(length) = length(answer) {
                assert!(
                    answer.starts_with(b"HTTP/1.1 20"),
                    "{}",
                    String::from_utf8_lossy(answer)
                );
                if filled >= length {
                    break;
                }
            }
        }
    }
}

/// Returns how long an answer is, once its head is there.
fn length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = std::str::from_utf8(answer.get(..head)?).unwrap();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    Some(head + 4 + value.trim().parse::<usize>().unwrap())
}
