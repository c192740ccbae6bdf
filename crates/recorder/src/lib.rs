//! The use cases: record, decide, approve, snapshot, look up.
