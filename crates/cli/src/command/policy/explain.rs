mod meaning;
mod record;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use journal::note::Vkey;
use model::EntryHash;
use policy::{Finding, Outcome, Status};
use recorder::{Judged, Refusal, Stale, timestamp};
use serde_json::Value;

use self::meaning::{Meaning, of_denial, of_stale, of_undecided};
use self::record::Record;
use crate::answer::{text, time};
use crate::command::Global;
use crate::exit::Exit;
use crate::output::{Page, printable};

/// Says in words why a decision went as it did: by policy, control and evidence.
///
/// It asks the recorder, or with `--bundle` reads what was exported, without a recorder and a network.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The decision's entry, or a trial's.
    decision: EntryHash,
    /// A bundle that holds the decision, as `trailmark export` writes it.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// The journal's log key, from somewhere else than the bundle: `name+id+base64`.
    #[arg(
        long,
        env = "TRAILMARK_LOG_KEY",
        value_name = "VKEY",
        requires = "bundle"
    )]
    key: Option<Vkey>,
}

impl Explain {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let record = match self.bundle {
            Some(bundle) => Record::of_bundle(&bundle, self.key, self.decision)?,
            None => Record::of_recorder(&global.client()?, &self.decision)?,
        };
        global
            .output()
            .answer(&record, |page| explain(page, &record))?;
        Ok(Exit::Done)
    }
}

fn explain(page: &mut Page, record: &Record) {
    let field = |name: &str| text(&record.entry, &format!("/fields/{name}"));
    let verdict = match field("verdict").as_str() {
        "allowed" => page.style.good("allowed"),
        verdict => page.style.bad(verdict),
    };
    let place = match field("environment") {
        environment if environment.is_empty() => String::new(),
        environment => format!(" in {environment}"),
    };
    page.line(format!("{verdict}: {}{place}", field("fingerprint")));
    page.line(format!("  decided {}", time(&record.entry, "/recorded")));
    if text(&record.entry, "/kind") == "trial" {
        page.line("  this is a trial: whatever it says, it allows nothing");
    }
    match &record.grounds.denial {
        Some(Refusal::NoPolicy) => says(page, "  ", &meaning::NO_POLICY),
        Some(Refusal::DossierTooLarge { filled_by }) => {
            says(page, "  ", &meaning::DOSSIER_TOO_LARGE);
            if let Some(key) = filled_by {
                page.line(format!("  most of it was sent by key {key}"));
            }
        }
        None => {}
    }
    for judged in &record.grounds.policies {
        page.line("");
        policy(page, record, judged);
    }
    if !record.approvals.is_empty() {
        page.line("");
        approvals(page, record);
    }
    for exception in record.grounds.exceptions() {
        page.line(format!("  ! {}", printable(&exception)));
    }
}

fn policy(page: &mut Page, record: &Record, judged: &Judged) {
    let allows = judged.evaluation.allows();
    let said = match (&judged.evaluation.outcome, allows) {
        (_, true) => page.style.good("allows"),
        (Outcome::Undecided(_), _) => page.style.bad("came to no verdict"),
        (Outcome::Denied(_), _) => page.style.bad("denies without a verdict"),
        _ => page.style.bad("denies"),
    };
    page.line(format!("policy {} {said}", judged.name));
    if judged.advisory {
        page.line(if allows {
            "  it is advisory: it would not have counted otherwise either"
        } else {
            "  it is advisory: it only reports, and denies nothing"
        });
    }
    if let Some(binding) = &judged.binding {
        let bound = record.entries.get(&binding.to_string());
        let since = bound.map(|bound| format!(" since {}", time(bound, "/recorded")));
        page.line(format!(
            "  in force by binding {}{}",
            short(binding),
            since.unwrap_or_default()
        ));
    }
    if judged
        .parameters
        .as_object()
        .is_some_and(|given| !given.is_empty())
    {
        page.line(format!(
            "  with parameters {}",
            printable(&judged.parameters.to_string())
        ));
    }
    match &judged.evaluation.outcome {
        Outcome::Denied(denial) => says(page, "  ", &of_denial(*denial)),
        Outcome::Undecided(cause) => says(page, "  ", &of_undecided(*cause)),
        Outcome::Verdict(verdict) => {
            for finding in &verdict.findings {
                control(page, record, finding);
            }
            let failed = |finding: &Finding| finding.status == Status::Failed;
            if !allows && !verdict.findings.iter().any(failed) {
                page.line("  no control failed, and yet the policy does not allow");
            }
        }
    }
}

fn control(page: &mut Page, record: &Record, finding: &Finding) {
    let status = match finding.status {
        Status::Satisfied => page.style.good("is satisfied"),
        Status::Failed => page.style.bad("failed"),
        Status::NotApplicable => "does not apply".to_owned(),
    };
    page.line(format!(
        "  {} {status}: {}",
        finding.control,
        printable(&finding.reason)
    ));
    for entry in &finding.entries {
        page.line(format!("    on {}", evidence(record, entry)));
    }
    if finding.entries.is_empty() && finding.status == Status::Failed {
        page.line("    on no evidence: nothing of what was recorded speaks for it");
    }
}

/// Says of each approval that was given for this whether it counted, and why not.
fn approvals(page: &mut Page, record: &Record) {
    for approval in &record.approvals {
        let until = timestamp::format(approval.expires_ms);
        let by = format!("approval by {} until {until}", approval.person);
        let entry = short(&approval.entry);
        let Some(reason) = &approval.reason else {
            let counts = page.style.good("counts");
            page.line(format!("{by} {counts}, entry {entry}"));
            continue;
        };
        let counts = page.style.bad("does not count");
        page.line(format!("{by} {counts}, entry {entry}"));
        match Stale::ALL
            .into_iter()
            .find(|stale| stale.as_str() == reason.as_str())
        {
            Some(stale) => says(page, "  ", &of_stale(stale)),
            None => page.line(format!("  {reason}")),
        }
    }
}

/// Says what an entry is: type, name, outcome, time, reporter.
fn evidence(record: &Record, entry: &EntryHash) -> String {
    let Some(shown) = record.entries.get(&entry.to_string()) else {
        return format!("entry {}, which is not at hand", short(entry));
    };
    let field = |name: &str| text(shown, &format!("/fields/{name}"));
    let mut words = match text(shown, "/kind").as_str() {
        "attestation" => vec![field("type"), field("name"), field("outcome")],
        "approval-given" => vec!["approval by".into(), field("person"), until(record, shown)],
        kind => vec![kind.replace('-', " ")],
    };
    words.retain(|word| !word.is_empty());
    let (when, by) = (time(shown, "/recorded"), text(shown, "/by/key"));
    format!(
        "{}, recorded {when} by {by}, entry {}",
        words.join(" "),
        short(entry)
    )
}

/// Says until when an approval counts, and whether that was over when it was decided.
fn until(record: &Record, approval: &Value) -> String {
    let ms = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_u64);
    let Some(expires_ms) = ms(approval, "/fields/expires_ms") else {
        return String::new();
    };
    let over = ms(&record.entry, "/fields/now_ms").is_some_and(|now_ms| expires_ms <= now_ms);
    let stale = if over {
        ", stale when it was decided"
    } else {
        ""
    };
    format!("until {}{stale}", timestamp::format(expires_ms))
}

fn says(page: &mut Page, indent: &str, meaning: &Meaning) {
    page.line(format!("{indent}{}: {}", meaning.name, meaning.means));
    page.line(format!("{indent}what would mend it: {}", meaning.mend));
}

fn short(entry: &EntryHash) -> String {
    entry.to_string().chars().take(12).collect()
}
