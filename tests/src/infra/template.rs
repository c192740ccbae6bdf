//! The template as JSON, the short forms of its functions (`!Sub`) in their long form (`{"Fn::Sub": …}`).

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};
use serde_saphyr::Tagged;

/// Reads the template of this repository.
pub fn read() -> Value {
    parse(&crate::tidy::text(super::TEMPLATE))
}

/// Parses YAML with such short forms.
pub fn parse(text: &str) -> Value {
    let node: Tagged<Body> = serde_saphyr::from_str(text).unwrap();
    long_form(node)
}

/// The resources of a type, by name.
pub fn of_type<'a>(
    template: &'a Value,
    sort: &'a str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let resources = template["Resources"].as_object().unwrap().iter();
    resources
        .filter(move |(_, resource)| resource["Type"] == sort)
        .map(|(name, resource)| (name, &resource["Properties"]))
}

/// Every value that one can have, whatever the conditions are: the branches of an `If`, without `NoValue`.
pub fn branches(value: &Value) -> Vec<&Value> {
    match value["Fn::If"].as_array() {
        Some(parts) => parts[1..].iter().flat_map(branches).collect(),
        None if value == &json!({"Ref": "AWS::NoValue"}) => Vec::new(),
        None => vec![value],
    }
}

/// The items of a list, or the one that stands for it, with every branch.
pub fn items(value: &Value) -> Vec<&Value> {
    let one = std::slice::from_ref(value);
    let list = value.as_array().map_or(one, Vec::as_slice);
    list.iter().flat_map(branches).collect()
}

fn long_form(Tagged(Body(value), tag): Tagged<Body>) -> Value {
    let Some(name) = tag.as_deref().and_then(|tag| tag.strip_prefix('!')) else {
        return value;
    };
    match name {
        "Ref" => json!({ "Ref": value }),
        "GetAtt" => {
            let parts = value.as_str().unwrap().split_once('.').unwrap();
            json!({ "Fn::GetAtt": [parts.0, parts.1] })
        }
        _ => json!({ format!("Fn::{name}"): value }),
    }
}

/// A value whose parts keep their tags until they are in long form.
struct Body(Value);

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BodyVisitor).map(Body)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("YAML")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(long_form(item));
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, value)) = access.next_entry::<String, _>()? {
            members.insert(name, long_form(value));
        }
        Ok(Value::Object(members))
    }
}

#[test]
fn short_forms_are_read_as_long_ones() {
    let text = "a: !If [C, !Ref X, !Sub \"${X}/y\"]\nb: !GetAtt X.Arn.Z\nc: !Not\n  - !Equals [!Ref X, 1]\nd: [text, true, 2]\n";
    let long = json!({
        "a": {"Fn::If": ["C", {"Ref": "X"}, {"Fn::Sub": "${X}/y"}]},
        "b": {"Fn::GetAtt": ["X", "Arn.Z"]},
        "c": {"Fn::Not": [{"Fn::Equals": [{"Ref": "X"}, 1]}]},
        "d": ["text", true, 2],
    });
    assert_eq!(parse(text), long);
}
