//! Evidence that is too large for a request: announced, sent, recorded, exported, verified.

mod policies;

use std::io::BufReader;
use std::path::Path;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use journal::verify;
use model::Role;
use serde_json::{Value, json};

use crate::world::{Reply, World, trail_event};

const MEBIBYTE: usize = 1024 * 1024;
const MINUTE_MS: u64 = 60_000;

/// A report of about so many bytes, in which everything passed.
fn junit(bytes: usize) -> String {
    let case = format!("<testcase name=\"{}\"/>", "a".repeat(1_000));
    let cases = bytes / case.len() + 1;
    format!(
        "<testsuite name=\"large\" tests=\"{cases}\">{}</testsuite>",
        case.repeat(cases)
    )
}

fn sha256(bytes: &[u8]) -> String {
    evidence::fingerprint::of_reader(bytes).unwrap().to_string()
}

fn announcement(bytes: &[u8]) -> Value {
    json!({"flow": "payments", "sha256": sha256(bytes), "size": bytes.len()})
}

fn event(upload: &Value, attestation_type: &str) -> Value {
    json!({
        "kind": "attestation", "flow": "payments", "trail": "run-1", "name": "unit-tests", "type": attestation_type,
        "report": {"upload": upload["upload"]},
    })
}

impl World {
    async fn with_trail(folder: &Path) -> Self {
        let world = Self::on_disk(folder, 1 << 30).await;
        world.event(&trail_event("run-1")).await;
        world
    }

    async fn announce(&self, bytes: &[u8]) -> Value {
        let wanted = announcement(bytes);
        self.made(&self.reporter, "/v1/uploads", &wanted).await
    }

    /// Sends bytes in parts to where the announcement says, as it says, without a key.
    async fn put(&self, announced: &Value, bytes: &[u8]) -> Reply {
        assert_eq!(announced["method"], "PUT");
        let mut request = Request::put(announced["url"].as_str().unwrap());
        for (name, value) in announced["headers"].as_object().unwrap() {
            if name != "content-length" {
                request = request.header(name, value.as_str().unwrap());
            }
        }
        let parts: Vec<Bytes> = bytes.chunks(100_000).map(Bytes::copy_from_slice).collect();
        let (mut sender, body) = http_body_util::channel::Channel::<Bytes>::new(2);
        tokio::spawn(async move {
            for part in parts {
                if sender.send_data(part).await.is_err() {
                    return;
                }
            }
        });
        self.send(request.body(Body::new(body)).unwrap()).await
    }

    async fn uploaded(&self, bytes: &[u8]) -> Value {
        let announced = self.announce(bytes).await;
        let reply = self.put(&announced, bytes).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.text());
        announced
    }

    async fn try_event(&self, event: &Value) -> String {
        self.post(&self.reporter, "/v1/events", event)
            .await
            .problem()
    }
}

fn files(folder: &Path) -> Vec<String> {
    let Ok(listed) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = listed.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_large_report_is_recorded_exported_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with_trail(folder.path()).await;
    let report = junit(40 * MEBIBYTE);
    let announced = world.uploaded(report.as_bytes()).await;
    let recorded = world.event(&event(&announced, "junit")).await;
    let entry = world
        .get(
            &world.admin,
            &format!("/v1/entries/{}", recorded["entry"].as_str().unwrap()),
        )
        .await
        .json();
    let payloads = entry["payloads"].as_array().unwrap();
    let raw = payloads.iter().find(|one| one["role"] == "raw").unwrap();
    assert_eq!(raw["size"], report.len(), "{entry}");
    assert_eq!(entry["fields"]["outcome"], "passed");
    // What was sent is not stored twice: the payload is the file that the upload was.
    let digest = raw["digest"].as_str().unwrap();
    assert_eq!(files(&folder.path().join("large")), [digest]);
    let bundle = world.get(&world.admin, "/v1/export").await.bytes;
    let opened = verify::open(BufReader::new(&*bundle), &verify::Pin::default()).unwrap();
    assert_eq!(opened.report().payloads_absent, 0);
    let (_, entry) = opened
        .entry(&recorded["entry"].as_str().unwrap().parse().unwrap())
        .unwrap();
    let facts = entry.header().payload(Role::Facts).unwrap();
    let facts: Value = serde_json::from_slice(opened.payload(&facts.digest).unwrap()).unwrap();
    assert_eq!(facts["failed"], 0);
    assert_eq!(facts["tests"], report.matches("<testcase").count());
    // One byte of it changed is found.
    let text = String::from_utf8(bundle.to_vec()).unwrap();
    let part = text
        .lines()
        .position(|line| line.starts_with("+ "))
        .unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let changed = if lines[part].contains('B') {
        ("B", "C")
    } else {
        ("A", "B")
    };
    lines[part] = lines[part].replacen(changed.0, changed.1, 1);
    let damaged = lines.join("\n") + "\n";
    let fault = verify::open(BufReader::new(damaged.as_bytes()), &verify::Pin::default());
    assert!(fault.is_err());
}

