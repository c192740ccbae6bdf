//! The one wasmtime engine of a sandbox: its settings, its clock, and how many may run in it at once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use wasmtime::{
    CacheStore, Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    Result,
};

use crate::limits::{MEMORY_BYTES_CEILING, TABLE_ELEMENTS_CEILING};
use crate::meter::TICK_MS;

/// Instances that fit into the pool; the gate lets fewer run at once.
const INSTANCES: u32 = 64;
/// Memory that stays with its place in the pool: a larger evaluation gives the rest back to the system.
const KEEP_RESIDENT_BYTES: usize = 4 * 1024 * 1024;
/// Memories and tables that one component may be made of.
const PARTS_MAX: u32 = 8;
/// Core modules that one component may be made of: an interpreter with its libraries is linked of some forty.
const MODULES_MAX: u32 = 100;

/// For which processors policies are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Processor {
    /// The one of this machine, with all that it can do.
    #[default]
    Own,
    /// Every one of its architecture: what is compiled may run on another machine.
    Any,
}

/// Names this system with nothing about its processor but the architecture.
fn architecture() -> String {
    let system = match std::env::consts::OS {
        "macos" => "apple-darwin",
        "windows" => "pc-windows-msvc",
        _ => "unknown-linux-gnu",
    };
    format!("{}-{system}", std::env::consts::ARCH)
}

/// Makes the engine and starts its clock.
pub(crate) fn engine(processor: Processor) -> Result<Engine> {
    let mut config = Config::new();
    // A target that is named is compiled for as it is at the least; one that is not, for what this processor can do.
    if processor == Processor::Any {
        config.target(&architecture())?;
    }
    config.consume_fuel(true);
    config.epoch_interruption(true);
    // The same work must come to the same end on every processor.
    config.cranelift_nan_canonicalization(true);
    config.wasm_relaxed_simd(false);
    config.relaxed_simd_deterministic(true);
    config.wasm_memory64(false);
    // A policy is called, and answers: nothing runs beside it.
    config.concurrency_support(false);
    config.wasm_backtrace_max_frames(None);
    config.memory_init_cow(true);
    config.enable_incremental_compilation(Arc::new(Functions::default()))?;
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    let engine = Engine::new(&config)?;
    start_clock(&engine)?;
    Ok(engine)
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES);
    pool.total_core_instances(INSTANCES * MODULES_MAX);
    pool.total_memories(INSTANCES * 2);
    pool.total_tables(INSTANCES * 4);
    pool.max_core_instances_per_component(MODULES_MAX);
    pool.max_memories_per_component(PARTS_MAX);
    pool.max_tables_per_component(PARTS_MAX);
    pool.max_memories_per_module(PARTS_MAX);
    pool.max_tables_per_module(PARTS_MAX);
    pool.max_memory_size(MEMORY_BYTES_CEILING);
    pool.table_elements(TABLE_ELEMENTS_CEILING);
    // Only where the kernel can say which pages were written is it cheaper to restore them than to give them back.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Auto);
        pool.linear_memory_keep_resident(KEEP_RESIDENT_BYTES);
        pool.table_keep_resident(64 * 1024);
    }
    pool
}

/// Lets wall time advance for as long as the engine lives.
fn start_clock(engine: &Engine) -> Result<()> {
    let engine = engine.weak();
    thread::Builder::new()
        .name("policy-clock".into())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(Duration::from_millis(TICK_MS));
            }
        })?;
    Ok(())
}

/// Compiled functions, kept in memory: all images of the engine component share theirs, so that only the first image
/// is compiled and every other differs in its data alone.
#[derive(Debug, Default)]
struct Functions(Mutex<Compiled>);

#[derive(Debug, Default)]
struct Compiled {
    by_key: HashMap<Vec<u8>, Vec<u8>>,
    bytes: usize,
}

/// Room for the engine's functions and those of some components; whatever does not fit is compiled each time.
const FUNCTIONS_BYTES_MAX: usize = 64 * 1024 * 1024;

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let compiled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.by_key.get(key).cloned().map(Cow::Owned)
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        let mut compiled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total = compiled
            .bytes
            .saturating_add(key.len())
            .saturating_add(value.len());
        if total > FUNCTIONS_BYTES_MAX {
            return false;
        }
        compiled.bytes = total;
        compiled.by_key.insert(key.to_vec(), value);
        true
    }
}

/// Lets as many evaluations run at once as there are processors: more would only wait inside, where wall time counts.
#[derive(Debug)]
pub(crate) struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Gate {
    pub(crate) fn new() -> Self {
        let processors = thread::available_parallelism().map_or(2, usize::from);
        Self {
            free: Mutex::new(processors.clamp(2, 32)),
            freed: Condvar::new(),
        }
    }

    /// Waits for a place; it is free again when the guard goes.
    pub(crate) fn enter(&self) -> Place<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self
                .freed
                .wait(free)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Place(self)
    }
}

/// A place behind the gate.
pub(crate) struct Place<'a>(&'a Gate);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
