//! Who may do what: the template's roles against the README's table, and against what no table can allow.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::template::{branches, items, of_type};
use super::{FUNCTIONS, finds_each, named, readme};

mod mutations;
mod statement;

/// One action of a role on one thing, as the table writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Privilege {
    role: String,
    on: String,
    action: String,
}

/// What changes or takes away something that is recorded, in any service: no role has it.
const NEVER: [&str; 12] = [
    "dynamodb:Update",
    "dynamodb:Delete",
    "dynamodb:BatchWrite",
    "dynamodb:PartiQL",
    "dynamodb:Scan",
    "s3:Delete",
    "s3:Bypass",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
    "s3:PutLifecycle",
    "s3:PutBucket",
    "kms:ScheduleKeyDeletion",
];

/// Where roles may write, whatever the table says: recording roles cannot seal, and seal records only `heads` entries.
const WRITES: [(&[&str], &[&str]); 3] = [
    (
        &["ingest", "decide", "approve", "snapshot"],
        &[
            "Table:J#s#*",
            "Table:J#k#*",
            "Table:J#q#*",
            "Table:J#p#*",
            "Bucket/J/p/*",
        ],
    ),
    (&["ingest"], &["Bucket/J/u/*", "Bucket/J/images/*"]),
    (
        &["seal"],
        &[
            "Table:J#c",
            "Table:J#h#*",
            "Table:J#n",
            "Table:J#s#heads",
            "Table:J#q#*",
            "Bucket/J/tile/*",
            "Bucket/J/staged/*",
            "Bucket/J/heads/*",
            "Bucket/J/checkpoint",
            "CheckpointBucket/J/checkpoint",
        ],
    ),
];

/// Secrets that are one function's alone.
const ALONE: [(&str, &str); 3] = [
    ("LogKeySecret", "seal"),
    ("LogKmsKeyArn", "seal"),
    ("PermitKeySecret", "decide"),
];

/// What is wrong with a template's roles.
fn check(template: &Value) -> Vec<String> {
    let mut wrong = wiring(template);
    let (granted, unclear) = granted(template);
    wrong.extend(unclear);
    let documented = documented();
    let undocumented = granted.difference(&documented);
    wrong.extend(undocumented.map(|more| format!("not in the table: {more:?}")));
    let missing = documented.difference(&granted);
    wrong.extend(missing.map(|less| format!("not in the template: {less:?}")));
    wrong.extend(forbidden(&granted));
    wrong
}

/// The README's table.
fn documented() -> BTreeSet<Privilege> {
    let mut privileges = BTreeSet::new();
    for row in readme::rows("## Who may do what") {
        for role in readme::listed(&row[0]) {
            for on in readme::quoted(&row[1]) {
                for action in readme::quoted(&row[2]) {
                    let (role, on) = (role.clone(), on.clone());
                    assert!(
                        privileges.insert(Privilege { role, on, action }),
                        "the table says something twice: {row:?}"
                    );
                }
            }
            assert!(!row[3].is_empty(), "no reason: {row:?}");
        }
    }
    privileges
}

/// What the template's roles may do, and what in them cannot be told.
fn granted(template: &Value) -> (BTreeSet<Privilege>, Vec<String>) {
    let (mut granted, mut wrong) = (BTreeSet::new(), Vec::new());
    for (name, role) in of_type(template, "AWS::IAM::Role") {
        let role_name = named(name.trim_end_matches("Role"));
        for document in documents(template, role, &mut wrong) {
            for one in items(&document["Statement"]) {
                match statement::read(one, &role_name) {
                    Ok(pairs) => {
                        granted.extend(pairs.into_iter().map(|(on, action)| Privilege {
                            role: role_name.clone(),
                            on,
                            action,
                        }));
                    }
                    Err(why) => wrong.push(format!("{name}: {why}: {one}")),
                }
            }
        }
    }
    (granted, wrong)
}

/// A role's policies: its own and the template's that it names.
fn documents<'a>(template: &'a Value, role: &'a Value, wrong: &mut Vec<String>) -> Vec<&'a Value> {
    let own = role["Policies"].as_array().into_iter().flatten();
    let mut documents: Vec<_> = own.map(|policy| &policy["PolicyDocument"]).collect();
    for arn in role["ManagedPolicyArns"].as_array().into_iter().flatten() {
        let named = of_type(template, "AWS::IAM::ManagedPolicy")
            .find(|(name, _)| *arn == json!({"Ref": name}));
        match named {
            Some((_, policy)) => documents.push(&policy["PolicyDocument"]),
            None => wrong.push(format!("a policy from elsewhere: {arn}")),
        }
    }
    documents
}

