//! The stand-in for WASI 0.2: what the tools of a language insist on, and a policy cannot have.
//!
//! It is empty, and the same each time: no environment, no arguments, no files, no sockets; nothing can be read, and
//! what is written is thrown away; the wall clock stands at the decision's time, every other clock and all randomness at
//! zero. What is asked for and not here traps. A change of any answer is a change of [`crate::METERING`], because
//! decisions rest on it.

use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{
    Component, ComponentType, Linker, LinkerInstance, Lower, ResourceAny, ResourceDynamic,
    ResourceType, Val, WasmList,
};
use wasmtime::{AsContextMut as _, Engine, Error, Result, StoreContextMut, Trap};

use crate::meter::Meter;

/// The packages that are met.
const PACKAGES: [&str; 6] = ["cli", "clocks", "filesystem", "io", "random", "sockets"];

/// The resources of those packages; which one it is, its place in this list says.
const RESOURCES: [&str; 14] = [
    "descriptor",
    "directory-entry-stream",
    "error",
    "incoming-datagram-stream",
    "input-stream",
    "network",
    "outgoing-datagram-stream",
    "output-stream",
    "pollable",
    "resolve-address-stream",
    "tcp-socket",
    "terminal-input",
    "terminal-output",
    "udp-socket",
];

/// Fuel that each call costs: what the host does for it, and keeps for it, is limited by that.
const CALL_FUEL: u64 = 10_000;
/// Fuel that each member of a list costs that a call answers with.
const MEMBER_FUEL: u64 = 50;
/// Bytes that are taken or given at once.
const CHUNK_BYTES_MAX: u64 = 4096;

/// Says whether an import is met here: `wasi:cli/environment@0.2.3` is.
pub(crate) fn meets(import: &str, item: &ComponentItem, engine: &Engine) -> bool {
    let known = |interface: &str| {
        let (path, version) = interface.split_once('@')?;
        let (package, _) = path.split_once('/')?;
        Some(version.starts_with("0.2.") && PACKAGES.contains(&package))
    };
    let ComponentItem::ComponentInstance(instance) = item else {
        return false;
    };
    import
        .strip_prefix("wasi:")
        .and_then(known)
        .unwrap_or_default()
        && instance
            .exports(engine)
            .all(|(name, export)| match export.ty {
                ComponentItem::ComponentFunc(_) | ComponentItem::Type(_) => true,
                ComponentItem::Resource(_) => resource(name).is_some(),
                _ => false,
            })
}

/// Gives a component everything that it imports and [`meets`] says is here.
pub(crate) fn link(
    linker: &mut Linker<Meter>,
    engine: &Engine,
    component: &Component,
) -> Result<()> {
    for (name, import) in component.component_type().imports(engine) {
        if let ComponentItem::ComponentInstance(instance) = &import.ty
            && meets(name, &import.ty, engine)
        {
            interface(&mut linker.instance(name)?, name, instance, engine)?;
        }
    }
    Ok(())
}

