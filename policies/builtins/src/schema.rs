//! JSON schemas, drafts 4 to 7, as OPA's library reads them.
//!
//! Patterns are those of the engine's regular expressions, without look-around. References lead only within the schema:
//! there is no network. Errors are listed in the order of keys.

mod format;
mod validate;

use anyhow::{Context, bail, ensure};
use regex::Regex;
use regorus::Value;

use crate::Result;
use crate::arguments::object;

/// Beyond this a schema that refers to itself is taken to do so for ever.
const DEPTH_MAX: usize = 64;

/// Gives whether a document matches a schema, and where it does not.
pub(crate) fn match_schema(arguments: &[Value]) -> Result {
    let [document, schema] = arguments else {
        bail!("two operands are needed");
    };
    let document = read(document)?;
    let schema = read(schema)?;
    check(&schema, &schema)?;
    let errors = validate::validate(&schema, &document)?;
    let matches = errors.is_empty();
    let errors: Vec<Value> = errors
        .into_iter()
        .map(|error| {
            object([
                ("error", format!("{}: {}", error.field, error.text).into()),
                ("type", error.name.into()),
                ("field", error.field.as_str().into()),
                ("desc", error.text.as_str().into()),
            ])
        })
        .collect();
    Ok(Value::from(vec![matches.into(), errors.into()]))
}

/// Gives whether a schema is one, and why not.
pub(crate) fn verify_schema(arguments: &[Value]) -> Result {
    let [schema] = arguments else {
        bail!("one operand is needed");
    };
    let checked = read(schema).and_then(|schema| check(&schema, &schema));
    Ok(Value::from(match checked {
        Ok(()) => vec![true.into(), Value::Null],
        Err(error) => vec![false.into(), format!("jsonschema: {error}").into()],
    }))
}

/// Reads a document: an object or array, or the text of any.
fn read(operand: &Value) -> Result {
    match operand {
        Value::String(text) => Value::from_json_str(text).context("invalid JSON string"),
        Value::Object(_) | Value::Array(_) => {
            // Sets become arrays.
            Value::from_json_str(&operand.to_json_str()?)
        }
        _ => bail!("wrong type, expected string or object"),
    }
}

/// Finds what a reference within a schema leads to.
fn resolve<'a>(root: &'a Value, reference: &str) -> anyhow::Result<&'a Value> {
    let Some(pointer) = reference.strip_prefix('#') else {
        return named(root, reference, 0)
            .with_context(|| format!("`{reference}` leads out of the schema"));
    };
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return named(root, reference, 0).with_context(|| format!("`{reference}` leads nowhere"));
    }
    let mut place = root;
    for token in pointer.split('/').skip(1) {
        let token = token
            .replace("~1", "/")
            .replace("~0", "~")
            .replace("%25", "%")
            .replace("%22", "\"");
        place = match (place, token.parse::<usize>()) {
            (Value::Array(items), Ok(index)) => items.get(index).unwrap_or(&Value::Undefined),
            (place, _) => &place[token.as_str()],
        };
    }
    ensure!(
        *place != Value::Undefined,
        "`{reference}` leads nowhere in the schema"
    );
    Ok(place)
}

/// Finds the subschema that has an identifier.
fn named<'a>(place: &'a Value, id: &str, depth: usize) -> Option<&'a Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    match place {
        Value::Object(fields) => {
            let is = |key: &str| matches!(&place[key], Value::String(text) if **text == *id);
            if is("$id") || is("id") {
                return Some(place);
            }
            fields
                .values()
                .find_map(|value| named(value, id, depth + 1))
        }
        Value::Array(items) => items.iter().find_map(|value| named(value, id, depth + 1)),
        _ => None,
    }
}

const TYPES: [&str; 7] = [
    "array", "boolean", "integer", "number", "null", "object", "string",
];

