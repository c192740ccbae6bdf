//! What is in force: keys, people, flows, environments, policies and bindings, folded from the `admin` stream.

use std::collections::{BTreeMap, HashMap};

use journal::kind::Genesis;
use model::dossier::Requirement;
use model::kind::{
    ExceptionGranted, ExceptionScope, KeyAdded, Language, PolicyBound, PolicyPublished,
    PolicySigned, Scope,
};
use model::{
    Body, Entry, EntryHash, Fingerprint, Header, KeyId, Name, PayloadDigest, PersonId, Role, Root,
};

use crate::error::HistoryError;
use crate::publication::{
    CASES_MEDIA_TYPE, CHECKED_SCHEMA, Part, SCHEMA_MEDIA_TYPE, code_media_type,
};
use crate::trust::{Signed, Trust};

/// The definitions after the first `entries` entries of the `admin` stream. A pure function of those entries.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    /// How many entries of the `admin` stream these come from.
    pub entries: u64,
    /// Whether one person may put policies in force alone.
    pub solo: bool,
    /// Whether a key may speak for a person.
    pub people_by_key: bool,
    shared: Option<Shared>,
    keys: HashMap<KeyId, Key>,
    people: HashMap<PersonId, EntryHash>,
    aliases: HashMap<Root, PersonId>,
    flows: BTreeMap<Name, Flow>,
    environments: BTreeMap<Name, Environment>,
    engines: HashMap<EntryHash, Engine>,
    policies: BTreeMap<EntryHash, Policy>,
    bindings: Vec<Binding>,
    unbindings: HashMap<EntryHash, Unbinding>,
    exceptions: Vec<Exception>,
    trust: Trust,
}

/// An API key.
#[derive(Debug, Clone)]
pub struct Key {
    /// What was recorded of it.
    pub added: KeyAdded,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// A flow.
#[derive(Debug, Clone)]
pub struct Flow {
    /// What it is for.
    pub description: String,
    /// What must be attested.
    pub required: Vec<Requirement>,
    /// When its definition was recorded.
    pub defined_ms: u64,
}

/// An environment.
#[derive(Debug, Clone)]
pub struct Environment {
    /// What it is for.
    pub description: String,
    /// When its definition was recorded.
    pub defined_ms: u64,
}

/// An engine that runs policies given as source.
#[derive(Debug, Clone)]
pub struct Engine {
    /// SHA-256 of the component.
    pub digest: Root,
    /// The payloads that hold it, one behind the other.
    pub payloads: Vec<PayloadDigest>,
}

/// A published policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What it is called.
    pub name: Name,
    /// What it is written in.
    pub language: Language,
    /// SHA-256 of the source or component.
    pub digest: Root,
    /// The payloads that hold it, one behind the other.
    pub payloads: Vec<PayloadDigest>,
    /// For a source: the engine's entry.
    pub engine: Option<EntryHash>,
    /// The JSON schema of its parameters.
    pub parameters: Option<Part>,
    /// Its cases.
    pub cases: Option<Part>,
    /// What became of its author's check; without it, it is unchecked.
    pub checked: Option<Part>,
    /// When it was published.
    pub published_ms: u64,
}

/// Returns the payloads that hold a policy's code, one behind the other: those at the beginning that are of its form.
fn code(language: Language, header: &Header) -> Vec<PayloadDigest> {
    let media_type = code_media_type(language);
    let payloads = header.payloads.iter();
    payloads
        .take_while(|payload| payload.role == Role::Rule && payload.media_type == media_type)
        .map(|payload| payload.digest)
        .collect()
}

impl Policy {
    fn new(published: PolicyPublished, header: &Header) -> Self {
        let payload = |media_type: &str, schema: Option<&str>| {
            let mut others = header.payloads.iter().skip(1);
            let found = others.find(|other| {
                other.role == Role::Rule
                    && other.media_type == media_type
                    && other.schema.as_ref().map(Name::as_str) == schema
            });
            found.map(|found| found.digest)
        };
        let part = |digest: Option<Root>, media_type: &str, schema: Option<&str>| {
            let (digest, payload) = digest.zip(payload(media_type, schema))?;
            Some(Part { digest, payload })
        };
        Self {
            parameters: part(published.parameters, SCHEMA_MEDIA_TYPE, None),
            cases: part(published.cases, CASES_MEDIA_TYPE, None),
            checked: part(published.checked, "application/json", Some(CHECKED_SCHEMA)),
            name: published.policy,
            language: published.language,
            digest: published.digest,
            payloads: code(published.language, header),
            engine: published.engine,
            published_ms: header.recorded_ms,
        }
    }

