use wasmtime::{Error, ResourceLimiter, Result, Store, Trap};

use crate::limits::{MEMORY_BYTES_CEILING, TABLE_ELEMENTS_CEILING};
use crate::{Denial, Limits, Outcome, Undecided};

/// How often the clock that wall time is measured by advances.
pub(crate) const TICK_MS: u64 = 10;

/// What one instance has used, and what it may use at most.
pub(crate) struct Meter {
    /// The decision's time, in milliseconds since 1970-01-01 UTC: where the stand-in's wall clock stands.
    pub(crate) now_ms: u64,
    memory: u64,
    memory_max: u64,
    table: u64,
    table_max: u64,
}

/// A limit that an instance ran into while growing.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the limit `{0}` was reached")]
struct Reached(Denial);

impl Meter {
    fn new(limits: &Limits) -> Self {
        Self {
            now_ms: 0,
            memory: 0,
            memory_max: limits.memory_bytes.min(MEMORY_BYTES_CEILING as u64),
            table: 0,
            table_max: limits.table_elements.min(TABLE_ELEMENTS_CEILING as u64),
        }
    }

    /// The most memory held so far: linear memory never shrinks.
    pub(crate) const fn memory_bytes(&self) -> u64 {
        self.memory
    }
}

/// A wish to grow a memory or table.
struct Growth {
    current: usize,
    desired: usize,
    /// What the guest itself has declared, or its place can hold.
    maximum: Option<usize>,
}

/// Adds growth to what is used; past the limit it is a trap of its own instead of a refusal to the guest.
fn grow(used: &mut u64, limit: u64, growth: &Growth, denial: Denial) -> Result<bool> {
    let total = used.saturating_add(growth.desired.saturating_sub(growth.current) as u64);
    if total > limit {
        return Err(Error::new(Reached(denial)));
    }
    if growth
        .maximum
        .is_some_and(|maximum| growth.desired > maximum)
    {
        return Ok(false);
    }
    *used = total;
    Ok(true)
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        let growth = Growth {
            current,
            desired,
            maximum,
        };
        grow(
            &mut self.memory,
            self.memory_max,
            &growth,
            Denial::OutOfMemory,
        )
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        let growth = Growth {
            current,
            desired,
            maximum,
        };
        grow(&mut self.table, self.table_max, &growth, Denial::OutOfTable)
    }
}

/// Makes the store of one evaluation.
pub(crate) fn store(engine: &wasmtime::Engine, limits: &Limits) -> Result<Store<Meter>> {
    let mut store = Store::new(engine, Meter::new(limits));
    store.limiter(|meter| meter);
    store.set_fuel(limits.fuel)?;
    store.set_hostcall_fuel(usize::try_from(limits.output_bytes).unwrap_or(usize::MAX));
    // One tick more, because the current one has begun already.
    store.set_epoch_deadline((limits.wall_ms / TICK_MS).saturating_add(1));
    store.epoch_deadline_trap();
    Ok(store)
}

/// Names what stopped an evaluation.
pub(crate) fn stopped(error: &Error) -> Outcome {
    if let Some(Reached(denial)) = error.downcast_ref() {
        return Outcome::Denied(*denial);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Outcome::Denied(Denial::OutOfFuel),
        Some(Trap::Interrupt) => Outcome::Undecided(Undecided::WallTime),
        Some(Trap::StackOverflow) => Outcome::Undecided(Undecided::NativeStack),
        Some(_) => Outcome::Denied(Denial::Trapped),
        None if error.is::<wasmtime::PoolConcurrencyLimitError>() => {
            Outcome::Undecided(Undecided::HostMemory)
        }
        None if error.is::<wasmtime::OutOfMemory>() => Outcome::Undecided(Undecided::HostMemory),
        None if is_output_limit(error) => Outcome::Denied(Denial::OutputTooLarge),
        None => Outcome::Denied(Denial::Trapped),
    }
}

/// Says whether the verdict was too large to take over.
///
/// The runtime has a limit for this and no type for reaching it, so its text is all there is to go by. A test of a
/// verdict of a gigabyte fails when an upgrade changes it.
fn is_output_limit(error: &Error) -> bool {
    error
        .root_cause()
        .to_string()
        .contains("fuel allocated for hostcalls has been exhausted")
}
