use serde_json::{Value, json};

use crate::world::{World, attestation_event, fingerprint};

/// Binds the stock policy for unit tests to production.
async fn bind_unit_tested(world: &World) -> String {
    let seed = policy::stock::seed("unit-tested", policy::PolicyForm::Rego)
        .unwrap()
        .source();
    let headers = [("content-type", "application/rego")];
    let reply = world
        .post_as(
            &world.admin,
            "/v1/policies?name=unit-tested",
            &headers,
            seed.bytes().to_vec(),
        )
        .await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let policy = reply.json()["policy"].clone();
    let again = world
        .post_as(
            &world.admin,
            "/v1/policies?name=unit-tested",
            &headers,
            seed.bytes().to_vec(),
        )
        .await;
    assert_eq!(again.json()["policy"], policy);
    let bind = json!({"policy": policy, "scope": {"environment": "production"}});
    world.made(&world.admin, "/v1/bindings", &bind).await["entry"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn request() -> Value {
    json!({"environment": "production", "fingerprint": fingerprint('a'), "permit": {"audience": "deploy"}})
}

#[tokio::test]
async fn a_denial_is_an_answer_and_evidence_turns_it_into_a_permit() {
    let world = World::new().await;
    world.artifact("one", &fingerprint('a')).await;
    bind_unit_tested(&world).await;
    let denied = world
        .post(&world.reporter, "/v1/decisions", &request())
        .await;
    assert_eq!(denied.status, 200);
    let denied = denied.json();
    assert_eq!(
        (&denied["verdict"], denied.get("permit")),
        (&json!("denied"), None)
    );
    insta::assert_snapshot!(denied["reasons"][0].as_str().unwrap(), @"unit-tested: there is no test report `unit-tests`");
    let report = json!({"text": r#"<testsuite name="sums"><testcase name="one and one is two"/></testsuite>"#});
    world
        .event(&attestation_event("one", &fingerprint('a'), &report))
        .await;
    let allowed = world
        .post(&world.reporter, "/v1/decisions", &request())
        .await
        .json();
    assert_eq!(
        (&allowed["verdict"], &allowed["reasons"]),
        (&json!("allowed"), &json!([]))
    );
    let permit: recorder::Permit = serde_json::from_value(allowed["permit"].clone()).unwrap();
    let key = journal::key::PermitKey::new(&[2; 32]).public();
    let permitted = permit.check(&key, crate::world::START_MS).unwrap();
    assert_eq!(
        permitted.decision.to_string(),
        allowed["decision"].as_str().unwrap()
    );
    let shown = world
        .get(
            &world.reporter,
            &format!("/v1/decisions/{}", allowed["decision"].as_str().unwrap()),
        )
        .await
        .json();
    assert_eq!(shown["grounds"], allowed["grounds"]);
}

#[tokio::test]
async fn a_trial_has_no_decision_and_no_permit() {
    let world = World::new().await;
    world.artifact("one", &fingerprint('a')).await;
    let rego = "package p\ndefault allow := false\nallow if true\nfindings contains {\"control\": \"c\", \"status\": \"satisfied\", \"reason\": \"r\", \"entries\": []}\n";
    let own = json!({"fingerprint": fingerprint('a'), "policies": [{"name": "p", "rego": rego}]});
    let trial = world.post(&world.reporter, "/v1/trials", &own).await.json();
    assert_eq!(
        (
            &trial["verdict"],
            trial.get("decision"),
            trial.get("permit"),
            trial.get("environment")
        ),
        (&json!("allowed"), None, None, None)
    );
    let asked = world
        .post(&world.reporter, "/v1/decisions", &request())
        .await
        .json();
    insta::assert_snapshot!(asked["reasons"][0].as_str().unwrap(), @"no-policy: no policy is in force here");
}

#[tokio::test]
async fn a_question_about_nothing_recorded_is_a_problem() {
    let world = World::new().await;
    let reply = world
        .post(&world.reporter, "/v1/decisions", &request())
        .await;
    insta::assert_snapshot!(reply.problem(), @"404 not-found: artifact `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` does not exist");
    world.artifact("one", &fingerprint('a')).await;
    world.artifact("two", &fingerprint('a')).await;
    let reply = world
        .post(&world.reporter, "/v1/decisions", &request())
        .await;
    insta::assert_snapshot!(reply.problem(), @"400 ambiguous-artifact: artifact `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` was recorded on several trails");
    insta::assert_snapshot!(reply.json()["hint"].as_str().unwrap(), @"name the flow and the trail");
}

#[tokio::test]
async fn an_approval_is_requested_given_and_withdrawn() {
    let world = World::new().await;
    world.artifact("one", &fingerprint('a')).await;
    let person = world
        .made(&world.admin, "/v1/people", &json!({"name": "Alice"}))
        .await["person"]
        .clone();
    let key = json!({"name": "alice", "roles": ["approver"], "grants": [{"flow": "*"}], "person": person});
    let alice = world.token(&key).await;
    let request =
        json!({"environment": "production", "fingerprint": fingerprint('a'), "comment": "fine"});
    world
        .made(&world.reporter, "/v1/approval-requests", &request)
        .await;
    let given = world.made(&alice, "/v1/approvals", &request).await["entry"]
        .as_str()
        .unwrap()
        .to_owned();
    let withdrawal = format!("/v1/approvals/{given}/withdrawal");
    insta::assert_snapshot!(world.post_as(&world.reporter, &withdrawal, &[], "").await.problem(), @"403 role-missing: the key has no role that may do this; it takes `approver`");
    assert_eq!(
        world.post_as(&alice, &withdrawal, &[], "").await.status,
        201
    );
    let dossier = format!(
        "/v1/artifacts/{}/dossier?environment=production",
        fingerprint('a')
    );
    let approvals = world.get(&alice, &dossier).await.json()["approvals"].clone();
    assert_eq!(approvals[0]["status"], "stale");
}

#[tokio::test]
async fn bindings_are_listed_with_their_end() {
    let world = World::new().await;
    let entry = bind_unit_tested(&world).await;
    world
        .made(
            &world.admin,
            &format!("/v1/bindings/{entry}/unbinding"),
            &json!({"reason": "over"}),
        )
        .await;
    let again = world
        .post(
            &world.admin,
            &format!("/v1/bindings/{entry}/unbinding"),
            &json!({"reason": "over"}),
        )
        .await;
    assert_eq!(again.status, 404);
    let bindings = world.get(&world.reporter, "/v1/bindings").await.json();
    assert_eq!(
        (&bindings[0]["name"], &bindings[0]["ended"]),
        (&json!("unit-tested"), &json!("2026-11-19T02:30:00Z"))
    );
    assert_eq!(
        world.get(&world.reporter, "/v1/policies").await.json()[0]["language"],
        "rego"
    );
}
