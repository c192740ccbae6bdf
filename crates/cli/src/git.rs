//! What git says of the working directory. It is only asked, and never over the network.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use evidence::Alias;
use evidence::limits::{AUTHORS_MAX, MESSAGE_BYTES_MAX};
use evidence::provenance::AuthoredCommit;
use model::CommitId;

/// What is asked of each commit: its id, author's and committer's addresses, co-authors, message.
///
/// The addresses are those of the commit itself: a `.mailmap` is a file that the author can write.
const FORMAT: &str = "--format=tformat:%H%x00%ae%x00%ce%x00\
                      %(trailers:key=Co-authored-by,valueonly,unfold,separator=%x0a)%x00%B";
const FIELDS: usize = 5;
/// Stands for whoever cannot be named: nobody is registered under it, so that an approval of the change does not count.
const NOBODY: &str = "git:unknown";

/// The commit that is checked out, where the working directory is a repository.
pub(crate) fn head() -> Option<CommitId> {
    line(&["rev-parse", "--verify", "--quiet", "HEAD"])?
        .parse()
        .ok()
}

/// Where the repository was cloned from, or where it lies.
pub(crate) fn repository() -> Option<String> {
    line(&["remote", "get-url", "origin"]).or_else(|| {
        let folder = line(&["rev-parse", "--show-toplevel"])?;
        Some(format!("file://{folder}"))
    })
}

/// The commit that a revision names.
pub(crate) fn commit(revision: &str) -> Option<CommitId> {
    let revision = format!("{revision}^{{commit}}");
    line(&[
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &revision,
    ])?
    .parse()
    .ok()
}

/// Says whether a commit is known here and leads to another.
pub(crate) fn leads_to(from: &CommitId, to: &CommitId) -> bool {
    git(&["merge-base", "--is-ancestor", from.as_str(), to.as_str()])
        .is_ok_and(|output| output.status.success())
}

/// Lists the commits up to one, oldest first: those that came after `since`, or that one alone.
pub(crate) fn commits(since: Option<&CommitId>, until: &CommitId) -> Result<Vec<AuthoredCommit>> {
    let range = since.map_or_else(|| until.to_string(), |since| format!("{since}..{until}"));
    let mut arguments = vec!["log", "-z", "--topo-order", "--reverse", FORMAT];
    if since.is_none() {
        arguments.push("--max-count=1");
    }
    arguments.extend([range.as_str(), "--"]);
    let output = git(&arguments)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`git log {range}` failed: {}", said.trim());
    }
    read(&String::from_utf8_lossy(&output.stdout))
}

/// Reads what git prints: fields and commits alike end with a NUL.
fn read(printed: &str) -> Result<Vec<AuthoredCommit>> {
    let fields: Vec<_> = printed.split_terminator('\0').collect();
    let mut commits = Vec::with_capacity(fields.len() / FIELDS);
    for commit in fields.chunks(FIELDS) {
        let [sha, author, committer, co_authors, message] = commit else {
            bail!("git printed something unexpected");
        };
        commits.push(AuthoredCommit {
            authors: authors(author, committer, co_authors),
            message: Some(shortened(message.trim_end()).to_owned()),
            sha: sha.parse().context("git printed something unexpected")?,
        });
    }
    Ok(commits)
}

/// Everyone who took part, each once. Whoever cannot be named stands in the list all the same, as nobody that is known.
fn authors(author: &str, committer: &str, co_authors: &str) -> Vec<Alias> {
    let mut found: Vec<Alias> = Vec::new();
    let addresses = [author, committer].into_iter().chain(co_authors.lines());
    for address in addresses.map(address_of) {
        let alias = format!("email:{address}").parse();
        let alias = alias.or_else(|_| NOBODY.parse());
        found.extend(alias.ok().filter(|alias| !found.contains(alias)));
    }
    if found.len() > AUTHORS_MAX {
        found.truncate(AUTHORS_MAX - 1);
        found.extend(NOBODY.parse());
    }
    found
}

/// Takes the address out of `Name <address>`.
fn address_of(person: &str) -> &str {
    let inside = person.rsplit_once('<').map(|(_, rest)| rest);
    inside
        .and_then(|rest| rest.split('>').next())
        .unwrap_or(person)
        .trim()
}

fn shortened(message: &str) -> &str {
    let end = message.floor_char_boundary(MESSAGE_BYTES_MAX);
    message.get(..end).unwrap_or_default()
}

fn line(arguments: &[&str]) -> Option<String> {
    let output = git(arguments)
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn git(arguments: &[&str]) -> Result<std::process::Output> {
    Command::new("git")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .context("could not run `git`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_who_took_part_is_named_once() {
        let sha = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b";
        let printed = format!(
            "{sha}\0Ann@Example.com\0noreply@forge.example\0Bob B <bob@example.com>\nann@example.com\0Add sums\n\nCo-authored-by: …\n\0"
        );
        let commits = read(&printed).unwrap();
        let [commit] = commits.as_slice() else {
            panic!("{commits:?}");
        };
        let authors: Vec<_> = commit.authors.iter().map(Alias::as_str).collect();
        assert_eq!(
            authors,
            [
                "email:ann@example.com",
                "email:noreply@forge.example",
                "email:bob@example.com"
            ]
        );
        assert_eq!(
            commit.message.as_deref(),
            Some("Add sums\n\nCo-authored-by: …")
        );
        assert!(read("").unwrap().is_empty());
        assert!(read("x\0y\0").is_err());
    }

    #[test]
    fn who_cannot_be_named_is_not_left_out() {
        let named = |author| authors(author, "c@example.com", "");
        assert_eq!(named("")[0].as_str(), "git:unknown");
        assert_eq!(named("a\u{7}b")[0].as_str(), "git:unknown");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let message = "é".repeat(MESSAGE_BYTES_MAX);
        assert_eq!(shortened(&message).len(), MESSAGE_BYTES_MAX);
        assert_eq!(shortened("short"), "short");
    }
}