    /// Returns of it what a signature covers.
    #[must_use]
    pub fn signed(&self) -> PolicySigned {
        PolicySigned {
            digest: self.digest,
            language: self.language,
            parameters: self.parameters.map(|part| part.digest),
            policy: self.name.clone(),
        }
    }

    /// Says whether it was published with just these fields.
    pub(crate) fn is(&self, published: &PolicyPublished) -> bool {
        let digest = |part: Option<Part>| part.map(|part| part.digest);
        self.name == published.policy
            && self.digest == published.digest
            && self.engine == published.engine
            && digest(self.parameters) == published.parameters
            && digest(self.cases) == published.cases
            && digest(self.checked) == published.checked
    }
}

/// An exception, proposed, in force or over.
#[derive(Debug, Clone)]
pub struct Exception {
    /// The entry that records it.
    pub entry: EntryHash,
    /// What it says.
    pub granted: ExceptionGranted,
    /// Who granted it.
    pub by: Option<PersonId>,
    /// Who endorsed it; nobody needs to where genesis says `solo`.
    pub endorsed_by: Option<PersonId>,
    /// Since when it is confirmed: at once where genesis says `solo`, else since a second person endorsed it.
    pub confirmed_ms: Option<u64>,
    /// Since when it is withdrawn.
    pub withdrawn_ms: Option<u64>,
}

impl Exception {
    /// Says whether it is in force at a time.
    #[must_use]
    pub fn is_in_force(&self, now_ms: u64) -> bool {
        self.confirmed_ms.is_some()
            && self.withdrawn_ms.is_none()
            && now_ms < self.granted.expires_ms
    }
}

/// A binding, proposed or in force.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The entry that records it.
    pub entry: EntryHash,
    /// What it says.
    pub bound: PolicyBound,
    /// Who made it.
    pub by: Option<PersonId>,
    /// Since when it is confirmed: at once where genesis says `solo`, else since a second person endorsed it.
    pub confirmed_ms: Option<u64>,
    /// Since when it is unbound.
    pub ended_ms: Option<u64>,
}

/// Since when several recorders share the journal.
#[derive(Debug, Clone, Copy)]
struct Shared {
    since_ms: u64,
    in_force_after_ms: u64,
}

#[derive(Debug, Clone)]
struct Unbinding {
    binding: EntryHash,
    by: Option<PersonId>,
}

