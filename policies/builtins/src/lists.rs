use anyhow::bail;
use regorus::Value;

use crate::Result;

/// Puts the elements of arrays in an array in their place, one level deep.
pub(crate) fn flatten(arguments: &[Value]) -> Result {
    let [Value::Array(array)] = arguments else {
        bail!("operand 1 must be an array");
    };
    let mut flat = Vec::new();
    for item in array.iter() {
        match item {
            Value::Array(items) => flat.extend(items.iter().cloned()),
            other => flat.push(other.clone()),
        }
    }
    Ok(Value::from(flat))
}

/// Gives each value within a value, itself first, with the path to it. The engine writes calls of it, in the place of
/// OPA's relation.
pub(crate) fn walk(arguments: &[Value]) -> Result {
    let [value] = arguments else {
        bail!("walk takes one value");
    };
    let mut found = Vec::new();
    walk_from(&mut Vec::new(), value, &mut found);
    Ok(Value::from(found))
}

/// The depth is bounded by what a dossier and a source can hold.
fn walk_from(path: &mut Vec<Value>, value: &Value, found: &mut Vec<Value>) {
    found.push(Value::from(vec![Value::from(path.clone()), value.clone()]));
    let mut step = |key: Value, value: &Value| {
        path.push(key);
        walk_from(path, value, found);
        path.pop();
    };
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                step(Value::from(index as u64), item);
            }
        }
        Value::Set(items) => items
            .iter_sorted()
            .for_each(|item| step(item.clone(), item)),
        Value::Object(fields) => {
            for (key, value) in fields.iter_sorted() {
                step(key.clone(), value);
            }
        }
        _ => {}
    }
}
