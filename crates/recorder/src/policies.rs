//! Policies: published, bound, and made ready to run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::kind::{
    AccessRole, Endorsed, EnginePublished, Language, PolicyBound, PolicyPublished, PolicyUnbound,
    Scope,
};
use model::limits::PAYLOAD_BYTES_MAX;
use model::{EntryHash, Name, PayloadDigest, Role, Root, StreamName};
use policy::{Cache, Config, PolicySource, Prepared, Sandbox};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Appended;

use crate::caller::Caller;
use crate::definitions::Policy;
use crate::error::{HistoryError, RecorderError};
use crate::recorder::{Recorder, check_text};

/// Where policies run: a sandbox for each version of the engine, and what was made ready in them.
pub struct Policies {
    cache: Option<Cache>,
    stock_engine: Arc<[u8]>,
    stock_digest: Root,
    sandboxes: Mutex<HashMap<Root, Sandbox>>,
    prepared: Mutex<HashMap<Root, HashMap<Root, Prepared>>>,
}

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

impl Policies {
    /// Sets up a place to run policies.
    ///
    /// # Errors
    /// When this machine cannot run the sandbox.
    pub fn new(stock_engine: Arc<[u8]>, cache: Option<Cache>) -> Result<Self, RecorderError> {
        let stock_digest = component_digest(&stock_engine);
        let policies = Self {
            cache,
            stock_digest,
            stock_engine,
            sandboxes: Mutex::default(),
            prepared: Mutex::default(),
        };
        policies.sandbox(&policies.stock_engine)?;
        Ok(policies)
    }

    /// Returns an engine's digest; that of the stock engine, megabytes of it, is known.
    fn digest_of(&self, engine: &Arc<[u8]>) -> Root {
        if Arc::ptr_eq(engine, &self.stock_engine) {
            return self.stock_digest;
        }
        component_digest(engine)
    }

    /// Makes a policy ready, with the engine given or, for a component, with any. It may take seconds.
    pub(crate) fn prepare(
        &self,
        engine: &Arc<[u8]>,
        source: &PolicySource,
    ) -> Result<Prepared, RecorderError> {
        let engine_digest = self.digest_of(engine);
        let source_digest = Root(*source.digest().as_bytes());
        if let Some(found) = lock(&self.prepared)
            .get(&engine_digest)
            .and_then(|of| of.get(&source_digest))
        {
            return Ok(found.clone());
        }
        let prepared = self.sandbox(engine)?.prepare(source)?;
        lock(&self.prepared)
            .entry(engine_digest)
            .or_default()
            .insert(source_digest, prepared.clone());
        Ok(prepared)
    }

    /// Returns the engine that new policies are published with.
    pub(crate) fn stock_engine(&self) -> Arc<[u8]> {
        self.stock_engine.clone()
    }

    /// Makes a policy ready with the stock engine.
    pub(crate) fn prepare_stock(&self, source: &PolicySource) -> Result<Prepared, RecorderError> {
        self.prepare(&self.stock_engine, source)
    }

    fn sandbox(&self, engine: &Arc<[u8]>) -> Result<Sandbox, RecorderError> {
        let digest = self.digest_of(engine);
        if let Some(found) = lock(&self.sandboxes).get(&digest) {
            return Ok(found.clone());
        }
        let sandbox = Sandbox::new(Config {
            cache: self.cache.clone(),
            engine: Some(engine.clone()),
        })?;
        lock(&self.sandboxes).insert(digest, sandbox.clone());
        Ok(sandbox)
    }
}

impl Recorder {
    /// Publishes a policy, after checking that it is one. The same bytes under the same name are published once.
    ///
    /// # Errors
    /// Says what keeps it from being a policy.
    pub async fn publish_policy(
        &self,
        caller: &Caller,
        name: Name,
        source: PolicySource,
    ) -> Result<EntryHash, RecorderError> {
        caller.require(&[AccessRole::PolicyAuthor, AccessRole::Admin])?;
        if source.bytes().len() > PAYLOAD_BYTES_MAX {
            return Err(RecorderError::Invalid(format!(
                "a policy has at most `{PAYLOAD_BYTES_MAX}` bytes"
            )));
        }
        let engine_bytes = self.policies.stock_engine.clone();
        blocking(|| self.policies.prepare(&engine_bytes, &source))?;
        let language = match &source {
            PolicySource::Component(_) => Language::Component,
            PolicySource::Rego(_) => Language::Rego,
        };
        let engine = match language {
            Language::Rego => Some(self.publish_engine(caller).await?),
            Language::Component => None,
        };
        let digest = Root(*source.digest().as_bytes());
        let definitions = self.definitions();
        let same = |policy: &Policy| {
            policy.name == name && policy.digest == digest && policy.engine == engine
        };
        if let Some((entry, _)) = definitions.policies().find(|(_, policy)| same(policy)) {
            return Ok(*entry);
        }
        let fields = PolicyPublished {
            digest,
            engine,
            language,
            policy: name,
        };
        let mut draft = self.draft(caller.by().clone(), &fields, vec![StreamName::admin()])?;
        let media_type = match language {
            Language::Component => "application/wasm",
            Language::Rego => "text/plain",
        };
        draft
            .payloads
            .push(self.payload(Role::Rule, media_type, None, source.bytes().to_vec())?);
        Ok(self.append_definition(draft).await?.stored.entry.hash())
    }

