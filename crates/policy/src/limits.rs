use serde::{Deserialize, Serialize};

/// What one evaluation of one policy may use. A decision records it, so that a replay is held to the same.
///
/// All but `wall_ms` are deterministic: reaching one is a denial. Reaching `wall_ms` is no verdict at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Units of work; about 12 million are a millisecond of today's machines.
    pub fuel: u64,
    /// Bytes of linear memory, all memories together.
    pub memory_bytes: u64,
    /// Bytes of the verdict as the host takes it: its texts, 80 for each finding and 24 for each entry.
    pub output_bytes: u64,
    /// Elements of tables, all tables together.
    pub table_elements: u64,
    /// Milliseconds of wall time, the backstop for what fuel does not count.
    pub wall_ms: u64,
}

impl Default for Limits {
    /// Ample for 2,000 attestations, and over within a tenth of a second for a policy that never ends.
    fn default() -> Self {
        Self {
            fuel: 1_000_000_000,
            memory_bytes: 64 * 1024 * 1024,
            output_bytes: 64 * 1024,
            table_elements: 20_000,
            wall_ms: 5_000,
        }
    }
}

/// A published component, five payloads of a journal: a whole Python with its library has 18 MiB, JavaScript's engine 12.
pub const POLICY_BYTES_MAX: usize = 20 * 1024 * 1024;
/// Rego source: what a person can still review.
pub const SOURCE_BYTES_MAX: usize = 256 * 1024;
/// Findings in one verdict.
pub const FINDINGS_MAX: usize = 256;
/// A finding's reason is a sentence.
pub const REASON_BYTES_MAX: usize = model::limits::TEXT_BYTES_MAX;
/// Memory that an evaluation may be given at most, whatever its limits say: the size of a slot of the pool.
pub const MEMORY_BYTES_CEILING: usize = 256 * 1024 * 1024;
/// Table elements that an evaluation may be given at most, whatever its limits say.
pub const TABLE_ELEMENTS_CEILING: usize = 100_000;
