//! Behind `cargo lambda watch`: another's runtime API, and real HTTP in front of it.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::lambda::program;
use crate::world::World;

/// For how long another program may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that ends when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Finds the tool; says so and returns nothing where a test is to be left out.
fn cargo_lambda() -> Option<PathBuf> {
    let Ok(tools) = std::env::var("TRAILMARK_TEST_TOOLS") else {
        let required = std::env::var("TRAILMARK_TEST_AWS").as_deref() == Ok("required");
        assert!(!required, "`TRAILMARK_TEST_TOOLS` is not set");
        println!("left out: `TRAILMARK_TEST_TOOLS` is not set; `cargo xtask test` sets it");
        return None;
    };
    Some(Path::new(&tools).join("cargo-lambda"))
}

/// Starts the tool in front of a function that was built already, and returns its URL.
fn watch(tool: &Path, world: &World, function: &str) -> (String, [Running; 2]) {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut tool = Command::new(tool)
        .args(["lambda", "watch", "--only-lambda-apis", "--color", "never"])
        .args([
            "--invoke-address",
            "127.0.0.1",
            "--invoke-port",
            &port.to_string(),
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // What it says is read to the end: a program whose output nobody takes may stop over it.
    let lines = BufReader::new(tool.stdout.take().unwrap()).lines();
    let (say, started) = mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if line.contains("starting Runtime server") {
                // Nobody listens any more where the test has failed.
                let _ = say.send(());
            }
        }
    });
    let tool = Running(tool);
    let started = started.recv_timeout(PATIENCE);
    assert!(started.is_ok(), "cargo-lambda did not start");
    // It says so before it listens.
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < PATIENCE, "cargo-lambda does not listen");
        std::thread::yield_now();
    }
    let function = Command::new(program(function))
        .env_clear()
        .envs(world.environment(function))
        .env(
            "AWS_LAMBDA_RUNTIME_API",
            format!("http://127.0.0.1:{port}/.rt"),
        )
        .env("AWS_LAMBDA_FUNCTION_NAME", "_")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (
        format!("http://127.0.0.1:{port}"),
        [Running(function), tool],
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_function_records_another_finds_over_http() {
    let Some(tool) = cargo_lambda() else { return };
    let Some(world) = World::new().await else {
        return;
    };
    tokio::task::block_in_place(|| {
        let token = format!("Bearer {}", world.reporter);
        let (ingest, _ingest) = watch(&tool, &world, "ingest");
        let trail = json!({"kind": "trail", "flow": "web", "trail": "run-1"}).to_string();
        let recorded = ureq::post(format!("{ingest}/v1/events"))
            .header("authorization", &token)
            .header("content-type", "application/json")
            .send(trail)
            .unwrap();
        assert_eq!(recorded.status(), 201);

        let (query, _query) = watch(&tool, &world, "query");
        let mut found = ureq::get(format!("{query}/v1/flows/web/trails?limit=1"))
            .header("authorization", &token)
            .call()
            .unwrap();
        let text = found.body_mut().read_to_string().unwrap();
        let found: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(found[0]["trail"], "run-1");
    });
}
