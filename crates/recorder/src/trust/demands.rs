//! What is demanded of a policy before it runs, and whether its signatures are enough.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{EntryHash, Fingerprint, PayloadDigest, Root};
use policy::{Identity, METERING, PolicyForm, RUNTIME};

use super::Signed;
use crate::definitions::{Definitions, Policy};
use crate::error::{HistoryError, RecorderError};
use crate::recorder::Recorder;
use crate::signature::PolicyKey;

/// Signatures of which is kept whether they are a key's; others are tried each time.
const VERIFIED_MAX: usize = 4_096;

/// What is demanded of a policy before it runs: of each list, one key must have signed it.
#[derive(Debug)]
pub(crate) struct Demands<'a>(Vec<Vec<&'a PolicyKey>>);

impl<'a> Demands<'a> {
    /// Collects what the journal demands at a time, and what the host demands beside that, where it has a list.
    pub(crate) fn new(definitions: &'a Definitions, host: &'a [PolicyKey], now_ms: u64) -> Self {
        let mut lists = Vec::new();
        if let Some(trusted) = definitions.trust().in_force() {
            let counts = |expires_ms: &Option<u64>| expires_ms.is_none_or(|end_ms| now_ms < end_ms);
            let counting = trusted
                .keys
                .iter()
                .filter(|(_, expires_ms)| counts(expires_ms));
            lists.push(counting.map(|(key, _)| key).collect());
        }
        if !host.is_empty() {
            lists.push(host.iter().collect());
        }
        Self(lists)
    }

    /// Says whether any policy may run.
    pub(crate) const fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Says whether a policy's signatures, of which each bundle is read by `bundle`, are enough.
    pub(crate) fn are_met<E>(
        &self,
        signatures: &[&Signed],
        mut bundle: impl FnMut(&Signed) -> Result<Vec<u8>, E>,
        verified: &Verified,
    ) -> Result<bool, E> {
        for keys in &self.0 {
            let mut met = false;
            for signed in signatures {
                for key in keys {
                    met = met || verified.is_by(signed, key, &mut bundle)?;
                }
            }
            if !met {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Signatures of which is known whether they are a key's. That follows from their bytes alone.
#[derive(Default)]
pub(crate) struct Verified(Mutex<HashMap<(PayloadDigest, Root), bool>>);

impl Verified {
    fn lock(&self) -> MutexGuard<'_, HashMap<(PayloadDigest, Root), bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_by<E>(
        &self,
        signed: &Signed,
        key: &PolicyKey,
        bundle: impl FnOnce(&Signed) -> Result<Vec<u8>, E>,
    ) -> Result<bool, E> {
        let place = (signed.payload, key.id());
        if let Some(found) = self.lock().get(&place) {
            return Ok(*found);
        }
        let found = signed.is_by(&bundle(signed)?, key);
        let mut kept = self.lock();
        if kept.len() < VERIFIED_MAX {
            kept.insert(place, found);
        }
        Ok(found)
    }

    /// Says whether a signature was tried with each of the keys that are demanded.
    fn knows(&self, signed: &Signed, demands: &Demands<'_>) -> bool {
        let kept = self.lock();
        let mut keys = demands.0.iter().flatten();
        keys.all(|key| kept.contains_key(&(signed.payload, key.id())))
    }
}

impl Recorder {
    /// Says whether a policy may run here.
    pub(crate) async fn may_run(
        &self,
        definitions: &Definitions,
        policy: &Policy,
        demands: &Demands<'_>,
    ) -> Result<bool, RecorderError> {
        if demands.are_none() {
            return Ok(true);
        }
        let signatures: Vec<&Signed> = definitions.trust().signatures(policy).collect();
        let mut bundles = HashMap::new();
        for signed in &signatures {
            if !self.verified.knows(signed, demands) {
                let bundle = self.rule_bytes(&signed.entry, &[signed.payload]).await?;
                bundles.insert(signed.payload, bundle);
            }
        }
        let bundle = |signed: &Signed| {
            let entry = signed.entry;
            let found = bundles.get(&signed.payload).cloned();
            Ok(found.ok_or(HistoryError::PayloadMissing { entry })?)
        };
        demands.are_met(&signatures, bundle, &self.verified)
    }
}

/// Returns the identity of a policy that does not run: what would have.
pub(crate) fn identity(policy: &Policy, definitions: &Definitions) -> Identity {
    let digest = |entry: EntryHash| Some(Fingerprint(definitions.engine(&entry)?.digest.0));
    let engine = policy.engine.and_then(digest);
    identity_of(policy.digest, engine)
}

/// As [`identity`], of a policy with this engine, or of a component.
pub(crate) fn identity_of(policy: Root, engine: Option<Fingerprint>) -> Identity {
    Identity {
        form: match engine {
            Some(_) => PolicyForm::Rego,
            None => PolicyForm::Component,
        },
        engine,
        metering: METERING.into(),
        policy: Fingerprint(policy.0),
        runtime: RUNTIME.into(),
    }
}
