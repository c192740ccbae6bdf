//! Which changes of a case's dossier are tried, and what must hold for each.

use std::collections::BTreeSet;

use model::dossier::{Attestation, Commit, Outcome};
use model::{Dossier, EntryHash, Name};
use serde_json::Value;

use super::super::Trap;
use super::donor::Donors;
use super::edit::{self, Edit, Void};
use super::facts::losses;
use super::lookalike::lookalikes;

/// The flow that foreign evidence is of.
const ANOTHER_FLOW: &str = "another-flow";

/// A commit that is in no case.
const UNKNOWN_COMMIT: &str = "f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0";

/// A change of a case's dossier.
pub(super) struct Mutant {
    pub(super) trap: Trap,
    /// What is changed.
    pub(super) words: String,
    pub(super) edit: Edit,
    pub(super) rule: Rule,
}

/// What must hold for the verdict on a changed dossier.
pub(super) enum Rule {
    /// It is no more permissive than the case's.
    NoBetter,
    /// It is no more permissive than that on the case changed in this other way.
    NoBetterThan(Edit),
    /// It allows or denies as the case does, and says the same of each control.
    Same,
    /// It does not allow.
    Denies,
}

/// A case as it is mutated.
pub(super) struct Case<'a> {
    pub(super) dossier: &'a Dossier,
    /// The canonical JSON of its parameters.
    pub(super) parameters: &'a str,
    /// Whether the policy allows it.
    pub(super) allows: bool,
}

/// Lists the mutants of a case, those of the whole dossier first.
pub(super) fn mutants(case: &Case<'_>, donors: &Donors) -> Vec<Mutant> {
    let mut list = List::default();
    list.silence();
    list.approvals(case);
    list.foreign(case);
    list.reruns(case);
    list.outcomes(case);
    list.schemas(case);
    list.duplicates(case);
    // What is allowed already cannot be allowed more.
    if !case.allows {
        list.drops(case);
        list.change(case);
        list.borrowed(case, donors);
        list.lost_facts(case);
    }
    list.mutants
}

#[derive(Default)]
struct List {
    mutants: Vec<Mutant>,
}

impl List {
    fn add(
        &mut self,
        trap: Trap,
        words: impl Into<String>,
        rule: Rule,
        edit: impl Fn(&mut Dossier) + Send + Sync + 'static,
    ) {
        self.mutants.push(Mutant {
            trap,
            words: words.into(),
            edit: Box::new(edit),
            rule,
        });
    }

    fn silence(&mut self) {
        let words = "no attestation, no approval, nothing known of the change";
        self.add(Trap::SilenceAllows, words, Rule::Denies, edit::silence);
    }

    /// Evidence that is dropped altogether: all of a type, or all of a name that is asked for.
    ///
    /// Of a type that has more names, dropping one leaves a dossier that has an answer of its own, and dropping a
    /// newer run brings an older one back: such dossiers are other cases, not worse ones.
    fn drops(&mut self, case: &Case<'_>) {
        let own = || case.dossier.attestations.iter().filter(|one| !one.foreign);
        let types: BTreeSet<&Name> = own().map(|one| &one.attestation_type).collect();
        for type_ in types {
            let of_type = || own().filter(|one| one.attestation_type == *type_);
            let names: BTreeSet<&Name> = of_type().map(|one| &one.name).collect();
            let entries: Vec<_> = of_type().map(|one| one.entry).collect();
            self.drop(format!("no `{type_}`"), entries);
            if names.len() > 1 {
                for name in names
                    .into_iter()
                    .filter(|name| asked_for(case, type_, name))
                {
                    let entries = of_type().filter(|one| one.name == *name);
                    let entries = entries.map(|one| one.entry).collect();
                    self.drop(format!("no `{type_}` `{name}`"), entries);
                }
            }
        }
        for approval in &case.dossier.approvals {
            let entry = approval.entry;
            let words = format!("no approval by `{}`", approval.person);
            let drop = move |dossier: &mut Dossier| edit::without_approval(dossier, &entry);
            self.add(Trap::DroppedEvidenceCounts, words, Rule::NoBetter, drop);
        }
    }

    fn drop(&mut self, words: String, entries: Vec<EntryHash>) {
        let drop = move |dossier: &mut Dossier| edit::without(dossier, &entries);
        self.add(Trap::DroppedEvidenceCounts, words, Rule::NoBetter, drop);
    }

    /// Each attestation made foreign counts no more than none.
    fn foreign(&mut self, case: &Case<'_>) {
        for one in case.dossier.attestations.iter().filter(|one| !one.foreign) {
            let entry = one.entry;
            for (of, flow) in flows() {
                let words = format!("{}: foreign, {of}", named(one));
                let without = move |dossier: &mut Dossier| edit::without(dossier, &[entry]);
                let rule = Rule::NoBetterThan(Box::new(without));
                let make = move |dossier: &mut Dossier| {
                    edit::change(dossier, &entry, |one| edit::foreign(one, flow.as_ref()));
                };
                self.add(Trap::ForeignEvidenceCounts, words, rule, make);
            }
        }
    }

