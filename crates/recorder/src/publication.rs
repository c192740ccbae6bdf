//! Publishing: a policy's code, and what comes with it.

use model::kind::{AccessRole, EnginePublished, Fields, Language, PolicyPublished, PolicySigned};
use model::limits::{ACCEPTED_FINDINGS_MAX, CASES_BYTES_MAX, PAYLOAD_BYTES_MAX};
use model::{EntryHash, Name, Payload, PayloadDigest, Role, Root, canonical};
use policy::PolicySource;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::caller::Caller;
use crate::definitions::{Definitions, Policy};
use crate::error::{HistoryError, RecorderError};
use crate::parameters::ParametersSchema;
use crate::policies::source_of;
use crate::recorder::{Recorder, check_text};

/// The media type of a payload that holds a policy's parameters' schema.
pub const SCHEMA_MEDIA_TYPE: &str = "application/schema+json";
/// The media type of a payload that holds a policy's cases.
pub const CASES_MEDIA_TYPE: &str = "application/yaml";
/// Who may publish a policy, and upload its code.
pub(crate) const PUBLISHERS: [AccessRole; 2] = [AccessRole::PolicyAuthor, AccessRole::Admin];
/// The schema of a payload that holds what became of a check: [`Checked`].
pub const CHECKED_SCHEMA: &str = "policy-check.v1";

/// A policy to be published.
#[derive(Debug, Clone)]
pub struct Publication {
    /// What it is called.
    pub name: Name,
    /// Its code.
    pub source: PolicySource,
    /// The JSON schema (draft 2020-12) of its parameters.
    pub parameters: Option<Value>,
    /// Its cases, YAML.
    pub cases: Option<String>,
    /// What became of its author's check; without it, it is published as unchecked.
    pub checked: Option<Checked>,
}

/// What became of a check that the author of a policy ran before it was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// The findings that were accepted; none where there were none.
    pub accepted: Vec<Accepted>,
    /// SHA-256 of the cases that it was checked with: those that are published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cases: Option<Root>,
    /// The program that checked, with its version, for example `trailmark 0.1.0`.
    pub program: String,
}

/// A finding that the author of a policy accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The finding, as the check names it.
    pub finding: String,
    /// Why it does no harm.
    pub reason: String,
}

/// A published policy, with all that came with it.
#[derive(Debug, Clone)]
pub struct PublishedPolicy {
    /// What the journal says of it.
    pub policy: Policy,
    /// What it is published with.
    pub publication: Publication,
}

impl Publication {
    /// A policy with nothing beside its code.
    #[must_use]
    pub const fn new(name: Name, source: PolicySource) -> Self {
        Self {
            name,
            source,
            parameters: None,
            cases: None,
            checked: None,
        }
    }

    /// Returns of it what a signature covers: name, language, code and schema.
    #[must_use]
    pub fn signed(&self) -> PolicySigned {
        let schema = self.parameters.as_ref();
        PolicySigned {
            digest: Root(*self.source.digest().as_bytes()),
            language: language_of(&self.source),
            parameters: schema.map(|schema| sha256(schema.to_string().as_bytes())),
            policy: self.name.clone(),
        }
    }

    /// Checks all but the code.
    fn check(&self) -> Result<(), RecorderError> {
        let invalid = |text: String| Err(RecorderError::Invalid(text));
        if let Some(schema) = &self.parameters {
            ParametersSchema::new(schema)?;
        }
        if self
            .cases
            .as_ref()
            .is_some_and(|cases| cases.len() > CASES_BYTES_MAX)
        {
            return invalid(format!(
                "a policy's cases have at most `{CASES_BYTES_MAX}` bytes"
            ));
        }
        let Some(checked) = &self.checked else {
            return Ok(());
        };
        check_text("program", &checked.program)?;
        if checked.accepted.len() > ACCEPTED_FINDINGS_MAX {
            return invalid(format!(
                "at most `{ACCEPTED_FINDINGS_MAX}` findings are accepted"
            ));
        }
        for accepted in &checked.accepted {
            check_text("finding", &accepted.finding)?;
            check_text("reason", &accepted.reason)?;
            if accepted.finding.is_empty() || accepted.reason.trim().is_empty() {
                return invalid("a finding is accepted with a reason".to_owned());
            }
        }
        if checked.cases != self.cases.as_ref().map(|cases| sha256(cases.as_bytes())) {
            return invalid("the cases are not those that the policy was checked with".to_owned());
        }
        Ok(())
    }
}

