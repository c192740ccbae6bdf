//! The API sends every path to the function whose router has it.

use serde_json::{Value, json};

use super::template::of_type;
use super::{Mutation, finds_each, named};

/// The paths of each function's router, as its source lists them.
fn routed() -> Vec<(String, String, &'static str)> {
    let mut routes = Vec::new();
    for function in ["ingest", "decide", "approve", "snapshot", "query"] {
        let source = crate::tidy::text(&format!("crates/api/src/{function}.rs"));
        for (call, method) in [(".get(", "GET"), (".post(", "POST")] {
            let calls = source.split(call).skip(1);
            let paths =
                calls.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
            let found = paths.filter(|path| path.starts_with('/'));
            routes.extend(found.map(|path| (method.to_owned(), path.to_owned(), function)));
        }
    }
    assert!(
        routes.len() > 30,
        "the routers' sources are not read: {routes:?}"
    );
    routes
}

fn check(template: &Value) -> Vec<String> {
    let mut api = Vec::new();
    for (name, function) in of_type(template, "AWS::Serverless::Function") {
        for event in function["Events"].as_object().unwrap().values() {
            if event["Type"] == "HttpApi" {
                let part = |member: &str| event["Properties"][member].as_str().unwrap().to_owned();
                api.push((part("Method"), part("Path"), named(name)));
            }
        }
    }
    let wrong = routed().into_iter().filter_map(|(method, path, function)| {
        let chosen = api
            .iter()
            .filter_map(|(of, route, target)| Some((rank(of, route, &method, &path)?, target)))
            .max_by_key(|(rank, _)| *rank)
            .map(|(_, target)| target.as_str());
        (chosen != Some(function)).then(|| format!("{method} {path}: {chosen:?}, not {function}"))
    });
    wrong.collect()
}

/// How well a route of the API matches, if it does: the whole path before a greedy one, that before the rest.
fn rank(of: &str, route: &str, method: &str, path: &str) -> Option<usize> {
    if of != "ANY" && of != method {
        return None;
    }
    if route == "$default" {
        return Some(0);
    }
    if let Some(prefix) = route.strip_suffix("{proxy+}") {
        return path.starts_with(prefix).then_some(1);
    }
    let same = |(one, other): (&str, &str)| one == other || one.starts_with('{');
    let parts = (route.split('/'), path.split('/'));
    (parts.0.clone().count() == parts.1.clone().count() && parts.0.zip(parts.1).all(same))
        .then_some(2)
}

#[test]
fn every_path_reaches_the_function_that_has_it() {
    finds_each(check, &MUTATIONS);
}

const MUTATIONS: [Mutation; 2] = [
    Mutation {
        name: "decisions are recorded as events",
        edit: |template| drop(events(template, "Decide").remove("Decisions")),
    },
    Mutation {
        name: "everything is looked up",
        edit: |template| {
            events(template, "Ingest")["Record"]["Properties"]["Method"] = json!("PUT")
        },
    },
];

fn events<'a>(template: &'a mut Value, function: &str) -> &'a mut serde_json::Map<String, Value> {
    template["Resources"][function]["Properties"]["Events"]
        .as_object_mut()
        .unwrap()
}
