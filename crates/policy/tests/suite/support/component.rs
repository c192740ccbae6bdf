//! Components made from core modules in WebAssembly text: they can do what no compiler would let a policy do.

use policy::PolicySource;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Makes a policy of a core module that exports `memory`, `cabi_realloc` and `evaluate`; it may import what compilers for
/// WASI's preview 1 do.
pub fn policy(module: &str) -> PolicySource {
    PolicySource::Component(of_world("policy", module).into())
}

/// Makes a component of a core module that exports what a world wants.
pub fn of_world(world: &str, module: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).unwrap();
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit"))
        .expect("the WIT parses");
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut encoder = ComponentEncoder::default();
    encoder
        .validate(true)
        .module(&module)
        .unwrap()
        .adapter(
            WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
            WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
        )
        .unwrap()
        .encode()
        .unwrap()
}

/// Makes a policy whose `evaluate` has this body; it has a memory, an allocator and a table.
pub fn evaluating(body: &str) -> PolicySource {
    with_data("", body)
}

/// Makes a policy with data segments besides.
pub fn with_data(data: &str, body: &str) -> PolicySource {
    policy(&module(
        data,
        &format!(r#"(func $evaluate (export "evaluate") (param i32) (result i32) {body})"#),
    ))
}

/// Writes a core module with a memory, an allocator, a table, data segments and functions.
pub fn module(data: &str, functions: &str) -> String {
    format!(
        r#"(module
            (memory (export "memory") 16)
            (table $table 1 funcref)
            (global $free (mut i32) (i32.const 65536))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (global.set $free (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
                (global.get $free)
                (global.set $free (i32.add (global.get $free) (local.get 3))))
            {data}
            {functions})"#
    )
}

/// Makes a policy that always gives this verdict; a finding is control, status, reason and entries.
pub fn answering(allow: bool, findings: &[(&str, u8, &str, &[&str])]) -> PolicySource {
    // The verdict lies at 0, the list of findings at 16, everything else behind it.
    let mut fixed = vec![0_u8; 16 + 28 * findings.len()];
    let mut rest: Vec<u8> = Vec::new();
    let behind = fixed.len();
    put(&mut fixed, 0, u32::from(allow));
    put(&mut fixed, 4, 16);
    put(&mut fixed, 8, u32::try_from(findings.len()).unwrap());
    for (index, (control, status, reason, entries)) in findings.iter().enumerate() {
        let at = 16 + 28 * index;
        text(&mut fixed, at, control, &mut rest, behind);
        put(&mut fixed, at + 8, u32::from(*status));
        text(&mut fixed, at + 12, reason, &mut rest, behind);
        while !(behind + rest.len()).is_multiple_of(4) {
            rest.push(0);
        }
        let list = rest.len();
        put(&mut fixed, at + 20, u32::try_from(behind + list).unwrap());
        put(&mut fixed, at + 24, u32::try_from(entries.len()).unwrap());
        rest.resize(list + 8 * entries.len(), 0);
        for (number, entry) in entries.iter().enumerate() {
            let start = behind + rest.len();
            rest.extend_from_slice(entry.as_bytes());
            put(&mut rest, list + 8 * number, u32::try_from(start).unwrap());
            put(
                &mut rest,
                list + 8 * number + 4,
                u32::try_from(entry.len()).unwrap(),
            );
        }
    }
    fixed.extend(rest);
    let data: String = fixed.iter().map(|byte| format!("\\{byte:02x}")).collect();
    with_data(
        &format!(r#"(data (i32.const 0) "{data}")"#),
        "(i32.const 0)",
    )
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn text(fixed: &mut [u8], at: usize, text: &str, rest: &mut Vec<u8>, behind: usize) {
    put(fixed, at, u32::try_from(behind + rest.len()).unwrap());
    put(fixed, at + 4, u32::try_from(text.len()).unwrap());
    rest.extend_from_slice(text.as_bytes());
}
