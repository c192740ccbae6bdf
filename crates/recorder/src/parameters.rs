//! A policy's parameters, and the JSON schema that says what they may be.

use jsonschema::{Draft, PatternOptions};
use model::limits::{JSON_DEPTH_MAX, SCHEMA_BYTES_MAX};
use serde_json::Value;

/// The one dialect that schemas are written in.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Parts of a schema with every reference followed: with parameters of at most a header's size, and expressions that take
/// linear time, this is what bounds the time of a check.
const PARTS_MAX: usize = 10_000;
/// Bytes of one compiled regular expression.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;
/// Words that find schemas by name, where this program would have to follow.
const NOT_FOLLOWED: [&str; 4] = ["$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef"];

/// Why a schema is none, or parameters do not fit.
#[derive(Debug, thiserror::Error)]
pub enum ParametersError {
    /// The schema is too long.
    #[error("the parameters' schema has `{0}` bytes, over the limit of {SCHEMA_BYTES_MAX}")]
    TooLarge(usize),
    /// The schema is no JSON object.
    #[error("the parameters' schema is no JSON object")]
    NoObject,
    /// The schema is of another dialect.
    #[error("the parameters' schema is of dialect `{0}`, not of `{DIALECT}`")]
    Dialect(String),
    /// The schema refers to something outside, or by a name.
    #[error("the parameters' schema refers to `{0}`: only what begins with `#/` is followed")]
    Reference(String),
    /// The schema is about itself, or so nested that a check has no known end.
    #[error(
        "the parameters' schema refers to itself, is nested too deep, or has more than {PARTS_MAX} parts"
    )]
    TooMuch,
    /// The schema is not one.
    #[error("the parameters' schema is wrong at `#{pointer}`: {what}")]
    Schema {
        /// Where, a JSON pointer (RFC 6901).
        pointer: String,
        /// What is wrong.
        what: String,
    },
    /// The parameters are not what the schema says.
    #[error("the parameters do not fit the policy's schema at `#{pointer}`: {what}")]
    Unfit {
        /// Where, a JSON pointer (RFC 6901) into the parameters.
        pointer: String,
        /// What is wrong.
        what: String,
    },
}

/// A schema that was checked: it is one, refers to nothing outside, and is done with soon.
pub(crate) struct ParametersSchema(jsonschema::Validator);

impl ParametersSchema {
    /// Reads a schema.
    pub(crate) fn new(schema: &Value) -> Result<Self, ParametersError> {
        let bytes = schema.to_string().len();
        if bytes > SCHEMA_BYTES_MAX {
            return Err(ParametersError::TooLarge(bytes));
        }
        let members = schema.as_object().ok_or(ParametersError::NoObject)?;
        if let Some(dialect) = members.get("$schema")
            && dialect
                .as_str()
                .map(|dialect| dialect.trim_end_matches('#'))
                != Some(DIALECT)
        {
            return Err(ParametersError::Dialect(dialect.to_string()));
        }
        let mut parts = 0;
        count(schema, schema, 0, &mut parts)?;
        let options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(
                PatternOptions::regex()
                    .size_limit(PATTERN_BYTES_MAX)
                    .dfa_size_limit(PATTERN_BYTES_MAX),
            );
        let wrong = |error: jsonschema::ValidationError<'_>| ParametersError::Schema {
            pointer: error.instance_path().to_string(),
            what: error.to_string(),
        };
        options.build(schema).map(Self).map_err(wrong)
    }

    /// Checks parameters.
    pub(crate) fn check(&self, parameters: &Value) -> Result<(), ParametersError> {
        let unfit = |error: jsonschema::ValidationError<'_>| ParametersError::Unfit {
            pointer: error.instance_path().to_string(),
            what: error.to_string(),
        };
        self.0.validate(parameters).map_err(unfit)
    }
}

