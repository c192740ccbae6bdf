//! Where in a policy's sources an error of the sandbox stands.

use std::path::Path;

use policy::PublishError;

use crate::{Modules, Place, ReadError};

/// The name that the engine gives to a source that stands alone.
const ALONE: &str = "policy.rego";

/// Points at the place of the sources where they keep a policy from being one: file, line and column, and the line
/// itself. `None` where the error has no place in them.
#[must_use]
pub fn locate(error: &PublishError, folder: &Path, modules: &Modules) -> Option<ReadError> {
    let source = Sources { folder, modules };
    match error {
        PublishError::Syntax { message } => source.said(message),
        PublishError::UnknownFunction { place, .. }
        | PublishError::ImpureFunction { place, .. }
        | PublishError::Recursion { place, .. }
        | PublishError::DefaultAllow { place } => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            source.said(&format!("{place}\nerror: {first}"))
        }
        PublishError::MissingRule { .. } => source.word("package", &error.to_string()),
        _ => None,
    }
}

struct Sources<'a> {
    folder: &'a Path,
    modules: &'a Modules,
}

impl<'a> Sources<'a> {
    /// Reads an error of the engine: `--> FILE:LINE:COLUMN`, the line, and `error: MESSAGE`.
    fn said(&self, message: &str) -> Option<ReadError> {
        let arrow = message
            .lines()
            .find_map(|line| line.trim().strip_prefix("--> "))?;
        let mut parts = arrow.rsplitn(3, ':');
        let column = parts.next()?.trim().parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        let (path, text) = self.source(parts.next()?)?;
        let said = message
            .lines()
            .filter_map(|line| line.trim().strip_prefix("error: "));
        let said = said.collect::<Vec<_>>().join("; ");
        Some(self.wrong(path, text, line, column, &said))
    }

    /// Finds the first place of a word outside of comments.
    fn word(&self, word: &str, message: &str) -> Option<ReadError> {
        for (path, text) in &self.modules.modules {
            for (index, line) in text.lines().enumerate() {
                let code = line.split('#').next().unwrap_or_default();
                let found = code.match_indices(word).find(|(at, _)| {
                    let before = code.get(..*at).and_then(|text| text.chars().next_back());
                    let after = code
                        .get(at + word.len()..)
                        .and_then(|text| text.chars().next());
                    !before.is_some_and(in_word) && !after.is_some_and(in_word)
                });
                if let Some((at, _)) = found {
                    let column = code.get(..at).unwrap_or_default().chars().count();
                    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
                    return Some(self.wrong(
                        path,
                        text,
                        number(index).saturating_add(1),
                        number(column).saturating_add(1),
                        message,
                    ));
                }
            }
        }
        None
    }

    fn source(&self, name: &str) -> Option<(&'a str, &'a str)> {
        let named = self.modules.modules.get_key_value(name);
        named
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .or_else(|| self.modules.only().filter(|_| name == ALONE))
    }

    fn wrong(&self, path: &str, text: &str, line: u64, column: u64, message: &str) -> ReadError {
        let place = Place::new(&self.folder.join(path), line, column);
        ReadError::wrong(place, text, message)
    }
}

/// Says whether a character may be part of a name, dots of paths included.
fn in_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_' || char == '.'
}
