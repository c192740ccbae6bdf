//! New policies: a folder with everything in it, in one of five languages. The control is the same in all of them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use model::Name;

use crate::Language;
use crate::component::WIT;

/// Why a new policy was not written.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// There is something already.
    #[error("`{}` is there already, and not empty", path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// There is no template of that language.
    #[error("there is no template in `{language:?}`")]
    NoTemplate {
        /// The language.
        language: Language,
    },
    /// The system refused it.
    #[error("could not write `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A file of a new policy, seen from its folder.
type File = (&'static str, &'static str);

/// Takes a file of the folder `templates` under the name that it gets.
macro_rules! file {
    ($name:literal, $from:literal) => {
        ($name, include_str!(concat!("../templates/", $from)))
    };
}

/// What comes with every policy. The cases and the Rego are those of `policies/unit-tested`.
const SHARED: [File; 4] = [
    (
        "cases.yaml",
        include_str!("../../../policies/unit-tested/cases.yaml"),
    ),
    file!("parameters.json", "shared/parameters.json"),
    file!("ci/github-actions.yml", "shared/github-actions.yml"),
    file!("ci/gitlab-ci.yml", "shared/gitlab-ci.yml"),
];

const REGO: &[File] = &[
    file!("policy.yaml", "rego/policy.yaml"),
    file!("README.md", "rego/README.md"),
    (
        "policy.rego",
        include_str!("../../../policies/unit-tested/policy.rego"),
    ),
];

const RUST: &[File] = &[
    file!("policy.yaml", "rust/policy.yaml"),
    file!("README.md", "rust/README.md"),
    file!("Cargo.toml", "rust/Cargo.toml.txt"),
    file!("src/lib.rs", "rust/lib.rs"),
    file!(".gitignore", "rust/gitignore"),
    ("wit/policy.wit", WIT),
];

const JAVASCRIPT: &[File] = &[
    file!("policy.yaml", "javascript/policy.yaml"),
    file!("README.md", "javascript/README.md"),
    file!("package.json", "javascript/package.json"),
    file!("build.mjs", "javascript/build.mjs"),
    file!("policy.js", "javascript/policy.js"),
    file!(".gitignore", "javascript/gitignore"),
    ("wit/policy.wit", WIT),
];

const PYTHON: &[File] = &[
    file!("policy.yaml", "python/policy.yaml"),
    file!("README.md", "python/README.md"),
    file!("requirements.txt", "python/requirements.txt"),
    file!("build.py", "python/build.py"),
    file!("policy.py", "python/policy.py"),
    file!(".gitignore", "python/gitignore"),
    ("wit/policy.wit", WIT),
];

const C: &[File] = &[
    file!("policy.yaml", "c/policy.yaml"),
    file!("README.md", "c/README.md"),
    file!("policy.c", "c/policy.c"),
    file!("json.h", "c/json.h"),
    file!("json.c", "c/json.c"),
    file!("bindings/policy.h", "c/bindings/policy.h"),
    file!("bindings/policy.c", "c/bindings/policy.c"),
    file!("libc/stdlib.h", "c/libc/stdlib.h"),
    file!("libc/string.h", "c/libc/string.h"),
    file!("libc/libc.c", "c/libc/libc.c"),
    file!(".gitignore", "c/gitignore"),
    ("wit/policy.wit", WIT),
];

/// Writes a new policy into a folder that is not there yet, or empty, and returns its files, seen from there.
///
/// # Errors
/// When anything is there already: nothing is ever overwritten.
pub fn create(
    name: &Name,
    language: Language,
    folder: &Path,
) -> Result<Vec<PathBuf>, TemplateError> {
    let files = match language {
        Language::Rego => REGO,
        Language::Rust => RUST,
        Language::Javascript => JAVASCRIPT,
        Language::Python => PYTHON,
        Language::C => C,
        Language::Wasm => return Err(TemplateError::NoTemplate { language }),
    };
    let taken = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    };
    if taken {
        let path = folder.to_owned();
        return Err(TemplateError::Taken { path });
    }
    let files = files.iter().chain(&SHARED);
    files
        .map(|(path, text)| {
            write(&folder.join(path), &text.replace("{{name}}", name.as_str()))?;
            Ok(path.into())
        })
        .collect()
}

fn write(path: &Path, text: &str) -> Result<(), TemplateError> {
    let written = || {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(text.as_bytes())
    };
    written().map_err(|source| TemplateError::Io {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANGUAGES: [Language; 5] = [
        Language::Rego,
        Language::Rust,
        Language::Javascript,
        Language::Python,
        Language::C,
    ];

    #[test]
    fn every_language_has_what_a_policys_folder_needs() {
        let below = tempfile::tempdir().unwrap();
        let name: Name = "well-tested".parse().unwrap();
        for language in LANGUAGES {
            let folder = below.path().join(format!("{language:?}"));
            let files = create(&name, language, &folder).unwrap();
            for file in &files {
                let text = fs::read_to_string(folder.join(file)).unwrap();
                assert!(
                    !text.contains("{{name}}"),
                    "{language:?} {}",
                    file.display()
                );
            }
            let read = crate::Folder::open(&folder).unwrap();
            assert_eq!(read.name(), &name);
            assert_eq!(read.manifest().language, language);
            assert!(read.cases().unwrap().iter().count() > 10);
            assert!(read.parameters().unwrap().is_some());
        }
    }

    #[test]
    fn the_steps_for_continuous_integration_are_yaml_and_type_the_loop() {
        let below = tempfile::tempdir().unwrap();
        let folder = below.path().join("tested");
        create(&"well-tested".parse().unwrap(), Language::C, &folder).unwrap();
        let read = |file: &str| -> serde_json::Value {
            let text = fs::read_to_string(folder.join("ci").join(file)).unwrap();
            serde_saphyr::from_str(&text).unwrap()
        };
        let github = read("github-actions.yml");
        let steps = github["jobs"]["policy"]["steps"].as_array().unwrap();
        let typed = steps.iter().filter_map(|step| step["run"].as_str());
        let typed: Vec<_> = typed.map(str::to_owned).collect();
        let gitlab = read("gitlab-ci.yml");
        let script = gitlab["well-tested"]["script"].as_array().unwrap();
        let scripted: Vec<_> = script
            .iter()
            .map(|line| line.as_str().unwrap().to_owned())
            .collect();
        for commands in [typed, scripted].map(|lines| lines.join("\n")) {
            for command in [
                "policy build",
                "policy test",
                "policy publish well-tested .",
            ] {
                assert!(
                    commands.contains(&format!("trailmark {command}")),
                    "{commands}"
                );
            }
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let name: Name = "well-tested".parse().unwrap();
        let note = folder.path().join("README.md");
        fs::write(&note, "mine").unwrap();
        for taken in [folder.path(), note.as_path()] {
            let error = create(&name, Language::Rego, taken).unwrap_err();
            assert!(matches!(error, TemplateError::Taken { .. }), "{error}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(note).unwrap(), "mine");
    }
}
