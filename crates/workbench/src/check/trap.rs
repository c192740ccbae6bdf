use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Defines the traps: a stable name, why it is one, and what to write instead.
macro_rules! traps {
    ($($(#[$doc:meta])* $trap:ident = $name:literal, $why:literal, $instead:literal;)*) => {
        /// A way in which a policy comes to allow what it should not; `docs/checks.md` has an example of each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Trap {
            $($(#[$doc])* $trap,)*
        }

        impl Trap {
            /// Every trap, in the order of the documents.
            pub const ALL: &'static [Self] = &[$(Self::$trap),*];

            /// Returns the stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$trap => $name,)* }
            }

            /// Says in a sentence why it is a trap.
            #[must_use]
            pub const fn why(self) -> &'static str {
                match self { $(Self::$trap => $why,)* }
            }

            /// Says in a sentence what to write instead.
            #[must_use]
            pub const fn instead(self) -> &'static str {
                match self { $(Self::$trap => $instead,)* }
            }
        }
    };
}

traps! {
    /// There are no cases.
    NoCases = "no-cases",
        "nothing shows what the policy does",
        "write `cases.yaml` beside it, with at least one case that allows and one that denies";
    /// No case denies.
    NoCaseDenies = "no-case-denies",
        "nothing shows that the policy ever denies, and without a denial there is little to change in turn",
        "add a case for each way in which the control is not met";
    /// No case allows.
    NoCaseAllows = "no-case-allows",
        "nothing shows what evidence is enough, and a policy that always denies is soon taken out of force",
        "add a case whose evidence is just enough";
    /// A case does not come out as it says.
    CaseFails = "case-fails",
        "the policy does not do what its own case says",
        "run `trailmark policy test` and mend the policy or the case";

    /// A default, or a rule without a body, allows.
    DefaultAllow = "default-allow",
        "what is true by default stays true when evidence is missing",
        "write `default … := false` and say what must be there";
    /// The rule allows without looking at any evidence.
    AllowWithoutEvidence = "allow-without-evidence",
        "it can become true without any attestation, approval or known change",
        "require evidence that is there: `count(reports) > 0`, or a field of it that must have a value";
    /// Nothing is counted, because nothing can be seen.
    CountOfUndefined = "count-of-undefined",
        "what is undefined, because evidence or a field of it is missing, is in no collection, so there is nothing to count",
        "require the evidence in the same rule (`count(scans) > 0`), and each counted fact in a positive rule (`is_number(scan.facts.failed)`)";
    /// Every one of none.
    EveryOverEmpty = "every-over-empty",
        "`every` is true of an empty collection",
        "require in the same rule that there is at least one: `count(scans) > 0`";
    /// The negation of what is undefined is true.
    NegatedUndefined = "negated-undefined",
        "`not` is true of what is undefined, and what is missing is undefined",
        "require the evidence in the same rule, and each negated fact in a positive rule (`is_boolean(report.facts.broken)`)";
    /// A wildcard beside a negation or an inequality.
    WildcardNegated = "wildcard-negated",
        "`_` means any one: `x[_] != y` is true when one of many differs, `not x[_]…` when there is none at all",
        "name what is meant: `count(x) > 0`, and `every item in x { item != y }`";
    /// A missing fact gets a harmless value.
    DefaultedFact = "defaulted-fact",
        "a fact that is missing gets the value that counts as harmless",
        "read the fact itself, and require it in a positive rule: `is_number(scan.facts.failed_runs)`";
    /// Only `failed` is refused.
    OutcomeOnlyNegative = "outcome-only-negative",
        "an outcome that is not `failed` may be `neutral`, which says nothing",
        "write `outcome == \"passed\"`";
    /// `foreign` is not looked at.
    ForeignIgnored = "foreign-ignored",
        "evidence marked `foreign` is of another flow or artifact, whoever reports it",
        "add `not attestation.foreign` where attestations are read";
    /// An approval's state is not looked at.
    ApprovalUnchecked = "approval-unchecked",
        "an approval may be stale, or over, and is in the dossier all the same",
        "add `approval.status == \"valid\"` and `approval.expires_ms > input.now_ms` where approvals are read";
    /// A name is compared in part.
    LooseName = "loose-name",
        "names are given by who reports: one that begins, ends or reads alike is another",
        "compare the whole name: `attestation.name == \"unit-tests\"`, or `in` a list";
    /// A time is written into the source.
    HardCodedTime = "hard-coded-time",
        "one day the policy says something else, and nothing was changed or recorded",
        "take times from the evidence and `input.now_ms`, durations from the parameters";
    /// A rule that nothing uses.
    UnusedRule = "unused-rule",
        "neither `allow` nor `findings` uses it: what it checks is not checked",
        "use it in `allow`, or remove it";
    /// A parameter that nothing reads.
    UnusedParameter = "unused-parameter",
        "who binds the policy believes that it does something",
        "read it, or remove it from the defaults and the schema";

    /// Without any evidence it allows.
    SilenceAllows = "silence-allows",
        "with no attestation, no approval and an unknown change it still allows",
        "require the evidence that the control is about";
    /// Less evidence is better than more.
    DroppedEvidenceCounts = "dropped-evidence-counts",
        "leaving evidence out makes the verdict better, so whoever has bad news reports nothing",
        "require the evidence that is looked at: silence is not evidence";
    /// A report that says nothing is better than one that says something bad.
    EmptyEvidenceCounts = "empty-evidence-counts",
        "a report in which nothing was looked at makes the verdict better",
        "require that something was looked at: tests that passed, a tool that ran";
    /// A fact that is null or missing is better than one that is there.
    MissingFactCounts = "missing-fact-counts",
        "the verdict gets better when a fact is null or missing",
        "require each fact by its type, as `is_number(scan.facts.failed_runs)`, before it is compared";
    /// A fact of a wrong type is better than one that can be read.
    CorruptFactCounts = "corrupt-fact-counts",
        "the verdict gets better when a fact cannot be read",
        "require each fact by its type, as `is_number(scan.facts.failed_runs)`, before it is compared";
    /// Facts count, whatever their schema.
    SchemaIgnored = "schema-ignored",
        "facts of an unknown schema count as if their form were known",
        "compare `schema` before facts are read: `attestation.schema == \"junit.v1\"`";
    /// A neutral outcome counts more than a failed one.
    NeutralCounts = "neutral-counts",
        "where `failed` is refused, `neutral` is not, though it says nothing",
        "require `passed`";
    /// Foreign evidence counts.
    ForeignEvidenceCounts = "foreign-evidence-counts",
        "evidence of another flow or artifact makes the verdict better",
        "leave out what is marked `foreign`, before anything else is looked at";
    /// An approval counts that is stale or over.
    VoidApprovalCounts = "void-approval-counts",
        "an approval that is stale, or over, makes the verdict better",
        "count approvals that are `valid` and end after `now_ms`";
    /// Evidence of a similar name counts.
    LookalikeCounts = "lookalike-counts",
        "evidence of a similar name counts as that of the name asked for",
        "compare the whole name";
    /// What was run before counts after a failed re-run.
    OlderEvidenceCounts = "older-evidence-counts",
        "an older run counts though a newer one of the same type and name failed",
        "of one type and name, take the newest (`recorded_ms`, then place in the list) before judging it";
    /// The same evidence twice is not the same as once.
    DuplicateChanges = "duplicate-changes",
        "the same evidence recorded twice gives another verdict than once",
        "of one type and name, or one person, count one";
    /// Less known about the change is better than more.
    UnknownChangeCounts = "unknown-change-counts",
        "the verdict gets better when less is known about the change, or when somebody unregistered took part",
        "require `change.complete` wherever commits or the people behind them are looked at";
}

impl fmt::Display for Trap {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl Serialize for Trap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A name that no trap has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no finding is called `{0}`")]
pub struct UnknownTrap(pub String);

impl FromStr for Trap {
    type Err = UnknownTrap;

    fn from_str(name: &str) -> Result<Self, UnknownTrap> {
        let mut all = Self::ALL.iter();
        all.find(|trap| trap.as_str() == name)
            .copied()
            .ok_or_else(|| UnknownTrap(name.chars().take(100).collect()))
    }
}
