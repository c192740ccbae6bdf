use std::fmt;

use model::{EntryHash, Name};
use serde::{Deserialize, Serialize};

/// What came of running one policy once. Everything in it but an [`Outcome::Undecided`] is the same on replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// The fuel used.
    pub fuel: u64,
    /// The most linear memory held at any time, in bytes.
    pub memory_bytes: u64,
    /// The answer.
    pub outcome: Outcome,
}

impl Evaluation {
    /// Says whether the policy allows: an explicit allow with at least one finding and none failed.
    #[must_use]
    pub const fn allows(&self) -> bool {
        matches!(&self.outcome, Outcome::Verdict(verdict) if verdict.allow)
    }
}

/// The answer of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The policy answered.
    Verdict(Verdict),
    /// The policy did not answer properly and would not on replay: it denies, under a name of its own.
    Denied(Denial),
    /// The machine got in the way: neither a verdict nor a denial, and never an allow.
    Undecided(Undecided),
}

/// What a policy answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Whether it allows. Then there is at least one finding, and none has failed.
    pub allow: bool,
    /// What it found, in the order in which it said so (Rego sets are ordered by value).
    pub findings: Vec<Finding>,
}

/// What a policy found of one control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The control.
    pub control: Name,
    /// The entries it rests on; each occurs in the dossier.
    pub entries: Vec<EntryHash>,
    /// Why, in a sentence of at most 512 bytes.
    pub reason: String,
    /// What was found.
    pub status: Status,
}

/// The state of a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// There is evidence that it is met.
    Satisfied,
    /// It is not met, or nothing shows that it is.
    Failed,
    /// It does not concern this artifact.
    NotApplicable,
}

/// Defines an enum whose values have stable names, the same in JSON, text and documents.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$item_doc])* #[serde(rename = $text)] $item,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$item),*];

            /// Returns the stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$item => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.as_str())
            }
        }
    };
}

named!(
    /// Why a policy denied without a verdict.
    Denial {
        /// It used up its fuel.
        OutOfFuel = "out-of-fuel",
        /// It asked for more memory than it may have.
        OutOfMemory = "out-of-memory",
        /// It asked for more table elements than it may have.
        OutOfTable = "out-of-table",
        /// Its verdict is larger than it may be.
        OutputTooLarge = "output-too-large",
        /// It crashed, or answered with bytes that are no verdict.
        Trapped = "trapped",
        /// A Rego rule has no value: `allow` or `findings`.
        UndefinedRule = "undefined-rule",
        /// A Rego rule's value is not of its type: `allow` is a boolean, `findings` a set or array of findings.
        WrongType = "wrong-type",
        /// A Rego rule could not be evaluated: a built-in failed, or something has two values.
        RuleFailed = "rule-failed",
        /// A finding's control is not a name, or its reason is empty, too long or holds control characters.
        InvalidFinding = "invalid-finding",
        /// A finding rests on an entry that is not in the dossier.
        UnknownEntry = "unknown-entry",
        /// There are more findings than a verdict may have.
        TooManyFindings = "too-many-findings",
        /// It allows and says nothing about any control.
        AllowWithoutFinding = "allow-without-finding",
        /// It allows and says that a control failed.
        AllowWithFailedFinding = "allow-with-failed-finding",
        /// It was not run: it is not signed by a key that may sign here.
        NotSigned = "policy-not-signed",
    }
);

named!(
    /// Why there is no verdict, where another try may bring one.
    Undecided {
        /// Time ran out before fuel did.
        WallTime = "wall-time",
        /// The native stack was exhausted, which depends on the processor.
        NativeStack = "native-stack",
        /// The host had no memory, or no room for another instance.
        HostMemory = "host-memory",
        /// The policy is not compiled for this host, which compiles nothing: it must be published again, or images made.
        ImageMissing = "image-missing",
        /// The host failed in some other way; its log says how.
        HostFailure = "host-failure",
    }
);
