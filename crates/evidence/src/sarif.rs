//! `sarif.v1`: what static analysis and scanners found (SARIF 2.1.0, in a first form).
//!
//! A finding's severity is its rule's `security-severity` where there is one, else its level (SARIF 2.1.0, section 3.27.10). Suppressed
//! findings are counted apart. A run that did not succeed, or that has no results, has found nothing out: the report failed.
//! Messages, and places outside the repository, may name people, so they stay in the report itself.

mod log;
mod rules;

use std::io::Read;

use model::dossier::Outcome;
use serde::{Deserialize, Deserializer, Serialize};

use crate::extract::Reading;
use crate::limits::FINDINGS_SHOWN_MAX;
use crate::strict_json::{self, BYTE_ORDER_MARK};
use crate::text::{cut, shown};
use crate::{EvidenceError, People};

use log::{Finding, Head, Kind, Level, Log, Rule, Run, Short, TextOrNumber, Tool};
use rules::Rules;

/// A SARIF report that cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SarifError {
    /// It is of another version, or of none.
    #[error("the report's SARIF version is `{found}`, not `2.1.0`")]
    Version {
        /// The version as it came, shortened.
        found: String,
    },
    /// It has no runs, so nothing was scanned.
    #[error("the SARIF report has no runs")]
    NoRuns,
    /// A rule's severity is not a number.
    #[error("`security-severity` of rule `{rule}` is `{found}`, not a number from 0 to 10")]
    Severity {
        /// The rule, shortened.
        rule: String,
        /// What it says, shortened.
        found: String,
    },
}

/// The facts. Members stand in canonical (alphabetical) order.
#[derive(Default, Serialize)]
struct Facts {
    by_severity: BySeverity,
    /// Runs that did not succeed or have no results.
    failed_runs: usize,
    findings: Vec<Fact>,
    /// Findings that are not suppressed.
    results: usize,
    suppressed: usize,
    tools: Vec<ToolFact>,
}

#[derive(Default, Serialize)]
struct BySeverity {
    critical: usize,
    high: usize,
    low: usize,
    medium: usize,
    none: usize,
}

/// A finding. Compared, the worst comes first.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Fact {
    severity: Severity,
    rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Critical,
    High,
    Medium,
    Low,
    None,
}

#[derive(Serialize)]
struct ToolFact {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

/// What is kept of a run: one is in memory at a time.
struct Summary(Result<RunFacts, SarifError>);

struct RunFacts {
    by_severity: BySeverity,
    failed: bool,
    /// The worst of them.
    findings: Vec<Fact>,
    results: usize,
    suppressed: usize,
    tool: ToolFact,
}

impl<'de> Deserialize<'de> for Summary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Run::deserialize(deserializer)?.facts()))
    }
}

pub(crate) fn read(raw: &[u8], _: &dyn People) -> Result<Reading, EvidenceError> {
    let raw = raw.strip_prefix(BYTE_ORDER_MARK).unwrap_or(raw);
    // Before the rest: another version has another form.
    check_version(strict_json::from_slice::<Head>(raw)?.version)?;
    reading(strict_json::from_slice(raw)?)
}

pub(crate) fn stream(raw: &mut dyn Read, _: &dyn People) -> Result<Reading, EvidenceError> {
    reading(strict_json::from_reader(raw)?)
}

fn check_version(version: Option<Short>) -> Result<(), SarifError> {
    let found = version.as_deref().unwrap_or_default();
    if found == "2.1.0" {
        return Ok(());
    }
    Err(SarifError::Version {
        found: shown(found),
    })
}

fn reading(log: Log) -> Result<Reading, EvidenceError> {
    check_version(log.version)?;
    if log.runs.is_empty() {
        return Err(SarifError::NoRuns.into());
    }
    let facts = facts(log.runs)?;
    let clean =
        facts.failed_runs == 0 && facts.by_severity.critical == 0 && facts.by_severity.high == 0;
    Reading::new(
        &facts,
        if clean {
            Outcome::Passed
        } else {
            Outcome::Failed
        },
    )
}

fn facts(runs: Vec<Summary>) -> Result<Facts, SarifError> {
    let mut facts = Facts::default();
    for Summary(run) in runs {
        let run = run?;
        facts.by_severity.add(&run.by_severity);
        facts.failed_runs += usize::from(run.failed);
        facts.findings.extend(run.findings);
        facts.results += run.results;
        facts.suppressed += run.suppressed;
        facts.tools.push(run.tool);
    }
    facts.findings.sort_unstable();
    facts.findings.truncate(FINDINGS_SHOWN_MAX);
    Ok(facts)
}

