//! Ways in which facts get lost: as a whole, or one member or element at a time.
//!
//! Only losses: a fact becomes null, missing or of another type. A fact that says something else (another number, a
//! shorter list) is other evidence, of which nobody can say that it must not count.

use serde_json::{Map, Value};

use super::super::Trap;

/// Of a longer list the first and the last elements are changed.
const ELEMENTS_MAX: usize = 4;

/// A loss: what it shows, what it is in words, and what the facts are after it.
pub(super) struct Loss {
    pub(super) trap: Trap,
    pub(super) words: String,
    how: How,
}

enum How {
    Whole(Value),
    At(String, Damage),
}

#[derive(Clone, Copy)]
enum Damage {
    Null,
    Missing,
    WrongType,
}

impl Loss {
    /// Returns the facts after the loss.
    pub(super) fn of(&self, facts: &Value) -> Value {
        match &self.how {
            How::Whole(value) => value.clone(),
            How::At(pointer, damage) => damaged(facts, pointer, *damage),
        }
    }
}

/// Lists every loss of some facts.
pub(super) fn losses(facts: &Value) -> Vec<Loss> {
    let whole = |trap, words: &str, value| Loss {
        trap,
        words: words.to_owned(),
        how: How::Whole(value),
    };
    let mut losses = vec![
        whole(
            Trap::EmptyEvidenceCounts,
            "facts without members",
            Value::Object(Map::new()),
        ),
        whole(
            Trap::EmptyEvidenceCounts,
            "facts in which everything is zero or empty",
            hollow(facts),
        ),
        whole(
            Trap::CorruptFactCounts,
            "facts that are `null`",
            Value::Null,
        ),
        whole(Trap::CorruptFactCounts, "facts that are a text", "?".into()),
        whole(
            Trap::CorruptFactCounts,
            "facts cut off in the middle",
            half(facts),
        ),
    ];
    let mut pointers = Vec::new();
    collect(facts, String::new(), &mut pointers);
    for (pointer, of_object) in pointers {
        let mut damage = |trap, damage, words: &str| {
            losses.push(Loss {
                trap,
                words: format!("fact `{pointer}` {words}"),
                how: How::At(pointer.clone(), damage),
            });
        };
        damage(Trap::MissingFactCounts, Damage::Null, "null");
        if of_object {
            damage(Trap::MissingFactCounts, Damage::Missing, "missing");
        }
        damage(
            Trap::CorruptFactCounts,
            Damage::WrongType,
            "of another type",
        );
    }
    losses.retain(|loss| loss.of(facts) != *facts);
    losses
}

/// Makes every number zero, every text and list empty.
fn hollow(value: &Value) -> Value {
    match value {
        Value::Number(_) => 0.into(),
        Value::String(_) => "".into(),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Bool(_) => false.into(),
        Value::Null => Value::Null,
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), hollow(value)))
            .collect(),
    }
}

/// Keeps the first half of the members.
fn half(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .take(members.len() / 2)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        other => other.clone(),
    }
}

/// Lists the pointers (RFC 6901) of all members and elements, and whether each is a member of an object.
fn collect(value: &Value, at: String, pointers: &mut Vec<(String, bool)>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                pointers.push((pointer.clone(), true));
                collect(value, pointer, pointers);
            }
        }
        Value::Array(elements) => {
            let last = elements.len().saturating_sub(ELEMENTS_MAX / 2);
            for (index, value) in elements.iter().enumerate() {
                if index < ELEMENTS_MAX / 2 || index >= last {
                    let pointer = format!("{at}/{index}");
                    pointers.push((pointer.clone(), false));
                    collect(value, pointer, pointers);
                }
            }
        }
        _ => {}
    }
}

fn damaged(facts: &Value, pointer: &str, damage: Damage) -> Value {
    let mut facts = facts.clone();
    if let Damage::Missing = damage {
        if let Some((parent, key)) = pointer.rsplit_once('/')
            && let Some(Value::Object(members)) = facts.pointer_mut(parent)
        {
            members.remove(&key.replace("~1", "/").replace("~0", "~"));
        }
    } else if let Some(value) = facts.pointer_mut(pointer) {
        *value = match (damage, &*value) {
            (Damage::WrongType, Value::String(_)) => 7.into(),
            (Damage::WrongType, _) => "?".into(),
            _ => Value::Null,
        };
    }
    facts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_member_and_element_is_lost_in_turn() {
        let facts = json!({"a/b": {"n": 3}, "list": ["x"]});
        let all: Vec<String> = losses(&facts)
            .iter()
            .map(|loss| format!("{}: {}", loss.words, loss.of(&facts)))
            .collect();
        assert_eq!(
            all,
            [
                "facts without members: {}",
                r#"facts in which everything is zero or empty: {"a/b":{"n":0},"list":[]}"#,
                "facts that are `null`: null",
                r#"facts that are a text: "?""#,
                r#"facts cut off in the middle: {"a/b":{"n":3}}"#,
                r#"fact `/a~1b` null: {"a/b":null,"list":["x"]}"#,
                r#"fact `/a~1b` missing: {"list":["x"]}"#,
                r#"fact `/a~1b` of another type: {"a/b":"?","list":["x"]}"#,
                r#"fact `/a~1b/n` null: {"a/b":{"n":null},"list":["x"]}"#,
                r#"fact `/a~1b/n` missing: {"a/b":{},"list":["x"]}"#,
                r#"fact `/a~1b/n` of another type: {"a/b":{"n":"?"},"list":["x"]}"#,
                r#"fact `/list` null: {"a/b":{"n":3},"list":null}"#,
                r#"fact `/list` missing: {"a/b":{"n":3}}"#,
                r#"fact `/list` of another type: {"a/b":{"n":3},"list":"?"}"#,
                r#"fact `/list/0` null: {"a/b":{"n":3},"list":[null]}"#,
                r#"fact `/list/0` of another type: {"a/b":{"n":3},"list":[7]}"#,
            ]
        );
    }

    #[test]
    fn of_a_long_list_the_ends_are_changed() {
        let facts = json!({"list": [1, 2, 3, 4, 5, 6, 7, 8]});
        let mut pointers = Vec::new();
        collect(&facts, String::new(), &mut pointers);
        let pointers: Vec<_> = pointers.into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(
            pointers,
            ["/list", "/list/0", "/list/1", "/list/6", "/list/7"]
        );
    }

    #[test]
    fn what_changes_nothing_is_no_loss() {
        assert!(
            losses(&json!({}))
                .iter()
                .all(|loss| loss.of(&json!({})) != json!({}))
        );
    }
}
