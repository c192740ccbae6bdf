//! What stands in front of functions, and what it makes of requests.

use serde_json::{Value, json};

use crate::event::{Call, Front};
use crate::world::{World, ask};

const FRONTS: [Front; 3] = [Front::Api, Front::Stage("prod"), Front::Url];

#[tokio::test(flavor = "multi_thread")]
async fn every_front_brings_the_same_request() {
    let Some(world) = World::new().await else {
        return;
    };
    let query = world.start("query").await;
    for front in FRONTS {
        let call = Call::get("/v1/flows").by(&world.reporter);
        let listed = ask(&query, &call, front).await;
        assert_eq!(
            listed.headers["content-type"], "application/json",
            "{front:?}"
        );
        assert_eq!(listed.done()[0]["flow"], "web");
        let health = ask(&query, &Call::get("/healthz"), front).await.done();
        assert_eq!(health["status"], "ok");
        let openapi = ask(&query, &Call::get("/openapi.json"), front).await.done();
        assert!(openapi["paths"]["/v1/events"].is_object());
        let nothing = ask(&query, &Call::get("/v2"), front).await;
        assert_eq!(
            nothing.problem(),
            "404 no-such-path: there is nothing at this path"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_several_values_arrive_joined() {
    let Some(world) = World::new().await else {
        return;
    };
    let query = world.start("query").await;
    let accepts = |value: &str| {
        Call::get("/v1/flows")
            .by(&world.reporter)
            .with("accept", value)
    };
    let taken = ask(
        &query,
        &accepts("text/html,application/json;q=0.5"),
        Front::Api,
    )
    .await;
    assert_eq!(taken.status, 200);
    let refused = ask(&query, &accepts("text/html,image/png"), Front::Api).await;
    assert_eq!(
        refused.problem(),
        "406 not-acceptable: the answer is `application/json`"
    );
    // Some fronts list values instead.
    let mut event = accepts("").through(Front::Url);
    event["headers"]["accept"] = json!(["text/html", "application/json"]);
    let listed = query.invoke(&event).await.unwrap();
    assert_eq!(listed["statusCode"], 200, "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_text_goes_out_in_base64() {
    let Some(world) = World::new().await else {
        return;
    };
    let seal = world.start("seal").await;
    seal.invoke(&crate::event::schedule()).await.unwrap();
    let query = world.start("query").await;
    let get =
        async |path: &str| ask(&query, &Call::get(path).by(&world.reporter), Front::Api).await;
    let checkpoint = get("/checkpoint").await;
    assert!(!checkpoint.is_base64);
    let size: u16 = checkpoint.text.lines().nth(1).unwrap().parse().unwrap();
    let tile = get(&format!("/tile/0/000.p/{size}")).await;
    assert_eq!((tile.status, tile.is_base64), (200, true), "{tile:?}");
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(&tile.text)
        .unwrap();
    assert_eq!(
        journal::tile::read_hashes(&bytes, size).unwrap().len(),
        usize::from(size)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_base64_is_refused_and_nothing_recorded() {
    let Some(world) = World::new().await else {
        return;
    };
    let before = world.items().await;
    let ingest = world.start("ingest").await;
    let trail = json!({"kind": "trail", "flow": "web", "trail": "run-1"});
    let mut event = Call::post("/v1/events", &trail)
        .by(&world.reporter)
        .through(Front::Url);
    event["isBase64Encoded"] = json!(true);
    let answer = ingest.invoke(&event).await.unwrap();
    let problem: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&answer["statusCode"], &problem["type"]),
        (&json!(400), &json!("/problems/invalid-base64"))
    );
    assert_eq!(world.items().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_of_another_function_is_not_there() {
    let Some(world) = World::new().await else {
        return;
    };
    let decide = world.start("decide").await;
    let trail = json!({"kind": "trail", "flow": "web", "trail": "run-1"});
    let call = Call::post("/v1/events", &trail).by(&world.reporter);
    let refused = ask(&decide, &call, Front::Api).await;
    assert_eq!(
        refused.problem(),
        "404 no-such-path: there is nothing at this path"
    );
    assert_eq!(refused.headers["content-type"], "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_a_413_with_a_hint() {
    let Some(world) = World::new().await else {
        return;
    };
    let ingest = world.start("ingest").await;
    // Lambda itself refuses an event of more than 6 MB; this one just fits, and its body is over ours.
    let call = Call {
        body: vec![b' '; 6 * 1024 * 1024 - 16 * 1024],
        ..Call::post("/v1/events", &json!({})).by(&world.reporter)
    };
    let refused = ask(&ingest, &call, Front::Url).await;
    assert_eq!(
        refused.problem(),
        "413 body-too-large: the body has more than `6225920` bytes"
    );
}