#[tokio::test]
async fn a_retry_returns_the_first_receipt_even_when_the_upload_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with_trail(folder.path()).await;
    let report = junit(5 * MEBIBYTE);
    let announced = world.uploaded(report.as_bytes()).await;
    let post = async |announced: &Value, kind: &str| {
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", "once"),
        ];
        let body = event(announced, kind).to_string();
        world
            .post_as(&world.reporter, "/v1/events", &headers, body)
            .await
    };
    let first = post(&announced, "junit").await.json();
    assert_eq!(first["replayed"], false);
    let size = world.size().await;
    world.clock.advance(24 * 60 * MINUTE_MS);
    std::fs::remove_dir_all(folder.path().join("uploads")).unwrap();
    let again = post(&announced, "junit").await.json();
    assert_eq!(again["receipt"], first["receipt"]);
    assert_eq!(again["replayed"], true);
    // Announced anew, the same bytes are the same event; others are not.
    let anew = world.announce(report.as_bytes()).await;
    assert_ne!(anew["upload"], announced["upload"]);
    assert_eq!(
        post(&anew, "junit").await.json()["receipt"],
        first["receipt"]
    );
    let other = world.announce(b"<testsuite/>").await;
    let problem = post(&other, "junit").await.problem();
    assert!(problem.starts_with("409 idempotency-conflict"), "{problem}");
    assert_eq!(world.size().await, size);
}

#[tokio::test]
async fn what_is_sent_must_be_what_was_announced() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with_trail(folder.path()).await;
    let report = junit(5 * MEBIBYTE);
    let bytes = report.as_bytes();
    let announced = world.announce(bytes).await;
    let mut other = bytes.to_vec();
    other[100] ^= 1;
    for wrong in [&bytes[1..], &[bytes, b" "].concat(), &other, b""] {
        let problem = world.put(&announced, wrong).await.problem();
        assert!(problem.starts_with("400 upload-differs"), "{problem}");
    }
    assert_eq!(files(&folder.path().join("uploads")), [""; 0]);
    let problem = world.try_event(&event(&announced, "junit")).await;
    assert!(problem.starts_with("409 upload-missing"), "{problem}");
    // A length that lies is refused before anything is read.
    let request = Request::put(announced["url"].as_str().unwrap()).header("content-length", 7);
    let reply = world
        .send(request.body(Body::from("1234567")).unwrap())
        .await;
    assert!(reply.problem().starts_with("400 upload-differs"));
    // And it can be sent after all.
    assert_eq!(world.put(&announced, bytes).await.status, 204);
    world.event(&event(&announced, "junit")).await;
}

