//! Which rule a finding goes by.

use std::collections::HashMap;
use std::iter::successors;

use super::log::{Component, Finding, Rule, Tool};

/// How many levels above a sub-rule are looked at; a rule's id has two or three.
const PARENTS_MAX: usize = 8;

/// The rules of one run, by place and by id.
pub(super) struct Rules<'a> {
    tool: &'a Tool,
    by_id: HashMap<&'a str, &'a Rule>,
}

impl<'a> Rules<'a> {
    /// Orders a tool's rules: of two with one id the first counts, and the driver's stand first.
    pub(super) fn new(tool: &'a Tool) -> Self {
        let mut by_id = HashMap::new();
        let components = [&tool.driver].into_iter().chain(&tool.extensions);
        for rule in components.flat_map(|component| &component.rules) {
            by_id.entry(&*rule.id).or_insert(rule);
        }
        Self { tool, by_id }
    }

    /// Finds a finding's rule: by component and index where it gives them, else by id.
    pub(super) fn of(&self, finding: &Finding) -> Option<&'a Rule> {
        let index = place(finding.rule.index).or_else(|| place(finding.rule_index));
        let by_index = self
            .component(finding)
            .zip(index)
            .and_then(|(component, index)| component.rules.get(index));
        by_index.or_else(|| finding.rule_id().and_then(|id| self.by_id(id)))
    }

    fn component(&self, finding: &Finding) -> Option<&'a Component> {
        match place(finding.rule.tool_component.index) {
            Some(index) => self.tool.extensions.get(index),
            None => Some(&self.tool.driver),
        }
    }

    /// Finds a rule by its id or by the longest id that this one is a sub-rule of (SARIF 2.1.0, section 3.27.5).
    fn by_id(&self, id: &str) -> Option<&'a Rule> {
        // A bound on the work: ids come from outside, and each level is hashed anew.
        successors(Some(id), |id| id.rsplit_once('/').map(|(parent, _)| parent))
            .take(PARENTS_MAX + 1)
            .find_map(|id| self.by_id.get(id).copied())
    }
}

/// Reads an index, for which -1 means that there is none.
fn place(index: Option<i64>) -> Option<usize> {
    index.and_then(|index| usize::try_from(index).ok())
}
