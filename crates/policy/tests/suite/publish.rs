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
        component(&vec![0; 21 * 1024 * 1024]).code(),
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
fn a_component_may_import_nothing_but_wasi_and_is_told_of_everything_else() {
    let greedy = wat(r#"(component
            (import "wasi:http/outgoing-handler@0.2.0" (instance (export "handle" (func (result u64)))))
            (import "wasi:clocks/wall-clock@0.2.0" (instance))
            (import "wasi:clocks/wall-clock@0.3.0" (instance))
            (import "wasi:io/streams@0.2.0" (instance (export "door" (type (sub resource)))))
            (import "random" (func (result u64))))"#);
    assert_eq!(
        greedy.to_string(),
        "the component imports `wasi:http/outgoing-handler@0.2.0`, `wasi:clocks/wall-clock@0.3.0`, \
         `wasi:io/streams@0.2.0`, `random`"
    );
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
fn rego_that_is_not_pure_is_refused_by_name_and_place() {
    for call in [
        "http.send({})",
        "rand.intn(\"x\", 5)",
        "opa.runtime()",
        "uuid.rfc4122(\"\")",
        "net.lookup_ip_addr(\"a\")",
    ] {
        let name = call.split('(').next().unwrap();
        let error = rego(&format!("extra := {call}"));
        assert_eq!(error.code(), "rego-impure-function", "{error}");
        let text = error.to_string();
        assert!(
            text.starts_with(&format!(
                "the Rego source calls `{name}`, which is not pure: it "
            )),
            "also where no rule uses it: {text}"
        );
        assert!(text.contains("\n--> policy.rego:"), "{text}");
        assert!(text.contains(&format!(" | extra := {call}")), "{text}");
    }
}

#[test]
fn rego_that_calls_what_there_is_not_is_refused_by_name_and_place() {
    for call in [
        "nothing(1)",
        "graphql.parse(\"\", \"\")",
        "__builtin_host_await(1, 2)",
    ] {
        let error = rego(&format!("extra := {call}"));
        assert_eq!(error.code(), "rego-unknown-function", "{error}");
        let text = error.to_string();
        assert!(text.contains(" | extra := "), "{text}");
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
fn a_built_in_with_too_few_arguments_or_too_many_is_refused_with_its_place() {
    for (call, message) in [
        ("startswith(\"a\")", "`startswith` takes 2 arguments, not 1"),
        ("count(1, 2, 3)", "`count` takes 1 argument, not 3"),
        ("lower()", "`lower` takes 1 argument, not 0"),
        (
            "time.now_ns(1, 2)",
            "`time.now_ns` takes 0 arguments, not 2",
        ),
    ] {
        let error = rego(&format!("extra := {call}"));
        assert_eq!(error.code(), "rego-syntax", "{error}");
        let text = error.to_string();
        assert!(text.contains(message), "{text}");
        assert!(text.contains("\n--> policy.rego:"), "{text}");
        assert!(text.contains(&format!(" | extra := {call}")), "{text}");
    }
}

#[test]
fn rego_reads_only_what_is_published_with_it() {
    assert_eq!(rego("extra := data.other.rule").code(), "rego-syntax");
    let source = "package example\n\nimport data.other\n\nallow := other.allow\n\nfindings := []\n";
    let error = refusal(&PolicySource::Rego(source.into()));
    assert_eq!(error.code(), "rego-syntax");
    assert!(
        error
            .to_string()
            .contains("`data.other` is not in the bundle"),
        "{error}"
    );
    assert!(
        error.to_string().contains("\n--> policy.rego:3:8\n"),
        "{error}"
    );
}

const DECIDES: &str = "package a\n\nimport data.lib.n\n\ndefault allow := false\n\nallow if n.yes\n\nfindings := []\n";

fn bundle(modules: &[(&str, &str)], data: &serde_json::Value) -> PublishError {
    let modules: std::collections::BTreeMap<_, _> = modules.iter().copied().collect();
    let bundle = serde_json::json!({ "data": data, "modules": modules });
    refusal(&PolicySource::Rego(bundle.to_string().into()))
}

#[test]
fn a_bundle_is_one_policy_and_its_libraries() {
    let no_data = serde_json::json!({});
    let library = "package lib.n\n\nyes := true\n";
    let two = bundle(
        &[
            ("a.rego", DECIDES),
            ("b.rego", "package b\n\nallow := true\n\nfindings := []\n"),
            ("n.rego", library),
        ],
        &no_data,
    );
    assert!(
        two.to_string().contains("only one package decides"),
        "{two}"
    );
    let none = bundle(&[("n.rego", library)], &no_data);
    assert_eq!(none.code(), "rego-missing-rule");
    let apart = bundle(
        &[
            ("a.rego", "package a\n\nallow := true\n"),
            ("b.rego", "package b\n\nfindings := []\n"),
        ],
        &no_data,
    );
    assert_eq!(apart.code(), "rego-missing-rule");
}

#[test]
fn what_is_wrong_in_a_bundle_is_found_in_its_file() {
    let no_data = serde_json::json!({});
    let of_library =
        |library: &str| bundle(&[("a.rego", DECIDES), ("lib/n.rego", library)], &no_data);
    let syntax = of_library("package lib.n\n\nyes := := true\n");
    assert_eq!(syntax.code(), "rego-syntax");
    assert!(syntax.to_string().contains("lib/n.rego:3:"), "{syntax}");
    let impure = of_library("package lib.n\n\nyes if http.send({})\n");
    assert_eq!(impure.code(), "rego-impure-function");
    assert!(impure.to_string().contains("lib/n.rego:3:8"), "{impure}");
    let recursive = of_library("package lib.n\n\nyes if data.a.allow\n");
    assert_eq!(recursive.code(), "rego-recursion");
    let conflict = bundle(
        &[
            ("a.rego", DECIDES),
            ("lib/n.rego", "package lib.n\n\nyes := true\n"),
        ],
        &serde_json::json!({"lib": {"n": {"yes": true}}}),
    );
    assert!(
        conflict.to_string().contains("a document and a rule"),
        "{conflict}"
    );
}

#[test]
fn a_bundle_that_is_none_is_refused() {
    for wrong in [
        "{",
        "{}",
        r#"{"modules": []}"#,
        r#"{"modules": {"a.rego": 1}}"#,
        r#"{"data": [], "modules": {}}"#,
        r#"{"extra": 1, "modules": {}}"#,
    ] {
        let error = refusal(&PolicySource::Rego(wrong.into()));
        assert_eq!(error.code(), "rego-syntax", "{wrong}");
        assert!(error.to_string().contains("the bundle"), "{error}");
    }
}

#[test]
fn rego_that_the_bytecode_would_get_wrong_is_refused() {
    assert!(
        rego("of[x.name][x.type] := x if some x in input.attestations")
            .to_string()
            .contains("not supported")
    );
    for (rules, said) in [
        (
            "of.a := 1\n\nof contains 1",
            "a set, and a value for each key elsewhere",
        ),
        (
            "of.a := 1\n\nof.b contains 1",
            "a set for each key, and a value for each key",
        ),
        (
            "of := {}\n\nof.a := 1",
            "a value for each key, and one value",
        ),
        (
            "default of := {}\n\nof.a := 1",
            "a value for each key, and one value",
        ),
        ("__trailmark_pairs_of contains [1, 2]", "the engine's own"),
    ] {
        let refused = rego(rules).to_string();
        assert!(refused.contains(said), "{refused}");
    }
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
