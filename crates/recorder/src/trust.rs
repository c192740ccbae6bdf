//! Trust: whose signature a policy needs to run, who has signed what, and whether that is enough.
//!
//! What is trusted is an entry of the journal, so every decision finds it again. What makes things laxer takes a second
//! person: another key, more time for one, or lifting it all.

mod demands;
mod record;

use model::kind::{PolicyKeysTrusted, PolicySigned, TrustedKey};
use model::{EntryHash, PayloadDigest, PersonId};

use crate::definitions::Policy;
use crate::signature::{PolicyKey, PolicySignature};

pub(crate) use demands::{Demands, Verified, identity, identity_of};
pub use record::{KeyToTrust, SignatureFound, TrustPolicyKeys};

/// Whose signature a policy needs, and who has signed: a part of the definitions.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    in_force: Option<TrustedKeys>,
    proposals: Vec<Proposal>,
    signatures: Vec<Signed>,
}

/// The keys that are trusted from an entry on.
#[derive(Debug, Clone)]
pub struct TrustedKeys {
    /// The entry that records them.
    pub entry: EntryHash,
    /// Who made the list.
    pub by: Option<PersonId>,
    /// Who endorsed it, where that was needed.
    pub endorsed_by: Option<PersonId>,
    /// The keys, each with the time at which it ends to count.
    pub keys: Vec<(PolicyKey, Option<u64>)>,
    /// Why.
    pub reason: String,
}

/// A list that waits for a second person, or that any policy may run again.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The entry that records it.
    pub entry: EntryHash,
    /// Who made it.
    pub by: Option<PersonId>,
    /// The list; nothing where it is to be lifted.
    pub keys: Option<TrustedKeys>,
    /// Why.
    pub reason: String,
}

/// A signature that is on record. Whether it counts is found each time.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The entry that records it.
    pub entry: EntryHash,
    /// The payload that holds its bundle.
    pub payload: PayloadDigest,
    /// Of what it says it is.
    pub policy: PolicySigned,
    /// When it was recorded.
    pub recorded_ms: u64,
}

impl Trust {
    /// Takes a list into account: what makes nothing laxer is in force at once.
    pub(crate) fn apply(
        &mut self,
        entry: EntryHash,
        by: Option<PersonId>,
        trusted: PolicyKeysTrusted,
        solo: bool,
    ) {
        let waits = !solo && self.would_wait(&trusted);
        let keys = trusted.keys.map(|keys| TrustedKeys {
            entry,
            by: by.clone(),
            endorsed_by: None,
            keys: read(&keys),
            reason: trusted.reason.clone(),
        });
        if !waits {
            self.put_in_force(keys);
            return;
        }
        self.proposals.push(Proposal {
            entry,
            by,
            keys,
            reason: trusted.reason,
        });
    }

    /// Whatever was proposed to replace another list is void: who made it did not know of this one.
    fn put_in_force(&mut self, keys: Option<TrustedKeys>) {
        self.in_force = keys;
        self.proposals.clear();
    }

    /// Says whether a list lets something run that the one in force does not: that takes two, but for `solo`.
    pub(crate) fn would_wait(&self, trusted: &PolicyKeysTrusted) -> bool {
        let Some(TrustedKeys { keys: current, .. }) = &self.in_force else {
            return false;
        };
        let lasts = |expires_ms: &Option<u64>| expires_ms.unwrap_or(u64::MAX);
        let covered = |(key, expires_ms): &(PolicyKey, Option<u64>)| {
            let mut same = current.iter().filter(|(known, _)| known == key);
            same.any(|(_, known_ms)| lasts(expires_ms) <= lasts(known_ms))
        };
        let keys = trusted.keys.as_deref();
        keys.is_none_or(|keys| !read(keys).iter().all(covered))
    }

    pub(crate) fn sign(&mut self, signed: Signed) {
        self.signatures.push(signed);
    }

    /// Puts a proposal in force, where it is one and another person made it.
    pub(crate) fn endorse(&mut self, entry: &EntryHash, by: Option<&PersonId>) {
        let second = |found: &&Proposal| {
            found.entry == *entry && found.by.is_some() && by.is_some() && found.by.as_ref() != by
        };
        if let Some(proposal) = self.proposals.iter().find(second) {
            let keys = proposal.keys.clone();
            self.put_in_force(keys.map(|keys| TrustedKeys {
                endorsed_by: by.cloned(),
                ..keys
            }));
        }
    }

    /// Says whether an entry is a list that waits for a second person.
    pub(crate) fn awaits(&self, entry: &EntryHash) -> bool {
        self.proposals.iter().any(|found| found.entry == *entry)
    }

    /// Returns the keys of which one must have signed a policy; nothing where any policy may run.
    #[must_use]
    pub const fn in_force(&self) -> Option<&TrustedKeys> {
        self.in_force.as_ref()
    }

    /// Returns the lists that wait for a second person.
    #[must_use]
    pub fn proposals(&self) -> &[Proposal] {
        &self.proposals
    }

    /// Returns the signatures on record of a policy, in the order of the journal.
    pub fn signatures(&self, policy: &Policy) -> impl Iterator<Item = &Signed> {
        let signed = policy.signed();
        let mut found = self.signatures.iter();
        std::iter::from_fn(move || found.find(|found| found.policy == signed))
    }
}

/// Reads a list. What is no key is nobody's: nothing runs for it.
fn read(keys: &[TrustedKey]) -> Vec<(PolicyKey, Option<u64>)> {
    let keys = keys.iter();
    keys.filter_map(|found| Some((found.key.parse().ok()?, found.expires_ms)))
        .collect()
}

impl Signed {
    /// Says whether the bundle is a key's signature of that very policy. A broken one is nobody's.
    pub(crate) fn is_by(&self, bundle: &[u8], key: &PolicyKey) -> bool {
        PolicySignature::read(bundle)
            .is_ok_and(|found| *found.signed() == self.policy && found.is_by(key))
    }
}
