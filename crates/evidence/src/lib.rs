//! Outside formats to typed facts.
