//! Provenance: what an artifact was made from, by what, and by whom.
//!
//! It is not a report that a tool writes but part of recording an artifact, so it is read from a typed request.

use std::collections::HashSet;

use model::dossier::{Commit, Outcome};
use model::{CommitId, Fingerprint};
use serde::{Deserialize, Serialize};

use crate::extract::Reading;
use crate::limits::{
    AUTHORS_MAX, COMMITS_MAX, CONTAINS_MAX, MATERIALS_MAX, MESSAGE_BYTES_MAX, TEXT_BYTES_MAX,
};
use crate::people::resolve;
use crate::strict_json::at_most;
use crate::text::{fits, shown};
use crate::{Alias, EvidenceError, Extracted, People};

/// The schema of the facts.
pub const SCHEMA: &str = "provenance.v1";

/// What a recorder of an artifact says about its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a provenance")]
pub struct Provenance {
    /// Where the build can be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_url: Option<String>,
    /// What built it, for example `github-actions`.
    pub builder: String,
    /// The commit it was built from.
    pub commit: CommitId,
    /// The commits since the artifact before it, oldest first. If there are any, `commit` is among them.
    #[serde(default, deserialize_with = "at_most::<COMMITS_MAX, _, _>")]
    pub commits: Vec<AuthoredCommit>,
    /// For an image index: the fingerprints of its platforms.
    #[serde(default, deserialize_with = "at_most::<CONTAINS_MAX, _, _>")]
    pub contains: Vec<Fingerprint>,
    /// What else went into it.
    #[serde(default, deserialize_with = "at_most::<MATERIALS_MAX, _, _>")]
    pub materials: Vec<Material>,
    /// The artifact that `commits` begin after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Fingerprint>,
    /// The repository that holds `commit`.
    pub repository: String,
}

/// A commit, with everyone who took part in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a commit with its authors")]
pub struct AuthoredCommit {
    /// Authors, co-authors and committers; at least one.
    #[serde(deserialize_with = "at_most::<AUTHORS_MAX, _, _>")]
    pub authors: Vec<Alias>,
    /// The message; it goes where it can be erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The commit.
    pub sha: CommitId,
}

/// Something that an artifact was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a material")]
pub struct Material {
    /// Its digest, with the algorithm: `sha256:9f86…`.
    pub digest: String,
    /// Where it came from.
    pub uri: String,
}

/// The facts of `provenance.v1`. Members stand in canonical (alphabetical) order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenanceFacts {
    /// Where the build can be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_url: Option<String>,
    /// What built it.
    pub builder: String,
    /// The commit it was built from.
    pub commit: CommitId,
    /// The commits since the artifact before it, oldest first, with people by id.
    pub commits: Vec<Commit>,
    /// For an image index: the fingerprints of its platforms.
    pub contains: Vec<Fingerprint>,
    /// What else went into it.
    pub materials: Vec<Material>,
    /// The artifact that `commits` begin after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Fingerprint>,
    /// The repository that holds `commit`.
    pub repository: String,
}

/// A provenance that contradicts itself or is over a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProvenanceError {
    /// A text is empty, too long, or has control characters.
    #[error(
        "`{field}` of the provenance is empty, over its limit of {maximum} bytes, or has control characters"
    )]
    Text {
        /// The field.
        field: &'static str,
        /// How many bytes it may have.
        maximum: usize,
    },
    /// The commit built from is not in the list of commits.
    #[error("the provenance lists commits, but not the commit `{commit}` it was built from")]
    CommitNotListed {
        /// The commit.
        commit: CommitId,
    },
    /// A commit stands in the list twice.
    #[error("the provenance lists the commit `{commit}` twice")]
    CommitTwice {
        /// The commit.
        commit: CommitId,
    },
    /// Nobody took part in a commit.
    #[error("the commit `{commit}` has no authors")]
    NoAuthor {
        /// The commit.
        commit: CommitId,
    },
    /// A digest is not of its form.
    #[error(
        "`{digest}` of material `{uri}` is not a digest: `algorithm:` and lower-case hexadecimal digits"
    )]
    Digest {
        /// The digest as it came, shortened.
        digest: String,
        /// The material, shortened.
        uri: String,
    },
    /// A list is over its limit.
    #[error("the provenance has `{found}` {what}, over the limit of {maximum}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        maximum: usize,
    },
}

