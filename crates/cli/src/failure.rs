//! Why a command did not do what was asked, and the one printer of it.

use std::error::Error;
use std::fmt;
use std::io::Write as _;

use crate::exit::Exit;
use crate::output::{Style, printable};

/// An error that says how the command ends, and what its user can do.
///
/// Around it there may be any context; an error without one in its chain ends the command with [`Exit::Failed`].
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    /// A command that was used in a wrong way.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}

/// Writes an error to standard error: what failed, each cause on a line of its own, what to do.
pub(crate) fn report(error: &anyhow::Error) -> Exit {
    // Nobody is left to tell when standard error is closed.
    let _ = std::io::stderr().write_all(written(error, Style::of_stderr()).as_bytes());
    failure(error).map_or(Exit::Failed, |failure| failure.exit)
}

fn failure(error: &anyhow::Error) -> Option<&Failure> {
    error.chain().find_map(<dyn Error>::downcast_ref)
}

fn written(error: &anyhow::Error, style: Style) -> String {
    let mut text = String::new();
    let mut line = |label: &str, said: &str| {
        text.push_str(label);
        // An excerpt of a source has lines of its own; indented, none of them passes for a line of ours.
        let mut lines = said.lines();
        text.push(' ');
        text.push_str(&printable(lines.next().unwrap_or_default()));
        for said in lines {
            text.push_str("\n  ");
            text.push_str(&printable(said));
        }
        text.push('\n');
    };
    line(&style.bad("error:"), &error.to_string());
    for cause in error.chain().skip(1) {
        line(&style.dim("cause:"), &cause.to_string());
    }
    let hint = error
        .chain()
        .filter_map(<dyn Error>::downcast_ref::<Failure>)
        .find_map(|failure| failure.hint.as_deref());
    if let Some(hint) = hint {
        line(&style.good("hint:"), hint);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_keeps_its_lines_and_none_of_them_passes_for_ours() {
        let error = anyhow::anyhow!("a.rego:2:1: wrong\nhint: do evil\n^");
        assert_eq!(
            written(&error, Style::PLAIN),
            "error: a.rego:2:1: wrong\n  hint: do evil\n  ^\n"
        );
    }

    #[test]
    fn an_error_is_told_with_its_causes_and_one_hint() {
        let source = std::io::Error::other("the disk is on fire\u{1b}[2J");
        let failure = Failure::usage("could not read `a`")
            .because(source)
            .with_hint("put it out");
        let error = anyhow::Error::from(failure).context("could not begin");
        assert_eq!(
            written(&error, Style::PLAIN),
            "error: could not begin\ncause: could not read `a`\n\
             cause: the disk is on fire\u{fffd}[2J\nhint: put it out\n"
        );
        assert_eq!(super::failure(&error).unwrap().exit, Exit::Usage);
    }
}
