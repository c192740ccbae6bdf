//! The journal and all that recording takes, made ready before the first event.

use anyhow::Result;
use recorder::Parts;
use store::aws::Clients;

use crate::Settings;

/// What a function works with.
pub struct Opened {
    /// The services' clients.
    pub clients: Clients,
    /// What its recorder is made of.
    pub parts: Parts,
}

/// Opens the journal.
///
/// # Errors
/// Says what is missing, not permitted, or another's.
pub async fn open(settings: &Settings) -> Result<Opened> {
    let _ = Clients::load(&settings.endpoints).await;
    anyhow::bail!("no store")
}