    /// Each approval made void counts no more than none.
    fn approvals(&mut self, case: &Case<'_>) {
        for approval in &case.dossier.approvals {
            let entry = approval.entry;
            for void in Void::ALL {
                let words = format!("approval by `{}`: {}", approval.person, void.words());
                let without = move |dossier: &mut Dossier| edit::without_approval(dossier, &entry);
                let rule = Rule::NoBetterThan(Box::new(without));
                let make = move |dossier: &mut Dossier| {
                    let now_ms = dossier.now_ms;
                    let mut all = dossier.approvals.iter_mut();
                    if let Some(approval) = all.find(|approval| approval.entry == entry) {
                        void.make(approval, now_ms);
                    }
                };
                self.add(Trap::VoidApprovalCounts, words, rule, make);
            }
        }
    }

    /// A failed re-run behind a run counts as the failed run alone.
    fn reruns(&mut self, case: &Case<'_>) {
        for newest in newest_of_each_name(case.dossier) {
            let mut rerun = newest.clone();
            edit::failed(&mut rerun);
            let older: Vec<_> = case
                .dossier
                .attestations
                .iter()
                .filter(|one| !one.foreign && same_name(one, newest))
                .map(|one| one.entry)
                .collect();
            let words = format!("{}: a later run of it failed", named(newest));
            let alone = {
                let rerun = rerun.clone();
                move |dossier: &mut Dossier| {
                    edit::add_newest(dossier, rerun.clone());
                    edit::without(dossier, &older);
                }
            };
            let rule = Rule::NoBetterThan(Box::new(alone));
            let behind = move |dossier: &mut Dossier| edit::add_newest(dossier, rerun.clone());
            self.add(Trap::OlderEvidenceCounts, words, rule, behind);
        }
    }

    /// An outcome that says nothing counts no more than a failed one.
    fn outcomes(&mut self, case: &Case<'_>) {
        let own = case.dossier.attestations.iter().filter(|one| !one.foreign);
        for one in own.filter(|one| one.outcome != Outcome::Neutral) {
            let entry = one.entry;
            let make = move |outcome| {
                move |dossier: &mut Dossier| {
                    edit::change(dossier, &entry, |one| one.outcome = outcome);
                }
            };
            let words = format!("{}: outcome neutral instead of failed", named(one));
            let rule = Rule::NoBetterThan(Box::new(make(Outcome::Failed)));
            self.add(Trap::NeutralCounts, words, rule, make(Outcome::Neutral));
        }
    }

    /// Facts of an unknown schema count no more than no facts, and not more than facts of a known one.
    fn schemas(&mut self, case: &Case<'_>) {
        for one in case.dossier.attestations.iter().filter(|one| !one.foreign) {
            let entry = one.entry;
            let words = format!("{}: facts of an unknown schema", named(one));
            let rule = if case.allows {
                Rule::NoBetterThan(Box::new(move |dossier: &mut Dossier| {
                    let none = Value::Object(serde_json::Map::new());
                    edit::change(dossier, &entry, |one| edit::set_facts(one, &none));
                }))
            } else {
                Rule::NoBetter
            };
            self.add(Trap::SchemaIgnored, words, rule, move |dossier| {
                edit::change(dossier, &entry, edit::unknown_schema);
            });
        }
    }

    /// The same evidence twice is the same as once.
    fn duplicates(&mut self, case: &Case<'_>) {
        for one in &case.dossier.attestations {
            let entry = one.entry;
            let words = format!("{}: recorded twice", named(one));
            self.add(Trap::DuplicateChanges, words, Rule::Same, move |dossier| {
                edit::duplicate(dossier, &entry);
            });
        }
        for approval in &case.dossier.approvals {
            let entry = approval.entry;
            let words = format!("approval by `{}`: recorded twice", approval.person);
            self.add(Trap::DuplicateChanges, words, Rule::Same, move |dossier| {
                edit::duplicate_approval(dossier, &entry);
            });
        }
    }

    /// Less known of the change. What is taken from it makes it incomplete, as it does in a dossier that is built.
    fn change(&mut self, case: &Case<'_>) {
        let mut add = |words: String, edit: Edit| {
            self.add(Trap::UnknownChangeCounts, words, Rule::NoBetter, edit);
        };
        add(
            "change: not wholly known".into(),
            Box::new(|dossier| dossier.change.complete = false),
        );
        add(
            "change: no commits, not wholly known".into(),
            Box::new(edit::unknown_change),
        );
        for (index, commit) in case.dossier.change.commits.iter().enumerate() {
            let words = format!("commit `{}`", commit.sha);
            add(
                format!("{words}: not known"),
                Box::new(move |dossier| {
                    dossier.change.commits.remove(index);
                    dossier.change.complete = false;
                }),
            );
            add(
                format!("{words}: by people who are not registered"),
                Box::new(move |dossier| {
                    if let Some(commit) = dossier.change.commits.get_mut(index) {
                        commit.unregistered =
                            u32::try_from(commit.people.len()).unwrap_or(1).max(1);
                        commit.people.clear();
                    }
                    dossier.change.complete = false;
                }),
            );
        }
        add(
            "change: one more commit, by somebody who is not registered".into(),
            Box::new(|dossier| {
                if let Ok(sha) = UNKNOWN_COMMIT.parse() {
                    dossier.change.commits.push(Commit {
                        people: Vec::new(),
                        sha,
                        unregistered: 1,
                    });
                }
                dossier.change.complete = false;
            }),
        );
    }

