use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use model::kind::Verdict;
use model::{EntryHash, Fingerprint, Name};
use recorder::{Asked, Candidate, Impact as OnOne, Measure, Past, for_all, timestamp};
use serde::Serialize;

use crate::argument::{Day, JsonArgument};
use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Page, printable};
use crate::past::{Bar, Journal};
use crate::workshop;

/// Says which past releases another policy would have decided otherwise.
///
/// The policy is run here, over the dossiers of all past decisions, each built again from the verified journal exactly as
/// the decision saw it. What it says alone is compared with what the policy of its name said then, and with the whole
/// decision where none of that name took part; with `--instead-of`, whole decisions are compared. An exception that was
/// granted from the policy of that name counts in what was said then, and not for the new one.
#[derive(Debug, Args)]
pub(crate) struct Impact {
    /// The policy: a folder, Rego source or a component.
    #[arg(value_name = "NEW")]
    policy: PathBuf,
    /// Decisions recorded from then on: a day, a time, or a span of time ago.
    #[arg(long, value_name = "TIME")]
    since: Option<Day>,
    /// Decisions recorded before then.
    #[arg(long, value_name = "TIME")]
    until: Option<Day>,
    /// Only releases of this flow.
    #[arg(long)]
    flow: Option<Name>,
    /// Only releases into this environment.
    #[arg(long)]
    environment: Option<Name>,
    /// Its parameters: a JSON object, or `@` and a file [default: those that the policy it is compared with had].
    #[arg(long, value_name = "JSON")]
    parameters: Option<JsonArgument>,
    /// The name by which it is compared [default: its own].
    #[arg(long)]
    name: Option<Name>,
    /// Compares whole decisions, with it in the place of the policy of this name.
    #[arg(long, value_name = "NAME", conflicts_with = "name")]
    instead_of: Option<Name>,
    /// How many releases and reasons are listed at most; all are counted.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    journal: Journal,
}

/// What came of it all.
#[derive(Default, Serialize)]
struct Summary {
    policy: String,
    decisions: u64,
    /// Those that the policy has no part in.
    untouched: u64,
    /// Those where it came to no verdict on this machine.
    undecided: u64,
    would_be_denied: u64,
    /// Among those, what passed by exceptions, which do not count for another policy.
    passed_by_exception: u64,
    would_be_allowed: u64,
    reasons: Vec<Group>,
    reasons_left_off: usize,
    releases: Vec<Release>,
    releases_left_off: u64,
}

/// Releases of a flow that would flip for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Group {
    flow: Name,
    would_be: Verdict,
    /// Why it would be denied, or why it was.
    reason: String,
    releases: u64,
}

/// A release that would flip.
#[derive(Serialize)]
struct Release {
    decision: EntryHash,
    recorded: String,
    fingerprint: Fingerprint,
    flow: Name,
    trail: Name,
    environment: Name,
    would_be: Verdict,
    reasons: Vec<String>,
}

/// What is counted while results come in, in whatever order.
struct Count {
    summary: Summary,
    limit: usize,
    groups: BTreeMap<(Name, bool, String), u64>,
    /// The first ones, by their place in the log.
    releases: BTreeMap<usize, Release>,
}

impl Impact {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let candidate = self.candidate()?;
        let bundle = self.journal.read(global)?;
        let past = Past::new(&bundle)?;
        let asked: Vec<&Asked> = past
            .asked()
            .iter()
            .filter(|asked| self.is_meant(asked))
            .collect();
        let mut count = Count::new(&candidate, self.limit);
        let mut failed = None;
        let mut bar = Bar::of(asked.len());
        for_all(
            &asked,
            self.journal.threads,
            |asked| past.impact(asked, &candidate),
            |place, result| {
                bar.step();
                match (result, asked.get(place)) {
                    (Ok(impact), Some(asked)) => count.add(place, asked, impact),
                    (Err(error), _) if failed.as_ref().is_none_or(|(first, _)| place < *first) => {
                        failed = Some((place, error));
                    }
                    _ => {}
                }
            },
        );
        drop(bar);
        if let Some((place, error)) = failed {
            let decision = asked.get(place).map(|asked| asked.entry.to_string());
            let what = format!(
                "decision `{}` cannot be looked at",
                decision.unwrap_or_default()
            );
            return Err(Failure::new(Exit::Unverified, what).because(error).into());
        }
        let summary = count.finish();
        global
            .output()
            .answer(&summary, |page| summary.shown(page))?;
        Ok(Exit::Done)
    }

    fn candidate(&self) -> Result<Candidate> {
        let folder = workshop::open(&self.policy)?;
        let own_name = folder.name().clone();
        let parameters = self
            .parameters
            .as_ref()
            .map(JsonArgument::read)
            .transpose()?;
        if parameters.as_ref().is_some_and(|given| !given.is_object()) {
            return Err(Failure::usage("the parameters are a JSON object").into());
        }
        let measure = match &self.instead_of {
            Some(name) => Measure::InsteadOf(name.clone()),
            None => Measure::Alone(self.name.clone().unwrap_or_else(|| own_name.clone())),
        };
        Ok(Candidate {
            name: own_name,
            parameters,
            prepared: workshop::prepare(&workshop::sandbox()?, &folder)?,
            measure,
        })
    }

    fn is_meant(&self, asked: &Asked) -> bool {
        let since_ms = self.since.as_ref().map_or(0, |since| since.ms);
        let until_ms = self.until.as_ref().map_or(u64::MAX, |until| until.ms);
        let is = |wanted: &Option<Name>, name: &Name| {
            wanted.as_ref().is_none_or(|wanted| wanted == name)
        };
        !asked.trial
            && (since_ms..until_ms).contains(&asked.recorded_ms)
            && is(&self.flow, &asked.question.flow)
            && is(&self.environment, &asked.question.environment)
    }
}

