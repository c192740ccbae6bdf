//! The kinds of entries.
