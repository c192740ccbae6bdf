use anyhow::Result;
use clap::Args;
use model::kind::Scope;
use model::{EntryHash, Name};
use recorder::BindPolicy;

use crate::answer::{list, text};
use crate::argument::{Coming, JsonArgument};
use crate::client::Client;
use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show;

/// Puts a policy in force: for an environment, for a flow, or everywhere.
#[derive(Debug, Args)]
pub(crate) struct Bind {
    /// The policy's name, for its newest version, or the entry that published it.
    #[arg(value_name = "NAME|ENTRY")]
    policy: String,
    #[command(flatten)]
    place: Place,
    /// Its parameters, as the policy's schema has them: a JSON object, or `@` and a file.
    #[arg(long, value_name = "JSON")]
    parameters: Option<JsonArgument>,
    /// It only reports, and denies nothing.
    #[arg(long)]
    advisory: bool,
    /// From when on: a date and time, or a span of time from now [default: now].
    #[arg(long, value_name = "TIME")]
    from: Option<Coming>,
}

/// Where a policy is in force.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// For releases into this environment.
    #[arg(long)]
    environment: Option<Name>,
    /// For the artifacts of this flow.
    #[arg(long)]
    flow: Option<Name>,
    /// Everywhere.
    #[arg(long)]
    everything: bool,
}

impl Place {
    fn scope(self) -> Scope {
        match (self.environment, self.flow) {
            (Some(environment), _) => Scope::Environment(environment),
            (None, Some(flow)) => Scope::Flow(flow),
            (None, None) => Scope::Everything,
        }
    }
}

impl Bind {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let client = global.client()?;
        let parameters = self.parameters.as_ref().map(JsonArgument::read);
        let bind = BindPolicy {
            advisory: self.advisory,
            from_ms: self.from.map(|moment| moment.ms),
            parameters: parameters.transpose()?.unwrap_or_default(),
            policy: published(&client, &self.policy)?,
            scope: self.place.scope(),
        };
        let answer = client.post("/v1/bindings", &bind)?;
        let what = format!("binding of policy {}", self.policy);
        global.output().answer(&answer, |page| {
            show::recorded(page, &what, &answer);
            page.fields([("binding", text(&answer, "/entry"))]);
        })?;
        Ok(Exit::Done)
    }
}

/// Finds the entry that published a policy last.
pub(super) fn published(client: &Client, policy: &str) -> Result<EntryHash> {
    if let Ok(entry) = policy.parse() {
        return Ok(entry);
    }
    let answer = client.get("/v1/policies", &[])?;
    let mut policies = list(&answer, "").iter().rev();
    let newest = policies.find(|published| text(published, "/name") == policy);
    let newest = newest.ok_or_else(|| {
        Failure::usage(format!("no policy `{policy}` was published")).with_hint(format!(
            "publish it first: `trailmark policy publish {policy} FILE`"
        ))
    })?;
    Ok(text(newest, "/entry").parse()?)
}