impl Count {
    fn new(candidate: &Candidate, limit: usize) -> Self {
        let summary = Summary {
            policy: candidate.prepared.identity().policy.to_string(),
            ..Summary::default()
        };
        Self {
            summary,
            limit,
            groups: BTreeMap::new(),
            releases: BTreeMap::new(),
        }
    }

    fn add(&mut self, place: usize, asked: &Asked, impact: OnOne) {
        let summary = &mut self.summary;
        summary.decisions += 1;
        let (was, would) = match impact {
            OnOne::Untouched => return summary.untouched += 1,
            OnOne::Undecided(_) => return summary.undecided += 1,
            OnOne::Weighed { was, would } => (was, would),
        };
        let reasons = match (was.verdict, would.verdict) {
            (Verdict::Allowed, Verdict::Denied) => {
                summary.would_be_denied += 1;
                summary.passed_by_exception += u64::from(was.exceptions > would.exceptions);
                would.reasons
            }
            (Verdict::Denied, Verdict::Allowed) => {
                summary.would_be_allowed += 1;
                was.reasons
            }
            _ => return,
        };
        let flow = &asked.question.flow;
        let denied = would.verdict == Verdict::Denied;
        let mut told = reasons.clone();
        told.sort_unstable();
        told.dedup();
        for reason in told {
            let group = self.groups.entry((flow.clone(), denied, reason));
            *group.or_default() += 1;
        }
        self.releases
            .insert(place, Release::new(asked, would.verdict, reasons));
        if self.releases.len() > self.limit {
            self.releases.pop_last();
            summary.releases_left_off += 1;
        }
    }

    fn finish(self) -> Summary {
        let group = |((flow, denied, reason), releases): ((Name, bool, String), u64)| Group {
            flow,
            would_be: if denied {
                Verdict::Denied
            } else {
                Verdict::Allowed
            },
            reason,
            releases,
        };
        let mut reasons: Vec<Group> = self.groups.into_iter().map(group).collect();
        // By flow, and what concerns most releases first.
        reasons.sort_by(|one, other| {
            let most = other.releases.cmp(&one.releases);
            one.flow.cmp(&other.flow).then(most)
        });
        let reasons_left_off = reasons.len().saturating_sub(self.limit);
        reasons.truncate(self.limit);
        Summary {
            reasons,
            reasons_left_off,
            releases: self.releases.into_values().collect(),
            ..self.summary
        }
    }
}

impl Release {
    fn new(asked: &Asked, would_be: Verdict, reasons: Vec<String>) -> Self {
        let question = &asked.question;
        Self {
            decision: asked.entry,
            recorded: timestamp::format(asked.recorded_ms),
            fingerprint: question.fingerprint,
            flow: question.flow.clone(),
            trail: question.trail.clone(),
            environment: question.environment.clone(),
            would_be,
            reasons,
        }
    }
}

impl Summary {
    fn shown(&self, page: &mut Page) {
        page.table(
            ["flow", "would be", "releases", "reason"],
            self.reasons.iter().map(|group| {
                [
                    group.flow.to_string(),
                    said(group.would_be).to_owned(),
                    group.releases.to_string(),
                    printable(&group.reason),
                ]
            }),
            "no release would have been decided otherwise",
        );
        if self.reasons_left_off > 0 {
            page.line(format!("and {} reasons more", self.reasons_left_off));
        }
        if !self.releases.is_empty() {
            page.line("");
            let short = |hash: String| hash.chars().take(12).collect::<String>();
            page.table(
                [
                    "recorded",
                    "artifact",
                    "flow",
                    "trail",
                    "environment",
                    "would be",
                    "decision",
                ],
                self.releases.iter().map(|release| {
                    [
                        release.recorded.clone(),
                        short(release.fingerprint.to_string()),
                        release.flow.to_string(),
                        release.trail.to_string(),
                        release.environment.to_string(),
                        said(release.would_be).to_owned(),
                        short(release.decision.to_string()),
                    ]
                }),
                "",
            );
            if self.releases_left_off > 0 {
                page.line(format!("and {} releases more", self.releases_left_off));
            }
        }
        page.line("");
        let unless_none = |count: u64| match count {
            0 => String::new(),
            count => count.to_string(),
        };
        let by_exception = match self.passed_by_exception {
            0 => String::new(),
            count => format!("{count} of those denied; exceptions do not count for another policy"),
        };
        page.fields([
            ("decisions", self.decisions.to_string()),
            ("would be denied", self.would_be_denied.to_string()),
            ("passed by exception", by_exception),
            ("would be allowed", self.would_be_allowed.to_string()),
            ("untouched", unless_none(self.untouched)),
            ("undecided here", unless_none(self.undecided)),
        ]);
    }
}

const fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allowed",
        Verdict::Denied => "denied",
    }
}
