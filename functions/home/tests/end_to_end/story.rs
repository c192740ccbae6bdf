//! From a commit to production and its proof, every request to an instance that was not there before.

use journal::verify::{Complete, Pin, verify};
use journal::{Receipt, receipt::Standing};
use recorder::Permit;
use serde_json::{Value, json};
use store::Clock as _;

use crate::event::{Call, Front, schedule};
use crate::world::{Reply, World, ask, unit_tested};

const REPORT: &str = r#"<testsuite name="sums"><testcase name="one and one is two"/></testsuite>"#;

/// Every front in turn.
const FRONTS: [Front; 3] = [Front::Api, Front::Stage("prod"), Front::Url];

struct Story {
    world: World,
    asked: usize,
}

impl Story {
    async fn ask(&mut self, function: &str, call: Call<'_>) -> Reply {
        let front = FRONTS[self.asked % FRONTS.len()];
        self.asked += 1;
        self.world.cold(function, call, front).await
    }

    async fn post(&mut self, function: &str, token: &str, path: &str, body: &Value) -> Value {
        self.ask(function, Call::post(path, body).by(token))
            .await
            .done()
    }

    async fn get(&mut self, path: &str) -> Value {
        let token = self.world.reporter.clone();
        self.ask("query", Call::get(path).by(&token)).await.done()
    }

