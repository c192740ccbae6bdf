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

/// Says that its argument has a value: without one it is not called. The engine writes calls of it; policies do not.
pub(crate) fn defined(_: &[Value]) -> Result {
    Ok(true.into())
}
