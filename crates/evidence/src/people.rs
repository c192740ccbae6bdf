use std::fmt;
use std::str::FromStr;

use model::PersonId;
use serde::{Deserialize, Serialize};

use crate::limits::ALIAS_BYTES_MAX;

/// Resolves an alias such as `email:alice@example.com` or `github:alice` to a registered person.
///
/// Aliases are given in the form of [`Alias`]: lower case, `scheme:value`. Every closure of that shape is one.
pub trait People {
    /// Returns who goes by this alias, or nothing for somebody who is not registered.
    fn person(&self, alias: &str) -> Option<PersonId>;
}

impl<F: Fn(&str) -> Option<PersonId>> People for F {
    fn person(&self, alias: &str) -> Option<PersonId> {
        self(alias)
    }
}

/// A name that a person goes by somewhere: `scheme:value`, lower-cased, so that it has one form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Alias(String);

/// Text that is not an alias.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{value}` is not an alias: `scheme:value` without control characters or spaces around it, at most {ALIAS_BYTES_MAX} bytes"
)]
pub struct BadAlias {
    /// The text as it came, shortened and with control characters escaped.
    pub value: String,
}

impl Alias {
    /// Returns the alias in its one form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Alias {
    type Err = BadAlias;

    fn from_str(text: &str) -> Result<Self, BadAlias> {
        let lower = text.to_lowercase();
        let well_formed = lower
            .split_once(':')
            .is_some_and(|(scheme, value)| is_scheme(scheme) && is_value(value));
        if well_formed && lower.len() <= ALIAS_BYTES_MAX {
            Ok(Self(lower))
        } else {
            Err(BadAlias {
                value: crate::text::shown(text),
            })
        }
    }
}

impl TryFrom<String> for Alias {
    type Error = BadAlias;

    fn try_from(text: String) -> Result<Self, BadAlias> {
        text.parse()
    }
}

impl From<Alias> for String {
    fn from(alias: Alias) -> Self {
        alias.0
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.chars().all(|letter| {
            letter.is_ascii_lowercase()
                || letter.is_ascii_digit()
                || matches!(letter, '-' | '.' | '+')
        })
}

fn is_value(value: &str) -> bool {
    !value.is_empty() && value.trim() == value && !value.chars().any(char::is_control)
}

/// People told apart: the registered by id, sorted and each once; of the others only how many.
pub(crate) fn resolve<'a>(
    aliases: impl IntoIterator<Item = &'a Alias>,
    people: &dyn People,
) -> (Vec<PersonId>, u32) {
    let mut registered = Vec::new();
    let mut unregistered = Vec::new();
    for alias in aliases {
        match people.person(alias.as_str()) {
            Some(person) => registered.push(person),
            None => unregistered.push(alias),
        }
    }
    registered.sort_unstable();
    registered.dedup();
    unregistered.sort_unstable();
    unregistered.dedup();
    (
        registered,
        u32::try_from(unregistered.len()).unwrap_or(u32::MAX),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_has_one_form() {
        assert_eq!(
            "Email:Alice@Example.COM".parse::<Alias>().unwrap().as_str(),
            "email:alice@example.com"
        );
        let long = format!("email:{}", "a".repeat(400));
        for bad in [
            "",
            "alice",
            ":alice",
            "email:",
            "email: alice",
            "e mail:alice",
            "email:a\nb",
            "1:a",
            &long,
        ] {
            assert!(
                bad.parse::<Alias>().is_err(),
                "accepted `{}`",
                bad.escape_debug()
            );
        }
    }

    #[test]
    fn one_person_under_two_aliases_is_one_person() {
        let aliases: Vec<Alias> = ["email:a@x", "github:a", "email:b@x", "email:B@x"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let alice: PersonId = "person-00000000000000aa".parse().unwrap();
        let people = |alias: &str| alias.contains(":a").then(|| alice.clone());
        assert_eq!(resolve(&aliases, &people), (vec![alice.clone()], 1));
    }
}
