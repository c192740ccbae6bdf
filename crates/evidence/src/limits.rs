//! Every limit of this crate, named once, each with its reason.

/// A report of any type that is read as a whole: the largest payload that travels through the recorder.
pub const REPORT_BYTES_MAX: usize = model::limits::PAYLOAD_BYTES_MAX;
/// Facts of one attestation: half of a dossier, so that one attestation cannot fill it alone.
pub const FACTS_BYTES_MAX: usize = model::limits::DOSSIER_BYTES_MAX / 2;
/// A generic report is small, and stands in the dossier as it is.
pub const GENERIC_BYTES_MAX: usize = 64 * 1024;
/// Nesting of a generic report: the dossier around it needs some of [`model::limits::JSON_DEPTH_MAX`] for itself.
pub const GENERIC_DEPTH_MAX: usize = 16;

/// Names and places copied into facts are cut at this many characters.
pub const SHOWN_CHARS_MAX: usize = 256;

/// One tag or text of an XML report, and one string of a JSON report that is read as it comes: it is held in memory.
pub const TEXT_IN_REPORT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Keys of the objects around one place of a JSON report that is read as it comes: they are held in memory.
pub const KEYS_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Elements of an XML report inside one another.
pub const XML_DEPTH_MAX: usize = 64;
/// Attributes of one XML element: the check for repeated ones takes quadratic time.
pub const XML_ATTRIBUTES_MAX: usize = 64;

/// Test suites in one report.
pub const SUITES_MAX: usize = 10_000;
/// Test cases in one report.
pub const CASES_MAX: usize = 200_000;
/// Test suites listed in the facts; the counts are over all.
pub const SUITES_SHOWN_MAX: usize = 500;
/// Failed test cases listed in the facts; the counts are over all.
pub const FAILURES_SHOWN_MAX: usize = 100;

/// Runs in one SARIF report.
pub const RUNS_MAX: usize = 100;
/// Results of one SARIF run.
pub const RESULTS_MAX: usize = 20_000;
/// Rules of one SARIF tool component.
pub const RULES_MAX: usize = 20_000;
/// Components of one SARIF tool beside its driver.
pub const EXTENSIONS_MAX: usize = 200;
/// Names and places of a SARIF report are read so far: of what is longer, nothing else is used.
pub const SARIF_TEXT_BYTES_MAX: usize = 2 * 1024;
/// Findings listed in the facts; the counts are over all.
pub const FINDINGS_SHOWN_MAX: usize = 500;

/// Reviews of one pull request.
pub const REVIEWS_MAX: usize = 1_000;
/// Commits of one pull request or provenance.
pub const COMMITS_MAX: usize = model::limits::COMMITS_MAX;
/// People who took part in one commit.
pub const AUTHORS_MAX: usize = 64;
/// What an artifact was made from.
pub const MATERIALS_MAX: usize = 1_000;
/// The platforms of an image index.
pub const CONTAINS_MAX: usize = 100;
/// Repositories, URLs, titles, builders.
pub const TEXT_BYTES_MAX: usize = model::limits::TEXT_BYTES_MAX;
/// A commit message; a longer one is refused, so the client shortens it.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024;
/// An alias: longer than any e-mail address (RFC 5321, section 4.5.3.1) with its scheme.
pub const ALIAS_BYTES_MAX: usize = 384;

/// Items in one fingerprinted directory: their manifest is held in memory.
pub const DIRECTORY_ITEMS_MAX: usize = 1_000_000;
