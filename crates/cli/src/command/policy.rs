mod attach;
mod bench;
mod bind;
mod build;
mod check;
mod eval;
mod except;
mod exceptions;
mod explain;
mod found;
mod impact;
mod new;
mod publish;
mod pull;
mod push;
mod show;
mod sign;
mod test;
mod trust;
mod verify;
mod withdraw;

use anyhow::Result;
use clap::{Args, Subcommand};
use model::EntryHash;
use recorder::timestamp;
use serde_json::{Value, json};

use super::Global;
use crate::answer::{flag, list, short, text, time};
use crate::argument::now_ms;
use crate::exit::Exit;
use crate::show::recorded;

/// Policies: code that checks controls, published and bound.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    New(new::New),
    Build(build::Build),
    Test(test::Test),
    Eval(eval::Eval),
    Bench(bench::Bench),
    Check(check::Check),
    Sign(sign::Sign),
    Verify(verify::Verify),
    Publish(publish::Publish),
    Attach(attach::Attach),
    Trust(trust::Trust),
    Bind(bind::Bind),
    Unbind(Unbind),
    Endorse(Endorse),
    List(List),
    Explain(explain::Explain),
    Show(show::Show),
    Except(except::Except),
    Exceptions(exceptions::Exceptions),
    Withdraw(withdraw::Withdraw),
    Push(push::Push),
    Pull(pull::Pull),
    Impact(impact::Impact),
}

/// Takes a policy out of force.
#[derive(Debug, Args)]
pub(crate) struct Unbind {
    /// The binding's entry.
    binding: EntryHash,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// Confirms a binding, an unbinding, an exception or trusted keys, as the second person.
#[derive(Debug, Args)]
pub(crate) struct Endorse {
    /// The entry of the binding, unbinding, exception or list of keys.
    entry: EntryHash,
}

/// Lists published policies, and where they are in force.
#[derive(Debug, Args)]
pub(crate) struct List {}

impl Policy {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        match self {
            Self::Test(command) => command.run(global),
            Self::Eval(command) => command.run(global),
            Self::Bench(command) => command.run(global),
            Self::Explain(command) => command.run(global),
            Self::Check(command) => command.run(global),
            Self::New(command) => command.run(global),
            Self::Build(command) => command.run(global),
            Self::Sign(command) => command.run(global),
            Self::Verify(command) => command.run(global),
            Self::Attach(command) => command.run(global),
            Self::Trust(command) => command.run(global),
            Self::Publish(command) => command.run(global),
            Self::Bind(command) => command.run(global),
            Self::Unbind(command) => command.run(global),
            Self::Endorse(command) => command.run(global),
            Self::List(command) => command.run(global),
            Self::Show(command) => command.run(global),
            Self::Except(command) => command.run(global),
            Self::Exceptions(command) => command.run(global),
            Self::Withdraw(command) => command.run(global),
            Self::Push(command) => command.run(global),
            Self::Pull(command) => command.run(global),
            Self::Impact(command) => command.run(global),
        }
    }
}

impl Unbind {
    fn run(self, global: &Global) -> Result<Exit> {
        let path = format!("/v1/bindings/{}/unbinding", self.binding);
        let because = json!({ "reason": self.reason });
        let answer = global.client()?.post(&path, &because)?;
        global.output().answer(&answer, |page| {
            recorded(page, "end of the binding", &answer);
        })?;
        Ok(Exit::Done)
    }
}

impl Endorse {
    fn run(self, global: &Global) -> Result<Exit> {
        let endorse = json!({ "entry": self.entry });
        let answer = global.client()?.post("/v1/endorsements", &endorse)?;
        global
            .output()
            .answer(&answer, |page| recorded(page, "endorsement", &answer))?;
        Ok(Exit::Done)
    }
}

impl List {
    fn run(self, global: &Global) -> Result<Exit> {
        let client = global.client()?;
        let policies = client.get("/v1/policies", &[])?;
        let bindings = client.get("/v1/bindings", &[])?;
        let answer = json!({ "policies": policies, "bindings": bindings });
        let now_ms = now_ms();
        global.output().answer(&answer, |page| {
            page.table(
                [
                    "policy",
                    "language",
                    "digest",
                    "check",
                    "published",
                    "entry",
                ],
                list(&answer, "/policies").iter().map(|policy| {
                    [
                        text(policy, "/name"),
                        text(policy, "/language"),
                        short(policy, "/digest"),
                        check(policy).to_owned(),
                        time(policy, "/published"),
                        text(policy, "/entry"),
                    ]
                }),
                "no policy was published",
            );
            page.table(
                ["bound", "in", "state", "from", "binding"],
                list(&answer, "/bindings").iter().map(|binding| {
                    [
                        text(binding, "/name"),
                        scope(binding),
                        state(binding, now_ms).to_owned(),
                        time(binding, "/from"),
                        text(binding, "/entry"),
                    ]
                }),
                "no policy is bound",
            );
        })?;
        Ok(Exit::Done)
    }
}

/// Says whether a policy's author checked it.
fn check(policy: &Value) -> &'static str {
    match policy.get("checked_sha256") {
        Some(_) => "checked",
        None => "unchecked",
    }
}

/// Says where a binding is in force: `everything`, or what it names.
fn scope(binding: &Value) -> String {
    let named = |sort: &str| text(binding, &format!("/scope/{sort}"));
    match (named("environment"), named("flow")) {
        (environment, _) if !environment.is_empty() => format!("environment {environment}"),
        (_, flow) if !flow.is_empty() => format!("flow {flow}"),
        _ => text(binding, "/scope"),
    }
}

/// Says whether a binding is in force at a time.
fn state(binding: &Value, now_ms: u64) -> &'static str {
    let from_ms = timestamp::parse(&text(binding, "/from"));
    if binding.get("ended").is_some() {
        "ended"
    } else if binding.get("confirmed").is_none() {
        "waits for a second person"
    } else if from_ms.is_some_and(|from_ms| from_ms > now_ms) {
        "not yet"
    } else if flag(binding, "/advisory") {
        "advisory"
    } else {
        "in force"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_is_in_force_from_its_time_on() {
        let from_ms = 1_767_225_600_000;
        let mut binding =
            json!({ "confirmed": "2025-12-01T00:00:00Z", "from": timestamp::format(from_ms) });
        assert_eq!(state(&binding, from_ms - 1), "not yet");
        assert_eq!(state(&binding, from_ms), "in force");
        binding["advisory"] = true.into();
        assert_eq!(state(&binding, from_ms - 1), "not yet");
        assert_eq!(state(&binding, from_ms), "advisory");
        binding["ended"] = "2026-02-01T00:00:00Z".into();
        assert_eq!(state(&binding, from_ms), "ended");
        let waiting = json!({ "from": timestamp::format(from_ms) });
        assert_eq!(state(&waiting, from_ms - 1), "waits for a second person");
    }
}