    /// Puts the stock engine's bytes into the journal, so that decisions can be replayed without this program's version.
    async fn publish_engine(&self, caller: &Caller) -> Result<EntryHash, RecorderError> {
        let digest = self.policies.stock_digest;
        if let Some(entry) = self.definitions().engine_by_digest(&digest) {
            return Ok(entry);
        }
        let fields = EnginePublished {
            digest,
            language: Language::Rego,
        };
        let mut draft = self.draft(caller.by().clone(), &fields, vec![StreamName::admin()])?;
        let bytes = self.policies.stock_engine.to_vec();
        draft
            .payloads
            .push(self.payload(Role::Rule, "application/wasm", None, bytes)?);
        Ok(self.append_definition(draft).await?.stored.entry.hash())
    }

    /// Binds a policy. Without `solo` it is in force when a second person endorsed it.
    ///
    /// # Errors
    /// When the policy is not published, the scope does not exist, or parameters are not an object.
    pub async fn bind_policy(
        &self,
        caller: &Caller,
        bind: BindPolicy,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::PolicyAuthor, AccessRole::Admin])?;
        let definitions = self.definitions();
        self.require_second_person(caller)?;
        if definitions.policy(&bind.policy).is_none() {
            return Err(RecorderError::Unknown {
                what: "policy",
                name: bind.policy.to_string(),
            });
        }
        match &bind.scope {
            Scope::Environment(name) if definitions.environment(name).is_none() => {
                return Err(RecorderError::Unknown {
                    what: "environment",
                    name: name.to_string(),
                });
            }
            Scope::Flow(name) if definitions.flow(name).is_none() => {
                return Err(RecorderError::Unknown {
                    what: "flow",
                    name: name.to_string(),
                });
            }
            _ => {}
        }
        let parameters = match bind.parameters {
            Value::Null => Value::Object(serde_json::Map::new()),
            object @ Value::Object(_) => object,
            _ => {
                return Err(RecorderError::Invalid(
                    "parameters are a JSON object".to_owned(),
                ));
            }
        };
        let fields = PolicyBound {
            advisory: bind.advisory,
            from_ms: bind.from_ms.unwrap_or_else(|| self.now_ms()),
            parameters,
            policy: bind.policy,
            scope: bind.scope,
        };
        self.define(caller, &fields).await
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
        if !self
            .definitions()
            .bindings()
            .iter()
            .any(|found| found.entry == binding && found.ended_ms.is_none())
        {
            return Err(RecorderError::Unknown {
                what: "binding",
                name: binding.to_string(),
            });
        }
        let fields = PolicyUnbound { binding, reason };
        self.define(caller, &fields).await
    }

    /// Confirms a binding or an unbinding as the second person.
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
        if !self.definitions().awaits_endorsement(&entry) {
            return Err(RecorderError::Unknown {
                what: "unconfirmed binding or unbinding",
                name: entry.to_string(),
            });
        }
        let made = self.store.entry(&entry).await?;
        if made.is_none_or(|made| made.entry.header().by.person.as_ref() == Some(&person)) {
            return Err(RecorderError::Invalid(
                "who made it cannot endorse it: that takes a second person".to_owned(),
            ));
        }
        self.define(caller, &Endorsed { entry }).await
    }

    /// Without `solo` a binding that no person made could never be endorsed by a second one.
    fn require_second_person(&self, caller: &Caller) -> Result<(), RecorderError> {
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
        let unknown = || RecorderError::Unknown {
            what: "policy",
            name: entry.to_string(),
        };
        let policy = definitions.policy(entry).ok_or_else(unknown)?.clone();
        let engine_payload = policy
            .engine
            .and_then(|engine| definitions.engine(&engine))
            .map(|engine| engine.payload);
        let key = Root(*policy.digest.as_bytes());
        let engine_digest = policy
            .engine
            .and_then(|engine| definitions.engine(&engine))
            .map(|engine| engine.digest);
        let engine_key = engine_digest.unwrap_or(self.policies.stock_digest);
        if let Some(found) = lock(&self.policies.prepared)
            .get(&engine_key)
            .and_then(|of| of.get(&key))
        {
            return Ok((policy, found.clone()));
        }
        let engine: Arc<[u8]> = match engine_payload {
            Some(payload) => self.rule_bytes(entry, payload).await?.into(),
            None => self.policies.stock_engine.clone(),
        };
        let source = source_of(
            &policy,
            self.rule_bytes(entry, policy.payload).await?,
            entry,
        )?;
        let prepared = blocking(|| self.policies.prepare(&engine, &source))?;
        Ok((policy, prepared))
    }

    async fn rule_bytes(
        &self,
        entry: &EntryHash,
        payload: PayloadDigest,
    ) -> Result<Vec<u8>, RecorderError> {
        let found = self
            .store
            .payloads(&[payload])
            .await?
            .into_iter()
            .next()
            .flatten();
        Ok(found
            .ok_or(HistoryError::PayloadMissing { entry: *entry })?
            .bytes)
    }
}

/// Reads a published policy's payload as what it is.
pub(crate) fn source_of(
    policy: &Policy,
    bytes: Vec<u8>,
    entry: &EntryHash,
) -> Result<PolicySource, HistoryError> {
    Ok(match policy.language {
        Language::Component => PolicySource::Component(bytes.into()),
        Language::Rego => {
            let wrong = |error| HistoryError::Payload {
                entry: *entry,
                source: serde::de::Error::custom(error),
            };
            PolicySource::Rego(String::from_utf8(bytes).map_err(wrong)?.into())
        }
    })
}

fn component_digest(bytes: &Arc<[u8]>) -> Root {
    Root(*PolicySource::Component(bytes.clone()).digest().as_bytes())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs what may take long without holding up other requests, where the runtime has more than one thread.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    let many = tokio::runtime::Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread);
    if many {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}
