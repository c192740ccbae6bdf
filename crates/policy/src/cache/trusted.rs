//! The one place where compiled code that this process did not compile is taken over.

use wasmtime::component::Component;
use wasmtime::{Engine, Result};

/// Compiled code whose authenticity was checked.
pub(crate) struct Authentic<'a>(pub(super) &'a [u8]);

/// Takes compiled code over.
#[expect(
    unsafe_code,
    reason = "loading precompiled code cannot be safe by itself; the argument stands in the function"
)]
pub(crate) fn load(engine: &Engine, code: &Authentic<'_>) -> Result<Component> {
    // SAFETY: wasmtime demands that the bytes come unchanged from `Component::serialize` or
    // `Engine::precompile_component`; anything else could be arbitrary machine code.
    //
    // * `Authentic` is made only by the module above, from bytes whose HMAC-SHA-256 under the sandbox's cache key is right.
    // * That code is written only by the same module, and what it writes is `Component::serialize` of a component
    //   that wasmtime itself has just validated and compiled.
    // * The key is given by whoever runs the sandbox and lies outside the cache folder: who can write into the folder
    //   can at most make files disappear or be ignored. Who holds the key can already run code as this process.
    // * The HMAC covers the file's name, which is a digest of the component, the runtime's version and the engine's
    //   settings, so that one component's code is never taken for another's. wasmtime checks version and settings too.
    // * The bytes are in memory of our own: nothing can change them between check and use, as a mapped file could.
    unsafe { Component::deserialize(engine, code.0) }
}
