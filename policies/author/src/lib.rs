//! What the author of a policy in Rust needs: the words of `wit/policy.wit`, parameters, and the newest evidence.
//!
//! ```ignore
//! use author::{Dossier, Finding, Policy, Verdict};
//!
//! struct Signed;
//!
//! impl Policy for Signed {
//!     const CONTROL: &str = "signed";
//!     type Parameters = author::None;
//!
//!     fn judge(dossier: &Dossier, _: author::None) -> Finding {
//!         match author::newest(dossier, "signature", "release").last() {
//!             Some(attestation) => Self::satisfied("it is signed", [attestation]),
//!             None => Self::failed("nobody signed it", []),
//!         }
//!     }
//! }
//!
//! author::policy!(Signed);
//! ```

mod junit;

use heap as _;

pub use bindings::trailmark::policy::types::{
    Approval, ApprovalStatus, Attestation, Change, Commit, Dossier, Finding, Outcome, Status,
    SubjectKind, Verdict,
};
pub use junit::{Junit, Suite};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The bindings that `policy!` exports by.
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "policy",
        pub_export_macro: true,
        export_macro_name: "export",
        default_bindings_module: "author::bindings",
    });
}

/// Parameters of a policy that has none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct None {}

/// A policy that checks one control.
pub trait Policy {
    /// The control's name.
    const CONTROL: &str;
    /// The parameters; unknown ones are refused, so that a misspelt one cannot weaken the policy.
    type Parameters: DeserializeOwned;

    /// Judges a dossier.
    fn judge(dossier: &Dossier, parameters: Self::Parameters) -> Finding;

    /// Says that the control is met.
    fn satisfied<'a>(
        reason: impl Into<String>,
        entries: impl IntoIterator<Item = &'a Attestation>,
    ) -> Finding {
        finding(Self::CONTROL, Status::Satisfied, reason.into(), entries)
    }

    /// Says that the control is not met.
    fn failed<'a>(
        reason: impl Into<String>,
        entries: impl IntoIterator<Item = &'a Attestation>,
    ) -> Finding {
        finding(Self::CONTROL, Status::Failed, reason.into(), entries)
    }

    /// Answers the host: allows when the control is met.
    fn evaluate(dossier: &Dossier, parameters: &str) -> Verdict {
        let finding = match serde_json::from_str(parameters) {
            Ok(parameters) => Self::judge(dossier, parameters),
            Err(_) => Self::failed("the parameters are not as documented", []),
        };
        Verdict {
            allow: finding.status == Status::Satisfied,
            findings: vec![finding],
        }
    }
}

fn finding<'a>(
    control: &str,
    status: Status,
    reason: String,
    entries: impl IntoIterator<Item = &'a Attestation>,
) -> Finding {
    let entries = entries
        .into_iter()
        .map(|attestation| attestation.entry.clone())
        .collect();
    Finding {
        control: control.into(),
        status,
        reason,
        entries,
    }
}

/// Makes a [`Policy`] the component's own.
#[macro_export]
macro_rules! policy {
    ($policy:ty) => {
        struct Component;

        impl $crate::bindings::Guest for Component {
            fn evaluate(dossier: $crate::Dossier, parameters: String) -> $crate::Verdict {
                <$policy as $crate::Policy>::evaluate(&dossier, &parameters)
            }
        }

        $crate::bindings::export!(Component with_types_in $crate::bindings);
    };
}

/// Returns the newest attestation of a type and name: a failed re-run replaces the run before, and so does a good one.
/// Evidence from another flow is none.
pub fn newest<'a>(dossier: &'a Dossier, type_: &str, name: &str) -> Option<&'a Attestation> {
    // Of several recorded in one millisecond the last one counts, and `max_by_key` returns the last.
    of_type(dossier, type_)
        .filter(|attestation| attestation.name == name)
        .max_by_key(|attestation| attestation.recorded_ms)
}

/// Returns the newest attestation of each name of a type, in the order in which the names first occur.
pub fn newest_of_each_name<'a>(dossier: &'a Dossier, type_: &str) -> Vec<&'a Attestation> {
    let mut newest: Vec<&Attestation> = Vec::new();
    for attestation in of_type(dossier, type_) {
        match newest
            .iter_mut()
            .find(|other| other.name == attestation.name)
        {
            Some(other) if other.recorded_ms <= attestation.recorded_ms => *other = attestation,
            Some(_) => {}
            _ => newest.push(attestation),
        }
    }
    newest
}

fn of_type<'a>(dossier: &'a Dossier, type_: &str) -> impl Iterator<Item = &'a Attestation> {
    dossier
        .attestations
        .iter()
        .filter(move |attestation| attestation.type_ == type_ && !attestation.foreign)
}

/// Reads facts when they are of the given schema.
pub fn facts<T: DeserializeOwned>(attestation: &Attestation, schema: &str) -> Result<T, String> {
    let name = &attestation.name;
    if attestation.schema != schema {
        return Err(format!(
            "`{name}` has facts of the unknown schema `{}`",
            attestation.schema
        ));
    }
    serde_json::from_str(&attestation.facts)
        .map_err(|_| format!("`{name}` has facts that are not `{schema}`"))
}
