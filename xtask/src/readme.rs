//! The README's commands, really run: what it tells a newcomer to type must work.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, bail};

use crate::{process, scratch::Scratch};

/// They run the checks and the demo themselves, so they are not run from within.
const NOT_RUN: [&str; 2] = ["cargo xtask demo", "cargo xtask test"];

/// All blocks together are a few minutes' reading; whatever hangs is ended.
const LIMIT: Duration = Duration::from_secs(180);

/// Runs the script that it is given as its own commands, shows each with its line, and names the one that failed.
const SHELL: &str = r#"
PS4='+ README.md:$LINENO: '
trap '{ code=$?; set +x; } 2>/dev/null; echo "README.md:$LINENO failed with $code" >&2; exit $code' ERR
set -x
source "$0"
"#;

/// Runs all ```` ```sh ```` blocks of the README in order, as one script in a scratch folder.
pub fn check(root: &Path) -> Result<()> {
    let text = fs::read_to_string(root.join("README.md")).context("could not read `README.md`")?;
    let script = script(&text);
    let count = script
        .lines()
        .filter(|line| !line.trim().is_empty())
        .count();
    if count == 0 {
        bail!("README.md has no commands to run");
    }
    let scratch = Scratch::fresh(root, "readme")?;
    let file = scratch.folder.join("README.md");
    fs::write(&file, script)?;
    let mut bash = scratch.command("bash");
    bash.current_dir(&scratch.folder)
        .args(["-Eeuo", "pipefail", "-c", SHELL])
        .arg(&file);
    let status =
        process::run_within(&mut bash, LIMIT).context("the README's commands did not end")?;
    if !status.success() {
        bail!("a command of the README failed; its line is named above");
    }
    println!("{count} lines of commands ran");
    Ok(())
}

/// The README with everything but the commands blanked, so that a line of the script is a line of the README.
fn script(readme: &str) -> String {
    let mut inside = false;
    let mut script = String::new();
    for line in readme.lines() {
        match line.trim() {
            "```sh" => inside = true,
            "```" => inside = false,
            command if inside && !NOT_RUN.contains(&without_comment(command)) => {
                script.push_str(line)
            }
            _ => {}
        }
        script.push('\n');
    }
    script
}

fn without_comment(command: &str) -> &str {
    command.split(" #").next().unwrap_or(command).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shell_blocks_are_commands_and_they_keep_their_lines() {
        let readme = "# Title\n```sh\necho one\n```\ntext\n```text\nnot run\n```\n```sh\necho two \\\n  three\n```\n";
        let script = script(readme);
        let commands: Vec<_> = script
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.is_empty())
            .map(|(at, line)| (at + 1, line))
            .collect();
        assert_eq!(
            commands,
            [(3, "echo one"), (10, "echo two \\"), (11, "  three")]
        );
    }

    #[test]
    fn the_two_commands_that_run_this_check_are_left_out() {
        assert_eq!(
            script("```sh\ncargo xtask demo   # see it\ncargo xtask test\ncargo xtask lint\n```")
                .trim(),
            "cargo xtask lint"
        );
    }

    #[test]
    fn a_failing_command_is_named_by_its_line_and_ends_the_script() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("README.md");
        fs::write(
            &file,
            script("Hello\n```sh\necho before\nfalse | true\necho after\n```\n"),
        )
        .unwrap();
        let output = std::process::Command::new("bash")
            .args(["-Eeuo", "pipefail", "-c", SHELL])
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "before\n");
        let shown = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(shown.ends_with("README.md:4 failed with 1\n"), "{shown}");
    }
}
