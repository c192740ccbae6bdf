//! What a denial without a verdict means, and what would mend it.

use policy::{Denial, Undecided};
use recorder::Stale;

/// A reason in words.
pub(super) struct Meaning {
    pub(super) name: &'static str,
    pub(super) means: &'static str,
    pub(super) mend: &'static str,
}

pub(super) const NO_POLICY: Meaning = Meaning {
    name: "no-policy",
    means: "no policy that counts is in force here, and what nothing allows is denied",
    mend: "publish a policy and bind it: `trailmark policy bind NAME --environment E`",
};

pub(super) const DOSSIER_TOO_LARGE: Meaning = Meaning {
    name: "dossier-too-large",
    means: "more is recorded about the artifact than one decision weighs",
    mend: "record it anew on a trail of its own, and find out who sends so much",
};

pub(super) const fn of_denial(denial: Denial) -> Meaning {
    let (means, mend) = match denial {
        Denial::OutOfFuel => (
            "the policy used up its fuel before it had an answer",
            "find the loop over a product of lists; `trailmark policy bench` shows the fuel of each case",
        ),
        Denial::OutOfMemory => (
            "the policy asked for more memory than it may have",
            "build fewer or smaller lists; `trailmark policy bench` shows the memory of each case",
        ),
        Denial::OutOfTable => (
            "the policy asked for more table elements than it may have",
            "build the component with fewer functions that are called by pointer",
        ),
        Denial::OutputTooLarge => (
            "the policy said more than a verdict may hold",
            "report each control once, and shorten its reason",
        ),
        Denial::Trapped => (
            "the policy crashed, or answered with bytes that are no verdict",
            "run it on the same dossier: `trailmark policy eval DIR --dossier FILE`",
        ),
        Denial::UndefinedRule => (
            "the rule `allow` or `findings` has no value for this dossier",
            "write `default allow := false`, and give `findings` a value in every case",
        ),
        Denial::WrongType => (
            "`allow` is not a boolean, or `findings` is no set or array of findings",
            "give each finding exactly `control`, `status`, `reason` and `entries`",
        ),
        Denial::RuleFailed => (
            "a rule could not be evaluated: a built-in failed, or something has two values",
            "run it on the same dossier: `trailmark policy eval DIR --dossier FILE` shows the line",
        ),
        Denial::InvalidFinding => (
            "a finding's control is no name, or its reason is empty, too long or not one line",
            "shorten the reason to one line of at most 512 bytes",
        ),
        Denial::UnknownEntry => (
            "a finding rests on an entry that is not in the dossier",
            "take entries from `input.attestations` and `input.approvals` only",
        ),
        Denial::TooManyFindings => (
            "there are more findings than a verdict may have",
            "report each control once, not each piece of evidence",
        ),
        Denial::AllowWithoutFinding => (
            "the policy allows and says nothing about any control",
            "report at least one control, with the entries that satisfy it",
        ),
        Denial::AllowWithFailedFinding => (
            "the policy allows although it says that a control failed",
            "let `allow` follow from the findings: no control may have failed",
        ),
        Denial::NotSigned => (
            "the policy was not run: no key that is trusted here signed it",
            "`trailmark policy trust` lists the keys; have it signed by one (`policy sign`), and record that (`policy attach`)",
        ),
    };
    Meaning {
        name: denial.as_str(),
        means,
        mend,
    }
}

/// Says why an approval did not count, and what would mend that.
pub(super) const fn of_stale(stale: Stale) -> Meaning {
    let (means, mend) = match stale {
        Stale::Withdrawn => (
            "its giver took it back before it was decided",
            "ask why, and for another approval",
        ),
        Stale::Expired => (
            "its time was over when it was decided",
            "have it approved again",
        ),
        Stale::AuthorOfTheChange => (
            "who gave it wrote, committed or built a part of the change",
            "have somebody approve who had no part in it",
        ),
        Stale::ChangeNotKnown => (
            "what the change is, or who took part in it, is not known",
            "register every author (`trailmark person add`, `trailmark alias add`), and record each artifact with              its commits and the one before it",
        ),
        Stale::ChangeChanged => (
            "it was given for another change: commits came in, or another artifact was released since",
            "have it approved again, as it is now",
        ),
        Stale::NewProvenance => (
            "the artifact was recorded again after it was given",
            "have it approved again; record an artifact before it is approved",
        ),
        Stale::FailedOutcome => (
            "evidence was recorded after it that says that something failed",
            "mend what failed, then have it approved again",
        ),
    };
    Meaning {
        name: stale.as_str(),
        means,
        mend,
    }
}

pub(super) const fn of_undecided(cause: Undecided) -> Meaning {
    let (means, mend) = match cause {
        Undecided::WallTime => (
            "time ran out before the fuel did: the machine was too busy",
            "decide again",
        ),
        Undecided::NativeStack => (
            "the machine's stack was exhausted: the policy calls itself too deeply",
            "decide again, and flatten what the policy recurses over",
        ),
        Undecided::HostMemory => (
            "the machine had no memory, or no room for another evaluation",
            "decide again when it is less busy",
        ),
        Undecided::ImageMissing => (
            "the policy is not compiled for this machine, which compiles nothing",
            "publish the policy again, or have the images made anew",
        ),
        Undecided::HostFailure => (
            "the machine failed; the recorder's log says how",
            "decide again, and look at the log",
        ),
    };
    Meaning {
        name: cause.as_str(),
        means,
        mend,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_for_which_an_approval_does_not_count_is_told_in_its_own_words() {
        let told = Stale::ALL.map(|stale| of_stale(stale).means);
        let different: std::collections::BTreeSet<_> = told.iter().collect();
        assert_eq!(different.len(), Stale::ALL.len());
    }
}
