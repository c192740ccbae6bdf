//! What the README names is in the template: outputs, parameters, alarms.

use std::collections::BTreeSet;

use serde_json::Value;

use super::template::of_type;
use super::{README, readme};

/// The words that follow a mark, as long as they are of letters.
fn after(text: &str, mark: &str) -> BTreeSet<String> {
    let rests = text.split(mark).skip(1);
    let word =
        |rest: &str| -> String { rest.chars().take_while(char::is_ascii_alphabetic).collect() };
    rests.map(word).collect()
}

fn names(of: &Value) -> BTreeSet<String> {
    of.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn outputs_and_parameters_that_the_page_types_are_there() {
    let (page, template) = (crate::tidy::text(README), super::template::read());
    let outputs = after(&page, "$(out ");
    assert!(outputs.len() > 5, "{outputs:?}");
    assert!(
        outputs.is_subset(&names(&template["Outputs"])),
        "{outputs:?}"
    );

    let lines = page
        .lines()
        .filter(|line| line.contains("--parameter-overrides"));
    let given = lines.flat_map(|line| line.split(' ').filter_map(|word| word.split_once('=')));
    let prose = page.split('`').filter_map(|quoted| quoted.split_once("=…"));
    let typed: BTreeSet<_> = given
        .chain(prose)
        .map(|(name, _)| name.to_owned())
        .collect();
    assert!(typed.len() > 4, "{typed:?}");
    assert!(
        typed.is_subset(&names(&template["Parameters"])),
        "{typed:?}"
    );
}

#[test]
fn every_alarm_is_on_the_page_with_what_to_do() {
    let rows = readme::rows("## Alarms");
    assert!(rows.iter().all(|row| !row[2].is_empty()));
    let documented: BTreeSet<_> = rows
        .iter()
        .flat_map(|row| readme::quoted(&row[0]))
        .collect();
    let template = super::template::read();
    let alarms: BTreeSet<_> = of_type(&template, "AWS::CloudWatch::Alarm")
        .map(|(name, _)| name.clone())
        .collect();
    assert_eq!(documented, alarms);
}