fn count(findings: &[Fact]) -> BySeverity {
    let mut counts = BySeverity::default();
    for finding in findings {
        *match finding.severity {
            Severity::Critical => &mut counts.critical,
            Severity::High => &mut counts.high,
            Severity::Medium => &mut counts.medium,
            Severity::Low => &mut counts.low,
            Severity::None => &mut counts.none,
        } += 1;
    }
    counts
}

impl BySeverity {
    fn add(&mut self, other: &Self) {
        self.critical += other.critical;
        self.high += other.high;
        self.low += other.low;
        self.medium += other.medium;
        self.none += other.none;
    }
}

impl Run {
    fn facts(&self) -> Result<RunFacts, SarifError> {
        let rules = Rules::new(&self.tool);
        let mut suppressed = 0;
        let mut findings = Vec::new();
        for finding in self.results.iter().flatten() {
            if finding.suppressed {
                suppressed += 1;
            } else if finding.is_present() {
                findings.push(finding.fact(&rules)?);
            }
        }
        let (results, by_severity) = (findings.len(), count(&findings));
        findings.sort_unstable();
        findings.truncate(FINDINGS_SHOWN_MAX);
        Ok(RunFacts {
            by_severity,
            failed: self.failed(),
            findings,
            results,
            suppressed,
            tool: self.tool.fact(),
        })
    }

    const fn failed(&self) -> bool {
        self.results.is_none() || self.invocation_failed
    }
}

impl Tool {
    fn fact(&self) -> ToolFact {
        let version = self
            .driver
            .version
            .as_ref()
            .or(self.driver.semantic_version.as_ref());
        ToolFact {
            name: cut(&self.driver.name),
            version: version.map(|version| cut(version)),
        }
    }
}

impl Finding {
    fn rule_id(&self) -> Option<&str> {
        self.rule_id.as_deref().or(self.rule.id.as_deref())
    }

    /// Says whether it was found now, and not only in the baseline it is compared with.
    fn is_present(&self) -> bool {
        self.baseline_state.as_deref() != Some("absent")
    }

    fn fact(&self, rules: &Rules<'_>) -> Result<Fact, SarifError> {
        let rule = rules.of(self);
        let id = self
            .rule_id()
            .or(rule.map(|rule| &*rule.id))
            .unwrap_or_default();
        Ok(Fact {
            severity: self.severity(rule)?,
            rule: cut(id),
            location: self.location(),
        })
    }

    fn severity(&self, rule: Option<&Rule>) -> Result<Severity, SarifError> {
        if matches!(
            self.kind,
            Some(Kind::Pass | Kind::Informational | Kind::NotApplicable)
        ) {
            return Ok(Severity::None);
        }
        if let Some(severity) = rule.map(Rule::security_severity).transpose()?.flatten() {
            return Ok(severity);
        }
        let level = self
            .level
            .or_else(|| rule.and_then(|rule| rule.default_configuration.level));
        Ok(match level.unwrap_or(Level::Warning) {
            Level::Error => Severity::High,
            Level::Warning => Severity::Medium,
            Level::Note => Severity::Low,
            Level::None => Severity::None,
        })
    }

    /// Returns file and line, if the file's place is relative: an absolute one may hold a user's name.
    fn location(&self) -> Option<String> {
        let place = &self.location.as_ref()?.physical_location;
        let uri = place.artifact_location.uri.as_deref()?;
        let has_scheme = uri
            .split('/')
            .next()
            .is_some_and(|first| first.contains(':'));
        if has_scheme || uri.starts_with(['/', '\\', '~']) {
            return None;
        }
        Some(
            place
                .region
                .start_line
                .map_or_else(|| cut(uri), |line| format!("{}:{line}", cut(uri))),
        )
    }
}

impl Rule {
    fn security_severity(&self) -> Result<Option<Severity>, SarifError> {
        let said = match &self.properties.security_severity {
            None => return Ok(None),
            Some(TextOrNumber::Text(text)) => text.to_string(),
            Some(TextOrNumber::Number(number)) => number.to_string(),
        };
        let score = said
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|score| (0.0..=10.0).contains(score));
        let Some(score) = score else {
            return Err(SarifError::Severity {
                rule: shown(&self.id),
                found: shown(&said),
            });
        };
        Ok(Some(match score {
            9.0.. => Severity::Critical,
            7.0.. => Severity::High,
            4.0.. => Severity::Medium,
            _ if score > 0.0 => Severity::Low,
            _ => Severity::None,
        }))
    }
}
