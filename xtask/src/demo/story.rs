//! How the demo tells its story: numbered steps, commands as one would type them, their answers indented.

use std::{
    io::{self, IsTerminal, Write},
    time::Instant,
};

/// Tells a story to `out`.
pub struct Story<W> {
    out: W,
    colour: bool,
    step: usize,
    started: Instant,
}

impl Story<io::Stdout> {
    /// Tells it to the terminal, in colour unless `NO_COLOR` is set or it is no terminal.
    pub fn to_terminal() -> Self {
        let out = io::stdout();
        let colour =
            out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self::new(out, colour)
    }
}

impl<W: Write> Story<W> {
    pub fn new(out: W, colour: bool) -> Self {
        Self {
            out,
            colour,
            step: 0,
            started: Instant::now(),
        }
    }

    /// Begins the next step.
    pub fn step(&mut self, title: &str) -> io::Result<()> {
        self.step += 1;
        let heading = self.paint(Paint::Bold, &format!("{}. {title}", self.step));
        let elapsed = self.paint(
            Paint::Dim,
            &format!("({:.1} s)", self.started.elapsed().as_secs_f64()),
        );
        writeln!(self.out, "\n{heading}  {elapsed}")
    }

    /// Says what the reader should notice.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "   {text}")
    }

    /// Shows a command as one would type it.
    pub fn typed(&mut self, command: &str) -> io::Result<()> {
        let command = self.paint(Paint::Cyan, &format!("$ {command}"));
        writeln!(self.out, "   {command}")
    }

    /// Shows what a command answered, and its exit code where that is not 0.
    pub fn answered(&mut self, text: &str, exit: i32) -> io::Result<()> {
        let bar = self.paint(Paint::Dim, "│");
        for line in text.lines() {
            writeln!(self.out, "   {bar} {line}")?;
        }
        if exit != 0 {
            let exit = self.paint(Paint::Yellow, &format!("exit {exit}"));
            writeln!(self.out, "   {bar} {exit}")?;
        }
        Ok(())
    }

    /// Ends the story with a last line.
    pub fn end(mut self, text: &str) -> io::Result<()> {
        let text = self.paint(Paint::Bold, text);
        writeln!(
            self.out,
            "\n{text}  ({} steps, {:.1} s)",
            self.step,
            self.started.elapsed().as_secs_f64()
        )
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Bold => 1,
            Paint::Dim => 2,
            Paint::Yellow => 33,
            Paint::Cyan => 36,
        };
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

#[derive(Clone, Copy)]
enum Paint {
    Bold,
    Dim,
    Yellow,
    Cyan,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(colour: bool) -> String {
        let mut out = Vec::new();
        let mut story = Story::new(&mut out, colour);
        story.step("A trail for this commit").unwrap();
        story.typed("trailmark decide 'my app'").unwrap();
        story.answered("denied\nno approval\n", 3).unwrap();
        story.end("That was it.").unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn steps_are_numbered_and_answers_indented() {
        let told = told(false);
        assert!(
            told.starts_with("\n1. A trail for this commit  ("),
            "{told}"
        );
        assert!(
            told.contains(
                "   $ trailmark decide 'my app'\n   │ denied\n   │ no approval\n   │ exit 3\n"
            ),
            "{told}"
        );
    }

    #[test]
    fn without_colour_there_is_no_escape_sequence() {
        assert!(!told(false).contains('\x1b'));
        assert!(told(true).contains("\x1b[33mexit 3\x1b[0m"));
    }
}