/// Computes the digest by which parts of a publication are named.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Root {
    Root(Sha256::digest(bytes).into())
}

const fn language_of(source: &PolicySource) -> Language {
    match source {
        PolicySource::Component(_) => Language::Component,
        PolicySource::Rego(_) => Language::Rego,
    }
}

/// Returns the media type of the payloads that hold a policy's code, and of none of what comes with it.
pub(crate) const fn code_media_type(language: Language) -> &'static str {
    match language {
        Language::Component => "application/wasm",
        Language::Rego => "text/plain",
    }
}

impl Recorder {
    /// Publishes a policy of which there is nothing but the code.
    ///
    /// # Errors
    /// As [`Recorder::publish`].
    pub async fn publish_policy(
        &self,
        caller: &Caller,
        name: Name,
        source: PolicySource,
    ) -> Result<EntryHash, RecorderError> {
        self.publish(caller, Publication::new(name, source)).await
    }

    /// Publishes a policy, after checking that it is one. The same under the same name is published once.
    ///
    /// # Errors
    /// Says what keeps it from being a policy.
    pub async fn publish(
        &self,
        caller: &Caller,
        publication: Publication,
    ) -> Result<EntryHash, RecorderError> {
        caller.require(&PUBLISHERS)?;
        publication.check()?;
        let source = &publication.source;
        // An image that is missing is made, also where the policy itself is published already.
        let bytes = async { Ok((self.policies.stock_engine(), source.clone())) };
        let made = self.policies.made_with_stock(source);
        self.policies.ready(made, bytes).await?;
        let language = language_of(source);
        let media_type = code_media_type(language);
        let engine = match language {
            Language::Rego => Some(self.publish_engine(caller).await?),
            Language::Component => None,
        };
        let mut payloads = self.parts(media_type, source.bytes())?;
        let mut add = |media_type, schema, bytes: Vec<u8>| {
            let digest = sha256(&bytes);
            payloads.push(self.payload(Role::Rule, media_type, schema, bytes)?);
            Ok::<_, RecorderError>(digest)
        };
        let mut fields = PolicyPublished {
            cases: None,
            checked: None,
            digest: Root(*source.digest().as_bytes()),
            engine,
            language,
            parameters: None,
            policy: publication.name,
        };
        if let Some(schema) = &publication.parameters {
            fields.parameters = Some(add(SCHEMA_MEDIA_TYPE, None, schema.to_string().into())?);
        }
        if let Some(cases) = publication.cases {
            fields.cases = Some(add(CASES_MEDIA_TYPE, None, cases.into())?);
        }
        if let Some(checked) = &publication.checked {
            let encode = |source| RecorderError::Encode {
                what: "check",
                source,
            };
            let bytes = canonical::to_vec(checked).map_err(encode)?;
            let schema = Some(CHECKED_SCHEMA.parse()?);
            fields.checked = Some(add("application/json", schema, bytes)?);
        }
        let published = |definitions: &Definitions| {
            let mut policies = definitions.policies();
            let found = policies.find(|(_, policy)| policy.is(&fields));
            found.map(|(entry, _)| *entry)
        };
        self.publish_once(caller, &fields, payloads, published)
            .await
    }

