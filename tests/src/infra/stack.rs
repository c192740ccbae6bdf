//! The stack as a CloudFormation makes it: moto's, of the template as AWS transforms it.
//!
//! moto leaves out what it does not know (secrets, alarms, the API, the table's recovery, the bucket's settings); those
//! are checked in the template itself.

use std::collections::BTreeMap;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::cloud::Cloud;
use super::{FUNCTIONS, given, named, transformed};

const SECRETS: [&str; 5] = ["LogKey", "ReceiptKey", "PermitKey", "AliasKey", "CacheKey"];

/// Puts names where moto has no secret to refer to.
fn without_secrets(template: &Value) -> String {
    let mut text = template.to_string();
    for secret in SECRETS {
        let arn = format!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:{secret}");
        let reference = json!({"Ref": format!("{secret}Secret")}).to_string();
        text = text.replace(&reference, &json!(arn).to_string());
        text = text.replace(&format!("${{{secret}Secret}}"), &arn);
    }
    text
}

/// A stack of the test's own, and its outputs.
fn stack(
    cloud: &Cloud,
    tools: &str,
    parameters: &[(&str, &str)],
) -> (String, BTreeMap<String, String>) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("trailmark-{}-{count}", process::id());
    for function in FUNCTIONS {
        let package = format!("{}.zip", named(function));
        cloud.put_object("packages", &package, "not looked at");
    }
    let template = without_secrets(&transformed(tools, &[]));
    let outputs = cloud.create_stack(&name, &template, parameters);
    (name, outputs)
}

fn given_cloud() -> Option<(Cloud, String)> {
    let (tools, url) = (given("TRAILMARK_TEST_TOOLS")?, given("TRAILMARK_TEST_S3")?);
    Some((Cloud::new(url), tools))
}

/// The variables that a function of a stack is given.
fn variables(cloud: &Cloud, stack: &str, function: &str) -> Value {
    let all = cloud.json("lambda", "/2015-03-31/functions/");
    let begins = format!("{stack}-{function}-");
    let is_it = |one: &&Value| one["FunctionName"].as_str().unwrap().starts_with(&begins);
    let found = all["Functions"]
        .as_array()
        .unwrap()
        .iter()
        .find(is_it)
        .unwrap();
    let role = found["Role"].as_str().unwrap();
    assert!(
        role.contains(&format!("/{stack}-{function}Role-")),
        "{role}"
    );
    assert_eq!(found["Runtime"], "provided.al2023");
    found["Environment"]["Variables"].clone()
}

#[test]
fn a_stack_has_the_table_the_bucket_and_six_functions() {
    let Some((cloud, tools)) = given_cloud() else {
        return;
    };
    let (name, outputs) = stack(&cloud, &tools, &[("Journal", "trailmark/acme")]);
    let table =
        cloud.dynamodb("DescribeTable", &json!({"TableName": outputs["Table"]}))["Table"].clone();
    assert_eq!(
        table["KeySchema"],
        json!([{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}])
    );
    assert_eq!(
        table["BillingModeSummary"]["BillingMode"],
        "PAY_PER_REQUEST"
    );
    assert_eq!(table["DeletionProtectionEnabled"], true);
    assert_eq!(
        table["StreamSpecification"],
        json!({"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"})
    );

    let encryption = cloud.text("s3", &format!("/{}?encryption", outputs["Bucket"]));
    assert!(encryption.contains(&outputs["Key"]), "{encryption}");
    assert_eq!(
        outputs["Home"],
        format!("aws:{}/{}", outputs["Table"], outputs["Bucket"])
    );

    for function in FUNCTIONS {
        let variables = variables(&cloud, &name, function);
        assert_eq!(variables["TRAILMARK_TABLE"], outputs["Table"]);
        assert_eq!(variables["TRAILMARK_BUCKET"], outputs["Bucket"]);
        assert_eq!(variables["TRAILMARK_JOURNAL"], "trailmark/acme");
        assert!(variables["TRAILMARK_CHECKPOINT_BUCKET"].is_null());
    }
    let seal = variables(&cloud, &name, "Seal");
    assert_eq!(seal["TRAILMARK_LOG_KEY"], outputs["LogKey"]);

    let sources = cloud.json("lambda", "/2015-03-31/event-source-mappings/");
    let of_table = |one: &&Value| one["EventSourceArn"] == table["LatestStreamArn"];
    let source = sources["EventSourceMappings"]
        .as_array()
        .unwrap()
        .iter()
        .find(of_table)
        .unwrap();
    assert_eq!(
        source["FunctionResponseTypes"],
        json!(["ReportBatchItemFailures"])
    );
    let pattern = source["FilterCriteria"]["Filters"][0]["Pattern"]
        .as_str()
        .unwrap();
    let pattern: Value = serde_json::from_str(pattern).unwrap();
    assert_eq!(
        pattern["dynamodb"]["Keys"]["pk"]["S"],
        json!([{"prefix": "trailmark/acme#q#"}])
    );
}

#[test]
fn a_stack_with_every_option_has_its_key_checkpoint_and_table_elsewhere() {
    let Some((cloud, tools)) = given_cloud() else {
        return;
    };
    let restored = format!("restored-{}", process::id());
    let mut definition = transformed(&tools, &["--table"]);
    definition["TableName"] = json!(restored);
    let table = &cloud.dynamodb("CreateTable", &definition)["TableDescription"];
    let key = "arn:aws:kms:eu-west-1:123456789012:key/log";
    let parameters = [
        ("LogKmsKeyArn", key),
        ("LogVkey", "trailmark/main+00000000+AQ=="),
        ("CheckpointBucket", "elsewhere"),
        ("ObjectLockDays", "1"),
        ("AlarmEmail", "ops@acme.example"),
        ("RestoredTable", &restored),
        (
            "RestoredStream",
            table["LatestStreamLabel"].as_str().unwrap(),
        ),
    ];
    let (name, outputs) = stack(&cloud, &tools, &parameters);
    assert_eq!(outputs["LogKey"], format!("kms:{key}"));
    let seal = variables(&cloud, &name, "Seal");
    assert_eq!(seal["TRAILMARK_LOG_KEY"], outputs["LogKey"]);
    let ingest = variables(&cloud, &name, "Ingest");
    assert_eq!(ingest["TRAILMARK_CHECKPOINT_BUCKET"], "elsewhere");
    assert_eq!(ingest["TRAILMARK_TABLE"], restored);
    assert_eq!(
        outputs["Home"],
        format!("aws:{restored}/{}", outputs["Bucket"])
    );
    assert_eq!(ingest["TRAILMARK_LOG_VKEY"], "trailmark/main+00000000+AQ==");
    assert_eq!(ingest["TRAILMARK_JOURNAL"], "trailmark/main");
}
