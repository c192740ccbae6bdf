//! Keys, people, flows and environments.

use model::dossier::Requirement;
use model::kind::{
    AccessRole, AliasAdded, EnvironmentDefined, FlowDefined, Grant, KeyAdded, KeyRevoked,
    PersonAdded,
};
use model::{By, KeyId, Name, PersonId, Role, StreamName};
use serde::{Deserialize, Serialize};
use store::Appended;

use crate::caller::{self, Caller};
use crate::decide::NO_ENVIRONMENT;
use crate::error::RecorderError;
use crate::event::AddAlias;
use crate::recorder::{Recorder, check_text};

/// Adds a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddKey {
    /// When it ends, in milliseconds since 1970-01-01 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// For which flows and kinds it may record; none means none.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// What it is called.
    pub name: Name,
    /// The person it speaks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// What it may do.
    pub roles: Vec<AccessRole>,
}

/// A new key. This is the only time that its token is to be had.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewKey {
    /// Its id.
    pub key: KeyId,
    /// What a client sends.
    pub token: String,
}

/// Registers a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddPerson {
    /// What they are called; it goes where it can be erased.
    pub name: String,
}

/// Creates a flow or changes its template.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefineFlow {
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The flow.
    pub flow: Name,
    /// What must be attested.
    #[serde(default)]
    pub required: Vec<Requirement>,
}

/// Creates an environment or changes its description.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefineEnvironment {
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The environment.
    pub environment: Name,
}

impl Recorder {
    /// Adds a key.
    ///
    /// # Errors
    /// When the caller is no admin, or the key would speak for nobody registered.
    pub async fn add_key(&self, caller: &Caller, add: AddKey) -> Result<NewKey, RecorderError> {
        caller.require(&[AccessRole::Admin])?;
        if let Some(person) = &add.person {
            self.require_person(person).await?;
            if !self.definitions().people_by_key {
                let text = "this journal's genesis does not let keys speak for people".to_owned();
                return Err(RecorderError::Invalid(text));
            }
        }
        let (new, fields) = self.new_key(add)?;
        self.define(|_| self.admin_draft(caller.by(), &fields))
            .await?;
        Ok(new)
    }

