//! Parts of documents, chosen by paths.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use regorus::Value;

use crate::Result;

/// What paths lead to: everything there, or some of what is below.
enum Tree {
    All,
    Some(BTreeMap<Value, Tree>),
}

impl Tree {
    fn read(operand: Option<&Value>) -> anyhow::Result<Self> {
        let paths: Vec<&Value> = match operand {
            Some(Value::Array(paths)) => paths.iter().collect(),
            Some(Value::Set(paths)) => paths.iter_sorted().collect(),
            _ => bail!("operand 2 must be a set or an array"),
        };
        let mut root = BTreeMap::new();
        for path in paths {
            insert(&mut root, &segments(path)?);
        }
        Ok(Self::Some(root))
    }
}

fn segments(path: &Value) -> anyhow::Result<Vec<Value>> {
    match path {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => Ok(text
            .trim_start_matches('/')
            .split('/')
            .map(|segment| segment.replace("~1", "/").replace("~0", "~").into())
            .collect()),
        Value::Array(segments) => Ok(segments.to_vec()),
        _ => bail!("a path is a string or an array"),
    }
}

fn insert(tree: &mut BTreeMap<Value, Tree>, path: &[Value]) {
    match path {
        [] => {}
        [last] => {
            tree.insert(last.clone(), Tree::All);
        }
        [first, rest @ ..] => {
            let below = tree
                .entry(first.clone())
                .or_insert_with(|| Tree::Some(BTreeMap::new()));
            if let Tree::Some(below) = below {
                insert(below, rest);
            }
        }
    }
}

pub(crate) fn remove(arguments: &[Value]) -> Result {
    let [document @ Value::Object(_), _] = arguments else {
        bail!("operand 1 must be an object");
    };
    let tree = Tree::read(arguments.get(1))?;
    Ok(without(document, Some(&tree)).unwrap_or(Value::Undefined))
}

fn without(value: &Value, tree: Option<&Tree>) -> Option<Value> {
    let tree = match tree {
        None => return Some(value.clone()),
        Some(Tree::All) => return None,
        Some(Tree::Some(tree)) => tree,
    };
    Some(match value {
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), without(value, tree.get(key))?)))
            .collect::<BTreeMap<_, _>>()
            .into(),
        Value::Set(items) => items
            .iter()
            .filter_map(|item| without(item, tree.get(item)))
            .collect::<BTreeSet<_>>()
            .into(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| without(item, tree.get(&Value::from(at.to_string()))))
            .collect::<Vec<_>>()
            .into(),
        other => other.clone(),
    })
}

pub(crate) fn filter(arguments: &[Value]) -> Result {
    let [document @ Value::Object(_), _] = arguments else {
        bail!("operand 1 must be an object");
    };
    Ok(only(document, &Tree::read(arguments.get(1))?))
}

fn only(value: &Value, tree: &Tree) -> Value {
    let Tree::Some(tree) = tree else {
        return value.clone();
    };
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), only(value, tree.get(key)?))))
            .collect::<BTreeMap<_, _>>()
            .into(),
        Value::Set(items) => items
            .iter()
            .filter_map(|item| Some(only(item, tree.get(item)?)))
            .collect::<BTreeSet<_>>()
            .into(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| Some(only(item, tree.get(&Value::from(at.to_string()))?)))
            .collect::<Vec<_>>()
            .into(),
        other => other.clone(),
    }
}

/// Says whether a document has all that another has, and where it has it.
pub(crate) fn subset(arguments: &[Value]) -> Result {
    let has = match arguments {
        [whole @ Value::Object(_), part @ Value::Object(_)]
        | [whole @ Value::Set(_), part @ Value::Set(_)]
        | [whole @ Value::Array(_), part @ Value::Array(_)] => has(whole, part),
        [Value::Array(whole), Value::Set(part)] => part.iter().all(|item| whole.contains(item)),
        _ => bail!("both operands must be objects, sets or arrays"),
    };
    Ok(has.into())
}

fn has(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, part)| whole.get(key).is_some_and(|whole| has(whole, part))),
        (Value::Set(whole), Value::Set(part)) => part.is_subset(whole),
        (Value::Array(whole), Value::Array(part)) => {
            let (whole, part) = (whole.as_slice(), part.as_slice());
            part.is_empty() || whole.windows(part.len()).any(|window| window == part)
        }
        (whole, part) => whole == part,
    }
}
