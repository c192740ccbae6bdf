//! Programs that xtask starts: asked, run, or run with a time limit.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// Cargo as it was started, in `workspace`.
pub fn cargo(workspace: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace).stdin(Stdio::null());
    cargo
}

/// Runs a command with its output shown; fails unless it succeeds.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command
        .status()
        .with_context(|| format!("could not start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed: {status}");
    }
    Ok(())
}

/// Runs a command with its output shown and its result left to whoever asks next.
pub fn quiet(command: &mut Command) {
    if let Err(error) = run(command) {
        println!("{error:#}");
    }
}

/// What a command prints, or nothing when it fails.
pub fn text(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a command prints, as one trimmed line, or nothing when it fails or prints nothing.
pub fn line(command: &mut Command) -> Option<String> {
    text(command)
        .map(|text| text.trim().to_owned())
        .filter(|line| !line.is_empty())
}

/// Runs a command in a process group of its own; past `limit` the whole group is ended and it is an error.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<ExitStatus> {
    let shown = shown(command);
    let child = command
        .process_group(0)
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("could not start `{shown}`"))?;
    let group = child.id();
    let ended = wait_on_thread(child).recv_timeout(limit);
    // What the command left running in its group (a server, say) ends with it.
    signal("KILL", &format!("-{group}"));
    match ended {
        Ok(status) => Ok(status?),
        Err(_) => bail!("`{shown}` did not end within {} s", limit.as_secs()),
    }
}

/// Runs the words after it as a server, and ends that when its own stdin closes; ends with the server's code.
const GUARD: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ read -r _ <&3; kill "$server"; } 2>/dev/null &
watch=$!
exec 3<&-
wait "$server"
code=$?
kill "$watch" 2>/dev/null
exit "$code"
"#;

/// Starts a command for a server (its program is the first argument to add) that does not outlive this process, however
/// that ends: the server is asked to end when the pipe to its guard closes. A terminal's Ctrl-C does not reach it.
pub fn guarded() -> Command {
    let mut guard = Command::new("sh");
    guard
        .args(["-c", GUARD, "guard"])
        .stdin(Stdio::piped())
        .process_group(0);
    guard
}

/// Lets go of a [`guarded`] server and waits until it has ended; past `limit` it is killed and that is an error.
pub fn release(mut guard: Child, limit: Duration) -> Result<ExitStatus> {
    drop(guard.stdin.take());
    let group = guard.id();
    match wait_on_thread(guard).recv_timeout(limit) {
        Ok(status) => Ok(status?),
        Err(_) => {
            signal("KILL", &format!("-{group}"));
            bail!(
                "the server of process {group} did not end within {} s",
                limit.as_secs()
            )
        }
    }
}

/// Asks a child to end, waits at most `limit`, then ends it for good.
pub fn terminate(child: Child, limit: Duration) -> Result<ExitStatus> {
    let id = child.id().to_string();
    signal("TERM", &id);
    let ended = wait_on_thread(child);
    if let Ok(status) = ended.recv_timeout(limit) {
        return Ok(status?);
    }
    signal("KILL", &id);
    bail!(
        "process {id} did not end within {} s of SIGTERM",
        limit.as_secs()
    )
}

fn wait_on_thread(mut child: Child) -> mpsc::Receiver<std::io::Result<ExitStatus>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || send.send(child.wait()));
    receive
}

/// Sends a signal with the shell's own `kill`; who has already gone is no error.
fn signal(name: &str, to: &str) {
    let script = r#"kill -s "$0" -- "$1" 2>/dev/null"#;
    if let Err(error) = Command::new("sh").args(["-c", script, name, to]).status() {
        println!("could not signal `{to}`: {error}");
    }
}

/// A command as one would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_runs_past_its_limit_is_ended_with_its_children() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut command = shell("sleep 600 & wait");
        command.stdout(writer);
        let error = run_within(&mut command, Duration::from_millis(200)).unwrap_err();
        assert!(error.to_string().contains("did not end within"), "{error}");
        drop(command);
        // Ends only when nobody holds the other end any more.
        assert_eq!(std::io::Read::read(&mut reader, &mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_command_within_its_limit_gives_its_status() {
        let status = run_within(&mut shell("exit 3"), Duration::from_secs(60)).unwrap();
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn a_child_that_is_asked_to_end_may_say_how() {
        let mut child = shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");
        let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        assert_eq!(
            terminate(child, Duration::from_secs(60)).unwrap().code(),
            Some(7)
        );
    }

    #[test]
    fn a_guarded_server_ends_when_its_guard_is_let_go() {
        let script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done";
        let mut guard = guarded();
        guard.args(["sh", "-c", script]).stdout(Stdio::piped());
        let mut guard = guard.spawn().unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(guard.stdout.as_mut().unwrap(), &mut ready).unwrap();
        let status = release(guard, Duration::from_secs(60)).unwrap();
        assert_eq!(status.code(), Some(7));
    }

    #[test]
    fn a_guard_ends_with_the_code_of_a_server_that_ends_by_itself() {
        let mut guard = guarded();
        let mut guard = guard.args(["sh", "-c", "exit 3"]).spawn().unwrap();
        // Waiting closes the child's stdin, and that would end the server.
        let held = guard.stdin.take();
        assert_eq!(guard.wait().unwrap().code(), Some(3));
        drop(held);
    }

    #[test]
    fn a_server_that_will_not_end_is_killed_with_its_guard() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut guard = guarded();
        guard
            .args([
                "sh",
                "-c",
                "trap '' TERM; echo; while :; do sleep 0.05; done",
            ])
            .stdout(writer);
        let child = guard.spawn().unwrap();
        drop(guard);
        std::io::Read::read_exact(&mut reader, &mut [0]).unwrap();
        let error = release(child, Duration::from_millis(200)).unwrap_err();
        assert!(error.to_string().contains("did not end within"), "{error}");
        assert_eq!(std::io::Read::read(&mut reader, &mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_failed_command_is_named_as_typed() {
        let error = run(&mut shell("exit 1")).unwrap_err();
        assert!(
            error.to_string().starts_with("`sh -c exit 1` failed"),
            "{error}"
        );
    }
}
