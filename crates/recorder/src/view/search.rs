//! Search by the beginning of a commit or a fingerprint.

use model::{Body, Fingerprint};
use serde::Serialize;
use store::Direction;

use super::trail::trail_summary;
use super::{LIST_MAX, TrailSummary};
use crate::error::RecorderError;
use crate::recorder::Recorder;

/// What a search found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Found {
    /// Artifacts by fingerprint.
    pub artifacts: Vec<Fingerprint>,
    /// Commits, with what is recorded about them.
    pub commits: Vec<FoundCommit>,
}

/// A commit that a search found.
#[derive(Debug, Clone, Serialize)]
pub struct FoundCommit {
    /// The artifacts built from it.
    pub artifacts: Vec<Fingerprint>,
    /// The commit.
    pub commit: String,
    /// The trails about it.
    pub trails: Vec<TrailSummary>,
}

impl Recorder {
    /// Searches commits and artifacts by the beginning of their hexadecimal names.
    ///
    /// # Errors
    /// When the prefix is not at least four hexadecimal digits.
    pub async fn search(&self, prefix: &str, limit: usize) -> Result<Found, RecorderError> {
        let hexadecimal = prefix
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if prefix.len() < 4 || !hexadecimal {
            return Err(RecorderError::Invalid(
                "search for 4 or more lower-case hexadecimal digits".to_owned(),
            ));
        }
        let limit = limit.min(LIST_MAX);
        let mut found = Found {
            artifacts: self.artifacts(prefix, None, limit).await?,
            commits: Vec::new(),
        };
        let commits = self
            .store
            .streams(&format!("commit/{prefix}"), None, limit)
            .await?;
        for (stream, _) in commits {
            let mut commit = FoundCommit {
                artifacts: Vec::new(),
                commit: stream.as_str().trim_start_matches("commit/").to_owned(),
                trails: Vec::new(),
            };
            for stored in self
                .store
                .range(&stream, 0, LIST_MAX, Direction::Forward)
                .await?
            {
                commit.trails.extend(trail_summary(&stored));
                if let Ok(Body::ArtifactRecorded(recorded)) = Body::parse(stored.entry.header())
                    && !commit.artifacts.contains(&recorded.fingerprint)
                {
                    commit.artifacts.push(recorded.fingerprint);
                }
            }
            found.commits.push(commit);
        }
        Ok(found)
    }
}
