//! `pull-request.v1`: how a change came into a branch, in a form that no provider owns.
//!
//! ```json
//! {"provider": "github", "repository": "example/shop", "number": 17, "url": "https://github.com/example/shop/pull/17",
//!  "state": "merged", "base": "main", "head": "<sha>", "merge_commit": "<sha>", "title": "Count twice",
//!  "author": {"alias": "github:alice", "name": "Alice"},
//!  "reviews": [{"by": "github:bob", "state": "approved", "commit": "<sha>"}],
//!  "commits": ["<sha>"]}
//! ```
//!
//! `base` is the name of the branch it went into, `head` the last commit of the branch it came from. Reviews stand oldest first. Of
//! each person's reviews the last one that judges counts: a comment leaves an approval standing, a request for changes or a dismissal ends it.

use std::collections::BTreeMap;

use model::dossier::Outcome;
use model::limits::INTEGER_MAX;
use model::{CommitId, PersonId};
use serde::{Deserialize, Serialize};

use crate::extract::Reading;
use crate::limits::{COMMITS_MAX, REVIEWS_MAX, TEXT_BYTES_MAX};
use crate::people::resolve;
use crate::strict_json::{self, at_most};
use crate::text::fits;
use crate::{Alias, EvidenceError, People};

/// A pull request that is over a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PullRequestError {
    /// A text is empty, too long, or has control characters.
    #[error(
        "`{field}` of the pull request is empty, over its limit of {TEXT_BYTES_MAX} bytes, or has control characters"
    )]
    Text {
        /// The field.
        field: &'static str,
    },
    /// The number is too large for readers that use doubles.
    #[error("the pull request's number `{number}` is above 2^53 - 1")]
    Number {
        /// The number.
        number: u64,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a pull request")]
struct PullRequest {
    author: Author,
    base: String,
    #[serde(deserialize_with = "at_most::<COMMITS_MAX, _, _>")]
    commits: Vec<CommitId>,
    head: CommitId,
    merge_commit: Option<CommitId>,
    number: u64,
    provider: String,
    repository: String,
    #[serde(deserialize_with = "at_most::<REVIEWS_MAX, _, _>")]
    reviews: Vec<Review>,
    state: State,
    title: Option<String>,
    url: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an author with an `alias`")]
struct Author {
    alias: Alias,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a review")]
struct Review {
    by: Alias,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<CommitId>,
    state: ReviewState,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ReviewState {
    Approved,
    ChangesRequested,
    Commented,
    Dismissed,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Open,
    Merged,
    Closed,
}

#[derive(Serialize)]
struct Facts<'a> {
    approvers: Vec<PersonId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<PersonId>,
    base: &'a str,
    commits: &'a [CommitId],
    head: &'a CommitId,
    #[serde(skip_serializing_if = "Option::is_none")]
    merge_commit: Option<&'a CommitId>,
    number: u64,
    provider: &'a str,
    repository: &'a str,
    /// Those of the approvers who approved another commit than `head`.
    stale_approvers: Vec<PersonId>,
    state: State,
    unregistered_people: u32,
    url: &'a str,
}

/// The part that can be erased: names, aliases and the title.
#[derive(Serialize)]
struct Named<'a> {
    author: &'a Author,
    reviews: &'a [Review],
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
}

pub(crate) fn read(raw: &[u8], people: &dyn People) -> Result<Reading, EvidenceError> {
    let request: PullRequest = strict_json::from_slice(raw)?;
    check(&request)?;
    let aliases = request
        .reviews
        .iter()
        .map(|review| &review.by)
        .chain([&request.author.alias]);
    let (_, unregistered_people) = resolve(aliases, people);
    let author = people.person(request.author.alias.as_str());
    let approvals = approvals(&request.reviews, people);
    let is_stale = |review: &Review| {
        review
            .commit
            .as_ref()
            .is_some_and(|commit| *commit != request.head)
    };
    let facts = Facts {
        approvers: approvals.keys().cloned().collect(),
        author: author.clone(),
        base: &request.base,
        commits: &request.commits,
        head: &request.head,
        merge_commit: request.merge_commit.as_ref(),
        number: request.number,
        provider: &request.provider,
        repository: &request.repository,
        stale_approvers: approvals
            .iter()
            .filter(|(_, review)| is_stale(review))
            .map(|(person, _)| person.clone())
            .collect(),
        state: request.state,
        unregistered_people,
        url: &request.url,
    };
    // Of an author whom nobody knows, nobody can be said to be another person.
    let approved_by_another =
        author.is_some_and(|author| approvals.keys().any(|approver| *approver != author));
    let outcome = if request.state == State::Merged && approved_by_another {
        Outcome::Passed
    } else {
        Outcome::Failed
    };
    let named = Named {
        author: &request.author,
        reviews: &request.reviews,
        title: request.title.as_deref(),
    };
    Reading::new(&facts, outcome)?.with_people(&named)
}

/// Returns the approvals that stand, by the registered person who gave them.
fn approvals<'a>(reviews: &'a [Review], people: &dyn People) -> BTreeMap<PersonId, &'a Review> {
    let mut last = BTreeMap::new();
    for review in reviews
        .iter()
        .filter(|review| review.state != ReviewState::Commented)
    {
        if let Some(person) = people.person(review.by.as_str()) {
            last.insert(person, review);
        }
    }
    last.retain(|_, review| review.state == ReviewState::Approved);
    last
}

fn check(request: &PullRequest) -> Result<(), PullRequestError> {
    let texts = [
        ("base", Some(&request.base)),
        ("provider", Some(&request.provider)),
        ("repository", Some(&request.repository)),
        ("url", Some(&request.url)),
        ("title", request.title.as_ref()),
        ("name", request.author.name.as_ref()),
    ];
    for (field, text) in texts {
        if text.is_some_and(|text| !fits(text, TEXT_BYTES_MAX)) {
            return Err(PullRequestError::Text { field });
        }
    }
    if request.number > INTEGER_MAX {
        Err(PullRequestError::Number {
            number: request.number,
        })
    } else {
        Ok(())
    }
}
