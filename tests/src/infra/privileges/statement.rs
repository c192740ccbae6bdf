//! One statement of a policy, as the pairs of thing and action that it allows.

use serde_json::{Value, json};

use crate::infra::template::items;

/// What is longer in the template than in the table.
const SHORTER: [(&str, &str); 7] = [
    (
        "arn:${AWS::Partition}:s3:::${CheckpointBucket}",
        "CheckpointBucket",
    ),
    // The table in force: the stack's own, or the one that a restore made.
    (
        "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${RestoredTable}",
        "Table",
    ),
    ("Table/stream/${RestoredStream}", "Stream"),
    ("${Bucket.Arn}", "Bucket"),
    ("${Table.Arn}", "Table"),
    ("${Journal}", "J"),
    (".${AWS::Region}.amazonaws.com", ""),
];

/// Reads a statement of a role; what is not understood is an error, never ignored.
pub fn read(statement: &Value, role: &str) -> Result<Vec<(String, String)>, &'static str> {
    let members = ["Sid", "Effect", "Action", "Resource", "Condition"];
    let object = statement.as_object().ok_or("not a statement")?;
    if object
        .keys()
        .any(|member| !members.contains(&member.as_str()))
    {
        return Err("a member that this test does not know");
    }
    if statement["Effect"] != "Allow" {
        return Err("only what is allowed is listed");
    }
    let scopes = scopes(&statement["Condition"])?;
    let mut pairs = Vec::new();
    for action in items(&statement["Action"]) {
        let action = action.as_str().ok_or("an action that is no text")?;
        if action.contains(['*', '?']) {
            return Err("a wildcard in an action");
        }
        for resource in items(&statement["Resource"]) {
            let resource = shown(resource, role)?;
            if resource.starts_with(['*', '?']) {
                return Err("everything");
            }
            let on = scopes.iter().map(|scope| format!("{resource}{scope}"));
            pairs.extend(on.map(|on| (on, action.to_owned())));
        }
    }
    Ok(pairs)
}

/// What a condition narrows each resource to; without one, to itself.
fn scopes(condition: &Value) -> Result<Vec<String>, &'static str> {
    if condition.is_null() {
        return Ok(vec![String::new()]);
    }
    let keys = &condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    let service = &condition["StringEquals"]["kms:ViaService"];
    let prefix = &condition["StringLikeIfExists"]["s3:prefix"];
    let (values, before, whole) = if !keys.is_null() {
        // Without the first, a request that names no key at all would satisfy the second.
        let whole = json!({
            "Null": {"dynamodb:LeadingKeys": "false"},
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys},
        });
        (keys, ":", whole)
    } else if !service.is_null() {
        (
            service,
            " via ",
            json!({"StringEquals": {"kms:ViaService": service}}),
        )
    } else {
        (
            prefix,
            "?prefix=",
            json!({"StringLikeIfExists": {"s3:prefix": prefix}}),
        )
    };
    if *condition != whole {
        return Err("a condition that this test does not know");
    }
    let scope = |value| Ok(format!("{before}{}", shown(value, "")?));
    items(values).into_iter().map(scope).collect()
}

/// A name as the table writes it.
fn shown(value: &Value, role: &str) -> Result<String, &'static str> {
    if let Some(name) = value["Ref"].as_str() {
        return Ok(name.to_owned());
    }
    if let Some(parts) = value["Fn::GetAtt"].as_array() {
        return match (parts[0].as_str().unwrap(), parts[1].as_str().unwrap()) {
            ("Table", "StreamArn") => Ok("Stream".to_owned()),
            (log, "Arn") if log.to_lowercase() == format!("{role}log") => Ok("Log".to_owned()),
            (name, "Arn") => Ok(name.to_owned()),
            _ => Err("an attribute that this test does not know"),
        };
    }
    let text = value["Fn::Sub"]
        .as_str()
        .or(value.as_str())
        .ok_or("a name that is no text")?;
    let short = SHORTER.iter().fold(text.to_owned(), |text, (long, short)| {
        text.replace(long, short)
    });
    if short.contains("${") {
        return Err("a name that this test does not know");
    }
    Ok(short)
}
