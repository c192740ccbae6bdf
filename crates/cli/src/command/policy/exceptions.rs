use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::answer::{flag, list, short, text, time};
use crate::command::Global;
use crate::exit::Exit;

/// Lists exceptions from policies: what for, by whom, until when.
#[derive(Debug, Args)]
pub(crate) struct Exceptions {}

impl Exceptions {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let answer = global.client()?.get("/v1/exceptions", &[])?;
        global.output().answer(&answer, |page| {
            page.table(
                [
                    "policy",
                    "for",
                    "in",
                    "state",
                    "until",
                    "by",
                    "because",
                    "exception",
                ],
                list(&answer, "").iter().map(|exception| {
                    [
                        policy(exception),
                        subject(exception),
                        text(exception, "/environment"),
                        state(exception).to_owned(),
                        time(exception, "/expires"),
                        by(exception),
                        text(exception, "/reason"),
                        text(exception, "/entry"),
                    ]
                }),
                "nothing is excepted",
            );
        })?;
        Ok(Exit::Done)
    }
}

fn policy(exception: &Value) -> String {
    let name = text(exception, "/name");
    match text(exception, "/control") {
        control if control.is_empty() => name,
        control => format!("{name} ({control})"),
    }
}

fn subject(exception: &Value) -> String {
    match text(exception, "/scope/flow") {
        flow if flow.is_empty() => format!("artifact {}", short(exception, "/scope/artifact")),
        flow => format!("flow {flow}"),
    }
}

fn by(exception: &Value) -> String {
    let people = ["/by", "/endorsed_by"].map(|person| text(exception, person));
    let people: Vec<_> = people
        .into_iter()
        .filter(|person| !person.is_empty())
        .collect();
    people.join(", ")
}

fn state(exception: &Value) -> &'static str {
    if exception.get("withdrawn").is_some() {
        "withdrawn"
    } else if flag(exception, "/in_force") {
        "in force"
    } else if exception.get("confirmed").is_none() {
        "waits for a second person"
    } else {
        "expired"
    }
}
