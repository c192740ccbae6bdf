//! Policies: compiled ahead of time, metered, run and replayed in one sandbox.
