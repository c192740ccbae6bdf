//! The storage contract, its stores and their conformance suite.
