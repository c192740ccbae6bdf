//! How much is compiled while somebody waits for it.

use std::env;

/// Lambda says in it how much memory the function has, in MiB.
const MEMORY: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";
/// With so much memory comes a processor.
const MEMORY_MIB_PER_PROCESSOR: u64 = 1_769;
/// What one processor compiles in twenty seconds: the other nine are for all that is beside it, and for a slow one.
const CODE_BYTES_PER_PROCESSOR: u64 = 5_000_000;

/// Returns how many bytes of code the function compiles before whoever publishes is told that it took too long; outside
/// of Lambda nobody says so.
pub(crate) fn code_bytes_max() -> Option<u64> {
    let memory_mib = env::var(MEMORY).ok()?.parse().ok()?;
    Some(of_memory(memory_mib))
}

const fn of_memory(memory_mib: u64) -> u64 {
    memory_mib.saturating_mul(CODE_BYTES_PER_PROCESSOR) / MEMORY_MIB_PER_PROCESSOR
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code in the components of the two templates, as `cargo xtask bench languages` prints it.
    const JAVASCRIPT: u64 = 9_225_443;
    const PYTHON: u64 = 6_569_089;

    #[test]
    fn an_interpreter_is_compiled_by_two_processors_and_not_by_one() {
        assert_eq!(of_memory(1_769), 5_000_000);
        assert!(of_memory(1_769) < PYTHON);
        assert!(of_memory(3_538) > JAVASCRIPT);
    }
}