/// Turns a provenance into facts, its authors into people by id. It reports without judging.
///
/// # Errors
/// When the provenance contradicts itself or is over a limit.
pub fn extract(provenance: &Provenance, people: &dyn People) -> Result<Extracted, EvidenceError> {
    check_texts(provenance)?;
    check_commits(provenance)?;
    check_ingredients(provenance)?;
    let facts = ProvenanceFacts {
        build_url: provenance.build_url.clone(),
        builder: provenance.builder.clone(),
        commit: provenance.commit.clone(),
        commits: provenance
            .commits
            .iter()
            .map(|commit| with_people_by_id(commit, people))
            .collect(),
        contains: provenance.contains.clone(),
        materials: provenance.materials.clone(),
        previous: provenance.previous,
        repository: provenance.repository.clone(),
    };
    let reading = Reading::new(&facts, Outcome::Neutral)?;
    let reading = if provenance.commits.is_empty() {
        reading
    } else {
        reading.with_people(&Named {
            commits: &provenance.commits,
        })?
    };
    reading.into_extracted(SCHEMA, "application/json")
}

/// The part that can be erased: aliases and messages.
#[derive(Serialize)]
struct Named<'a> {
    commits: &'a [AuthoredCommit],
}

fn with_people_by_id(commit: &AuthoredCommit, people: &dyn People) -> Commit {
    let (registered, unregistered) = resolve(&commit.authors, people);
    Commit {
        people: registered,
        sha: commit.sha.clone(),
        unregistered,
    }
}

fn check_texts(provenance: &Provenance) -> Result<(), ProvenanceError> {
    let texts = [
        ("repository", Some(&provenance.repository)),
        ("builder", Some(&provenance.builder)),
        ("build_url", provenance.build_url.as_ref()),
    ];
    for (field, text) in texts {
        if text.is_some_and(|text| !fits(text, TEXT_BYTES_MAX)) {
            return Err(ProvenanceError::Text {
                field,
                maximum: TEXT_BYTES_MAX,
            });
        }
    }
    Ok(())
}

fn check_commits(provenance: &Provenance) -> Result<(), ProvenanceError> {
    check_count("commits", provenance.commits.len(), COMMITS_MAX)?;
    let mut seen = HashSet::new();
    for commit in &provenance.commits {
        check_count("authors of one commit", commit.authors.len(), AUTHORS_MAX)?;
        if commit.authors.is_empty() {
            return Err(ProvenanceError::NoAuthor {
                commit: commit.sha.clone(),
            });
        }
        if !seen.insert(&commit.sha) {
            return Err(ProvenanceError::CommitTwice {
                commit: commit.sha.clone(),
            });
        }
        if commit
            .message
            .as_ref()
            .is_some_and(|message| message.len() > MESSAGE_BYTES_MAX)
        {
            return Err(ProvenanceError::Text {
                field: "message",
                maximum: MESSAGE_BYTES_MAX,
            });
        }
    }
    if !seen.is_empty() && !seen.contains(&provenance.commit) {
        return Err(ProvenanceError::CommitNotListed {
            commit: provenance.commit.clone(),
        });
    }
    Ok(())
}

fn check_ingredients(provenance: &Provenance) -> Result<(), ProvenanceError> {
    check_count(
        "contained fingerprints",
        provenance.contains.len(),
        CONTAINS_MAX,
    )?;
    check_count("materials", provenance.materials.len(), MATERIALS_MAX)?;
    for material in &provenance.materials {
        if !fits(&material.uri, TEXT_BYTES_MAX) {
            return Err(ProvenanceError::Text {
                field: "uri",
                maximum: TEXT_BYTES_MAX,
            });
        }
        if !is_digest(&material.digest) {
            return Err(ProvenanceError::Digest {
                digest: shown(&material.digest),
                uri: shown(&material.uri),
            });
        }
    }
    Ok(())
}

fn check_count(what: &'static str, found: usize, maximum: usize) -> Result<(), ProvenanceError> {
    if found <= maximum {
        Ok(())
    } else {
        Err(ProvenanceError::Count {
            what,
            found,
            maximum,
        })
    }
}

/// Accepts what OCI calls a digest, with hexadecimal digits of at most 512 bits.
fn is_digest(text: &str) -> bool {
    let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.split_once(':').is_some_and(|(algorithm, digits)| {
        (1..=16).contains(&algorithm.len())
            && algorithm
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
            && (32..=128).contains(&digits.len())
            && digits.bytes().all(lower_hex)
    })
}
