//! The sandbox itself: cache, determinism, several policies at once.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::support::component::evaluating;
use crate::support::{dossier, entry};
use policy::{
    Cache, Config, Evaluation, Limits, Outcome, PolicyForm, PolicySource, Prepared, Processor,
    PublishError, Sandbox, Task, evaluate_all, stock,
};
use serde_json::json;

thread_local! {
    /// How often this test was told that the engine for Rego is compiled.
    static ENGINES: Cell<u32> = const { Cell::new(0) };
}

fn cached(folder: &Path, key: u8) -> Sandbox {
    Sandbox::new(Config {
        before_engine: Some(|| ENGINES.set(ENGINES.get() + 1)),
        cache: Some(Cache::in_folder(folder, [key; 32])),
        ..Config::default()
    })
    .unwrap()
}

fn seed(control: &str, form: PolicyForm) -> PolicySource {
    stock::seed(control, form).unwrap().source()
}

fn evaluate(policy: &Prepared) -> Evaluation {
    let facts = json!({ "duration_ms": 1, "errors": 0, "failed": 0, "failures": [], "passed": 3, "skipped": 0, "suites": [], "tests": 3 });
    let input = dossier(json!({ "attestations": [{
        "entry": entry(1), "facts": facts, "flow": "pay", "foreign": false, "name": "unit-tests", "outcome": "passed",
        "recorded_ms": 1, "schema": "junit.v1", "subject": "artifact", "type": "junit",
    }]}));
    policy.evaluate(&input, "{}", &Limits::default())
}

#[test]
fn an_evaluation_is_the_same_with_and_without_cache_and_in_another_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    for form in [PolicyForm::Component, PolicyForm::Rego] {
        let source = seed("unit-tested", form);
        let without = evaluate(
            &Sandbox::new(Config::default())
                .unwrap()
                .prepare(&source)
                .unwrap(),
        );
        assert!(without.allows(), "{without:?}");
        let making = evaluate(&cached(folder.path(), 1).prepare(&source).unwrap());
        let using = evaluate(&cached(folder.path(), 1).prepare(&source).unwrap());
        assert_eq!(making, without);
        assert_eq!(using, without);
        assert_eq!(ENGINES.get(), u32::from(form == PolicyForm::Rego));
    }
}

#[test]
fn a_damaged_cache_file_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let source = seed("unit-tested", PolicyForm::Component);
    let good = evaluate(&cached(folder.path(), 1).prepare(&source).unwrap());
    let path = fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let whole = fs::read(&path).unwrap();
    let damaged: [Vec<u8>; 4] = [
        Vec::new(),
        whole[..20].to_vec(),
        whole[..whole.len() / 2].to_vec(),
        whole
            .iter()
            .enumerate()
            .map(|(at, byte)| {
                if at == whole.len() / 2 {
                    byte ^ 1
                } else {
                    *byte
                }
            })
            .collect(),
    ];
    for bytes in damaged {
        fs::write(&path, bytes).unwrap();
        assert_eq!(
            evaluate(&cached(folder.path(), 1).prepare(&source).unwrap()),
            good
        );
        assert_eq!(fs::read(&path).unwrap(), whole, "it was made anew");
    }
}

#[test]
fn a_cache_file_of_another_key_or_component_is_never_run() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = seed("unit-tested", PolicyForm::Component);
    cached(ours.path(), 1).prepare(&source).unwrap();
    let path = fs::read_dir(ours.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let good = fs::read(&path).unwrap();

    cached(theirs.path(), 2).prepare(&source).unwrap();
    let foreign = fs::read(theirs.path().join(path.file_name().unwrap())).unwrap();
    assert_ne!(foreign, good);
    fs::write(&path, foreign).unwrap();
    assert!(evaluate(&cached(ours.path(), 1).prepare(&source).unwrap()).allows());
    assert_eq!(fs::read(&path).unwrap(), good, "another key");

    let (other, others) = (tempfile::tempdir().unwrap(), evaluating("(unreachable)"));
    cached(other.path(), 1).prepare(&others).unwrap();
    let swapped = fs::read_dir(other.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::copy(swapped, &path).unwrap();
    assert!(evaluate(&cached(ours.path(), 1).prepare(&source).unwrap()).allows());
    assert_eq!(fs::read(&path).unwrap(), good, "another component");
}

fn everywhere(folder: &Path) -> Sandbox {
    Sandbox::new(Config {
        cache: Some(Cache::in_folder(folder, [1; 32])),
        processor: Processor::Any,
        ..Config::default()
    })
    .unwrap()
}

#[test]
fn an_image_for_every_processor_has_a_name_of_its_own_and_judges_alike() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("images");
    let (engine, own) = (everywhere(&folder), crate::support::sandbox());
    for form in [PolicyForm::Component, PolicyForm::Rego] {
        let source = seed("unit-tested", form);
        let made = engine.prepare(&source).unwrap();
        let rego = made.identity().engine;
        assert_ne!(
            engine.image_name(&source.digest(), rego.as_ref()),
            own.image_name(&source.digest(), rego.as_ref()),
            "what this processor can do beyond others is not made use of"
        );
        // Another process, which has nothing but the digests.
        let loaded = everywhere(&folder).load(source.digest(), rego).unwrap();
        assert_eq!(loaded.identity(), made.identity());
        let evaluation = evaluate(&loaded);
        assert!(evaluation.allows(), "{evaluation:?}");
        assert_eq!(evaluation, evaluate(&own.prepare(&source).unwrap()));
    }
}

