//! Policies: what is published, what is in force, and who puts it there.

use model::kind::{Scope, Verdict};
use policy::{PolicyForm, PolicySource};
use recorder::*;

use crate::world::{World, fingerprint, name};

#[tokio::test(flavor = "multi_thread")]
async fn without_solo_a_binding_waits_for_a_second_person() {
    let world = World::new(false).await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.tested("one", 1, false).await;
    let policy = world.publish("unit-tested", PolicyForm::Component).await;
    let scope = Scope::Environment(name("production"));
    let bind = || BindPolicy {
        advisory: false,
        from_ms: None,
        parameters: serde_json::Value::Null,
        policy,
        scope: scope.clone(),
    };
    let machine = world
        .recorder
        .bind_policy(&world.admin, bind())
        .await
        .unwrap_err();
    assert!(matches!(machine, RecorderError::PersonRequired));
    let bound = world
        .recorder
        .bind_policy(&world.alice.1, bind())
        .await
        .unwrap()
        .stored
        .entry
        .hash();
    assert_eq!(world.decide(1).await.verdict, Verdict::Denied);
    assert!(world.recorder.endorse(&world.alice.1, bound).await.is_err());
    assert_eq!(world.decide(1).await.verdict, Verdict::Denied);
    world.recorder.endorse(&world.bob.1, bound).await.unwrap();
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);
    let unbound = world
        .recorder
        .unbind_policy(&world.bob.1, bound, "obsolete".into())
        .await
        .unwrap()
        .stored
        .entry
        .hash();
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);
    world
        .recorder
        .endorse(&world.alice.1, unbound)
        .await
        .unwrap();
    assert_eq!(
        world.decide(1).await.grounds.reasons(),
        ["no-policy: no policy is in force here"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advisory_policy_denies_nothing_and_allows_nothing() {
    let world = World::solo().await;
    let policy = world.publish("unit-tested", PolicyForm::Component).await;
    let scope = Scope::Everything;
    let bind = BindPolicy {
        advisory: true,
        from_ms: None,
        parameters: serde_json::Value::Null,
        policy,
        scope,
    };
    world
        .recorder
        .bind_policy(&world.admin, bind)
        .await
        .unwrap();
    world.built("one", 1, "email:alice@example.com", None).await;
    world.tested("one", 1, false).await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Denied);
    world.bind(policy).await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_is_recorded_and_allows_nothing() {
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    let rego = "package mine\nimport rego.v1\nallow := true\nfindings := [{\"control\": \"mine\", \"status\": \"satisfied\", \"reason\": \"because\", \"entries\": []}]\n";
    let policies = vec![TrialPolicy {
        name: name("mine"),
        parameters: serde_json::Value::Null,
        rego: rego.into(),
    }];
    let request = TrialRequest {
        environment: None,
        fingerprint: fingerprint(1),
        flow: None,
        policies,
        trail: None,
    };
    let trial = world.recorder.trial(&world.ci, &request).await.unwrap();
    assert_eq!(trial.verdict, Verdict::Allowed);
    assert_eq!(trial.appended.stored.entry.header().kind.as_str(), "trial");
    assert_eq!(world.decide(1).await.verdict, Verdict::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_none_is_not_published() {
    let world = World::solo().await;
    for source in [
        "",
        "package p\nimport rego.v1\ndefault allow := true",
        "not rego at all {",
        "package p\nallow if http.send({})",
    ] {
        let refused = world
            .recorder
            .publish_policy(&world.admin, name("bad"), PolicySource::Rego(source.into()))
            .await;
        assert!(
            matches!(refused, Err(RecorderError::Publish(_))),
            "published `{source}`"
        );
    }
    assert_eq!(world.recorder.definitions().policies().count(), 0);
}
