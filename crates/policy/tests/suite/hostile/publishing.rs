//! Components that are all work for the compiler: they are refused by what they are made of, before it begins.

use policy::{Config, PolicySource, Sandbox};

use crate::support::component::policy;

/// A policy with a further function.
fn with_function(head: &str, body: &str) -> PolicySource {
    with(&format!("(func {head} {body})"))
}

/// A policy with something further in its module.
fn with(further: &str) -> PolicySource {
    policy(&format!(
        r#"(module
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8))
            (func (export "evaluate") (param i32) (result i32) (i32.const 0))
            {further})"#
    ))
}

fn refused_for(what: &str, source: &PolicySource) {
    let error = crate::support::sandbox().prepare(source).unwrap_err();
    assert_eq!(error.code(), "policy-too-much-code", "{error:?}");
    assert!(
        error.is_the_authors() && error.to_string().contains(what),
        "{error}"
    );
}

fn accepted(source: &PolicySource) {
    crate::support::sandbox().prepare(source).unwrap();
}

fn nested(blocks: usize) -> String {
    format!("{}{}", "(block ".repeat(blocks), ")".repeat(blocks))
}

#[test]
fn more_functions_than_a_policy_has_are_refused() {
    refused_for("functions", &with(&"(func)".repeat(100_001)));
}

#[test]
fn a_function_that_never_ends_to_be_compiled_is_refused() {
    let adds = |count: usize| "(drop (i32.const 1000000))".repeat(count);
    refused_for("bytes in one function", &with_function("", &adds(150_000)));
    accepted(&with_function("", &adds(10_000)));
}

#[test]
fn what_cannot_be_compiled_while_somebody_waits_is_refused_by_its_code_alone() {
    let sandbox = Sandbox::new(Config {
        code_bytes_max: Some(10_000),
        ..Config::default()
    })
    .unwrap();
    let adds = |count: usize| with_function("", &"(drop (i32.const 1000000))".repeat(count));
    let error = sandbox.prepare(&adds(3_000)).unwrap_err();
    assert_eq!(error.code(), "policy-too-much-code-here", "{error:?}");
    assert!(error.is_the_authors() && error.hint().contains("`ingest`"));
    sandbox.prepare(&adds(1_000)).unwrap();
    let data = with(&format!(r#"(data "{}")"#, "x".repeat(100_000)));
    sandbox.prepare(&data).unwrap();
}

#[test]
fn more_locals_than_a_compiler_makes_are_refused() {
    let locals = |count: usize| format!("(local {})", "i64 ".repeat(count));
    refused_for("locals in one function", &with_function(&locals(5_001), ""));
    accepted(&with_function(&locals(5_000), ""));
    refused_for(
        "locals times blocks",
        &with_function(&locals(4_900), &"(if (i32.const 1) (then))".repeat(5_000)),
    );
}

#[test]
fn jump_tables_beyond_all_measure_are_refused() {
    let table =
        |targets: usize| format!("(block (br_table {} (i32.const 0)))", "0 ".repeat(targets));
    refused_for("targets of jumps", &with_function("", &table(50_001)));
    refused_for(
        "targets of jumps",
        &with_function("", &table(1_000).repeat(51)),
    );
    accepted(&with_function("", &table(10_000)));
}

#[test]
fn components_that_multiply_are_refused() {
    // Each is made of two of the one before: 2^40 in the end.
    let mut inner = "(component $c0)".to_owned();
    for step in 1..=40 {
        let last = step - 1;
        inner = format!(
            "(component $c{step} {inner} (instance (instantiate $c{last})) (instance (instantiate $c{last})))"
        );
    }
    let source = wat::parse_str(format!("(component {inner} (instance (instantiate $c40)))"));
    refused_for(
        "instances of components",
        &PolicySource::Component(source.unwrap().into()),
    );
    let modules = format!(
        "(component (core module $m) {})",
        "(core instance (instantiate $m))".repeat(257)
    );
    let modules = wat::parse_str(modules).unwrap();
    refused_for(
        "instances of modules",
        &PolicySource::Component(modules.into()),
    );
}

#[test]
fn blocks_within_blocks_are_compiled_or_refused_by_name() {
    accepted(&with_function("", &nested(1_000)));
    accepted(&with_function("", &nested(10_000)));
}
