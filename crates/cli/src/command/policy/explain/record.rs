//! A decision with all that it names, from wherever it is at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use journal::note::Vkey;
use journal::verify::{self, Pin, VerifiedBundle};
use model::dossier::Approval;
use model::{Entry, EntryHash, Role};
use policy::Outcome;
use recorder::{Grounds, HistoryError, Past, timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use crate::client::Client;
use crate::command::verify::{open, wrong};
use crate::exit::Exit;
use crate::failure::Failure;

/// Entries are shown as `/v1/entries/…` has them.
#[derive(Serialize)]
pub(super) struct Record {
    /// The decision's own entry.
    pub(super) entry: Value,
    /// The approvals that it saw.
    pub(super) approvals: Vec<Approval>,
    pub(super) grounds: Grounds,
    /// The entries that the decision names and that are at hand, by hash.
    pub(super) entries: BTreeMap<String, Value>,
}

impl Record {
    pub(super) fn of_recorder(client: &Client, decision: &EntryHash) -> Result<Self> {
        let answer = client.get(&format!("/v1/decisions/{decision}"), &[])?;
        let grounds = answer.get("grounds").cloned().unwrap_or_default();
        let grounds: Grounds =
            serde_json::from_value(grounds).context("could not read the decision's grounds")?;
        let mut entries = BTreeMap::new();
        for entry in named(&grounds) {
            let shown = client.get(&format!("/v1/entries/{entry}"), &[])?;
            entries.insert(entry.to_string(), shown);
        }
        let approvals = answer.get("approvals").cloned().unwrap_or(json!([]));
        let approvals =
            serde_json::from_value(approvals).context("could not read the decision's approvals")?;
        let entry = answer.get("entry").cloned().unwrap_or_default();
        Ok(Self {
            entry,
            approvals,
            grounds,
            entries,
        })
    }

    pub(super) fn of_bundle(path: &Path, key: Option<Vkey>, decision: EntryHash) -> Result<Self> {
        let pin = Pin {
            checkpoint: None,
            log_key: key,
        };
        let bundle = verify::open(open(path)?, &pin).map_err(wrong)?;
        let absent = || {
            Failure::new(
                Exit::Failed,
                format!("the bundle holds no decision `{decision}`"),
            )
        };
        let (_, entry) = bundle.entry(&decision).ok_or_else(absent)?;
        let rule = entry.header().payload(Role::Rule).ok_or_else(absent)?;
        let grounds = bundle.payload(&rule.digest).ok_or_else(absent)?;
        let grounds: Grounds =
            serde_json::from_slice(grounds).context("could not read the decision's grounds")?;
        let past = Past::new(&bundle).map_err(unreadable)?;
        let asked = past.find(&decision).ok_or_else(absent)?;
        let approvals = past.approvals(asked).map_err(unreadable)?;
        let entries = named(&grounds)
            .into_iter()
            .filter_map(|hash| of_bundle(&bundle, &hash))
            .collect();
        Ok(Self {
            entry: shown(entry),
            approvals,
            grounds,
            entries,
        })
    }
}

/// Lists every entry that a decision names: bindings, and what findings rest on.
fn named(grounds: &Grounds) -> BTreeSet<EntryHash> {
    let mut named = BTreeSet::new();
    for judged in &grounds.policies {
        named.extend(judged.binding);
        if let Outcome::Verdict(verdict) = &judged.evaluation.outcome {
            let entries = verdict.findings.iter().flat_map(|finding| &finding.entries);
            named.extend(entries.copied());
        }
    }
    named
}

fn unreadable(error: HistoryError) -> Failure {
    Failure::new(
        Exit::Failed,
        "what the decision rests on is not all in the bundle",
    )
    .because(error)
}

fn of_bundle(bundle: &VerifiedBundle, hash: &EntryHash) -> Option<(String, Value)> {
    let (_, entry) = bundle.entry(hash)?;
    Some((hash.to_string(), shown(entry)))
}

fn shown(entry: &Entry) -> Value {
    let header = entry.header();
    json!({
        "by": header.by,
        "entry": entry.hash(),
        "fields": header.fields,
        "kind": header.kind,
        "recorded": timestamp::format(header.recorded_ms),
    })
}
