//! Who calls, and what they may do.

use model::kind::{AccessRole, FlowPattern, Grant};
use model::{By, How, KeyId, Name, PersonId, Root};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::definitions::Definitions;
use crate::error::RecorderError;
use crate::recorder::Recorder;

/// What a token looks like: `tm_`, the key id's digits, `_`, 64 hexadecimal digits of secret.
const TOKEN_PREFIX: &str = "tm_";

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Caller {
    by: By,
    roles: Vec<AccessRole>,
    grants: Vec<Grant>,
}

impl Caller {
    /// Finds out who holds a token.
    ///
    /// # Errors
    /// The same error for every reason, so that nothing is learnt from trying.
    pub fn authenticate(
        definitions: &Definitions,
        token: &str,
        now_ms: u64,
    ) -> Result<Self, RecorderError> {
        let (id, secret) = parse_token(token).ok_or(RecorderError::Unauthenticated)?;
        let key = definitions.key(&id).ok_or(RecorderError::Unauthenticated)?;
        let matches = bool::from(
            hash_secret(secret)
                .as_bytes()
                .ct_eq(key.added.secret_sha256.as_bytes()),
        );
        let expired = key
            .added
            .expires_ms
            .is_some_and(|expires_ms| expires_ms <= now_ms);
        if !matches || expired || key.revoked {
            return Err(RecorderError::Unauthenticated);
        }
        let person = key
            .added
            .person
            .clone()
            .filter(|_| definitions.people_by_key);
        Ok(Self {
            by: By {
                how: How::ApiKey,
                key: Some(id),
                person,
            },
            roles: key.added.roles.clone(),
            grants: key.added.grants.clone(),
        })
    }

    /// Says whose key a token claims to be; nothing where it is no token.
    fn claimed_key(token: &str) -> Option<KeyId> {
        parse_token(token).map(|(key, _)| key)
    }

    /// Returns how entries name this caller.
    #[must_use]
    pub const fn by(&self) -> &By {
        &self.by
    }

    /// Checks for a role. An admin has no other role than that.
    ///
    /// # Errors
    /// When the caller has none of `roles`; the first is named.
    pub fn require(&self, roles: &[AccessRole]) -> Result<(), RecorderError> {
        if roles.iter().any(|role| self.roles.contains(role)) {
            return Ok(());
        }
        Err(RecorderError::RoleMissing(
            roles.first().copied().unwrap_or(AccessRole::Admin),
        ))
    }

    /// Checks that the caller may read. Every role may.
    ///
    /// # Errors
    /// When the caller has no role at all.
    pub fn require_any(&self) -> Result<(), RecorderError> {
        if self.roles.is_empty() {
            Err(RecorderError::RoleMissing(AccessRole::Reader))
        } else {
            Ok(())
        }
    }

    /// Says whether the caller may see what is said of people.
    #[must_use]
    pub fn sees_people(&self) -> bool {
        self.roles
            .iter()
            .any(|role| matches!(role, AccessRole::Auditor | AccessRole::Admin))
    }

    /// Checks for a grant to record entries of a kind for a flow.
    ///
    /// # Errors
    /// When there is none.
    pub fn require_grant(&self, flow: &Name, kind: &'static str) -> Result<(), RecorderError> {
        let granted = self.grants.iter().any(|grant| {
            let flow_matches = match &grant.flow {
                FlowPattern::Every => true,
                FlowPattern::One(granted) => granted == flow,
            };
            flow_matches
                && (grant.kinds.is_empty()
                    || grant.kinds.iter().any(|granted| granted.as_str() == kind))
        });
        if granted {
            Ok(())
        } else {
            Err(RecorderError::GrantMissing {
                flow: flow.clone(),
                kind,
            })
        }
    }

    /// Returns the person who calls.
    ///
    /// # Errors
    /// When a machine calls.
    pub fn person(&self) -> Result<&PersonId, RecorderError> {
        self.by.person.as_ref().ok_or(RecorderError::PersonRequired)
    }
}

impl Recorder {
    /// Finds out who holds a token, by definitions that are at most 30 s old. A key that is not known may have been
    /// added elsewhere a moment ago: that is looked up, at most once a second whatever is sent.
    ///
    /// # Errors
    /// The same error for every reason, so that nothing is learnt from trying; and when the journal cannot be read.
    pub async fn authenticate(&self, token: &str) -> Result<Caller, RecorderError> {
        let key = Caller::claimed_key(token).ok_or(RecorderError::Unauthenticated)?;
        let definitions = self.knowing(|known| known.key(&key).is_some()).await?;
        Caller::authenticate(&definitions, token, self.now_ms())
    }
}

/// Writes the token of a key.
pub(crate) fn token(key: &KeyId, secret: &[u8; 32]) -> String {
    let id = key.as_str().trim_start_matches("key-");
    format!("{TOKEN_PREFIX}{id}_{}", hex::encode(secret))
}

/// Returns what is recorded of a secret.
pub(crate) fn hash_secret(secret: [u8; 32]) -> Root {
    Root(Sha256::digest(secret).into())
}

fn parse_token(token: &str) -> Option<(KeyId, [u8; 32])> {
    let (id, secret) = token.strip_prefix(TOKEN_PREFIX)?.split_once('_')?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(secret, &mut bytes).ok()?;
    Some((format!("key-{id}").parse().ok()?, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_nothing_else_is_one() {
        let key: KeyId = "key-0123456789abcdef".parse().unwrap();
        let written = token(&key, &[7; 32]);
        assert_eq!(parse_token(&written), Some((key, [7; 32])));
        for bad in [
            "",
            "tm_",
            "tm_0123456789abcdef_",
            &written[1..],
            &written[..written.len() - 1],
            "Bearer x",
        ] {
            assert_eq!(parse_token(bad), None, "accepted `{bad}`");
        }
    }
}