/// Every function has its own role, no role is anybody else's, and nothing else gives permissions.
fn wiring(template: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let functions: Vec<_> = of_type(template, "AWS::Serverless::Function").collect();
    let mut names: Vec<_> = functions.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_by_key(|name| FUNCTIONS.iter().position(|function| function == name));
    if names != FUNCTIONS {
        wrong.push(format!("the functions are {names:?}"));
    }
    for (name, function) in functions {
        if function["Role"] != json!({"Fn::GetAtt": [format!("{name}Role"), "Arn"]}) {
            wrong.push(format!("{name}: not its own role"));
        }
        for member in [
            "Policies",
            "PermissionsBoundary",
            "AssumeRolePolicyDocument",
        ] {
            if !function[member].is_null() {
                wrong.push(format!("{name}: `{member}` stands in its role"));
            }
        }
    }
    for (name, role) in of_type(template, "AWS::IAM::Role") {
        let service = match name.as_str() {
            "ScheduleRole" => "scheduler.amazonaws.com",
            _ => "lambda.amazonaws.com",
        };
        let trusted = &role["AssumeRolePolicyDocument"]["Statement"];
        if trusted.as_array().is_none_or(|all| all.len() != 1)
            || trusted[0]["Principal"] != json!({"Service": service})
        {
            wrong.push(format!("{name}: others than `{service}` may take it"));
        }
    }
    let resources = template["Resources"].as_object().unwrap();
    let other = resources.iter().filter(|(_, resource)| {
        let sort = resource["Type"].as_str().unwrap();
        sort.starts_with("AWS::IAM::") && !["Role", "ManagedPolicy"].contains(&&sort[10..])
    });
    wrong.extend(other.map(|(name, _)| format!("{name}: permissions outside of roles")));
    let defaults = &template["Globals"]["Function"];
    for member in ["Role", "Policies"] {
        if !branches(&defaults[member])
            .iter()
            .all(|value| value.is_null())
        {
            wrong.push(format!("functions share a `{member}`"));
        }
    }
    wrong
}

/// What no table can allow.
fn forbidden(granted: &BTreeSet<Privilege>) -> Vec<String> {
    let mut wrong = Vec::new();
    for privilege in granted {
        let Privilege { role, on, action } = privilege;
        if NEVER.iter().any(|never| action.starts_with(never)) {
            wrong.push(format!("updates or deletes: {privilege:?}"));
        }
        if ["dynamodb:PutItem", "s3:PutObject"].contains(&action.as_str()) {
            let may = WRITES.iter().any(|(roles, places)| {
                roles.contains(&role.as_str()) && places.contains(&on.as_str())
            });
            if !may {
                wrong.push(format!("writes where it must not: {privilege:?}"));
            }
        }
        if ALONE
            .iter()
            .any(|(secret, whose)| on == secret && role != whose)
        {
            wrong.push(format!("somebody else's key: {privilege:?}"));
        }
    }
    wrong
}

#[test]
fn roles_may_do_what_the_table_says_and_a_wider_or_narrower_one_is_noticed() {
    finds_each(check, &mutations::WIDER);
    finds_each(check, &mutations::NARROWER);
    finds_each(check, &mutations::MISWIRED);
}

#[test]
fn no_table_can_let_a_recording_role_update_delete_or_seal() {
    let (granted, _) = granted(&super::template::read());
    assert!(forbidden(&granted).is_empty());
    let refused = [
        ("ingest", "Table:J#s#*", "dynamodb:UpdateItem"),
        ("decide", "Table:J#s#*", "dynamodb:DeleteItem"),
        ("approve", "Table:J#s#*", "dynamodb:BatchWriteItem"),
        ("snapshot", "Table:J#s#*", "dynamodb:PartiQLUpdate"),
        ("ingest", "Bucket/J/p/*", "s3:DeleteObjectVersion"),
        ("ingest", "Bucket/J/p/*", "s3:BypassGovernanceRetention"),
        ("ingest", "Table:J#c", "dynamodb:PutItem"),
        ("seal", "Table:J#s#*", "dynamodb:PutItem"),
        ("query", "Table:J#s#*", "dynamodb:PutItem"),
        ("ingest", "Table:J#*", "dynamodb:PutItem"),
        ("ingest", "Bucket/J/tile/*", "s3:PutObject"),
        ("decide", "Bucket/J/u/*", "s3:PutObject"),
        ("decide", "Bucket/J/images/*", "s3:PutObject"),
        ("ingest", "LogKeySecret", "secretsmanager:GetSecretValue"),
        ("ingest", "LogKmsKeyArn", "kms:Sign"),
    ];
    for (role, on, action) in
        refused.map(|(role, on, action)| (role.to_owned(), on.to_owned(), action.to_owned()))
    {
        let privilege = Privilege { role, on, action };
        assert_eq!(
            forbidden(&BTreeSet::from([privilege.clone()])).len(),
            1,
            "{privilege:?}"
        );
    }
}

/// What services do in a role's name, besides the calls of the program.
const IN_ITS_NAME: [&str; 11] = [
    // What a transaction takes, as `PutItem`.
    "dynamodb:ConditionCheckItem",
    // The table, the bucket, the secrets and the queue, to encrypt and decrypt.
    "kms:Decrypt",
    "kms:GenerateDataKey",
    // Lambda, to read the stream, write the log and say what failed.
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:SendMessage",
    // The schedule.
    "lambda:InvokeFunction",
];

#[test]
fn roles_have_the_actions_that_the_program_calls() {
    let services = ["dynamodb:", "s3:", "secretsmanager:", "kms:"];
    let mut called = BTreeSet::new();
    for file in crate::tidy::files() {
        let is_source = file.starts_with("crates/store/src/aws") || file.starts_with("functions/");
        if is_source && file.ends_with(".rs") && !file.contains("tests") {
            let text = crate::tidy::text(&file);
            let names = text.split('"').filter(|part| {
                let action = services
                    .iter()
                    .find_map(|service| part.strip_prefix(service));
                action.is_some_and(|action| {
                    !action.is_empty() && action.chars().all(char::is_alphabetic)
                })
            });
            called.extend(names.map(str::to_owned));
        }
    }
    // It has no permission of its own.
    assert!(called.remove("dynamodb:TransactWriteItems"), "{called:?}");
    let (granted, _) = granted(&super::template::read());
    let granted: BTreeSet<_> = granted
        .into_iter()
        .map(|privilege| privilege.action)
        .collect();
    let called = called.into_iter().chain(IN_ITS_NAME.map(str::to_owned));
    assert_eq!(granted, called.collect());
}
