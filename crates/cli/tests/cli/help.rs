//! What the program says of itself.

use crate::world::World;

/// Collects the help of a command and of all below it.
fn collect(world: &World, path: &[&str], all: &mut String) {
    let help = world.run(&[path, &["--help"]].concat()).expect(0).stdout;
    *all += &format!("$ trailmark {}\n", [path, &["--help"]].concat().join(" "));
    for line in help.lines() {
        *all += &format!("{}\n", line.trim_end());
    }
    all.push('\n');
    let list = help.split("Commands:\n").nth(1).unwrap_or_default();
    for line in list.lines().take_while(|line| !line.is_empty()) {
        // Wrapped descriptions are indented further.
        let name = line
            .strip_prefix("  ")
            .filter(|rest| !rest.starts_with(' '));
        if let Some(name) = name.and_then(|rest| rest.split(' ').next()) {
            collect(world, &[path, &[name]].concat(), all);
        }
    }
}

#[test]
fn every_command_has_its_help() {
    let mut all = String::new();
    collect(&World::new(), &[], &mut all);
    insta::assert_snapshot!(all);
}

#[test]
fn every_shell_gets_its_completions() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = world.run(&["completion", shell]).expect(0);
        for word in ["trailmark", "snapshot", "idempotency-key"] {
            assert!(done.stdout.contains(word), "{shell} lacks `{word}`");
        }
    }
}
