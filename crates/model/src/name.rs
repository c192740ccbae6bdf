use std::borrow::Borrow;
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserializer;
use serde::de::Visitor;

use crate::limits::{NAME_BYTES_MAX, STREAM_NAME_BYTES_MAX};
use crate::{CommitId, Fingerprint, ParseError};

/// Reads a string and parses it with the type's own rules, without a copy in between.
pub(crate) fn deserialize_parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    deserializer.deserialize_str(Parsed(PhantomData))
}

struct Parsed<T>(PhantomData<T>);

impl<T: FromStr<Err: Display>> Visitor<'_> for Parsed<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// Gives a newtype over `Box<str>` its text forms.
macro_rules! text_traits {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::name::deserialize_parsed(deserializer)
            }
        }
    };
}
pub(crate) use text_traits;

/// Defines a text newtype with a rule.
macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident, $rule:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Says whether a text is of this form.
            #[must_use]
            pub fn is_valid(text: &str) -> bool {
                $rule(text)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                if Self::is_valid(text) { Ok(Self(text.into())) } else { Err(ParseError::new(text, $expected)) }
            }
        }

        text_traits!($name);
    };
}

text_newtype!(
    /// A name that people give: of a flow, trail, environment, policy, control or evidence type.
    ///
    /// ASCII only, so that no two names look alike, and safe in paths, URLs and terminals.
    Name, is_name, "a name: 1 to 64 of `A-Z a-z 0-9 . _ -`, first a letter or digit, without `..`"
);
text_newtype!(
    /// The journal's id, which is the origin of its checkpoints: no host name, for ever.
    JournalId, is_journal_id, "a journal id: `trailmark/` and a name"
);
text_newtype!(
    /// The id of an API key. It is no secret.
    KeyId, |text: &str| is_opaque_id(text, "key-"), "a key id: `key-` and 16 lower-case hexadecimal digits"
);
text_newtype!(
    /// A person, by an id that says nothing about them.
    PersonId, |text: &str| is_opaque_id(text, "person-"), "a person id: `person-` and 16 lower-case hexadecimal digits"
);
text_newtype!(
    /// The name of a stream: what its entries are about.
    StreamName, is_stream_name, "a stream name: up to 160 bytes, names joined by `/`, first its sort"
);

fn is_name(text: &str) -> bool {
    let mut before = 0;
    let follows = |byte: u8| {
        let allowed = match byte {
            b'.' => before != b'.',
            b'_' | b'-' => true,
            _ => byte.is_ascii_alphanumeric(),
        };
        before = byte;
        allowed
    };
    let first = text.bytes().next();
    text.len() <= NAME_BYTES_MAX
        && first.is_some_and(|first| first.is_ascii_alphanumeric())
        && text.bytes().all(follows)
}

fn is_journal_id(text: &str) -> bool {
    text.strip_prefix("trailmark/").is_some_and(is_name)
}

fn is_opaque_id(text: &str, prefix: &str) -> bool {
    let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix(prefix)
        .is_some_and(|id| id.len() == 16 && id.bytes().all(lower_hex))
}

fn is_stream_name(text: &str) -> bool {
    let mut names = 0;
    let is_next_name = |name| {
        names += 1;
        names <= 3 && is_name(name)
    };
    text.len() <= STREAM_NAME_BYTES_MAX && text.split('/').all(is_next_name)
}

impl StreamName {
    /// Keys, roles, policies, bindings, and the creation of flows and environments.
    #[must_use]
    pub fn admin() -> Self {
        Self("admin".into())
    }

    /// The journal's statements about all its streams.
    #[must_use]
    pub fn heads() -> Self {
        Self("heads".into())
    }

    /// All that is about one artifact.
    #[must_use]
    pub fn artifact(fingerprint: &Fingerprint) -> Self {
        Self(format!("artifact/{fingerprint}").into())
    }

    /// Where one artifact was seen running.
    #[must_use]
    pub fn running(fingerprint: &Fingerprint) -> Self {
        Self(format!("running/{fingerprint}").into())
    }

    /// One run of a flow.
    #[must_use]
    pub fn trail(flow: &Name, trail: &Name) -> Self {
        Self(format!("trail/{flow}/{trail}").into())
    }

    /// The beginnings of a flow's trails.
    #[must_use]
    pub fn trails(flow: &Name) -> Self {
        Self(format!("trails/{flow}").into())
    }

    /// A flow's definitions.
    #[must_use]
    pub fn flow(flow: &Name) -> Self {
        Self(format!("flow/{flow}").into())
    }

    /// An environment.
    #[must_use]
    pub fn environment(environment: &Name) -> Self {
        Self(format!("environment/{environment}").into())
    }

    /// The decisions that allowed a flow's artifacts into an environment.
    #[must_use]
    pub fn allowed(environment: &Name, flow: &Name) -> Self {
        Self(format!("allowed/{environment}/{flow}").into())
    }

    /// A commit.
    #[must_use]
    pub fn commit(commit: &CommitId) -> Self {
        Self(format!("commit/{commit}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_deceive_a_reader_or_a_path_are_refused() {
        for good in ["payments", "PAY-123", "v1.2.3", "a_b", "9f86d081"] {
            assert!(good.parse::<Name>().is_ok(), "refused `{good}`");
        }
        let long = "a".repeat(65);
        for bad in [
            "",
            ".hidden",
            "-x",
            "a..b",
            "../etc",
            "a/b",
            "a b",
            "a\n",
            "a\u{0}",
            "pаyments",
            "naïve",
            &long,
        ] {
            assert!(
                bad.parse::<Name>().is_err(),
                "accepted `{}`",
                bad.escape_debug()
            );
        }
    }

    #[test]
    fn the_longest_stream_name_fits() {
        let longest: Name = "a".repeat(64).parse().unwrap();
        let stream = StreamName::trail(&longest, &longest);
        assert_eq!(stream.as_str().parse::<StreamName>().unwrap(), stream);
    }
}
