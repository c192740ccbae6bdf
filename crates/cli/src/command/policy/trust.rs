use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use recorder::{KeyToTrust, TrustPolicyKeys};
use serde_json::Value;

use crate::answer::{list, text, time};
use crate::argument::Coming;
use crate::command::Global;
use crate::exit::Exit;
use crate::output::Page;
use crate::show::recorded;
use crate::signature;

/// Says by which keys policies must be signed to run; without anything said, lists the keys.
///
/// The keys take the place of those before. What makes it laxer (another key, more time for one, `--none`) is in force once
/// a second admin endorsed it (`policy endorse`), but for `solo`; all else at once.
#[derive(Debug, Args)]
pub(crate) struct Trust {
    /// A public key, PEM: only policies run that one of the keys given signed.
    #[arg(long, value_name = "FILE", requires = "reason")]
    key: Vec<PathBuf>,
    /// When these keys end to count: a date and time, or a span of time from now [default: never].
    #[arg(long, value_name = "TIME", requires = "key")]
    until: Option<Coming>,
    /// Trusts no key any more: nothing runs.
    #[arg(long, conflicts_with_all = ["key", "none"], requires = "reason")]
    nobody: bool,
    /// Lets any policy run again, signed or not.
    #[arg(long, conflicts_with = "key", requires = "reason")]
    none: bool,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
}

impl Trust {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        match self.reason {
            Some(reason) if self.none || self.nobody || !self.key.is_empty() => {
                let expires_ms = self.until.map(|until| until.ms);
                let key = |key| KeyToTrust { expires_ms, key };
                let keys = signature::keys(&self.key)?.into_iter().map(key);
                let trust = TrustPolicyKeys {
                    keys: (!self.none).then(|| keys.collect()),
                    reason,
                };
                let answer = global.client()?.post("/v1/policy-keys", &trust)?;
                global.output().answer(&answer, |page| {
                    recorded(page, "trusted keys", &answer);
                    page.fields([("entry", text(&answer, "/entry"))]);
                })?;
            }
            _ => {
                let answer = global.client()?.get("/v1/policy-keys", &[])?;
                global
                    .output()
                    .answer(&answer, |page| shown(page, &answer))?;
            }
        }
        Ok(Exit::Done)
    }
}

fn shown(page: &mut Page, answer: &Value) {
    match answer.get("in_force") {
        Some(_) => keys(
            page,
            "trusted by the journal",
            list(answer, "/in_force/keys"),
            "it trusts no key: nothing runs",
        ),
        None => page.line("the journal lets any policy run".to_owned()),
    }
    if !list(answer, "/host").is_empty() {
        keys(page, "and demanded by this host", list(answer, "/host"), "");
    }
    for waiting in list(answer, "/waiting") {
        let entry = text(waiting, "/entry");
        page.line(format!(
            "waits for a second person: {entry} ({})",
            text(waiting, "/reason")
        ));
        match waiting.get("keys") {
            Some(_) => keys(page, "to be trusted", list(waiting, "/keys"), "no key"),
            None => page.line("any policy is to run again".to_owned()),
        }
    }
}

fn keys(page: &mut Page, title: &'static str, keys: &[Value], none: &'static str) {
    let row = |key: &Value| [text(key, "/id"), time(key, "/expires")];
    page.table([title, "until"], keys.iter().map(row), none);
}
