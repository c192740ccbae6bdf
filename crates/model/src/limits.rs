//! Every limit of the format, named once, each with its reason.

/// A header is read by every verifier and fits in one page of any store.
pub const HEADER_BYTES_MAX: usize = 4 * 1024;
/// A name stands in stream names, paths and terminals.
pub const NAME_BYTES_MAX: usize = 64;
/// Two names, a prefix and room for the separators.
pub const STREAM_NAME_BYTES_MAX: usize = 160;
/// An entry is about few things; each link is a condition of the write.
pub const LINKS_MAX: usize = 8;
/// Raw, facts, rule and people, some of them twice.
pub const PAYLOADS_MAX: usize = 8;
/// Integers above this do not survive JSON readers that use doubles (RFC 8785, section 3.2.2.3).
pub const INTEGER_MAX: u64 = (1 << 53) - 1;
/// Deeper JSON is an attack on a recursive reader, never evidence.
pub const JSON_DEPTH_MAX: usize = 32;
/// Entries and links of one atomic append; DynamoDB's 100 items less the idempotency key.
pub const BATCH_ITEMS_MAX: usize = 99;
/// The largest payload that travels through the recorder itself, and that anybody holds in memory.
pub const PAYLOAD_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The largest payload of all: reports of this size are read in some ten seconds, and more is a mistake.
pub const LARGE_PAYLOAD_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Attestations in a dossier; beyond it a decision answers `dossier-too-large`.
pub const DOSSIER_ATTESTATIONS_MAX: usize = 2_000;
/// Canonical bytes of a dossier.
pub const DOSSIER_BYTES_MAX: usize = 1024 * 1024;
/// A claimed time may be this far ahead of the recorder's clock.
pub const CLAIMED_AHEAD_MS_MAX: u64 = 5 * 60 * 1000;
/// How far clocks, or a head and the clock, may differ before the recorder refuses to write.
pub const CLOCK_DRIFT_MS_MAX: u64 = 5_000;
/// `now` of a decision lies at most this long before its recorded time.
pub const DECISION_AGE_MS_MAX: u64 = 10_000;
/// A permit cannot be revoked, so it does not live long.
pub const PERMIT_TTL_MS_MAX: u64 = 15 * 60 * 1000;
/// At least every so many entries a `heads` entry is written.
pub const HEADS_INTERVAL: u64 = 10_000;
/// An idempotency key, as its sender writes it.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 256;
/// Free text in a header: reasons, titles, descriptions.
pub const TEXT_BYTES_MAX: usize = 512;
/// Commits between two artifacts that one provenance may list.
pub const COMMITS_MAX: usize = 1_000;
/// A policy's parameters stand in a header of 4 KiB; their schema need not be longer than a long page.
pub const SCHEMA_BYTES_MAX: usize = 64 * 1024;
/// Cases are many small dossiers; with the largest policy they fit in one request.
pub const CASES_BYTES_MAX: usize = 1024 * 1024;
/// Findings of a check that one publication accepts: who accepts more has not looked at them.
pub const ACCEPTED_FINDINGS_MAX: usize = 64;
/// An exception lives a quarter at most, as an approval does: whoever granted it must still stand for it.
pub const EXCEPTION_TTL_MS_MAX: u64 = 90 * 24 * 60 * 60 * 1000;
/// A signature's bundle: a statement of some hundred bytes, with room for a transparency log's proofs beside it.
pub const SIGNATURE_BYTES_MAX: usize = 64 * 1024;
/// Signatures of one policy, and in one bundle: each is tried with each trusted key.
pub const SIGNATURES_MAX: usize = 16;
/// Keys that are trusted to sign policies: their list stands in a header.
pub const TRUSTED_KEYS_MAX: usize = 8;
