//! Reads arguments; what is of another type is an error that says so.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use regorus::Value;

pub(crate) fn text<'a>(arguments: &'a [Value], at: usize) -> Result<&'a str> {
    match arguments.get(at) {
        Some(Value::String(text)) => Ok(text),
        _ => bail!("operand {} must be a string", at + 1),
    }
}

pub(crate) fn integer(arguments: &[Value], at: usize) -> Result<i64> {
    let number = match arguments.get(at) {
        Some(Value::Number(number)) if number.is_integer() => number.as_i64(),
        _ => None,
    };
    match number {
        Some(number) => Ok(number),
        None => bail!("operand {} must be an integer", at + 1),
    }
}

/// Gives the number of 64 bits that is nearest to a number.
pub(crate) fn nearest(number: &Value) -> Result<f64> {
    let Value::Number(number) = number else {
        bail!("a number is missing");
    };
    let nearest = number
        .as_f64()
        .or_else(|| number.format_decimal().parse().ok());
    nearest.context("the number is out of range")
}

/// Makes an object of fields.
pub(crate) fn object<K: Into<Value>>(fields: impl IntoIterator<Item = (K, Value)>) -> Value {
    let fields: BTreeMap<Value, Value> = fields
        .into_iter()
        .map(|(key, value)| (key.into(), value))
        .collect();
    Value::from(fields)
}
