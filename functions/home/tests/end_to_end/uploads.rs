//! Evidence that no event can carry: the bucket takes it, the function reads it once.

use serde_json::{Value, json};

use crate::event::{Call, Front};
use crate::world::{World, ask};

fn junit(bytes: usize) -> Vec<u8> {
    let case = format!("<testcase name=\"{}\"/>", "a".repeat(1_000));
    let cases = bytes / case.len() + 1;
    format!(
        "<testsuite tests=\"{cases}\">{}</testsuite>",
        case.repeat(cases)
    )
    .into_bytes()
}

/// Sends bytes as the announcement says, and returns the bucket's answer.
async fn put(announced: &Value, bytes: Vec<u8>) -> u16 {
    let announced = announced.clone();
    let sent = tokio::task::spawn_blocking(move || {
        let mut request = ureq::put(announced["url"].as_str().unwrap())
            .config()
            .http_status_as_error(false)
            .build();
        for (name, value) in announced["headers"].as_object().unwrap() {
            if !["host", "content-length"].contains(&name.as_str()) {
                request = request.header(name, value.as_str().unwrap());
            }
        }
        request.send(&bytes).unwrap().status().as_u16()
    });
    sent.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_report_goes_to_the_bucket_and_is_recorded_with_its_facts() {
    let Some(world) = World::new().await else {
        return;
    };
    let ingest = world.start("ingest").await;
    let post = async |path: &str, body: &Value| {
        let call = Call::post(path, body)
            .by(&world.reporter)
            .with("idempotency-key", "large");
        ask(&ingest, &call, Front::Api).await
    };
    let trail = json!({
        "kind": "trail", "flow": "web", "trail": "run-1", "idempotency_key": "begin",
    });
    post("/v1/events", &trail).await.done();
    let report = junit(40 * 1024 * 1024);
    let sha256 = evidence::fingerprint::of_reader(report.as_slice()).unwrap();
    let wanted = json!({"flow": "web", "sha256": sha256, "size": report.len()});
    let announced = post("/v1/uploads", &wanted).await.done();
    let event = |announced: &Value| {
        json!({
            "kind": "attestation", "flow": "web", "trail": "run-1", "name": "unit-tests", "type": "junit",
            "report": {"upload": announced["upload"]},
        })
    };
    let problem = post("/v1/events", &event(&announced)).await.problem();
    assert!(problem.starts_with("409 upload-missing"), "{problem}");
    assert_eq!(put(&announced, report.clone()).await, 200);
    let recorded = post("/v1/events", &event(&announced)).await.done();
    assert_eq!(recorded["replayed"], false);
    let anew = post("/v1/uploads", &wanted).await.done();
    let again = post("/v1/events", &event(&anew)).await.done();
    assert_eq!(
        (&again["replayed"], &again["receipt"]),
        (&json!(true), &recorded["receipt"])
    );
    // Nobody sends one to the function itself.
    let path = format!("/v1/uploads/{}", announced["upload"].as_str().unwrap());
    let call = Call {
        method: "PUT",
        ..Call::get(&path)
    };
    let problem = ask(&ingest, &call, Front::Url).await.problem();
    assert!(problem.starts_with("404 upload-elsewhere"), "{problem}");
    let entry = format!("/v1/entries/{}", recorded["entry"].as_str().unwrap());
    let shown = world
        .cold("query", Call::get(&entry).by(&world.reporter), Front::Api)
        .await
        .done();
    let payloads = shown["payloads"].as_array().unwrap();
    let raw = payloads.iter().find(|one| one["role"] == "raw").unwrap();
    assert_eq!(raw["size"], report.len());
    assert_eq!(shown["fields"]["outcome"], "passed");
}
