//! Rules that need themselves.

use std::collections::BTreeMap;

use super::{Known, Rules};

impl Rules<'_> {
    /// Finds a rule that can reach itself. A local variable named like a rule counts as the rule.
    pub(super) fn cycle(&self) -> Option<&Known> {
        let mut by_path: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
        for (at, rule) in self.rules.iter().enumerate() {
            by_path.entry(&rule.path).or_default().push(at);
        }
        let mut state = BTreeMap::new();
        by_path
            .keys()
            .find_map(|path| self.reaches(path, &by_path, &mut state))
    }

    /// Goes to all that is used from a path, and returns the rule by which it comes back to where it is.
    fn reaches<'a>(
        &'a self,
        from: &'a [String],
        by_path: &BTreeMap<&'a [String], Vec<usize>>,
        done: &mut BTreeMap<&'a [String], bool>,
    ) -> Option<&'a Known> {
        let mut pending = vec![(from, false)];
        while let Some((path, left)) = pending.pop() {
            if left {
                done.insert(path, true);
                continue;
            }
            match done.get(path) {
                Some(true) => continue,
                Some(false) => {
                    return by_path
                        .get(path)?
                        .first()
                        .and_then(|at| self.rules.get(*at));
                }
                None => {}
            }
            done.insert(path, false);
            pending.push((path, true));
            for at in &by_path[path] {
                for used in &self.rules[*at].uses {
                    let above =
                        (0..used.len()).filter_map(|length| by_path.get_key_value(&used[..length]));
                    let below = by_path
                        .range(&used[..]..)
                        .take_while(|(path, _)| path.starts_with(used));
                    pending.extend(above.chain(below).map(|(path, _)| (*path, false)));
                }
            }
        }
        None
    }
}
