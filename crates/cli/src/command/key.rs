mod rotate;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use model::kind::{AccessRole, FlowPattern, Grant};
use model::{KeyId, Name, PersonId};
use recorder::AddKey;
use serde_json::{Value, json};

use super::Global;
use crate::answer::{flag, list, text, time};
use crate::argument::{Span, now_ms};
use crate::exit::Exit;
use crate::show;

/// Keys: what clients present, of which only hashes are kept; and those with which the recorder signs.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    Add(Add),
    Revoke(Revoke),
    List(List),
    Rotate(rotate::Rotate),
}

/// Adds a key, and prints its token this once.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// What it is called.
    name: Name,
    /// What it may do; several are named one by one, or with commas.
    #[arg(
        long = "role",
        value_name = "ROLE",
        required = true,
        value_delimiter = ','
    )]
    roles: Vec<Role>,
    /// A flow that it may record for; `*` for every flow.
    #[arg(long = "flow", value_name = "FLOW")]
    flows: Vec<FlowPattern>,
    /// A kind of entry that it may record for those flows [default: every kind].
    #[arg(long = "kind", value_name = "KIND", requires = "flows")]
    kinds: Vec<Name>,
    /// The person it speaks for, where the journal's genesis says `people by key`.
    #[arg(long)]
    person: Option<PersonId>,
    /// How long it lives: `90d` [default: until it is revoked].
    #[arg(long = "for", value_name = "SPAN")]
    lifetime: Option<Span>,
}

/// Ends a key.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Its id.
    key: KeyId,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// Lists all keys, without anything secret.
#[derive(Debug, Args)]
pub(crate) struct List {}

/// What a key may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    /// Keys, people, flows, environments, recovery.
    Admin,
    /// Approvals.
    Approver,
    /// To read everything, what is said of people included.
    Auditor,
    /// Policies and bindings.
    PolicyAuthor,
    /// To read everything.
    Reader,
    /// Trails, artifacts, attestations, decisions, deployments.
    Reporter,
    /// Snapshots.
    Snapshotter,
}

impl From<Role> for AccessRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Approver => Self::Approver,
            Role::Auditor => Self::Auditor,
            Role::PolicyAuthor => Self::PolicyAuthor,
            Role::Reader => Self::Reader,
            Role::Reporter => Self::Reporter,
            Role::Snapshotter => Self::Snapshotter,
        }
    }
}

impl Key {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        match self {
            Self::Add(command) => command.run(global),
            Self::Revoke(command) => command.run(global),
            Self::List(command) => command.run(global),
            Self::Rotate(command) => command.run(global),
        }
    }
}

impl Add {
    fn run(self, global: &Global) -> Result<Exit> {
        let grant = |flow| Grant {
            flow,
            kinds: self.kinds.clone(),
        };
        let add = AddKey {
            expires_ms: self.lifetime.map(|span| now_ms().saturating_add(span.ms)),
            grants: self.flows.into_iter().map(grant).collect(),
            name: self.name,
            person: self.person,
            roles: self.roles.into_iter().map(AccessRole::from).collect(),
        };
        let answer = global.client()?.post("/v1/keys", &add)?;
        global.output().answer(&answer, |page| {
            page.fields([
                ("key", text(&answer, "/key")),
                ("token", text(&answer, "/token")),
            ]);
            page.line("The token is shown this once: keep it where secrets are kept.");
        })?;
        Ok(Exit::Done)
    }
}

impl Revoke {
    fn run(self, global: &Global) -> Result<Exit> {
        let path = format!("/v1/keys/{}/revocation", self.key);
        let because = json!({ "reason": self.reason });
        let answer = global.client()?.post(&path, &because)?;
        global.output().answer(&answer, |page| {
            show::recorded(page, &format!("end of {}", self.key), &answer);
        })?;
        Ok(Exit::Done)
    }
}

impl List {
    fn run(self, global: &Global) -> Result<Exit> {
        let answer = global.client()?.get("/v1/keys", &[])?;
        global.output().answer(&answer, |page| {
            page.table(
                ["key", "name", "roles", "flows", "ends"],
                list(&answer, "").iter().map(|key| {
                    let ends = if flag(key, "/revoked") {
                        "revoked".to_owned()
                    } else {
                        time(key, "/expires")
                    };
                    [
                        text(key, "/key"),
                        text(key, "/name"),
                        joined(list(key, "/roles"), ""),
                        joined(list(key, "/grants"), "/flow"),
                        ends,
                    ]
                }),
                "there is no key",
            );
        })?;
        Ok(Exit::Done)
    }
}

fn joined(items: &[Value], pointer: &str) -> String {
    let texts: Vec<_> = items.iter().map(|item| text(item, pointer)).collect();
    texts.join(",")
}