impl Definitions {
    /// Takes the next entry of the `admin` stream into account.
    ///
    /// # Errors
    /// When the entry's fields are not of its kind's form.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), HistoryError> {
        let header = entry.header();
        let at = header.recorded_ms;
        let payload = header.payload(Role::Rule).map(|payload| payload.digest);
        match Body::parse(header).map_err(|source| HistoryError::Entry {
            entry: entry.hash(),
            source,
        })? {
            Body::KeyAdded(added) => {
                self.keys.insert(
                    added.key.clone(),
                    Key {
                        added,
                        revoked: false,
                    },
                );
            }
            Body::KeyRevoked(revoked) => {
                if let Some(key) = self.keys.get_mut(&revoked.key) {
                    key.revoked = true;
                }
            }
            Body::PersonAdded(added) => {
                self.people.insert(added.person, entry.hash());
            }
            // The first to hold an alias keeps it: nobody can take over somebody else's commits.
            Body::AliasAdded(added) => {
                self.aliases.entry(added.alias).or_insert(added.person);
            }
            Body::FlowDefined(flow) => {
                let defined = Flow {
                    description: flow.description,
                    required: flow.required,
                    defined_ms: at,
                };
                self.flows.insert(flow.flow, defined);
            }
            Body::EnvironmentDefined(environment) => {
                let defined = Environment {
                    description: environment.description,
                    defined_ms: at,
                };
                self.environments.insert(environment.environment, defined);
            }
            Body::EnginePublished(engine) => {
                if payload.is_some() {
                    self.engines.insert(
                        entry.hash(),
                        Engine {
                            digest: engine.digest,
                            payloads: code(Language::Component, header),
                        },
                    );
                }
            }
            Body::PolicyPublished(policy) => {
                if payload.is_some() {
                    self.policies
                        .insert(entry.hash(), Policy::new(policy, header));
                }
            }
            Body::PolicySigned(policy) => {
                if let Some(payload) = payload {
                    self.trust.sign(Signed {
                        entry: entry.hash(),
                        payload,
                        policy,
                        recorded_ms: at,
                    });
                }
            }
            Body::PolicyKeysTrusted(trusted) => {
                let by = header.by.person.clone();
                self.trust.apply(entry.hash(), by, trusted, self.solo);
            }
            Body::PolicyBound(bound) => self.bindings.push(Binding {
                entry: entry.hash(),
                bound,
                by: header.by.person.clone(),
                confirmed_ms: self.solo.then_some(at),
                ended_ms: None,
            }),
            Body::PolicyUnbound(unbound) => {
                if self.solo {
                    self.unbind(unbound.binding, at);
                } else {
                    let by = header.by.person.clone();
                    self.unbindings.insert(
                        entry.hash(),
                        Unbinding {
                            binding: unbound.binding,
                            by,
                        },
                    );
                }
            }
            Body::ExceptionGranted(granted) => self.exceptions.push(Exception {
                entry: entry.hash(),
                granted,
                by: header.by.person.clone(),
                endorsed_by: None,
                confirmed_ms: self.solo.then_some(at),
                withdrawn_ms: None,
            }),
            Body::ExceptionWithdrawn(withdrawn) => {
                if let Some(found) = self.exception_mut(&withdrawn.exception) {
                    found.withdrawn_ms.get_or_insert(at);
                }
            }
            Body::Endorsed(endorsed) => self.endorse(endorsed.entry, header.by.person.as_ref(), at),
            Body::JournalShared(shared) => {
                self.shared.get_or_insert(Shared {
                    since_ms: at,
                    in_force_after_ms: shared.in_force_after_ms,
                });
            }
            _ => self.apply_genesis(entry)?,
        }
        self.entries += 1;
        Ok(())
    }

    fn apply_genesis(&mut self, entry: &Entry) -> Result<(), HistoryError> {
        if self.entries == 0 {
            let genesis: Genesis = serde_json::from_str(entry.header().fields.get())
                .map_err(|source| HistoryError::Genesis { source })?;
            self.solo = genesis.solo;
            self.people_by_key = genesis.people_by_key;
        }
        Ok(())
    }

    fn unbind(&mut self, binding: EntryHash, at: u64) {
        if let Some(found) = self
            .bindings
            .iter_mut()
            .find(|found| found.entry == binding)
        {
            found.ended_ms.get_or_insert(at);
        }
    }

    fn exception_mut(&mut self, entry: &EntryHash) -> Option<&mut Exception> {
        self.exceptions
            .iter_mut()
            .find(|found| found.entry == *entry)
    }

    /// Two different registered people are needed; anything less leaves things as they are.
    fn endorse(&mut self, entry: EntryHash, by: Option<&PersonId>, at: u64) {
        let second =
            |first: &Option<PersonId>| first.is_some() && by.is_some() && first.as_ref() != by;
        self.trust.endorse(&entry, by);
        if let Some(binding) = self.bindings.iter_mut().find(|found| found.entry == entry) {
            if second(&binding.by) {
                binding.confirmed_ms.get_or_insert(at);
            }
        } else if let Some(exception) = self.exception_mut(&entry) {
            if second(&exception.by) && exception.confirmed_ms.is_none() {
                exception.confirmed_ms = Some(at);
                exception.endorsed_by = by.cloned();
            }
        } else if let Some(unbinding) = self
            .unbindings
            .get(&entry)
            .filter(|found| second(&found.by))
        {
            let binding = unbinding.binding;
            self.unbind(binding, at);
        }
    }

    /// Says whether several recorders share the journal.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Returns how long before a decision that is asked for at `now_ms` a definition must have been recorded to count;
    /// nothing where the journal has one recorder, and all count that it knows.
    #[must_use]
    pub fn in_force_after_ms(&self, now_ms: u64) -> Option<u64> {
        self.shared
            .filter(|shared| shared.since_ms <= now_ms)
            .map(|shared| shared.in_force_after_ms)
    }

    /// Returns the confirmed bindings that count for a release, in the order of the journal.
    pub fn in_force(
        &self,
        environment: &Name,
        flow: &Name,
        now_ms: u64,
    ) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |binding| {
            let scope = match &binding.bound.scope {
                Scope::Everything => true,
                Scope::Environment(name) => name == environment,
                Scope::Flow(name) => name == flow,
            };
            scope
                && binding.confirmed_ms.is_some()
                && binding.ended_ms.is_none()
                && binding.bound.from_ms <= now_ms
        })
    }

    /// Returns every binding that was ever made.
    #[must_use]
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Returns every exception that was ever granted.
    #[must_use]
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// Returns the exceptions in force from what a binding demands of an artifact, in the order of the journal.
    pub(crate) fn exceptions_from(
        &self,
        binding: &EntryHash,
        fingerprint: &Fingerprint,
        flow: &Name,
        environment: &Name,
        now_ms: u64,
    ) -> impl Iterator<Item = &Exception> {
        self.exceptions.iter().filter(move |exception| {
            let granted = &exception.granted;
            let scope = match &granted.scope {
                ExceptionScope::Artifact(artifact) => artifact == fingerprint,
                ExceptionScope::Flow(name) => name == flow,
            };
            scope
                && granted.binding == *binding
                && granted.environment == *environment
                && exception.is_in_force(now_ms)
        })
    }

    /// Returns whose signature a policy needs to run, and who has signed.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Says whether an entry waits for a second person: a binding, an unbinding, an exception, or trusted keys.
    #[must_use]
    pub fn awaits_endorsement(&self, entry: &EntryHash) -> bool {
        self.unbindings.contains_key(entry)
            || self.trust.awaits(entry)
            || self
                .bindings
                .iter()
                .any(|found| found.entry == *entry && found.confirmed_ms.is_none())
            || self.exceptions.iter().any(|found| {
                found.entry == *entry
                    && found.confirmed_ms.is_none()
                    && found.withdrawn_ms.is_none()
            })
    }

    /// Returns a key.
    #[must_use]
    pub fn key(&self, key: &KeyId) -> Option<&Key> {
        self.keys.get(key)
    }

    /// Returns every key.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.values()
    }

    /// Returns whose alias this is.
    #[must_use]
    pub fn person_of(&self, alias: &Root) -> Option<&PersonId> {
        self.aliases.get(alias)
    }

    /// Says whether a person is registered.
    #[must_use]
    pub fn is_person(&self, person: &PersonId) -> bool {
        self.people.contains_key(person)
    }

    /// Returns the people, with the entries that register them.
    pub fn people(&self) -> impl Iterator<Item = (&PersonId, &EntryHash)> {
        self.people.iter()
    }

    /// Returns a flow.
    #[must_use]
    pub fn flow(&self, flow: &Name) -> Option<&Flow> {
        self.flows.get(flow)
    }

    /// Returns the flows by name.
    pub fn flows(&self) -> impl Iterator<Item = (&Name, &Flow)> {
        self.flows.iter()
    }

    /// Returns an environment.
    #[must_use]
    pub fn environment(&self, environment: &Name) -> Option<&Environment> {
        self.environments.get(environment)
    }

    /// Returns the environments by name.
    pub fn environments(&self) -> impl Iterator<Item = (&Name, &Environment)> {
        self.environments.iter()
    }

    /// Returns a published policy.
    #[must_use]
    pub fn policy(&self, entry: &EntryHash) -> Option<&Policy> {
        self.policies.get(entry)
    }

    /// Returns the published policies by entry.
    pub fn policies(&self) -> impl Iterator<Item = (&EntryHash, &Policy)> {
        self.policies.iter()
    }

    /// Returns an engine.
    #[must_use]
    pub fn engine(&self, entry: &EntryHash) -> Option<&Engine> {
        self.engines.get(entry)
    }

    /// Returns the entry of the engine with this component.
    #[must_use]
    pub fn engine_by_digest(&self, digest: &Root) -> Option<EntryHash> {
        self.engines
            .iter()
            .find(|(_, engine)| engine.digest == *digest)
            .map(|(entry, _)| *entry)
    }
}
