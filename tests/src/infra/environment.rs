//! Environment variables: the template sets what the README's table says, function by function, and nothing else. That
//! functions read just these is held by a test of theirs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::template::of_type;
use super::{FUNCTIONS, Mutation, finds_each, named, readme};

/// Of each function, the variables and whether it can do without.
type Variables = BTreeMap<String, BTreeMap<String, bool>>;

/// The README's table; `tests` is a reader beside the functions.
fn documented() -> Variables {
    let mut variables = Variables::new();
    for row in readme::rows("## Environment variables") {
        let [name] = &readme::quoted(&row[0])[..] else {
            panic!("one variable a row: {row:?}");
        };
        let mut readers = readme::listed(&row[1]);
        let is_optional = readers.last().is_some_and(|last| last == "optional");
        readers.truncate(readers.len() - usize::from(is_optional));
        if readers == ["all"] {
            readers = FUNCTIONS.map(named).to_vec();
        }
        for reader in readers {
            let known = variables.entry(reader).or_default();
            assert!(
                known.insert(name.clone(), is_optional).is_none(),
                "twice: {row:?}"
            );
        }
    }
    variables
}

fn check(template: &Value) -> Vec<String> {
    let mut documented = documented();
    documented.remove("tests");
    let mut wrong = Vec::new();
    let shared = &template["Globals"]["Function"]["Environment"]["Variables"];
    for (name, function) in of_type(template, "AWS::Serverless::Function") {
        let own = &function["Environment"]["Variables"];
        let set = [shared, own]
            .into_iter()
            .filter_map(Value::as_object)
            .flatten();
        let set: BTreeMap<_, _> = set.map(|(name, value)| (name.clone(), value)).collect();
        let function = named(name);
        let known = documented.remove(&function).unwrap_or_default();
        for (variable, value) in &set {
            match known.get(variable) {
                None => wrong.push(format!("{function}: `{variable}` is not in the table")),
                Some(false) if is_conditional(value) => {
                    wrong.push(format!("{function}: `{variable}` is not always set"));
                }
                Some(_) => {}
            }
        }
        let unset = known.keys().filter(|variable| !set.contains_key(*variable));
        wrong.extend(
            unset.map(|variable| format!("{function}: `{variable}` is not in the template")),
        );
    }
    wrong.extend(
        documented
            .into_keys()
            .map(|function| format!("no function `{function}`")),
    );
    wrong
}

fn is_conditional(value: &Value) -> bool {
    let branches = value["Fn::If"].as_array();
    branches.is_some_and(|parts| parts.contains(&json!({"Ref": "AWS::NoValue"})))
}

#[test]
fn functions_are_given_the_variables_of_the_table() {
    finds_each(check, &MUTATIONS);
}

fn variables<'a>(
    template: &'a mut Value,
    function: &str,
) -> &'a mut serde_json::Map<String, Value> {
    let place = format!("/Resources/{function}/Properties/Environment/Variables");
    template
        .pointer_mut(&place)
        .unwrap()
        .as_object_mut()
        .unwrap()
}

const MUTATIONS: [Mutation; 4] = [
    Mutation {
        name: "a variable nobody told of",
        edit: |template| {
            drop(variables(template, "Query").insert("TRAILMARK_NEW".to_owned(), json!("x")))
        },
    },
    Mutation {
        name: "a variable that is missing",
        edit: |template| drop(variables(template, "Decide").remove("TRAILMARK_PERMIT_KEY")),
    },
    Mutation {
        name: "a variable that is sometimes missing",
        edit: |template| {
            let value = json!({"Fn::If": ["PinsLogVkey", "x", {"Ref": "AWS::NoValue"}]});
            variables(template, "Decide").insert("TRAILMARK_PERMIT_KEY".to_owned(), value);
        },
    },
    Mutation {
        name: "another function's key",
        edit: |template| {
            drop(variables(template, "Ingest").insert("TRAILMARK_LOG_KEY".to_owned(), json!("x")))
        },
    },
];
