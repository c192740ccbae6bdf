//! Keys trusted and signatures recorded.

use model::kind::{AccessRole, PolicyKeysTrusted, TrustedKey};
use model::limits::{SIGNATURES_MAX, TRUSTED_KEYS_MAX};
use model::{EntryHash, Role};
use serde::{Deserialize, Serialize};
use store::Appended;

use super::Signed;
use crate::caller::Caller;
use crate::definitions::Definitions;
use crate::error::RecorderError;
use crate::publication::{PUBLISHERS, unknown};
use crate::recorder::{Recorder, check_text};
use crate::signature::{PolicyKey, PolicySignature, SIGNATURE_MEDIA_TYPE};

/// Puts other keys in the place of those that are trusted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustPolicyKeys {
    /// All keys that are trusted from now on, in the place of those before; with none in the list, nothing runs. Null: any
    /// policy runs again. It must be said: nothing is lifted by leaving it out.
    #[serde(deserialize_with = "Option::deserialize")]
    pub keys: Option<Vec<KeyToTrust>>,
    /// Why.
    pub reason: String,
}

/// A key to be trusted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyToTrust {
    /// When it ends to count, in milliseconds since 1970-01-01 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// The key: its `SubjectPublicKeyInfo`, DER in base64.
    pub key: PolicyKey,
}

/// A signature on record, and what is known of it.
#[derive(Debug, Clone)]
pub struct SignatureFound {
    /// What is on record.
    pub signed: Signed,
    /// The bundle.
    pub bundle: Vec<u8>,
    /// The key's hint, as whoever made the bundle wrote it.
    pub hint: Option<String>,
    /// The keys that made it, of those that are trusted now: the journal's and this host's.
    pub by: Vec<PolicyKey>,
}

impl Recorder {
    /// Says by which keys policies must be signed to run. What makes it laxer is in force when a second person endorsed
    /// it, but for `solo`; what makes nothing laxer, at once.
    ///
    /// # Errors
    /// When there are too many keys, one of them twice, or no reason; when it is laxer and no person calls.
    pub async fn trust_policy_keys(
        &self,
        caller: &Caller,
        trust: TrustPolicyKeys,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::Admin])?;
        check_text("reason", &trust.reason)?;
        if trust.reason.trim().is_empty() {
            let text = "keys are trusted, or no longer, with a reason";
            return Err(RecorderError::Invalid(text.to_owned()));
        }
        if let Some(keys) = &trust.keys {
            require_a_list(keys)?;
        }
        let trusted = |key: KeyToTrust| TrustedKey {
            expires_ms: key.expires_ms,
            key: key.key.to_string(),
        };
        let keys = trust.keys.map(|keys| keys.into_iter().map(trusted));
        let fields = PolicyKeysTrusted {
            keys: keys.map(Iterator::collect),
            reason: trust.reason,
        };
        self.define(|definitions| {
            if definitions.trust().would_wait(&fields) {
                self.require_second_person(caller)?;
            }
            self.admin_draft(caller.by(), &fields)
        })
        .await
    }

    /// Records a signature of a published policy. Whose it is need not be known yet: it counts once its key is trusted.
    /// The same bundle is recorded once.
    ///
    /// # Errors
    /// When the bundle is none, or of another policy than this, and when the policy has 16 signatures.
    pub async fn sign_policy(
        &self,
        caller: &Caller,
        entry: &EntryHash,
        bundle: Vec<u8>,
    ) -> Result<EntryHash, RecorderError> {
        caller.require(&PUBLISHERS)?;
        let known = self.knowing(|definitions| definitions.policy(entry).is_some());
        let known = known.await?;
        let policy = known.policy(entry).ok_or_else(|| unknown(entry))?;
        let fields = policy.signed();
        PolicySignature::read(&bundle)?.check(&fields)?;
        let found = self.bundles(&known, entry).await?;
        if let Some((signed, _)) = found.iter().find(|(_, other)| *other == bundle) {
            return Ok(signed.entry);
        }
        let payload = self.payload(Role::Rule, SIGNATURE_MEDIA_TYPE, None, bundle)?;
        let appended = self.define(|definitions| {
            let policy = definitions.policy(entry).ok_or_else(|| unknown(entry))?;
            if definitions.trust().signatures(policy).count() >= SIGNATURES_MAX {
                return Err(RecorderError::Invalid(format!(
                    "the policy has `{SIGNATURES_MAX}` signatures already"
                )));
            }
            let mut draft = self.admin_draft(caller.by(), &fields)?;
            draft.payloads.push(payload.clone());
            Ok(draft)
        });
        Ok(appended.await?.stored.entry.hash())
    }

    /// Finds the signatures of a published policy, and by which trusted keys they are.
    ///
    /// # Errors
    /// When there is no such policy.
    pub async fn signatures(
        &self,
        entry: &EntryHash,
    ) -> Result<Vec<SignatureFound>, RecorderError> {
        let known = self.knowing(|definitions| definitions.policy(entry).is_some());
        let known = known.await?;
        let trusted = known.trust().in_force();
        let trusted = trusted.map_or(&[][..], |trusted| &trusted.keys);
        let now_ms = self.now_ms();
        let counting = trusted
            .iter()
            .filter(|(_, expires_ms)| expires_ms.is_none_or(|end_ms| now_ms < end_ms));
        let mut keys: Vec<&PolicyKey> = counting.map(|(key, _)| key).collect();
        keys.extend(&self.policy_keys);
        keys.sort_by_key(|key| key.id().0);
        keys.dedup();
        let found = self.bundles(&known, entry).await?;
        let shown = |(signed, bundle): (Signed, Vec<u8>)| SignatureFound {
            hint: PolicySignature::read(&bundle)
                .ok()
                .and_then(|found| found.hint().map(str::to_owned)),
            by: keys
                .iter()
                .filter(|key| signed.is_by(&bundle, key))
                .map(|key| (*key).clone())
                .collect(),
            signed,
            bundle,
        };
        Ok(found.into_iter().map(shown).collect())
    }

    /// Returns the keys of which this host demands a signature, beside what the journal demands.
    #[must_use]
    pub fn policy_keys(&self) -> &[PolicyKey] {
        &self.policy_keys
    }

    async fn bundles(
        &self,
        definitions: &Definitions,
        entry: &EntryHash,
    ) -> Result<Vec<(Signed, Vec<u8>)>, RecorderError> {
        let policy = definitions.policy(entry).ok_or_else(|| unknown(entry))?;
        let mut found = Vec::new();
        for signed in definitions.trust().signatures(policy) {
            let bundle = self.rule_bytes(&signed.entry, &[signed.payload]).await?;
            found.push((signed.clone(), bundle));
        }
        Ok(found)
    }
}

/// Checks that there are few enough, and none twice.
fn require_a_list(keys: &[KeyToTrust]) -> Result<(), RecorderError> {
    if keys.len() > TRUSTED_KEYS_MAX {
        return Err(RecorderError::Invalid(format!(
            "at most `{TRUSTED_KEYS_MAX}` keys are trusted at the same time"
        )));
    }
    let mut seen = std::collections::HashSet::new();
    match keys.iter().find(|key| !seen.insert(&key.key)) {
        Some(twice) => Err(RecorderError::Invalid(format!(
            "key `{}` is given twice",
            twice.key.id()
        ))),
        None => Ok(()),
    }
}
