//! `docs/checks.md` says of every finding what the program says.

use workbench::check::{MUTANTS_MAX, Trap};

use crate::support::{here, read};

#[test]
fn every_finding_has_its_section_in_the_documents_and_no_other() {
    let page = read(&here("../../docs/checks.md"));
    let sections: Vec<&str> = page
        .split("\n### `")
        .skip(1)
        .filter_map(|section| section.split_once("`\n").map(|(name, _)| name))
        .collect();
    let known: Vec<&str> = Trap::ALL.iter().map(|trap| trap.as_str()).collect();
    assert_eq!(sections, known);
    // A paragraph is filled to the width of the page there.
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for trap in Trap::ALL {
        for sentence in [trap.why(), trap.instead()] {
            assert!(
                words.to_lowercase().contains(&sentence.to_lowercase()),
                "{trap}: {sentence}"
            );
        }
    }
    assert!(words.contains(&MUTANTS_MAX.to_string()));
}
