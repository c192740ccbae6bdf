use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use super::bind::published;
use super::{check, scope, state};
use crate::answer::{list, text, time};
use crate::argument::now_ms;
use crate::command::Global;
use crate::exit::Exit;

/// Shows a published policy: what its parameters may be, how it was checked, where it is in force.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The policy's name, for its newest version, or the entry that published it.
    #[arg(value_name = "NAME|ENTRY")]
    policy: String,
}

impl Show {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let client = global.client()?;
        let entry = published(&client, &self.policy)?.to_string();
        let mut answer = client.get(&format!("/v1/policies/{entry}"), &[])?;
        let bindings = client.get("/v1/bindings", &[])?;
        let signatures = client.get(&format!("/v1/policies/{entry}/signatures"), &[])?;
        let of_this = |binding: &&Value| text(binding, "/policy") == entry;
        let bindings: Vec<_> = list(&bindings, "").iter().filter(of_this).collect();
        let members = answer.as_object_mut().context("the answer is no object")?;
        members.insert("bindings".to_owned(), json!(bindings));
        members.insert("signatures".to_owned(), signatures);
        global.output().answer(&answer, |page| {
            page.fields([
                ("policy", text(&answer, "/name")),
                ("language", text(&answer, "/language")),
                ("digest", text(&answer, "/digest")),
                ("bytes", text(&answer, "/code_bytes")),
                ("published", time(&answer, "/published")),
                ("entry", text(&answer, "/entry")),
                ("parameters", text(&answer, "/parameters")),
                ("cases", text(&answer, "/cases_sha256")),
                ("check", checked_by(&answer)),
            ]);
            for accepted in list(&answer, "/checked/accepted") {
                let finding = text(accepted, "/finding");
                page.line(format!(
                    "  - accepted {finding}: {}",
                    text(accepted, "/reason")
                ));
            }
            for signature in list(&answer, "/signatures") {
                page.line(signed_by(signature));
            }
            page.table(
                ["in", "state", "from", "binding"],
                list(&answer, "/bindings").iter().map(|binding| {
                    [
                        scope(binding),
                        state(binding, now_ms()).to_owned(),
                        time(binding, "/from"),
                        text(binding, "/entry"),
                    ]
                }),
                "it is not bound",
            );
        })?;
        Ok(Exit::Done)
    }
}

/// Says whose a signature is: whose it was found to be, or else only that somebody sent it.
fn signed_by(signature: &Value) -> String {
    let keys = list(signature, "/by").iter();
    let keys: Vec<_> = keys.map(|key| text(key, "")).collect();
    let entry = text(signature, "/entry");
    if keys.is_empty() {
        return format!("  - signed, by no key that is trusted here: {entry}");
    }
    format!("  - signed by {}: {entry}", keys.join(", "))
}

fn checked_by(policy: &Value) -> String {
    match text(policy, "/checked/program") {
        program if program.is_empty() => check(policy).to_owned(),
        program => format!("{} by {program}", check(policy)),
    }
}
