//! From a hash to an index: of entries by their hash, payloads by their digest, idempotency keys.
//!
//! All of these are 32 evenly spread bytes, so one index over their first eight finds them; what it finds is compared
//! in full.

use rusqlite::{Connection, Result};

/// Returns the part of a hash that is indexed.
pub(super) fn prefix(hash: &[u8; 32]) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = *hash;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// Lists the indexes of entries that may have to do with a hash.
pub(super) fn candidates(connection: &Connection, hash: &[u8; 32]) -> Result<Vec<u64>> {
    connection
        .prepare_cached("SELECT idx FROM lookup WHERE prefix = ?1")?
        .query_map([prefix(hash)], |row| row.get(0))?
        .collect()
}