/// Checks that a schema's keywords are what they must be.
fn check(root: &Value, schema: &Value) -> anyhow::Result<()> {
    let fields = match schema {
        Value::Bool(_) => return Ok(()),
        Value::Object(fields) => fields,
        _ => bail!("schema is invalid: neither an object nor a boolean"),
    };
    for (key, value) in fields.iter_sorted() {
        let Value::String(key) = key else { continue };
        keyword(root, key, value).with_context(|| format!("`{key}` is invalid"))?;
    }
    Ok(())
}

fn keyword(root: &Value, key: &str, value: &Value) -> anyhow::Result<()> {
    match key {
        "type" => types(value)?,
        "$ref" => {
            let Value::String(reference) = value else {
                bail!("it must be a string");
            };
            resolve(root, reference)?;
        }
        "properties" | "patternProperties" | "definitions" | "dependencies" => {
            let Value::Object(fields) = value else {
                bail!("it must be an object");
            };
            for (name, schema) in fields.iter() {
                if key == "patternProperties" {
                    pattern(name)?;
                }
                match schema {
                    Value::Array(_) if key == "dependencies" => strings(schema)?,
                    schema => check(root, schema)?,
                }
            }
        }
        "allOf" | "anyOf" | "oneOf" => {
            let Value::Array(schemas) = value else {
                bail!("it must be an array");
            };
            ensure!(!schemas.is_empty(), "it must not be empty");
            for schema in schemas.iter() {
                check(root, schema)?;
            }
        }
        "not"
        | "if"
        | "then"
        | "else"
        | "contains"
        | "propertyNames"
        | "additionalItems"
        | "additionalProperties" => check(root, value)?,
        "items" => match value {
            Value::Array(schemas) => {
                for schema in schemas.iter() {
                    check(root, schema)?;
                }
            }
            schema => check(root, schema)?,
        },
        "required" => strings(value)?,
        "enum" => ensure!(
            matches!(value, Value::Array(items) if !items.is_empty()),
            "it must be an array that is not empty"
        ),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
            ensure!(
                matches!(value, Value::Number(number) if number.is_integer() && number.as_u64().is_some()),
                "it must be a whole number that is not negative"
            );
        }
        "multipleOf" => ensure!(
            matches!(value, Value::Number(_)) && *value > Value::from(0),
            "it must be greater than 0"
        ),
        "minimum" | "maximum" => ensure!(matches!(value, Value::Number(_)), "it must be a number"),
        "exclusiveMinimum" | "exclusiveMaximum" => ensure!(
            matches!(value, Value::Number(_) | Value::Bool(_)),
            "it must be a number or a boolean"
        ),
        "uniqueItems" => ensure!(matches!(value, Value::Bool(_)), "it must be a boolean"),
        "pattern" => {
            pattern(value)?;
        }
        "format" | "$schema" | "$id" | "id" | "title" | "description" => {
            ensure!(matches!(value, Value::String(_)), "it must be a string");
        }
        _ => {}
    }
    Ok(())
}

fn types(value: &Value) -> anyhow::Result<()> {
    let known = |value: &Value| matches!(value, Value::String(name) if TYPES.contains(&&**name));
    match value {
        Value::Array(names) => {
            ensure!(names.iter().all(known), "it names a type that there is not");
            let mut seen = std::collections::BTreeSet::new();
            ensure!(
                names.iter().all(|name| seen.insert(name)),
                "it names a type twice"
            );
        }
        name => ensure!(known(name), "it names a type that there is not"),
    }
    Ok(())
}

fn strings(value: &Value) -> anyhow::Result<()> {
    let Value::Array(items) = value else {
        bail!("it must be an array");
    };
    let mut seen = std::collections::BTreeSet::new();
    for item in items.iter() {
        ensure!(matches!(item, Value::String(_)), "it must hold strings");
        ensure!(seen.insert(item), "it must not hold anything twice");
    }
    Ok(())
}

fn pattern(value: &Value) -> anyhow::Result<Regex> {
    let Value::String(pattern) = value else {
        bail!("it must be a string");
    };
    Regex::new(pattern).with_context(|| format!("Invalid regex pattern '{pattern}'"))
}