    /// Evidence that is enough in another case, made such that it must not count here.
    fn borrowed(&mut self, case: &Case<'_>, donors: &Donors) {
        for donor in &donors.attestations {
            for (of, flow) in flows() {
                let mut foreign = donor.clone();
                edit::foreign(&mut foreign, flow.as_ref());
                let words = format!(
                    "{} of a case that allows: added as foreign, {of}",
                    named(donor)
                );
                let trap = Trap::ForeignEvidenceCounts;
                self.add(trap, words, Rule::NoBetter, move |dossier| {
                    edit::add_newest(dossier, foreign.clone());
                });
            }
            let mut own = case.dossier.attestations.iter();
            if own.any(|one| !one.foreign && same_name(one, donor)) {
                let older = donor.clone();
                let words = format!(
                    "{} of a case that allows: added as an older run",
                    named(donor)
                );
                let trap = Trap::OlderEvidenceCounts;
                self.add(trap, words, Rule::NoBetter, move |dossier| {
                    edit::add_oldest(dossier, older.clone());
                });
            }
            self.lookalikes(donor);
        }
        for donor in &donors.approvals {
            for void in Void::ALL {
                let approval = donor.clone();
                let words = format!(
                    "approval by `{}` of a case that allows: added, but {}",
                    donor.person,
                    void.words()
                );
                let trap = Trap::VoidApprovalCounts;
                self.add(trap, words, Rule::NoBetter, move |dossier| {
                    edit::add_void_approval(dossier, &approval, void);
                });
            }
        }
    }

    /// Evidence of a name that looks like another's counts no more than that of a wholly different name.
    fn lookalikes(&mut self, donor: &Attestation) {
        let Some((unlike, alike)) = lookalikes(&donor.name) else {
            return;
        };
        for name in alike {
            let words = format!(
                "{} of a case that allows: added under the name `{name}`",
                named(donor)
            );
            let adding = |name: Name| {
                let mut other = donor.clone();
                other.name = name;
                move |dossier: &mut Dossier| edit::add_newest(dossier, other.clone())
            };
            let rule = Rule::NoBetterThan(Box::new(adding(unlike.clone())));
            self.add(Trap::LookalikeCounts, words, rule, adding(name));
        }
    }

    /// Facts that get lost, of each attestation in turn.
    fn lost_facts(&mut self, case: &Case<'_>) {
        for one in case.dossier.attestations.iter().filter(|one| !one.foreign) {
            let entry = one.entry;
            for loss in losses(&edit::facts(one)) {
                let words = format!("{}: {}", named(one), loss.words);
                self.add(loss.trap, words, Rule::NoBetter, move |dossier| {
                    edit::change(dossier, &entry, |one| {
                        edit::set_facts(one, &loss.of(&edit::facts(one)));
                    });
                });
            }
        }
    }
}

/// The flows that foreign evidence is of: another one, or the same one and another trail of it.
fn flows() -> [(&'static str, Option<Name>); 2] {
    [
        ("of another flow", ANOTHER_FLOW.parse().ok()),
        ("of another trail of this flow", None),
    ]
}

fn named(attestation: &Attestation) -> String {
    format!("`{}` `{}`", attestation.attestation_type, attestation.name)
}

fn same_name(one: &Attestation, other: &Attestation) -> bool {
    one.attestation_type == other.attestation_type && one.name == other.name
}

fn newest_of_each_name(dossier: &Dossier) -> Vec<&Attestation> {
    let mut newest: Vec<&Attestation> = Vec::new();
    for one in dossier.attestations.iter().filter(|one| !one.foreign) {
        match newest.iter_mut().find(|other| same_name(other, one)) {
            Some(other) if other.recorded_ms <= one.recorded_ms => *other = one,
            Some(_) => {}
            None => newest.push(one),
        }
    }
    newest
}

/// Says whether a name is asked for: by the flow's template, or by a text among the parameters.
fn asked_for(case: &Case<'_>, type_: &Name, name: &Name) -> bool {
    let mut required = case.dossier.required.iter();
    required.any(|one| one.attestation_type == *type_ && one.name == *name)
        || serde_json::from_str(case.parameters).is_ok_and(|value: Value| holds(&value, name))
}

fn holds(value: &Value, name: &Name) -> bool {
    match value {
        Value::String(text) => text == name.as_str(),
        Value::Array(elements) => elements.iter().any(|value| holds(value, name)),
        Value::Object(members) => members.values().any(|value| holds(value, name)),
        _ => false,
    }
}
