//! What is fuzzed: every reader of bytes from outside, each with what must hold of whatever it accepts.
//!
//! `src/corpus.rs` runs them over the inputs that are kept, `src/search.rs` lets libFuzzer look for more. The readers of
//! Rego are not here: they run in the sandbox, and `crates/policy/tests/suite/hostile` feeds them.

mod evidence_formats;
mod journal_formats;
mod model_formats;

/// A reader, under the name of its corpus.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target {
        name: "junit",
        run: |bytes| evidence_formats::read("junit", bytes),
    },
    Target {
        name: "sarif",
        run: |bytes| evidence_formats::read("sarif", bytes),
    },
    Target {
        name: "pull-request",
        run: |bytes| evidence_formats::read("pull-request", bytes),
    },
    Target {
        name: "generic",
        run: |bytes| evidence_formats::read("generic", bytes),
    },
    Target {
        name: "provenance",
        run: evidence_formats::provenance,
    },
    Target {
        name: "strict-json",
        run: evidence_formats::strict_json,
    },
    Target {
        name: "bundle",
        run: journal_formats::bundle,
    },
    Target {
        name: "note",
        run: journal_formats::note,
    },
    Target {
        name: "map-proof",
        run: journal_formats::map_proof,
    },
    Target {
        name: "tree-proof",
        run: journal_formats::tree_proof,
    },
    Target {
        name: "receipt",
        run: journal_formats::receipt,
    },
    Target {
        name: "tile",
        run: journal_formats::tile,
    },
    Target {
        name: "header",
        run: model_formats::header,
    },
    Target {
        name: "canonical",
        run: model_formats::canonical,
    },
];

/// Finds a target.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
