//! Images of policies: made by who publishes, found by who decides, which compiles nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use model::kind::Verdict;
use policy::{PolicyForm, Undecided};
use recorder::*;
use store::Cause;

use crate::world::{World, name, question, start};

#[derive(Default)]
struct Bucket(Mutex<HashMap<String, Vec<u8>>>);

#[async_trait]
impl Images for Bucket {
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Cause> {
        Ok(self.0.lock().unwrap().get(name).cloned())
    }

    async fn put(&self, name: &str, image: Vec<u8>) -> Result<(), Cause> {
        self.0.lock().unwrap().insert(name.to_owned(), image);
        Ok(())
    }
}

fn policies(bucket: &Arc<Bucket>, compiling: Compiling) -> Policies {
    let engine = policy::stock::engine().into();
    Policies::with_images(engine, bucket.clone(), [9; 32], compiling).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_decides_takes_images_and_says_where_one_is_missing() {
    let world = World::shared(|store| store).await;
    let bucket = Arc::new(Bucket::default());
    let recorder = async |number, compiling| {
        let policies = policies(&bucket, compiling);
        start(
            &world.store,
            &world.clock,
            Sharing::Shared,
            number,
            policies,
        )
        .await
    };
    let ingest = recorder(2, Compiling::Allowed).await;
    let source = policy::stock::seed("unit-tested", PolicyForm::Component);
    let source = source.unwrap().source();
    let publish = async || {
        let published = ingest.publish_policy(&world.admin, name("tested"), source.clone());
        published.await.unwrap()
    };
    let policy = publish().await;
    assert_eq!(
        bucket.0.lock().unwrap().len(),
        1,
        "one image, and nothing else"
    );
    world.bind(policy).await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.tested("one", 1, false).await;
    world.clock.advance(60_000);

    let decider = recorder(3, Compiling::Never).await;
    assert_eq!(decider.warm().await.unwrap(), 1);
    let decision = decider.decide(&world.ci, &question(1)).await.unwrap();
    assert_eq!(decision.verdict, Verdict::Allowed);

    let good = bucket.0.lock().unwrap().clone();
    for damage in ["lost", "foreign"] {
        let mut images = good.clone();
        match damage {
            "lost" => images.clear(),
            _ => images.values_mut().for_each(|image| image[40] ^= 1),
        }
        *bucket.0.lock().unwrap() = images;
        let decider = recorder(4, Compiling::Never).await;
        assert_eq!(decider.warm().await.unwrap(), 0);
        let error = decider.decide(&world.ci, &question(1)).await.unwrap_err();
        let missing = Undecided::ImageMissing;
        assert!(
            matches!(&error, RecorderError::Undecided { cause, .. } if *cause == missing),
            "{damage}: {error}"
        );
        let ingest = recorder(5, Compiling::Allowed).await;
        let again = ingest.publish_policy(&world.admin, name("tested"), source.clone());
        assert_eq!(again.await.unwrap(), policy, "published once");
        decider.decide(&world.ci, &question(1)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_of_ones_own_are_not_compiled_where_nothing_is() {
    let world = World::shared(|store| store).await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.clock.advance(60_000);
    let policies = policies(&Arc::new(Bucket::default()), Compiling::Never);
    let decider = start(&world.store, &world.clock, Sharing::Shared, 3, policies).await;
    let trial = TrialRequest {
        environment: None,
        fingerprint: question(1).fingerprint,
        flow: None,
        policies: vec![TrialPolicy {
            name: name("own"),
            parameters: serde_json::Value::Null,
            rego: "package own".into(),
        }],
        trail: None,
    };
    let error = decider.trial(&world.ci, &trial).await.unwrap_err();
    assert!(matches!(error, RecorderError::Invalid(_)), "{error}");
}
