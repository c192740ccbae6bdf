//! The records and functions of `wit/policy.wit`, as the host sees them.

pub(crate) mod policy {
    wasmtime::component::bindgen!({ path: "../../wit", world: "policy" });
}

pub(crate) mod engine {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "engine",
        with: { "trailmark:policy/types@1.0.0": crate::bindings::policy::trailmark::policy::types },
    });
}

pub(crate) use policy::trailmark::policy::types;
