//! What cannot be published, and why.

use crate::support::component::answering;
use policy::{PolicyForm, PolicySource, PublishError, stock};

fn refusal(source: &PolicySource) -> PublishError {
    let error = crate::support::sandbox()
        .prepare(source)
        .expect_err("it was accepted");
    assert!(error.is_the_authors(), "{error:?}");
    assert!(!error.hint().is_empty());
    error
}

fn component(bytes: &[u8]) -> PublishError {
    refusal(&PolicySource::Component(bytes.into()))
}

fn wat(text: &str) -> PublishError {
    component(&wat::parse_str(text).unwrap())
}

/// A policy in Rego whose only fault is what is added.
fn rego(added: &str) -> PublishError {
    let source = format!(
        "package example\n\ndefault allow := false\n\nallow if count(findings) > 0\n\nfindings contains \
         {{\"control\": \"c\", \"status\": \"satisfied\", \"reason\": \"r\", \"entries\": []}}\n\n{added}\n"
    );
    refusal(&PolicySource::Rego(source.into()))
}

#[test]
fn what_is_no_component_is_refused_by_name() {
    assert_eq!(component(b"").code(), "policy-empty");
    assert_eq!(
        component(b"package example").code(),
        "policy-is-no-component"
    );
    assert_eq!(
        component(&wat::parse_str("(module)").unwrap()).code(),
        "policy-is-core-module"
    );
    assert_eq!(
        component(&vec![0; 9 * 1024 * 1024]).code(),
        "policy-too-large"
    );
}

#[test]
fn a_truncated_component_is_refused_wherever_it_ends() {
    let PolicySource::Component(whole) = answering(false, &[]) else {
        unreachable!()
    };
    for end in 1..whole.len() {
        if whole[end] == 0
            && end > 8
            && crate::support::sandbox()
                .prepare(&PolicySource::Component(whole[..end].into()))
                .is_ok()
        {
            // Only custom sections are missing, which say who made it.
            continue;
        }
        let code = component(&whole[..end]).code();
        assert!(
            matches!(
                code,
                "policy-is-no-component" | "policy-invalid" | "policy-exports"
            ),
            "{end}: {code}"
        );
    }
}

#[test]
fn a_component_may_import_nothing() {
    let clock = wat(
        r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func (result u64))))))"#,
    );
    assert_eq!(
        clock.to_string(),
        "the component imports `wasi:clocks/wall-clock@0.2.0`"
    );
    let random = wat(r#"(component (import "random" (func (result u64))))"#);
    assert_eq!(random.to_string(), "the component imports `random`");
    let disguised = wat(
        r#"(component (import "trailmark:policy/types@1.0.0" (instance (export "now" (func (result u64))))))"#,
    );
    assert_eq!(disguised.code(), "policy-imports");
    let resource = wat(
        r#"(component (import "trailmark:policy/types@1.0.0" (instance (export "file" (type (sub resource))))))"#,
    );
    assert_eq!(resource.code(), "policy-imports");
}

#[test]
fn a_component_exports_evaluate_as_the_world_has_it() {
    assert_eq!(wat("(component)").code(), "policy-exports");
    let other = wat(r#"(component
            (core module $m (func (export "evaluate") (result i32) (i32.const 1)))
            (core instance $i (instantiate $m))
            (func $f (result bool) (canon lift (core func $i "evaluate")))
            (export "evaluate" (func $f)))"#);
    assert_eq!(other.code(), "policy-exports");
}

// guest test of engine.load
#[test]
fn rego_with_a_syntax_error_is_refused_with_its_place() {
    let error = rego("allow if {");
    assert_eq!(error.code(), "rego-syntax");
    assert!(error.to_string().contains("policy.rego:"), "{error}");
}

#[test]
fn rego_that_is_not_pure_is_refused() {
    for call in [
        "http.send({})",
        "time.now_ns()",
        "rand.intn(\"x\", 5)",
        "opa.runtime()",
        "uuid.rfc4122(\"\")",
        "net.lookup_ip_addr(\"a\")",
        "nothing(1)",
    ] {
        let name = call.split('(').next().unwrap();
        assert_eq!(
            rego(&format!("extra := {call}")).to_string(),
            format!("the Rego source calls `{name}`, which a policy does not have"),
            "also where no rule uses it"
        );
    }
}

#[test]
fn rego_that_calls_itself_is_refused() {
    for recursive in [
        "f(x) := f(x - 1)",
        "f(x) := g(x)\n\ng(x) := f(x)",
        "one if two\n\ntwo if one",
        "tree contains x if some x in tree",
        "a := [b | true]\n\nb := {\"x\": a}",
    ] {
        assert_eq!(rego(recursive).code(), "rego-recursion", "{recursive}");
    }
}

#[test]
fn rego_that_allows_by_default_is_refused() {
    let source = "package example\n\ndefault allow := true\n\nfindings := []\n";
    assert_eq!(
        refusal(&PolicySource::Rego(source.into())).code(),
        "rego-default-allow"
    );
    let source = "package example\n\ndefault allow = true\n\nfindings := []\n";
    assert_eq!(
        refusal(&PolicySource::Rego(source.into())).code(),
        "rego-default-allow"
    );
}

#[test]
fn rego_needs_both_rules() {
    let without = |source: &str| refusal(&PolicySource::Rego(source.into())).to_string();
    assert_eq!(
        without("package example\n"),
        "the Rego source has no rule `allow`"
    );
    assert_eq!(
        without("package example\n\nallow := false\n"),
        "the Rego source has no rule `findings`"
    );
    assert_eq!(
        without("package example\n\nfindings := []\n"),
        "the Rego source has no rule `allow`"
    );
    assert_eq!(without(" \n"), "the policy is empty");
}

#[test]
fn rego_stands_alone() {
    assert_eq!(rego("extra := data.other.rule").code(), "rego-syntax");
    assert_eq!(rego("extra := data[input.x].allow").code(), "rego-syntax");
    let source = "package example\n\nimport data.other\n\nallow := other.allow\n\nfindings := []\n";
    assert_eq!(
        refusal(&PolicySource::Rego(source.into())).code(),
        "rego-syntax"
    );
}

#[test]
fn rego_that_the_bytecode_would_get_wrong_is_refused() {
    assert!(
        rego("of[x.name] contains x if some x in input.attestations")
            .to_string()
            .contains("not supported")
    );
    let source =
        "package example\n\nallow if count(findings) > 0 with input as {}\n\nfindings := []\n";
    assert_eq!(
        refusal(&PolicySource::Rego(source.into())).code(),
        "rego-syntax"
    );
}

#[test]
fn rego_that_is_nested_too_deeply_is_too_much_work() {
    let deep = format!("extra := {}{}", "[".repeat(20_000), "]".repeat(20_000));
    let code = rego(&deep).code();
    assert!(
        matches!(code, "rego-syntax" | "policy-too-complex"),
        "{code}"
    );
    let long = "a := 1 # 123456789\n".repeat(20_000);
    assert_eq!(rego(&long).code(), "policy-too-large");
}

#[test]
fn an_engine_that_is_none_is_not_the_authors_fault() {
    let engine = stock::seed("unit-tested", PolicyForm::Component)
        .unwrap()
        .source()
        .bytes()
        .into();
    let sandbox = policy::Sandbox::new(policy::Config {
        engine: Some(engine),
        ..policy::Config::default()
    })
    .unwrap();
    let source = PolicySource::Rego("package a\n\nallow := false\n\nfindings := []\n".into());
    assert_eq!(
        sandbox.prepare(&source).unwrap_err().code(),
        "engine-unusable"
    );
}
