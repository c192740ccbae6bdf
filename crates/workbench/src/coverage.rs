//! Which lines and rules of a Rego policy its cases reach.

use std::collections::BTreeSet;

use rewrite::mentions::static_path;
use serde::Serialize;

use crate::{Modules, Native, native};

/// What the cases of a policy reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The policy's sources, by path.
    pub files: Vec<FileCoverage>,
}

/// What is reached of one source. Only lines that can be evaluated count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileCoverage {
    /// The path in the policy's folder.
    pub path: String,
    /// How many lines there are.
    pub lines: usize,
    /// How many rules there are; a rule written in several parts is as many.
    pub rules: usize,
    /// The lines that no case reached.
    pub missed_lines: Vec<u32>,
    /// The rules that no case reached, by name and line.
    pub missed_rules: Vec<MissedRule>,
}

/// A rule that no case reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissedRule {
    /// Its name.
    pub name: String,
    /// The line where it begins.
    pub line: u32,
}

impl Coverage {
    /// Returns how many of a hundred lines are reached, rounded down; a policy without lines has none to miss.
    #[must_use]
    pub fn percent(&self) -> usize {
        let lines: usize = self.files.iter().map(|file| file.lines).sum();
        let missed: usize = self.files.iter().map(|file| file.missed_lines.len()).sum();
        percent(lines, missed)
    }
}

impl FileCoverage {
    /// Returns how many of a hundred lines are reached, rounded down.
    #[must_use]
    pub const fn percent(&self) -> usize {
        percent(self.lines, self.missed_lines.len())
    }
}

const fn percent(all: usize, missed: usize) -> usize {
    match (all.saturating_sub(missed) * 100).checked_div(all) {
        Some(percent) => percent,
        None => 100,
    }
}

impl Native {
    /// Says what was reached by all that was judged so far.
    #[must_use]
    pub fn coverage(&self, modules: &Modules) -> Coverage {
        let report = self.engine.get_coverage_report().unwrap_or_default();
        let rules: Vec<RuleLines> = self
            .modules
            .iter()
            .flat_map(|module| &module.policy)
            .map(|rule| RuleLines::of(rule))
            .collect();
        let file = |path: &String| {
            let reached = report.files.iter().find(|file| file.path == *path);
            let rules: Vec<_> = rules.iter().filter(|rule| rule.path == *path).collect();
            let (covered, missed) = match reached.zip(self.read.get(path)) {
                Some((file, read)) => {
                    let of = |lines: &BTreeSet<u32>| -> BTreeSet<u32> {
                        lines.iter().filter_map(|line| read.line(*line)).collect()
                    };
                    (of(&file.covered), of(&file.not_covered))
                }
                // Of a source that nothing refers to, the interpreter knows no lines.
                None => (
                    BTreeSet::new(),
                    rules.iter().map(|rule| rule.first).collect(),
                ),
            };
            let missed_lines: Vec<u32> = missed.difference(&covered).copied().collect();
            let missed_rules = rules.iter().filter(|rule| {
                let mut lines = covered.range(rule.first..=rule.last);
                lines.next().is_none()
            });
            FileCoverage {
                path: path.clone(),
                lines: covered.len() + missed_lines.len(),
                rules: rules.len(),
                missed_rules: missed_rules
                    .map(|rule| MissedRule {
                        name: rule.name.clone(),
                        line: rule.first,
                    })
                    .collect(),
                missed_lines,
            }
        };
        Coverage {
            files: modules.modules.keys().map(file).collect(),
        }
    }
}

/// Where a rule stands.
struct RuleLines {
    path: String,
    name: String,
    first: u32,
    last: u32,
}

impl RuleLines {
    fn of(rule: &regorus::unstable::Rule) -> Self {
        let span = rule.span();
        let breaks = span.text().trim_end().matches('\n').count();
        Self {
            path: span.source.get_path().clone(),
            name: static_path(native::name(rule))
                .unwrap_or_default()
                .join("."),
            first: span.line,
            last: span
                .line
                .saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX)),
        }
    }
}
