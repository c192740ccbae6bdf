//! Names that look like a name and are others.

use model::Name;

/// A name that is like no other: what evidence under it is worth, a lookalike is worth at most.
const UNLIKE: &str = "zz-unlike-any";

/// Returns a wholly different name, and the names that look like this one: of which it is the beginning or the end,
/// which are its beginning, and which is it in other letters.
pub(super) fn lookalikes(name: &Name) -> Option<(Name, Vec<Name>)> {
    let name = name.as_str();
    let mut shorter = name.to_owned();
    shorter.pop();
    let other_case = if name.chars().any(|letter| letter.is_ascii_lowercase()) {
        name.to_ascii_uppercase()
    } else {
        name.to_ascii_lowercase()
    };
    let texts = [
        format!("{name}-2"),
        format!("x-{name}"),
        format!("x-{name}-2"),
        shorter,
        other_case,
    ];
    let alike = texts
        .iter()
        .filter(|text| *text != name)
        .filter_map(|text| text.parse().ok())
        .collect();
    Some((UNLIKE.parse().ok()?, alike))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookalike_begins_or_ends_or_reads_alike_and_is_a_name() {
        let of = |name: &str| -> Vec<String> {
            let (_, alike) = lookalikes(&name.parse().unwrap()).unwrap();
            alike.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            of("unit-tests"),
            [
                "unit-tests-2",
                "x-unit-tests",
                "x-unit-tests-2",
                "unit-test",
                "UNIT-TESTS"
            ]
        );
        // The empty name is none, and a digit has no other case.
        assert_eq!(of("7"), ["7-2", "x-7", "x-7-2"]);
    }
}
