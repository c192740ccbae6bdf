//! The floors within the sandbox: guests that take the dossier over, look at nothing, and answer.
//!
//! What remains is to begin, to lower the dossier, to lift the answer, and to end.

use policy::{Config, PolicySource, Prepared, Sandbox};

use crate::component;

/// A verdict that allows, with one finding `{control: "c", status: satisfied, reason: "r", entries: []}`. It lies from 4
/// on, behind the zero that says of a result that it is one.
const VERDICT: &str = r#"(data (i32.const 4) "\01\00\00\00\10\00\00\00\01\00\00\00\2c\00\00\00\01\00\00\00\00\00\00\00\2d\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00cr")"#;

/// A component that only answers.
pub fn component(sandbox: &Sandbox) -> Prepared {
    let source = component::with_data(VERDICT, "(i32.const 4)");
    sandbox.prepare(&source).unwrap()
}

/// An engine that only answers.
pub fn engine() -> Prepared {
    let functions = r#"
        (func (export "load") (param i32 i32) (result i32) (i32.const 0))
        (func (export "judge") (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 0))"#;
    let module = component::module(VERDICT, functions);
    let config = Config {
        engine: Some(component::of_world("engine", &module).into()),
        ..Config::default()
    };
    let source = PolicySource::Rego("package none\n".into());
    Sandbox::new(config).unwrap().prepare(&source).unwrap()
}