/// Counts the parts of a schema, following its references: one that comes back to itself goes too deep.
fn count(
    root: &Value,
    part: &Value,
    depth: usize,
    parts: &mut usize,
) -> Result<(), ParametersError> {
    *parts += 1;
    if depth > JSON_DEPTH_MAX || *parts > PARTS_MAX {
        return Err(ParametersError::TooMuch);
    }
    match part {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(to) if name == "$ref" => {
                        let outside = || ParametersError::Reference(to.to_owned());
                        let pointer = to.strip_prefix('#').filter(|rest| rest.starts_with('/'));
                        let found = root.pointer(pointer.ok_or_else(outside)?);
                        count(root, found.ok_or_else(outside)?, depth + 1, parts)?;
                    }
                    Some(to)
                        if NOT_FOLLOWED.contains(&name.as_str())
                            || (name == "$id" && depth > 0) =>
                    {
                        return Err(ParametersError::Reference(to.to_owned()));
                    }
                    _ => count(root, member, depth + 1, parts)?,
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                count(root, item, depth + 1, parts)?;
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(schema: &Value) -> String {
        ParametersSchema::new(schema).err().unwrap().to_string()
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_json_pointer() {
        let schema = ParametersSchema::new(&json!({
            "type": "object",
            "required": ["tests_min"],
            "properties": {"tests_min": {"type": "integer", "minimum": 1}, "names": {"items": {"$ref": "#/$defs/name"}}},
            "additionalProperties": false,
            "$defs": {"name": {"type": "string", "pattern": "^[a-z]+$"}}
        }))
        .unwrap();
        schema
            .check(&json!({"tests_min": 3, "names": ["a"]}))
            .unwrap();
        for (parameters, pointer) in [
            (json!({}), "#"),
            (json!({"tests_min": 0}), "#/tests_min"),
            (json!({"tests_min": 1, "names": ["a", "B"]}), "#/names/1"),
            (json!({"tests_min": 1, "test_min": 1}), "#"),
        ] {
            let unfit = schema.check(&parameters).unwrap_err().to_string();
            let beginning =
                format!("the parameters do not fit the policy's schema at `{pointer}`: ");
            assert!(unfit.starts_with(&beginning), "{unfit}");
        }
    }

    #[test]
    fn nothing_outside_is_asked_for() {
        for to in [
            "https://example.com/s",
            "file:///etc/passwd",
            "other.json",
            "#name",
            "#",
        ] {
            assert!(
                refused(&json!({"$ref": to})).contains("refers to"),
                "followed `{to}`"
            );
        }
        for word in NOT_FOLLOWED {
            assert!(
                refused(&json!({"properties": {"a": {word: "x"}}})).contains("refers to"),
                "{word}"
            );
        }
        assert!(refused(&json!({"$ref": "#/$defs/none"})).contains("`#/$defs/none`"));
        let old = json!({"$schema": "http://json-schema.org/draft-07/schema#"});
        assert!(refused(&old).contains("is of dialect"));
    }

    #[test]
    fn a_schema_is_done_with_soon() {
        // Each definition has the one before it twice: two to the power of thirty.
        let mut defs = serde_json::Map::new();
        defs.insert("d0".into(), json!({"type": "integer"}));
        for level in 1..=30 {
            let to = format!("#/$defs/d{}", level - 1);
            defs.insert(
                format!("d{level}"),
                json!({"allOf": [{"$ref": to}, {"$ref": to}]}),
            );
        }
        let bomb = json!({"$defs": defs, "$ref": "#/$defs/d30"});
        let itself = json!({"properties": {"a": {"$ref": "#/properties/a"}}});
        for schema in [bomb, itself] {
            assert!(refused(&schema).contains("refers to itself"));
        }
        let large = json!({"description": "x".repeat(SCHEMA_BYTES_MAX)});
        assert!(refused(&large).contains("over the limit"));
        // Takes time that grows with two to the power of its input where it is tried by backtracking.
        let slow =
            ParametersSchema::new(&json!({"properties": {"a": {"pattern": "^(a+)+$"}}})).unwrap();
        slow.check(&json!({"a": format!("{}!", "a".repeat(2_000))}))
            .unwrap_err();
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        assert!(refused(&json!([])).contains("no JSON object"));
        let wrong_type = json!({"properties": {"a": {"type": "number of things"}}});
        assert!(refused(&wrong_type).contains("wrong at `#/properties/a/type`"));
        assert!(refused(&json!({"pattern": "("})).contains("wrong at `#"));
    }
}
