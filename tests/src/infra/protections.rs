//! What protects the record, and what tells when something is wrong: each is in the template, and missed when it goes.

use serde_json::{Map, Value, json};

use super::template::{self, of_type};
use super::{FUNCTIONS, Mutation, finds_each, named};

/// Places in the template, and what stands there.
fn required() -> Map<String, Value> {
    let places = template::parse(include_str!("protections.yaml"));
    places.as_object().unwrap().clone()
}

/// Alarms, and the metric of each.
const ALARMS: [(&str, &str); 8] = [
    ("FunctionErrors", "Errors"),
    ("FunctionThrottles", "Throttles"),
    ("ApiErrors", "5xx"),
    ("TableThrottles", "WriteThrottleEvents"),
    ("SealLag", "SealLagEntries"),
    ("UnsealedAge", "UnsealedAgeSeconds"),
    ("MissedPromises", "MissedPromises"),
    ("DeadLetterDepth", "ApproximateNumberOfMessagesVisible"),
];

fn check(template: &Value) -> Vec<String> {
    let resources = &template["Resources"];
    let mut wrong = Vec::new();
    for (place, expected) in required() {
        let found = resources.pointer(&format!("/{place}"));
        if found != Some(&expected) {
            wrong.push(format!("`{place}` is {found:?}"));
        }
    }
    for statement in resources["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        .as_array()
        .unwrap()
    {
        if statement["Effect"] != "Deny" || statement["Principal"] != "*" {
            wrong.push(format!(
                "the bucket's policy gives something away: {statement}"
            ));
        }
    }
    wrong.extend(alarms(resources));
    wrong.extend(logs(template));
    wrong.extend(secrets(template));
    wrong.extend(lifecycle(&resources["Bucket"]["Properties"]));
    wrong
}

/// Each alarm tells the topic of its metric; those of functions, of every function's.
fn alarms(resources: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, metric) in ALARMS {
        let alarm = &resources[name]["Properties"];
        if alarm["AlarmActions"] != json!([{"Ref": "AlarmTopic"}]) {
            wrong.push(format!("{name}: tells nobody"));
        }
        if name.starts_with("Function") {
            let sums = alarm["Metrics"].as_array().map_or(&[][..], Vec::as_slice);
            for function in FUNCTIONS {
                let whose = json!([{"Name": "FunctionName", "Value": {"Ref": function}}]);
                let is_its = |one: &&Value| {
                    let metric_of = &one["MetricStat"]["Metric"];
                    metric_of["MetricName"] == metric && metric_of["Dimensions"] == whose
                };
                if sums.iter().filter(is_its).count() != 1 {
                    wrong.push(format!("{name}: not of {function}"));
                }
            }
        } else if alarm["MetricName"] != metric {
            wrong.push(format!("{name}: not of `{metric}`"));
        }
    }
    wrong
}

/// What each function and the API say is kept for a time, encrypted.
fn logs(template: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, log) in of_type(template, "AWS::Logs::LogGroup") {
        if log["RetentionInDays"] != json!({"Ref": "LogRetentionDays"})
            || log["KmsKeyId"] != json!({"Fn::GetAtt": ["Key", "Arn"]})
        {
            wrong.push(format!("{name}: kept for ever, or in clear"));
        }
    }
    for (name, function) in of_type(template, "AWS::Serverless::Function") {
        if function["LoggingConfig"]["LogGroup"] != json!({"Ref": format!("{name}Log")}) {
            wrong.push(format!("{name}: not its own log group"));
        }
        if function["CodeUri"] != format!("../target/lambda/{}/", named(name)) {
            wrong.push(format!("{name}: not its own binary"));
        }
    }
    wrong
}

/// Secrets survive the stack, are encrypted with its key, and no value stands in the template.
fn secrets(template: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, secret) in of_type(template, "AWS::SecretsManager::Secret") {
        let resource = &template["Resources"][name];
        if resource["DeletionPolicy"] != "Retain" || resource["UpdateReplacePolicy"] != "Retain" {
            wrong.push(format!("{name}: goes with the stack"));
        }
        if secret["KmsKeyId"] != json!({"Fn::GetAtt": ["Key", "Arn"]}) {
            wrong.push(format!("{name}: not encrypted with the stack's key"));
        }
        if !secret["SecretString"].is_null() || !secret["GenerateSecretString"].is_null() {
            wrong.push(format!("{name}: has a value"));
        }
    }
    wrong
}