#[test]
fn a_policy_without_an_image_is_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = everywhere(folder.path());
    let source = seed("unit-tested", PolicyForm::Component);
    let missing = || sandbox.load(source.digest(), None).unwrap_err();
    assert!(matches!(missing(), PublishError::ImageMissing));
    sandbox.prepare(&source).unwrap();
    sandbox.load(source.digest(), None).unwrap();
    let image = fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let mut bytes = fs::read(image.path()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(image.path(), bytes).unwrap();
    assert!(matches!(missing(), PublishError::ImageMissing));
}

#[test]
fn what_ran_is_named_by_digests() {
    let sandbox = crate::support::sandbox();
    let rego = sandbox
        .prepare(&seed("unit-tested", PolicyForm::Rego))
        .unwrap();
    let component = sandbox
        .prepare(&seed("unit-tested", PolicyForm::Component))
        .unwrap();
    assert_eq!(
        rego.identity().policy,
        seed("unit-tested", PolicyForm::Rego).digest()
    );
    assert_eq!(
        rego.identity().engine,
        Some(PolicySource::Component(stock::engine().into()).digest())
    );
    assert_eq!(component.identity().engine, None);
    let text = serde_json::to_string(component.identity()).unwrap();
    assert_eq!(
        serde_json::from_str::<policy::Identity>(&text).unwrap(),
        *component.identity()
    );
}

#[test]
fn an_engine_that_is_given_is_the_one_that_runs() {
    let engine: Arc<[u8]> = stock::engine().into();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("policy-cache");
    let given = Sandbox::new(Config {
        cache: Some(Cache::in_folder(folder, [7; 32])),
        engine: Some(engine),
        ..Config::default()
    })
    .unwrap();
    let source = seed("unit-tested", PolicyForm::Rego);
    assert_eq!(
        evaluate(&given.prepare(&source).unwrap()),
        evaluate(&crate::support::sandbox().prepare(&source).unwrap())
    );
}

#[test]
fn many_at_once_answer_as_one_alone() {
    let sandbox = crate::support::sandbox();
    let policies: Vec<Prepared> = stock::seeds()
        .iter()
        .map(|seed| sandbox.prepare(&seed.source()).unwrap())
        .collect();
    let tasks: Vec<Task<'_>> = policies
        .iter()
        .map(|policy| Task {
            policy,
            parameters: "{}",
        })
        .collect();
    let input = dossier(json!({}));
    let alone: Vec<Evaluation> = policies
        .iter()
        .map(|policy| policy.evaluate(&input, "{}", &Limits::default()))
        .collect();
    assert_eq!(evaluate_all(&tasks, &input, &Limits::default()), alone);
    assert_eq!(evaluate_all(&[], &input, &Limits::default()), []);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(evaluate_all(&tasks, &input, &Limits::default()), alone);
                }
            });
        }
    });
}

#[test]
fn an_evaluation_is_recorded_as_json_and_read_back() {
    let sandbox = crate::support::sandbox();
    let policy = sandbox
        .prepare(&seed("unit-tested", PolicyForm::Component))
        .unwrap();
    let evaluation = evaluate(&policy);
    let bytes = model::canonical::to_vec(&evaluation).unwrap();
    assert!(model::canonical::check(&bytes).is_ok());
    assert_eq!(
        serde_json::from_slice::<Evaluation>(&bytes).unwrap(),
        evaluation
    );
    let stopped = Evaluation {
        outcome: Outcome::Denied(policy::Denial::OutOfFuel),
        ..evaluation
    };
    let text = serde_json::to_string(&stopped.outcome).unwrap();
    insta::assert_snapshot!(text, @r#"{"denied":"out-of-fuel"}"#);
}