#[tokio::test]
async fn an_upload_is_of_one_key_and_one_flow_and_not_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with_trail(folder.path()).await;
    let report = junit(5 * MEBIBYTE);
    let announced = world.uploaded(report.as_bytes()).await;
    let key = json!({"name": "other", "roles": ["reporter"], "grants": [{"flow": "*"}]});
    let other = world.token(&key).await;
    let wanted = event(&announced, "junit");
    let problem = world.post(&other, "/v1/events", &wanted).await.problem();
    assert!(problem.starts_with("403 foreign-upload"), "{problem}");
    world
        .made(&world.admin, "/v1/flows", &json!({"flow": "billing"}))
        .await;
    let mut elsewhere = announcement(report.as_bytes());
    elsewhere["flow"] = json!("billing");
    let problem = world.post(&world.reporter, "/v1/uploads", &elsewhere).await;
    assert!(problem.problem().starts_with("403 grant-missing"));
    elsewhere["flow"] = json!("shipping");
    let problem = world.post(&other, "/v1/uploads", &elsewhere).await;
    assert!(problem.problem().starts_with("404 not-found"));
    elsewhere["flow"] = json!("payments");
    elsewhere["size"] = json!(2_u64 << 30);
    let problem = world.post(&other, "/v1/uploads", &elsewhere).await;
    assert!(problem.problem().starts_with("413 upload-size"));
    let mut forged = announced.clone();
    forged["upload"] = json!(format!("{}0", announced["upload"].as_str().unwrap()));
    let problem = world.try_event(&event(&forged, "junit")).await;
    assert!(problem.starts_with("400 unknown-upload"), "{problem}");
    let batch = json!([trail_event("run-2"), wanted]);
    let problem = world.try_event(&batch).await;
    assert!(
        problem.starts_with("400 invalid-request event 1"),
        "{problem}"
    );
    world.clock.advance(16 * MINUTE_MS);
    let problem = world.put(&announced, report.as_bytes()).await.problem();
    assert!(problem.starts_with("410 upload-expired"), "{problem}");
    world.clock.advance(45 * MINUTE_MS);
    let problem = world.try_event(&wanted).await;
    assert!(problem.starts_with("410 upload-expired"), "{problem}");
}

#[tokio::test]
async fn an_upload_used_twice_is_two_payloads_and_a_small_one_is_as_if_it_had_come_along() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with_trail(folder.path()).await;
    let report = junit(5 * MEBIBYTE);
    let announced = world.uploaded(report.as_bytes()).await;
    let wanted = event(&announced, "junit");
    let (one, two) = tokio::join!(world.event(&wanted), world.event(&wanted));
    assert_ne!(one["entry"], two["entry"]);
    assert_eq!(files(&folder.path().join("large")).len(), 2);
    let small = world.uploaded(junit(1_000).as_bytes()).await;
    world.event(&event(&small, "junit")).await;
    assert_eq!(files(&folder.path().join("large")).len(), 2);
    let bundle = world.get(&world.admin, "/v1/export").await.bytes;
    let report = verify::verify(BufReader::new(&*bundle), &verify::Pin::default()).unwrap();
    assert_eq!(report.payloads_absent, 0);
}

#[tokio::test]
async fn a_report_that_cannot_be_read_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with_trail(folder.path()).await;
    let size = world.size().await;
    // It breaks off in the middle, and its counts are of more.
    let report = junit(6 * MEBIBYTE);
    let cut = &report.as_bytes()[..5 * MEBIBYTE];
    let announced = world.uploaded(cut).await;
    let problem = world.try_event(&event(&announced, "junit")).await;
    assert!(problem.starts_with("400 unreadable-evidence"), "{problem}");
    let problem = world.try_event(&event(&announced, "sarif")).await;
    assert!(problem.starts_with("400 unreadable-evidence"), "{problem}");
    // A type that is only read as a whole says so, by name.
    let problem = world.try_event(&event(&announced, "generic")).await;
    assert!(problem.starts_with("413 report-too-large"), "{problem}");
    assert!(problem.contains("`generic`"), "{problem}");
    let missing = json!({"trail": "run-9"});
    let mut nowhere = event(&announced, "junit");
    nowhere["trail"] = missing["trail"].clone();
    let problem = world.try_event(&nowhere).await;
    assert!(problem.starts_with("404 not-found"), "{problem}");
    assert_eq!(world.size().await, size);
    assert_eq!(files(&folder.path().join("large")), [""; 0]);
}

#[tokio::test]
async fn two_who_send_the_same_at_once_both_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with_trail(folder.path()).await;
    let report = junit(5 * MEBIBYTE);
    let bytes = report.as_bytes();
    let announced = world.announce(bytes).await;
    let (one, two) = tokio::join!(world.put(&announced, bytes), world.put(&announced, bytes));
    assert_eq!(
        (one.status, two.status),
        (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT)
    );
    assert_eq!(files(&folder.path().join("uploads")).len(), 1);
    world.event(&event(&announced, "junit")).await;
}