    /// Puts the stock engine's bytes into the journal, so that decisions can be replayed without this program's version.
    async fn publish_engine(&self, caller: &Caller) -> Result<EntryHash, RecorderError> {
        let digest = self.policies.stock_digest();
        let published = |definitions: &Definitions| definitions.engine_by_digest(&digest);
        if let Some(entry) = published(self.current().await?.as_ref()) {
            return Ok(entry);
        }
        let fields = EnginePublished {
            digest,
            language: Language::Rego,
        };
        let media_type = code_media_type(Language::Component);
        let payloads = self.parts(media_type, &self.policies.stock_engine())?;
        self.publish_once(caller, &fields, payloads, published)
            .await
    }

    /// Makes payloads of code, one behind the other: a large component takes several.
    fn parts(&self, media_type: &str, code: &[u8]) -> Result<Vec<Payload>, RecorderError> {
        let parts = code.chunks(PAYLOAD_BYTES_MAX);
        parts
            .map(|part| self.payload(Role::Rule, media_type, None, part.to_vec()))
            .collect()
    }

    /// Records what is not published yet, and returns the entry that publishes it.
    async fn publish_once<F: Fields>(
        &self,
        caller: &Caller,
        fields: &F,
        payloads: Vec<Payload>,
        published: impl Fn(&Definitions) -> Option<EntryHash>,
    ) -> Result<EntryHash, RecorderError> {
        let appended = self.define_unless(|definitions| {
            if published(definitions).is_some() {
                return Ok(None);
            }
            let mut draft = self.admin_draft(caller.by(), fields)?;
            draft.payloads.clone_from(&payloads);
            Ok(Some(draft))
        });
        match appended.await? {
            Some(appended) => Ok(appended.stored.entry.hash()),
            None => published(&self.definitions()).ok_or(RecorderError::Moved),
        }
    }

    /// Reads a published policy back, with all that came with it.
    ///
    /// # Errors
    /// When there is none under that entry.
    pub async fn published_policy(
        &self,
        entry: &EntryHash,
    ) -> Result<PublishedPolicy, RecorderError> {
        let known = self.knowing(|definitions| definitions.policy(entry).is_some());
        let known = known.await?;
        let policy = known.policy(entry).ok_or_else(|| unknown(entry))?.clone();
        let source = self.rule_bytes(entry, &policy.payloads).await?;
        let wrong = |source| HistoryError::Payload {
            entry: *entry,
            source,
        };
        let cases = self.part(entry, policy.cases.as_ref()).await?;
        let cases = cases.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let checked = self.part(entry, policy.checked.as_ref()).await?;
        let checked = checked.map(|bytes| serde_json::from_slice(&bytes));
        let publication = Publication {
            name: policy.name.clone(),
            source: source_of(&policy, source, entry)?,
            parameters: self.parameters_schema(entry, &policy).await?,
            cases,
            checked: checked.transpose().map_err(wrong)?,
        };
        Ok(PublishedPolicy {
            policy,
            publication,
        })
    }

    /// Reads the schema of a policy's parameters, where it has one.
    pub(crate) async fn parameters_schema(
        &self,
        entry: &EntryHash,
        policy: &Policy,
    ) -> Result<Option<Value>, RecorderError> {
        let wrong = |source| HistoryError::Payload {
            entry: *entry,
            source,
        };
        let bytes = self.part(entry, policy.parameters.as_ref()).await?;
        let schema = bytes.map(|bytes| serde_json::from_slice(&bytes));
        Ok(schema.transpose().map_err(wrong)?)
    }

    async fn part(
        &self,
        entry: &EntryHash,
        part: Option<&Part>,
    ) -> Result<Option<Vec<u8>>, RecorderError> {
        match part {
            Some(part) => self.rule_bytes(entry, &[part.payload]).await.map(Some),
            None => Ok(None),
        }
    }
}

/// Something that is published with a policy's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// SHA-256 of its bytes.
    pub digest: Root,
    /// The payload that holds it.
    pub payload: PayloadDigest,
}

pub(crate) fn unknown(entry: &EntryHash) -> RecorderError {
    RecorderError::Unknown {
        what: "policy",
        name: entry.to_string(),
    }
}
