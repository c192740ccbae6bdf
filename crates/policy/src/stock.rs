//! What comes with Trailmark: the engine for Rego and the seed policies, built by `cargo xtask guests`.

use crate::{PolicyForm, PolicySource};

/// A policy that comes with Trailmark.
#[derive(Debug, Clone, Copy)]
pub struct Seed {
    /// The control that it checks; a control may come in both forms.
    pub control: &'static str,
    /// In which form it is written.
    pub form: PolicyForm,
    bytes: &'static [u8],
    text: &'static str,
}

impl Seed {
    /// Returns the policy as its author would publish it.
    #[must_use]
    pub fn source(&self) -> PolicySource {
        match self.form {
            PolicyForm::Component => PolicySource::Component(self.bytes.into()),
            PolicyForm::Rego => PolicySource::Rego(self.text.into()),
        }
    }

    const fn component(control: &'static str, bytes: &'static [u8]) -> Self {
        Self {
            control,
            form: PolicyForm::Component,
            bytes,
            text: "",
        }
    }

    const fn rego(control: &'static str, text: &'static str) -> Self {
        Self {
            control,
            form: PolicyForm::Rego,
            bytes: &[],
            text,
        }
    }
}

include!(concat!(env!("OUT_DIR"), "/stock.rs"));

/// Returns the engine component for Rego.
#[must_use]
pub const fn engine() -> &'static [u8] {
    ENGINE
}

/// Returns the seed policies, by control and then form.
#[must_use]
pub const fn seeds() -> &'static [Seed] {
    SEEDS
}

/// Finds a seed policy.
#[must_use]
pub fn seed(control: &str, form: PolicyForm) -> Option<&'static Seed> {
    SEEDS
        .iter()
        .find(|seed| seed.control == control && seed.form == form)
}
