//! Several instances of a function at the same time, as Lambda runs them.

use serde_json::json;

use crate::event::{Call, Front};
use crate::world::{World, ask};

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_record_in_one_stream_and_nothing_is_lost_or_twice() {
    let Some(world) = World::new().await else {
        return;
    };
    let (one, two) = tokio::join!(world.start("ingest"), world.start("ingest"));
    let trail = json!({"kind": "trail", "flow": "web", "trail": "run-1"});
    ask(
        &one,
        &Call::post("/v1/events", &trail).by(&world.reporter),
        Front::Api,
    )
    .await
    .done();
    let attest = async |instance, who: &str| {
        let mut entries = Vec::new();
        for at in 0..10 {
            let attestation = json!({
                "kind": "attestation", "flow": "web", "trail": "run-1",
                "name": format!("{who}-{at}"), "type": "generic", "report": {"json": {"outcome": "passed", "data": {}}},
            });
            let call = Call::post("/v1/events", &attestation).by(&world.reporter);
            let recorded = ask(instance, &call, Front::Url).await.done();
            entries.push(recorded["entry"].as_str().unwrap().to_owned());
        }
        entries
    };
    let (mut all, others) = tokio::join!(attest(&one, "one"), attest(&two, "two"));
    all.extend(others);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 20);
    let prefix = format!("{}#s#trail/web/run-1", world.journal);
    let links = world.keys(|pk| pk == prefix).await;
    let expected: Vec<_> = (0..21).map(|seq| format!("{seq:016}")).collect();
    assert_eq!(
        links.into_iter().map(|(_, sk)| sk).collect::<Vec<_>>(),
        expected
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_sent_to_two_instances_is_recorded_once() {
    let Some(world) = World::new().await else {
        return;
    };
    let (one, two) = tokio::join!(world.start("ingest"), world.start("ingest"));
    let trail = json!({"kind": "trail", "flow": "web", "trail": "run-1", "idempotency_key": "a"});
    let call = Call::post("/v1/events", &trail).by(&world.reporter);
    let (first, second) = tokio::join!(ask(&one, &call, Front::Api), ask(&two, &call, Front::Api));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201]);
    assert_eq!(first.done()["receipt"], second.done()["receipt"]);
}