fn interface(
    linker: &mut LinkerInstance<'_, Meter>,
    import: &str,
    instance: &ComponentInstance,
    engine: &Engine,
) -> Result<()> {
    let interface = import.split('@').next().unwrap_or(import);
    for (name, export) in instance.exports(engine) {
        match export.ty {
            ComponentItem::Resource(_) => {
                let kind = resource(name).unwrap_or_default();
                linker.resource(name, ResourceType::host_dynamic(kind), |_, _| Ok(()))?;
            }
            ComponentItem::ComponentFunc(_) if is_write(name) => {
                linker.func_wrap(name, swallow)?;
            }
            ComponentItem::ComponentFunc(_) => {
                let called = format!("{interface}#{name}");
                linker.func_new(name, move |mut store, _, given, answers| {
                    charge(&mut store, CALL_FUEL)?;
                    let answer = answer(&called, given, &mut store)?;
                    if let Some(Val::List(members)) = &answer {
                        charge(&mut store, MEMBER_FUEL.saturating_mul(members.len() as u64))?;
                    }
                    give_back(&mut store, given)?;
                    if let (Some(place), Some(answer)) = (answers.first_mut(), answer) {
                        *place = answer;
                    }
                    Ok(())
                })?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn resource(name: &str) -> Option<u32> {
    let place = RESOURCES.iter().position(|known| *known == name)?;
    u32::try_from(place).ok()
}

fn charge(store: &mut StoreContextMut<'_, Meter>, fuel: u64) -> Result<()> {
    let left = store.get_fuel()?.checked_sub(fuel);
    store.set_fuel(left.ok_or(Trap::OutOfFuel)?)
}

/// Gives handles back that a call was lent.
fn give_back(store: &mut StoreContextMut<'_, Meter>, given: &[Val]) -> Result<()> {
    for value in given {
        match value {
            Val::Resource(handle) => handle.resource_drop(store.as_context_mut())?,
            Val::List(members) => give_back(store, members)?,
            _ => {}
        }
    }
    Ok(())
}

/// What may go wrong with a stream, in the terms of `wasi:io/streams`; here nothing does.
#[derive(ComponentType, Lower)]
#[component(variant)]
#[expect(dead_code, reason = "only the type is needed: writing always succeeds")]
enum StreamError {
    #[component(name = "last-operation-failed")]
    LastOperationFailed(ResourceDynamic),
    #[component(name = "closed")]
    Closed,
}

fn is_write(name: &str) -> bool {
    matches!(
        name,
        "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush"
    )
}

/// Takes bytes and forgets them. It has its own types, so that the bytes are not even looked at.
fn swallow(
    mut store: StoreContextMut<'_, Meter>,
    (_, _): (ResourceDynamic, WasmList<u8>),
) -> Result<(Result<(), StreamError>,)> {
    charge(&mut store, CALL_FUEL)?;
    Ok((Ok(()),))
}

/// Answers a call; `None` where there is nothing to answer with.
fn answer(
    called: &str,
    given: &[Val],
    store: &mut StoreContextMut<'_, Meter>,
) -> Result<Option<Val>> {
    let (interface, function) = called.split_once('#').unwrap_or((called, ""));
    Ok(Some(match (interface, function) {
        ("wasi:cli/environment", "initial-cwd") => none(),
        ("wasi:cli/environment", _) | ("wasi:filesystem/preopens", _) => Val::List(Vec::new()),
        ("wasi:cli/stdin", _) => handle("input-stream", store)?,
        ("wasi:cli/stdout" | "wasi:cli/stderr", _) => handle("output-stream", store)?,
        (
            "wasi:cli/terminal-stdin" | "wasi:cli/terminal-stdout" | "wasi:cli/terminal-stderr",
            _,
        )
        | ("wasi:filesystem/types", "filesystem-error-code") => none(),
        ("wasi:clocks/wall-clock", "now") => moment(store.data().now_ms),
        ("wasi:clocks/wall-clock", "resolution") => moment(1),
        ("wasi:clocks/monotonic-clock", "now") => Val::U64(0),
        ("wasi:clocks/monotonic-clock", "resolution") => Val::U64(1),
        ("wasi:clocks/monotonic-clock", "subscribe-instant" | "subscribe-duration") => {
            handle("pollable", store)?
        }
        ("wasi:random/random" | "wasi:random/insecure", function) => zeros(function, given)?,
        ("wasi:random/insecure-seed", _) => Val::Tuple(vec![Val::U64(0), Val::U64(0)]),
        ("wasi:io/poll", "[method]pollable.ready") => Val::Bool(true),
        ("wasi:io/poll", "[method]pollable.block") => return Ok(None),
        ("wasi:io/poll", "poll") => all_of(given),
        ("wasi:io/streams", function) => stream(function, store)?,
        ("wasi:sockets/instance-network", _) => handle("network", store)?,
        (
            "wasi:sockets/tcp-create-socket"
            | "wasi:sockets/udp-create-socket"
            | "wasi:sockets/ip-name-lookup",
            "create-tcp-socket" | "create-udp-socket" | "resolve-addresses",
        ) => failed(Val::Enum("access-denied".into())),
        _ => return Err(Error::msg(format!("a policy has no `{called}`"))),
    }))
}

fn stream(function: &str, store: &mut StoreContextMut<'_, Meter>) -> Result<Val> {
    let function = function.split('.').next_back().unwrap_or(function);
    Ok(match function {
        "check-write" => done(Some(Val::U64(CHUNK_BYTES_MAX))),
        "flush" | "blocking-flush" | "write-zeroes" | "blocking-write-zeroes-and-flush" => {
            done(None)
        }
        "subscribe" => handle("pollable", store)?,
        _ => failed(Val::Variant("closed".into(), None)),
    })
}

fn zeros(function: &str, given: &[Val]) -> Result<Val> {
    match given.first() {
        None => Ok(Val::U64(0)),
        Some(Val::U64(wanted)) if *wanted <= CHUNK_BYTES_MAX => {
            Ok(Val::List((0..*wanted).map(|_| Val::U8(0)).collect()))
        }
        Some(_) => Err(Error::msg(format!(
            "`{function}` was asked for more than {CHUNK_BYTES_MAX} bytes"
        ))),
    }
}

/// Says that whatever was waited for has come.
fn all_of(given: &[Val]) -> Val {
    let waiting = match given.first() {
        Some(Val::List(pollables)) => u32::try_from(pollables.len()).unwrap_or(u32::MAX),
        _ => 0,
    };
    Val::List((0..waiting).map(Val::U32).collect())
}

fn moment(ms: u64) -> Val {
    let nanoseconds = u32::try_from(ms % 1000).unwrap_or_default() * 1_000_000;
    Val::Record(vec![
        ("seconds".into(), Val::U64(ms / 1000)),
        ("nanoseconds".into(), Val::U32(nanoseconds)),
    ])
}

fn handle(name: &str, store: &mut StoreContextMut<'_, Meter>) -> Result<Val> {
    let kind = resource(name).unwrap_or_default();
    let handle: ResourceAny =
        ResourceDynamic::new_own(0, kind).try_into_resource_any(store.as_context_mut())?;
    Ok(Val::Resource(handle))
}

const fn none() -> Val {
    Val::Option(None)
}

fn done(value: Option<Val>) -> Val {
    Val::Result(Ok(value.map(Box::new)))
}

fn failed(error: Val) -> Val {
    Val::Result(Err(Some(Box::new(error))))
}
