use journal::Draft;
use journal::key::{LogKey, PermitKey};
use journal::kind::Genesis;
use journal::note::Vkey;
use model::kind::Fields as _;
use model::{By, FORMAT, StreamName};

use crate::error::RecorderError;
use crate::recorder::check_text;

/// What a journal is to be, for ever.
#[derive(Debug, Clone, Default)]
pub struct Charter {
    /// What people call the organisation.
    pub name: String,
    /// Whether an API key may speak for a person.
    pub people_by_key: bool,
    /// Whether one person may put policies in force alone.
    pub solo: bool,
}

/// Drafts the first entry of a journal.
///
/// # Errors
/// When the name is too long.
pub fn genesis(
    charter: &Charter,
    log_key: &LogKey,
    permit_key: &PermitKey,
) -> Result<Draft, RecorderError> {
    charter.genesis(log_key.vkey(), permit_key)
}

impl Charter {
    /// Drafts the first entry of a journal whose log key is known by its public form.
    ///
    /// # Errors
    /// When the name is too long.
    pub fn genesis(&self, log_key: &Vkey, permit_key: &PermitKey) -> Result<Draft, RecorderError> {
        check_text("name", &self.name)?;
        let fields = Genesis {
            format: FORMAT,
            log_key: log_key.clone(),
            name: self.name.clone(),
            people_by_key: self.people_by_key,
            permit_key: permit_key.public(),
            solo: self.solo,
        };
        Ok(Draft {
            by: By::recorder(),
            claimed_ms: None,
            fields: fields.encode().map_err(|source| RecorderError::Encode {
                what: Genesis::KIND,
                source,
            })?,
            kind: Genesis::kind()?,
            streams: vec![StreamName::admin()],
            payloads: Vec::new(),
            idempotency: None,
            expected: Vec::new(),
            large: Vec::new(),
        })
    }
}