    /// Adds the first admin key of a new journal; a second call finds a key and adds none, whoever makes it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn add_first_key(&self) -> Result<Option<NewKey>, RecorderError> {
        let grants = vec![Grant {
            flow: model::kind::FlowPattern::Every,
            kinds: Vec::new(),
        }];
        let roles = vec![AccessRole::Admin];
        let add = AddKey {
            expires_ms: None,
            grants,
            name: "first-admin".parse()?,
            person: None,
            roles,
        };
        let (new, fields) = self.new_key(add)?;
        let added = self.define_unless(|definitions| {
            let draft = || self.admin_draft(&By::recorder(), &fields);
            let none = definitions.keys().next().is_none();
            none.then(draft).transpose()
        });
        Ok(added.await?.map(|_| new))
    }

    fn new_key(&self, add: AddKey) -> Result<(NewKey, KeyAdded), RecorderError> {
        if add.roles.is_empty() {
            return Err(RecorderError::Invalid(
                "a key has at least one role".to_owned(),
            ));
        }
        if add
            .expires_ms
            .is_some_and(|expires_ms| expires_ms <= self.now_ms())
        {
            return Err(RecorderError::Invalid(
                "the key would have expired already".to_owned(),
            ));
        }
        let key: KeyId = format!("key-{}", self.random_id()?).parse()?;
        let mut secret = [0; 32];
        self.entropy.fill(&mut secret)?;
        let fields = KeyAdded {
            expires_ms: add.expires_ms,
            grants: add.grants,
            key: key.clone(),
            name: add.name,
            person: add.person,
            roles: add.roles,
            secret_sha256: caller::hash_secret(secret),
        };
        let token = caller::token(&key, &secret);
        Ok((NewKey { key, token }, fields))
    }

    /// Revokes a key.
    ///
    /// # Errors
    /// When there is no such key.
    pub async fn revoke_key(
        &self,
        caller: &Caller,
        key: KeyId,
        reason: String,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::Admin])?;
        check_text("reason", &reason)?;
        let fields = KeyRevoked { key, reason };
        self.define(|definitions| {
            if definitions.key(&fields.key).is_none() {
                return Err(RecorderError::Unknown {
                    what: "key",
                    name: fields.key.to_string(),
                });
            }
            self.admin_draft(caller.by(), &fields)
        })
        .await
    }

    /// Registers a person.
    ///
    /// # Errors
    /// When the caller is no admin.
    pub async fn add_person(
        &self,
        caller: &Caller,
        add: AddPerson,
    ) -> Result<PersonId, RecorderError> {
        caller.require(&[AccessRole::Admin])?;
        check_text("name", &add.name)?;
        let person: PersonId = format!("person-{}", self.random_id()?).parse()?;
        let fields = PersonAdded {
            person: person.clone(),
        };
        self.define(|_| {
            let mut draft = self.admin_draft(caller.by(), &fields)?;
            draft
                .payloads
                .push(self.json_payload(Role::People, "person.v1", &add)?);
            Ok(draft)
        })
        .await?;
        Ok(person)
    }

    /// Registers a name by which a person is known elsewhere.
    ///
    /// # Errors
    /// When the caller is its subject, or the alias is somebody's already.
    pub async fn add_alias(
        &self,
        caller: &Caller,
        add: AddAlias,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::Admin])?;
        self.require_person(&add.person).await?;
        if caller.person().is_ok_and(|person| *person == add.person) {
            return Err(RecorderError::Invalid(
                "an alias is entered by somebody who is not its subject".to_owned(),
            ));
        }
        let fields = AliasAdded {
            alias: self.alias_key.digest(add.alias.as_str()),
            person: add.person.clone(),
        };
        self.define(|definitions| {
            if definitions.person_of(&fields.alias).is_some() {
                return Err(RecorderError::Exists {
                    what: "alias",
                    name: add.alias.to_string(),
                });
            }
            let mut draft = self.admin_draft(caller.by(), &fields)?;
            draft
                .payloads
                .push(self.json_payload(Role::People, "alias.v1", &add)?);
            Ok(draft)
        })
        .await
    }

    /// Creates a flow, or changes its template.
    ///
    /// # Errors
    /// When the caller is no admin, or the template asks for something twice.
    pub async fn define_flow(
        &self,
        caller: &Caller,
        define: DefineFlow,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::Admin])?;
        check_text("description", &define.description)?;
        for (at, requirement) in define.required.iter().enumerate() {
            if define
                .required
                .iter()
                .skip(at + 1)
                .any(|other| other.name == requirement.name)
            {
                let text = format!("the template requires `{}` twice", requirement.name);
                return Err(RecorderError::Invalid(text));
            }
        }
        let streams = vec![StreamName::admin(), StreamName::flow(&define.flow)];
        let fields = FlowDefined {
            description: define.description,
            flow: define.flow,
            required: define.required,
        };
        self.define(|_| self.draft(caller.by().clone(), &fields, streams.clone()))
            .await
    }

    /// Creates an environment, or changes its description.
    ///
    /// # Errors
    /// When the caller is no admin.
    pub async fn define_environment(
        &self,
        caller: &Caller,
        define: DefineEnvironment,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::Admin])?;
        check_text("description", &define.description)?;
        if define.environment.as_str() == NO_ENVIRONMENT {
            return Err(RecorderError::Invalid(format!(
                "`{NO_ENVIRONMENT}` is the name of none"
            )));
        }
        let streams = vec![
            StreamName::admin(),
            StreamName::environment(&define.environment),
        ];
        let fields = EnvironmentDefined {
            description: define.description,
            environment: define.environment,
        };
        self.define(|_| self.draft(caller.by().clone(), &fields, streams.clone()))
            .await
    }

    async fn require_person(&self, person: &PersonId) -> Result<(), RecorderError> {
        let definitions = self.knowing(|known| known.is_person(person)).await?;
        if definitions.is_person(person) {
            return Ok(());
        }
        Err(RecorderError::Unknown {
            what: "person",
            name: person.to_string(),
        })
    }
}
