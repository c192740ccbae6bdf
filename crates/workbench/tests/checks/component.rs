//! Components are checked as black boxes.

use std::collections::BTreeMap;

use policy::PolicySource;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;
use workbench::Cases;
use workbench::check::{Candidate, Trap, check};

use crate::support::{here, sandbox, shown};

/// A policy that never looks: its verdict lies ready at 0, the one finding at 16, its texts behind it.
const ALWAYS: &str = r#"(module
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 4096))
    (data (i32.const 0) "\01\00\00\00\10\00\00\00\01\00\00\00")
    (data (i32.const 16) "\40\00\00\00\07\00\00\00\00\00\00\00\48\00\00\00\06\00\00\00\00\00\00\00\00\00\00\00")
    (data (i32.const 64) "scanned")
    (data (i32.const 72) "always")
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $free (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
        (global.get $free)
        (global.set $free (i32.add (global.get $free) (local.get 3))))
    (func (export "evaluate") (param i32) (result i32) (i32.const 0)))"#;

fn component(module: &str) -> PolicySource {
    let mut module = wat::parse_str(module).unwrap();
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(here("../../wit")).unwrap();
    let world = resolve.select_world(&[package], Some("policy")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true);
    let component = encoder.module(&module).unwrap().encode().unwrap();
    PolicySource::Component(component.into())
}

#[test]
fn a_component_that_always_allows_is_caught_without_its_source() {
    let cases = Cases::open(&here("tests/bad/cases.yaml")).unwrap();
    let candidate = Candidate {
        source: &component(ALWAYS),
        modules: BTreeMap::new(),
        cases: cases.iter().as_slice(),
        schema: None,
    };
    let report = check(&candidate, &sandbox()).unwrap();
    let found: Vec<Trap> = report.findings().into_iter().collect();
    let expected = [Trap::NoCaseDenies, Trap::CaseFails, Trap::SilenceAllows];
    assert_eq!(found, expected, "{}", shown(&report));
}
