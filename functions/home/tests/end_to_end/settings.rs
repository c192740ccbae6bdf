//! The table of environment variables in `infra/README.md`, held against what functions read.

use std::path::Path;

use home::{Users, VARIABLES};

use crate::lambda::Instance;
use crate::world::{World, account};

/// The rows of the table: name, functions, and what.
fn rows() -> Vec<[String; 2]> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/README.md");
    let text = std::fs::read_to_string(file).unwrap();
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| `TRAILMARK_"));
    let cells = |row: &str| {
        let mut cells = row.split('|').map(|cell| cell.trim().replace('`', ""));
        cells.next();
        [cells.next().unwrap(), cells.next().unwrap()]
    };
    rows.map(cells).collect()
}

#[test]
fn infras_table_of_variables_is_what_functions_read() {
    let written = |users: Users, optional: bool| {
        let functions = match users {
            Users::All => "all".to_owned(),
            Users::Only(functions) => functions.join(", "),
            Users::Tests => return "tests".to_owned(),
        };
        if optional {
            format!("{functions}, optional")
        } else {
            functions
        }
    };
    let read: Vec<_> = VARIABLES
        .iter()
        .map(|variable| {
            [
                variable.name.to_owned(),
                written(variable.users, variable.optional),
            ]
        })
        .collect();
    assert_eq!(rows(), read);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_lists_all_that_is_missing_and_lambda_is_told() {
    for (function, missing) in [
        ("query", 3),
        ("approve", 4),
        ("snapshot", 4),
        ("seal", 5),
        ("ingest", 6),
        ("decide", 6),
    ] {
        let reason = Instance::refused(function, &account()).await;
        assert!(reason.starts_with(&format!(
            "`{function}` cannot start: `TRAILMARK_TABLE` is missing"
        )));
        assert_eq!(reason.matches(" is missing (").count(), missing, "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_and_never_shown() {
    let Some(world) = World::new().await else {
        return;
    };
    let mut environment = world.environment("ingest");
    environment.retain(|(name, _)| *name != "TRAILMARK_ALIAS_KEY");
    environment.push(("TRAILMARK_ALIAS_KEY", "00112233".to_owned()));
    let reason = Instance::refused("ingest", &environment).await;
    assert_eq!(
        reason,
        "`ingest` cannot start: `TRAILMARK_ALIAS_KEY` is not of its form (`secret:ARN` or `file:PATH`)"
    );
}
