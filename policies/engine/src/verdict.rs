//! Reads a verdict from the rules' values.

use regorus::Value;

use crate::trailmark::policy::types::{Finding, RuleError, Status, Verdict};

pub fn read(result: &Value) -> Result<Verdict, RuleError> {
    let Value::Bool(allow) = &result["allow"] else {
        return Err(wrong("`allow` is not a boolean"));
    };
    let findings = match &result["findings"] {
        Value::Set(set) => set.iter().map(finding).collect::<Result<_, _>>()?,
        Value::Array(array) => array.iter().map(finding).collect::<Result<_, _>>()?,
        _ => return Err(wrong("`findings` is neither a set nor an array")),
    };
    Ok(Verdict {
        allow: *allow,
        findings,
    })
}

fn finding(value: &Value) -> Result<Finding, RuleError> {
    let Value::Object(fields) = value else {
        return Err(wrong("a finding is not an object"));
    };
    if fields.len() != 4 {
        return Err(wrong(
            "a finding has other fields than `control`, `status`, `reason` and `entries`",
        ));
    }
    let status = match text(value, "status")?.as_str() {
        "satisfied" => Status::Satisfied,
        "failed" => Status::Failed,
        "not-applicable" => Status::NotApplicable,
        _ => {
            return Err(wrong(
                "a finding's `status` is none of `satisfied`, `failed`, `not-applicable`",
            ));
        }
    };
    Ok(Finding {
        control: text(value, "control")?,
        status,
        reason: text(value, "reason")?,
        entries: entries(value)?,
    })
}

fn entries(finding: &Value) -> Result<Vec<String>, RuleError> {
    let entry = |value: &Value| match value {
        Value::String(text) => Ok(text.to_string()),
        _ => Err(wrong("an entry of a finding is not a string")),
    };
    match &finding["entries"] {
        Value::Set(set) => set.iter().map(entry).collect(),
        Value::Array(array) => array.iter().map(entry).collect(),
        _ => Err(wrong("a finding's `entries` is neither a set nor an array")),
    }
}

fn text(finding: &Value, field: &str) -> Result<String, RuleError> {
    match &finding[field] {
        Value::String(text) => Ok(text.to_string()),
        _ => Err(wrong(&format!("a finding's `{field}` is not a string"))),
    }
}

fn wrong(what: &str) -> RuleError {
    RuleError::WrongType(what.into())
}