/// Nothing expires but what was replaced and what reporters sent, which is copied when it is recorded; no payload ever does.
fn lifecycle(bucket: &Value) -> Vec<String> {
    let known = [
        "Id",
        "Status",
        "Prefix",
        "AbortIncompleteMultipartUpload",
        "ExpirationInDays",
        "NoncurrentVersionExpiration",
    ];
    let mut wrong = Vec::new();
    for rule in bucket["LifecycleConfiguration"]["Rules"]
        .as_array()
        .unwrap()
    {
        let more = rule
            .as_object()
            .unwrap()
            .keys()
            .any(|member| !known.contains(&member.as_str()));
        let prefix = rule["Prefix"]["Fn::Sub"].as_str();
        let derived = [
            "${Journal}/tile/",
            "${Journal}/staged/",
            "${Journal}/checkpoint",
        ];
        let is_sent = prefix == Some("${Journal}/u/");
        let is_derived = prefix.is_some_and(|prefix| derived.contains(&prefix));
        let replaced = !rule["NoncurrentVersionExpiration"].is_null();
        let newest = !rule["ExpirationInDays"].is_null();
        if more || (newest && !is_sent) || (replaced && !is_sent && !is_derived) {
            wrong.push(format!("something else expires: {rule}"));
        }
    }
    wrong
}

/// Takes what stands at a place away.
fn remove(resources: &mut Value, place: &str) {
    let (parent, last) = place.rsplit_once('/').unwrap();
    match resources.pointer_mut(&format!("/{parent}")).unwrap() {
        Value::Object(members) => drop(members.remove(last)),
        Value::Array(items) => drop(items.remove(last.parse().unwrap())),
        other => panic!("`{place}` is below {other}"),
    }
}

#[test]
fn no_protection_can_go_unnoticed() {
    let template = template::read();
    for (place, _) in required() {
        let mut broken = template.clone();
        remove(&mut broken["Resources"], &place);
        assert!(
            !check(&broken).is_empty(),
            "nobody notices: `{place}` is gone"
        );
    }
    for (alarm, _) in ALARMS {
        let mut broken = template.clone();
        remove(&mut broken, &format!("Resources/{alarm}"));
        assert!(
            !check(&broken).is_empty(),
            "nobody notices: `{alarm}` is gone"
        );
    }
    finds_each(check, &MUTATIONS);
}

#[test]
fn seal_reports_the_metrics_that_alarms_wait_for() {
    let reports = crate::tidy::text("functions/seal/src/metrics.rs");
    let template = template::read();
    let own = of_type(&template, "AWS::CloudWatch::Alarm").map(|(_, alarm)| alarm);
    let own: Vec<_> = own
        .filter(|alarm| alarm["Namespace"] == "Trailmark")
        .collect();
    assert_eq!(own.len(), 3);
    for alarm in own {
        let journal = json!([{"Name": "Journal", "Value": {"Ref": "Journal"}}]);
        assert_eq!(alarm["Dimensions"], journal);
        let metric = format!("{{\"Name\": {}", alarm["MetricName"]);
        assert!(reports.contains(&metric), "seal does not report {metric}");
    }
}

const MUTATIONS: [Mutation; 10] = [
    Mutation {
        name: "an alarm forgets a function",
        edit: |template| {
            drop(
                template["Resources"]["FunctionErrors"]["Properties"]["Metrics"]
                    .as_array_mut()
                    .unwrap()
                    .pop(),
            )
        },
    },
    Mutation {
        name: "an alarm tells nobody",
        edit: |template| remove(template, "Resources/SealLag/Properties/AlarmActions"),
    },
    Mutation {
        name: "a log is kept for ever",
        edit: |template| remove(template, "Resources/DecideLog/Properties/RetentionInDays"),
    },
    Mutation {
        name: "a log in clear",
        edit: |template| remove(template, "Resources/ApiLog/Properties/KmsKeyId"),
    },
    Mutation {
        name: "nobody knows who called",
        edit: |template| remove(template, "Resources/Api/Properties/AccessLogSettings"),
    },
    Mutation {
        name: "a secret that goes with the stack",
        edit: |template| remove(template, "Resources/LogKeySecret/DeletionPolicy"),
    },
    Mutation {
        name: "a secret whose value is known",
        edit: |template| {
            template["Resources"]["LogKeySecret"]["Properties"]["SecretString"] = json!("x")
        },
    },
    Mutation {
        name: "everybody reads the bucket",
        edit: |template| {
            let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"});
            let policy = &mut template["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"];
            policy["Statement"].as_array_mut().unwrap().push(statement);
        },
    },
    Mutation {
        name: "payloads expire",
        edit: |template| {
            let rules = &mut template["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]
                ["Rules"];
            rules[1]["Prefix"]["Fn::Sub"] = json!("${Journal}/p/");
        },
    },
    Mutation {
        name: "tiles expire",
        edit: |template| {
            let rules = &mut template["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]
                ["Rules"];
            rules[2]["ExpirationInDays"] = json!(40);
        },
    },
];
