//! Policies: bound, endorsed, and made ready to run.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::kind::{AccessRole, Endorsed, Language, PolicyBound, PolicyUnbound, Scope};
use model::{EntryHash, PayloadDigest};
use policy::{PolicySource, Prepared, PublishError, Undecided};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Appended;

use crate::caller::Caller;
use crate::definitions::{Definitions, Policy};
use crate::error::{HistoryError, RecorderError};
use crate::parameters::ParametersSchema;
use crate::publication::unknown;
use crate::recorder::{Recorder, check_text};
use crate::sandboxes::Made;
use crate::together::together;

/// Binds a policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindPolicy {
    /// Whether it only reports, and denies nothing.
    #[serde(default)]
    pub advisory: bool,
    /// From when on, in milliseconds since 1970-01-01 UTC; at once where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_ms: Option<u64>,
    /// Its parameters, a JSON object without floats.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub parameters: Value,
    /// The entry that published it.
    pub policy: EntryHash,
    /// Where it is to be in force.
    pub scope: Scope,
}

impl Recorder {
    /// Binds a policy. Without `solo` it is in force when a second person endorsed it.
    ///
    /// # Errors
    /// When the policy is not published, the scope does not exist, or the parameters are not an object that fits the
    /// policy's schema.
    pub async fn bind_policy(
        &self,
        caller: &Caller,
        bind: BindPolicy,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::PolicyAuthor, AccessRole::Admin])?;
        self.require_second_person(caller)?;
        let parameters = match bind.parameters {
            Value::Null => Value::Object(serde_json::Map::new()),
            object @ Value::Object(_) => object,
            _ => {
                return Err(RecorderError::Invalid(
                    "parameters are a JSON object".to_owned(),
                ));
            }
        };
        self.require_parameters(&bind.policy, &parameters).await?;
        let fields = PolicyBound {
            advisory: bind.advisory,
            from_ms: bind.from_ms.unwrap_or_else(|| self.now_ms()),
            parameters,
            policy: bind.policy,
            scope: bind.scope,
        };
        self.define(|definitions| {
            require_bindable(definitions, &fields)?;
            self.admin_draft(caller.by(), &fields)
        })
        .await
    }

    /// Checks parameters by the schema that the policy was published with.
    async fn require_parameters(
        &self,
        entry: &EntryHash,
        parameters: &Value,
    ) -> Result<(), RecorderError> {
        // Another recorder may have published it a moment ago.
        let mut known = self.current().await?;
        if known.policy(entry).is_none() {
            known = self.refresh().await?;
        }
        let policy = known.policy(entry).ok_or_else(|| unknown(entry))?;
        match self.parameters_schema(entry, policy).await? {
            Some(schema) => Ok(ParametersSchema::new(&schema)?.check(parameters)?),
            None => Ok(()),
        }
    }

    /// Takes a policy out of force. Without `solo` that takes a second person, too.
    ///
    /// # Errors
    /// When there is no such binding.
    pub async fn unbind_policy(
        &self,
        caller: &Caller,
        binding: EntryHash,
        reason: String,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::PolicyAuthor, AccessRole::Admin])?;
        check_text("reason", &reason)?;
        self.require_second_person(caller)?;
        let fields = PolicyUnbound { binding, reason };
        self.define(|definitions| {
            let mut bindings = definitions.bindings().iter();
            if !bindings.any(|found| found.entry == binding && found.ended_ms.is_none()) {
                return Err(RecorderError::Unknown {
                    what: "binding",
                    name: binding.to_string(),
                });
            }
            self.admin_draft(caller.by(), &fields)
        })
        .await
    }

    /// Confirms a binding, an unbinding, an exception or trusted keys as the second person. The last takes an admin.
    ///
    /// # Errors
    /// When nothing waits under that entry, or the caller made it.
    pub async fn endorse(
        &self,
        caller: &Caller,
        entry: EntryHash,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::PolicyAuthor, AccessRole::Admin])?;
        let person = caller.person()?.clone();
        let made = self.store.entry(&entry).await?;
        let maker = made.map(|made| made.entry.header().by.person.clone());
        self.define(|definitions| {
            if !definitions.awaits_endorsement(&entry) {
                return Err(RecorderError::Unknown {
                    what: "unconfirmed binding, unbinding, exception or list of keys",
                    name: entry.to_string(),
                });
            }
            if definitions.trust().awaits(&entry) {
                caller.require(&[AccessRole::Admin])?;
            }
            if maker
                .as_ref()
                .is_none_or(|maker| maker.as_ref() == Some(&person))
            {
                return Err(RecorderError::Invalid(
                    "who made it cannot endorse it: that takes a second person".to_owned(),
                ));
            }
            self.admin_draft(caller.by(), &Endorsed { entry })
        })
        .await
    }

    /// Without `solo` a binding that no person made could never be endorsed by a second one.
    pub(crate) fn require_second_person(&self, caller: &Caller) -> Result<(), RecorderError> {
        if self.definitions().solo {
            Ok(())
        } else {
            caller.person().map(drop)
        }
    }

    /// Makes a published policy ready to run.
    pub(crate) async fn prepared(
        &self,
        entry: &EntryHash,
    ) -> Result<(Policy, Prepared), RecorderError> {
        let definitions = self.definitions();
        let policy = definitions
            .policy(entry)
            .ok_or_else(|| unknown(entry))?
            .clone();
        let engine = policy.engine.and_then(|engine| definitions.engine(&engine));
        let made = Made {
            policy: policy.digest,
            engine: engine.map(|engine| engine.digest),
        };
        let bytes = async {
            let engine: Arc<[u8]> = match engine {
                Some(engine) => self.rule_bytes(entry, &engine.payloads).await?.into(),
                None => self.policies.stock_engine(),
            };
            let source = self.rule_bytes(entry, &policy.payloads).await?;
            Ok((engine, source_of(&policy, source, entry)?))
        };
        let prepared = self.policies.ready(made, bytes).await;
        match prepared {
            Err(RecorderError::Publish(PublishError::ImageMissing)) => {
                Err(RecorderError::Undecided {
                    policy: policy.name,
                    cause: Undecided::ImageMissing,
                })
            }
            prepared => Ok((policy.clone(), prepared?)),
        }
    }

    /// Makes every policy ready that is in force somewhere or waits for it, all at once, and says how many there are.
    /// Where policies are compiled, images that are missing are made.
    ///
    /// # Errors
    /// When the journal cannot be read. A policy that cannot be made ready is told in the log; its decisions say so, too.
    pub async fn warm(&self) -> Result<usize, RecorderError> {
        let definitions = self.current().await?;
        let bound = definitions.bindings().iter();
        let bound = bound.filter(|binding| binding.ended_ms.is_none());
        let policies: BTreeSet<EntryHash> = bound.map(|binding| binding.bound.policy).collect();
        let prepared = together(policies.iter().map(|policy| self.prepared(policy))).await;
        for (policy, prepared) in policies.iter().zip(&prepared) {
            if let Err(error) = prepared {
                let error: &dyn std::error::Error = error;
                tracing::error!(%policy, error, "a policy in force could not be made ready");
            }
        }
        Ok(prepared.iter().filter(|prepared| prepared.is_ok()).count())
    }

    /// Reads payloads of an entry as one.
    pub(crate) async fn rule_bytes(
        &self,
        entry: &EntryHash,
        payloads: &[PayloadDigest],
    ) -> Result<Vec<u8>, RecorderError> {
        let mut bytes = Vec::new();
        for found in self.store.payloads(payloads).await? {
            let found = found.ok_or(HistoryError::PayloadMissing { entry: *entry })?;
            bytes.extend(found.bytes);
        }
        Ok(bytes)
    }
}

