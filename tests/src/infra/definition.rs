//! The table as the template defines it: the one that the store makes for its tests, and one that DynamoDB takes.

use std::process;

use serde_json::{Value, json};
use store::aws::table_definition;

use super::cloud::Cloud;
use super::{given, transformed};

/// What the store makes, as the template writes it. The stream is the functions' matter, not the store's.
fn of_the_store() -> Value {
    let table = table_definition("any").unwrap();
    let attributes = table.attribute_definitions().iter();
    let attributes = attributes.map(|one| json!({"AttributeName": one.attribute_name(), "AttributeType": one.attribute_type().as_str()}));
    let keys = table.key_schema().iter();
    let keys = keys.map(
        |one| json!({"AttributeName": one.attribute_name(), "KeyType": one.key_type().as_str()}),
    );
    json!({
        "AttributeDefinitions": attributes.collect::<Vec<_>>(),
        "KeySchema": keys.collect::<Vec<_>>(),
        "BillingMode": table.billing_mode().unwrap().as_str(),
    })
}

fn without_stream(mut definition: Value) -> Value {
    definition
        .as_object_mut()
        .unwrap()
        .remove("StreamSpecification");
    definition
}

#[test]
fn the_store_makes_the_table_that_the_template_defines() {
    let template = super::template::read();
    let table = &template["Resources"]["Table"]["Properties"];
    let made = of_the_store();
    for (member, value) in made.as_object().unwrap() {
        assert_eq!(table[member], *value, "{member}");
    }
    for other in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
        assert!(table[other].is_null(), "{other}");
    }
}

#[test]
fn dynamodb_makes_the_table_of_the_transformed_template() {
    let (Some(tools), Some(url)) = (
        given("TRAILMARK_TEST_TOOLS"),
        given("TRAILMARK_TEST_DYNAMODB"),
    ) else {
        return;
    };
    let definition = transformed(&tools, &["--table"]);
    assert_eq!(without_stream(definition.clone()), of_the_store());

    let cloud = Cloud::new(url);
    let name = format!("trailmark-infra-{}", process::id());
    let mut request = definition.clone();
    request["TableName"] = json!(name);
    cloud.dynamodb("CreateTable", &request);
    let table = cloud.dynamodb("DescribeTable", &json!({"TableName": name}))["Table"].clone();
    assert_eq!(table["KeySchema"], definition["KeySchema"]);
    assert_eq!(
        table["AttributeDefinitions"],
        definition["AttributeDefinitions"]
    );
    assert_eq!(
        table["StreamSpecification"],
        definition["StreamSpecification"]
    );
    cloud.dynamodb("DeleteTable", &json!({"TableName": name}));
}
