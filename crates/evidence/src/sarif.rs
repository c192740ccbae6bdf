//! `sarif.v1`: what static analysis and scanners found (SARIF 2.1.0, in a first form).
//!
//! A finding's severity is its rule's `security-severity` where there is one, else its level (SARIF 2.1.0, section 3.27.10). Suppressed
//! findings are counted apart. A run that did not succeed, or that has no results, has found nothing out: the report failed.
//! Messages, and places outside the repository, may name people, so they stay in the report itself.

mod log;
mod rules;

use model::dossier::Outcome;
use serde::Serialize;

use crate::extract::Reading;
use crate::limits::FINDINGS_SHOWN_MAX;
use crate::strict_json;
use crate::text::{cut, shown};
use crate::{EvidenceError, People};

use log::{Finding, Head, Kind, Level, Log, Rule, Run, Suppression, TextOrNumber, Tool};
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
#[derive(Serialize)]
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

pub(crate) fn read(raw: &[u8], _: &dyn People) -> Result<Reading, EvidenceError> {
    // A byte order mark is not JSON, but common tools write one and RFC 8259, section 8.1, lets readers ignore it.
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    let head: Head = strict_json::from_slice(raw)?;
    if head.version.as_deref() != Some("2.1.0") {
        return Err(SarifError::Version {
            found: shown(head.version.as_deref().unwrap_or_default()),
        }
        .into());
    }
    let log: Log = strict_json::from_slice(raw)?;
    if log.runs.is_empty() {
        return Err(SarifError::NoRuns.into());
    }
    let facts = facts(&log)?;
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

fn facts(log: &Log) -> Result<Facts, SarifError> {
    let mut suppressed = 0;
    let mut findings = Vec::new();
    for run in &log.runs {
        let rules = Rules::new(&run.tool);
        for finding in run.results.iter().flatten() {
            if finding.is_suppressed() {
                suppressed += 1;
            } else if finding.is_present() {
                findings.push(finding.fact(&rules)?);
            }
        }
    }
    let results = findings.len();
    let by_severity = count(&findings);
    findings.sort_unstable();
    findings.truncate(FINDINGS_SHOWN_MAX);
    Ok(Facts {
        by_severity,
        failed_runs: log.runs.iter().filter(|run| run.failed()).count(),
        findings,
        results,
        suppressed,
        tools: log.runs.iter().map(|run| run.tool.fact()).collect(),
    })
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

impl Run {
    fn failed(&self) -> bool {
        self.results.is_none()
            || self
                .invocations
                .iter()
                .any(|invocation| invocation.execution_successful == Some(false))
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

    /// Says whether everyone who was asked accepted its suppression (SARIF 2.1.0, section 3.35.3: no status means accepted).
    fn is_suppressed(&self) -> bool {
        let accepted = |suppression: &Suppression| {
            suppression
                .status
                .as_deref()
                .is_none_or(|status| status == "accepted")
        };
        !self.suppressions.is_empty() && self.suppressions.iter().all(accepted)
    }

    /// Says whether it was found now, and not only in the baseline it is compared with.
    fn is_present(&self) -> bool {
        self.baseline_state.as_deref() != Some("absent")
    }

    fn fact(&self, rules: &Rules<'_>) -> Result<Fact, SarifError> {
        let rule = rules.of(self);
        let id = self
            .rule_id()
            .or(rule.map(|rule| rule.id.as_str()))
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
        let place = &self.locations.first()?.physical_location;
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
            Some(TextOrNumber::Text(text)) => text.clone(),
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
