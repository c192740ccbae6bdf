//! What `infra/` promises: the template does what the README's tables say, no role may more, and AWS would take it.

use std::env;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

mod cloud;
mod definition;
mod environment;
mod page;
mod privileges;
mod protections;
mod readme;
mod routes;
mod stack;
mod template;

const TEMPLATE: &str = "infra/template.yaml";
const README: &str = "infra/README.md";

/// The functions, by the names of their resources; each has a role, a log group and a binary of its name.
const FUNCTIONS: [&str; 6] = ["Ingest", "Decide", "Approve", "Snapshot", "Query", "Seal"];

/// A function's name as the tables write it.
fn named(resource: &str) -> String {
    resource.to_lowercase()
}

/// What a test needs from outside; without it the test is left out, unless everything is required.
fn given(variable: &str) -> Option<String> {
    let value = env::var(variable).ok();
    if value.is_none() {
        assert_ne!(
            env::var("TRAILMARK_TEST_AWS").as_deref(),
            Ok("required"),
            "`{variable}` is not set"
        );
        eprintln!("left out: `{variable}` is not set; `cargo xtask test` sets it");
    }
    value
}

/// What `infra/transform.py` makes of the template, with the tools' own Python.
fn transformed(tools: &str, options: &[&str]) -> Value {
    let output = Command::new(Path::new(tools).join("python"))
        .args(["infra/transform.py", TEMPLATE])
        .args(options)
        .current_dir(crate::tidy::root())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Something to break in the template, in memory.
struct Mutation {
    name: &'static str,
    edit: fn(&mut Value),
}

/// Checks that a check finds nothing in the template as it is, and each mutation of it.
fn finds_each(check: impl Fn(&Value) -> Vec<String>, mutations: &[Mutation]) {
    let template = template::read();
    crate::tidy::assert_none(&check(&template), "the template as it is");
    for mutation in mutations {
        let mut broken = template.clone();
        (mutation.edit)(&mut broken);
        assert_ne!(broken, template, "`{}` changes nothing", mutation.name);
        assert!(
            !check(&broken).is_empty(),
            "nobody notices: {}",
            mutation.name
        );
    }
}