/// Reads a published policy's code as what it is: that which its digest names.
pub(crate) fn source_of(
    policy: &Policy,
    bytes: Vec<u8>,
    entry: &EntryHash,
) -> Result<PolicySource, HistoryError> {
    let wrong = |error: &dyn std::fmt::Display| HistoryError::Payload {
        entry: *entry,
        source: serde::de::Error::custom(error),
    };
    let source = match policy.language {
        Language::Component => PolicySource::Component(bytes.into()),
        Language::Rego => {
            let source = String::from_utf8(bytes).map_err(|error| wrong(&error))?;
            PolicySource::Rego(source.into())
        }
    };
    if *source.digest().as_bytes() != policy.digest.0 {
        return Err(wrong(&"it is not the code that the policy's digest names"));
    }
    Ok(source)
}

/// Checks that what is bound, and where, is there.
fn require_bindable(definitions: &Definitions, bound: &PolicyBound) -> Result<(), RecorderError> {
    let (what, name, is_there) = match &bound.scope {
        _ if definitions.policy(&bound.policy).is_none() => {
            ("policy", bound.policy.to_string(), false)
        }
        Scope::Everything => return Ok(()),
        Scope::Environment(name) => {
            let found = definitions.environment(name).is_some();
            ("environment", name.to_string(), found)
        }
        Scope::Flow(name) => ("flow", name.to_string(), definitions.flow(name).is_some()),
    };
    if is_there {
        return Ok(());
    }
    Err(RecorderError::Unknown { what, name })
}