    /// Checks what came back of an entry, and says whether it is in the log.
    fn standing(&self, receipt: &Value, entry: &Value) -> Standing {
        let receipt: Receipt = serde_json::from_value(receipt.clone()).unwrap();
        let entry = entry.as_str().unwrap().parse().unwrap();
        receipt.verify(&entry, &self.world.vkey).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_walks_to_production_and_every_step_starts_anew() {
    let Some(world) = World::new().await else {
        return;
    };
    let (admin, ci) = (world.admin.clone(), world.reporter.clone());
    let mut story = Story { world, asked: 0 };

    // What the admin does: the policy is in force since before, its image is not there yet.
    let publish = Call {
        method: "POST",
        headers: vec![("content-type", "application/wasm".to_owned())],
        body: unit_tested(),
        ..Call::get("/v1/policies?name=unit-tested")
    };
    story.ask("ingest", publish.by(&admin)).await.done();
    story
        .post("ingest", &admin, "/v1/flows", &json!({"flow": "mobile"}))
        .await;
    let person = story
        .post("ingest", &admin, "/v1/people", &json!({"name": "Rita"}))
        .await;
    let key = json!({
        "name": "rita", "roles": ["approver"], "grants": [{"flow": "*"}], "person": person["person"],
    });
    let rita = story.post("ingest", &admin, "/v1/keys", &key).await;
    let rita = rita["token"].as_str().unwrap().to_owned();

    // Black box and binary provenance.
    let fingerprint = "ab".repeat(32);
    let trail = json!({"kind": "trail", "flow": "web", "trail": "run-1"});
    let begun = story.post("ingest", &ci, "/v1/events", &trail).await;
    assert!(matches!(
        story.standing(&begun["receipt"], &begun["entry"]),
        Standing::Promised { latest_ms } if latest_ms > story.world.clients.clock().wall_ms()
    ));
    let artifact = json!({
        "kind": "artifact", "flow": "web", "trail": "run-1", "fingerprint": fingerprint, "name": "web.tar",
        "provenance": {"builder": "ci", "commit": "c".repeat(40), "repository": "https://example.com/web"},
    });
    story.post("ingest", &ci, "/v1/events", &artifact).await;

    // Controls.
    let question = json!({
        "environment": "production", "fingerprint": fingerprint, "permit": {"audience": "deploy"},
    });
    let denied = story.post("decide", &ci, "/v1/decisions", &question).await;
    assert_eq!(denied["verdict"], "denied", "{denied}");
    assert!(
        denied["reasons"][0]
            .as_str()
            .unwrap()
            .starts_with("unit-tested: "),
        "{denied}"
    );
    let attestation = json!({
        "flow": "web", "trail": "run-1", "fingerprint": fingerprint,
        "name": "unit-tests", "type": "junit", "report": {"text": REPORT},
    });
    let attest = Call::post("/v1/events", &attestation)
        .by(&ci)
        .with("ce-specversion", "1.0")
        .with("ce-type", "dev.trailmark.attestation.v1")
        .with("ce-source", "/ci/web")
        .with("ce-id", "1")
        .in_base64();
    let attested = story.ask("ingest", attest.clone()).await.done();
    let again = story.ask("ingest", attest).await.done();
    assert_eq!(
        (&again["replayed"], &again["receipt"]),
        (&json!(true), &attested["receipt"])
    );
    let allowed = story.post("decide", &ci, "/v1/decisions", &question).await;
    assert_eq!(allowed["verdict"], "allowed", "{allowed}");
    let permit: Permit = serde_json::from_value(allowed["permit"].clone()).unwrap();
    let now_ms = story.world.clients.clock().wall_ms();
    assert!(permit.check(&story.world.permit_key, now_ms).is_ok());

    // A person takes responsibility, and it is deployed.
    let approval =
        json!({"environment": "production", "fingerprint": fingerprint, "comment": "fine"});
    let approved = story
        .post("approve", &rita, "/v1/approvals", &approval)
        .await;
    let deployment = json!({
        "kind": "deployment", "flow": "web", "environment": "production", "fingerprint": fingerprint, "name": "web",
    });
    story.post("ingest", &ci, "/v1/events", &deployment).await;
    let runs = json!({"environment": "production", "artifacts": [{"fingerprint": fingerprint, "name": "web"}]});
    let snapshot = story.post("snapshot", &ci, "/v1/snapshots", &runs).await;
    assert_eq!(snapshot["sightings"][0]["change"], "started");

    // All is found at once, before any of it is sealed.
    let found = story.get(&format!("/v1/artifacts/{fingerprint}")).await;
    assert_eq!(found["recorded_in"][0]["trail"], "run-1");
    let then = snapshot["recorded"].as_str().unwrap();
    let running = story
        .get(&format!("/v1/environments/production?at={then}"))
        .await;
    assert_eq!(running["running"][0]["fingerprint"], json!(fingerprint));
    let before = story
        .get("/v1/environments/production?at=2026-01-01T00:00:00Z")
        .await;
    assert_eq!(before["running"], json!([]));
    let receipt = format!(
        "/v1/entries/{}/receipt",
        approved["entry"].as_str().unwrap()
    );
    let promised = story.get(&receipt).await;
    assert!(matches!(
        story.standing(&promised, &approved["entry"]),
        Standing::Promised { .. }
    ));

    // The schedule's time comes: what was promised is proved.
    let seal = story.world.start("seal").await; //DBG
    assert_eq!(seal.invoke(&schedule()).await, Ok(Value::Null));
    let proved = story.get(&receipt).await;
    assert!(matches!(
        story.standing(&proved, &approved["entry"]),
        Standing::Proved { .. }
    ));
    let health = story.get("/healthz").await;
    assert_eq!(health["status"], "ok");

    // And whoever has the bundle needs nobody.
    let bundle = story.ask("query", Call::get("/v1/export").by(&admin)).await;
    assert_eq!(
        (bundle.status, bundle.is_base64),
        (200, false),
        "{bundle:?}"
    );
    let pin = Pin {
        log_key: Some(story.world.vkey.clone()),
        ..Pin::default()
    };
    let report = verify(bundle.text.as_bytes(), &pin).unwrap();
    assert!(report.unique && report.pinned);
    assert!(
        matches!(report.complete, Complete::Journal { .. }),
        "{:?}",
        report.complete
    );
    let log = seal.end();
    assert!(
        log.output.contains("\"SealLagEntries\":0"),
        "{}",
        log.output
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_instance_goes_on_where_it_was() {
    let Some(world) = World::new().await else {
        return;
    };
    let ingest = world.start("ingest").await;
    for at in 0..3 {
        let trail = json!({"kind": "trail", "flow": "web", "trail": format!("run-{at}")});
        let call = Call::post("/v1/events", &trail).by(&world.reporter);
        assert_eq!(ask(&ingest, &call, Front::Url).await.status, 201);
    }
    let log = ingest.end().errors;
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let completed = lines.iter().filter(|line| line["message"] == "request");
    assert_eq!(
        completed.filter(|line| line["status"] == 201).count(),
        3,
        "{log}"
    );
    assert!(!log.contains(&world.reporter), "a token was logged");
}
