//! Core modules become components: what most compilers leave is one step short of what the sandbox runs.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The contract between host and policies, as it is written.
pub const WIT: &str = include_str!("../../../wit/policy.wit");

/// The world that a policy is of.
const WORLD: &str = "policy";
/// What the preamble of a core module begins with: `\0asm`, version 1 of the layer of modules.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";
/// How the sections are called in which tools of all languages keep what a module's world is.
const METADATA: &[u8] = b"component-type";

/// Why a core module did not become a component.
#[derive(Debug, thiserror::Error)]
#[error("could not make a component of the core module: {message}")]
pub struct ComponentError {
    message: String,
}

impl ComponentError {
    /// Takes over what the tools for components report, with all that lies under it.
    fn new(cause: impl std::fmt::Display) -> Self {
        let message = format!("{cause:#}");
        Self { message }
    }
}

/// Makes a component of a core module; everything else is returned as it is.
///
/// A module says of which world it is in a custom section, as `wit-bindgen` writes it; one that says nothing is taken
/// for a policy. What it imports of WASI's preview 1 is led to WASI 0.2, of which the sandbox has a stand-in.
///
/// # Errors
/// When it does not export what a policy exports, or imports what is not there.
pub fn component(bytes: Vec<u8>) -> Result<Vec<u8>, ComponentError> {
    if !bytes.starts_with(CORE_MODULE) {
        return Ok(bytes);
    }
    let mut module = bytes;
    let said = module
        .windows(METADATA.len())
        .any(|window| window == METADATA);
    if !said {
        let mut resolve = Resolve::default();
        let package = resolve
            .push_str("policy.wit", WIT)
            .map_err(ComponentError::new)?;
        let world = resolve
            .select_world(&[package], Some(WORLD))
            .map_err(ComponentError::new)?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .map_err(ComponentError::new)?;
    }
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| {
            encoder.adapter(
                WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            )
        })
        .and_then(|encoder| encoder.encode())
        .map_err(ComponentError::new)
}
