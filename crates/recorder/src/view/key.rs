//! Keys, without anything secret.

use model::kind::AccessRole;
use model::{KeyId, Name};
use serde::Serialize;
use serde_json::Value;

use crate::recorder::Recorder;
use crate::timestamp;

/// A key in a list.
#[derive(Debug, Clone, Serialize)]
pub struct KeyView {
    /// When it ends, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// For which flows and kinds it may record.
    pub grants: Value,
    /// Its id.
    pub key: KeyId,
    /// What it is called.
    pub name: Name,
    /// Whether it was revoked.
    pub revoked: bool,
    /// What it may do.
    pub roles: Vec<AccessRole>,
}

impl Recorder {
    /// Lists keys, without anything secret.
    #[must_use]
    pub fn key_list(&self) -> Vec<KeyView> {
        let definitions = self.definitions();
        let mut keys: Vec<KeyView> = definitions
            .keys()
            .map(|key| KeyView {
                expires: key.added.expires_ms.map(timestamp::format),
                grants: serde_json::to_value(&key.added.grants).unwrap_or_default(),
                key: key.added.key.clone(),
                name: key.added.name.clone(),
                revoked: key.revoked,
                roles: key.added.roles.clone(),
            })
            .collect();
        keys.sort_by(|left, right| left.key.cmp(&right.key));
        keys
    }
}
