//! The Rego sources of a policy and the documents beside them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use policy::{PolicySource, SOURCE_BYTES_MAX};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{ReadError, read};

/// Rego sources by their paths in the folder, and the documents that they see as `data`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Modules {
    /// The documents, each at the place that its folder names.
    pub data: Map<String, Value>,
    /// The sources by path, with `/` on every system.
    pub modules: BTreeMap<String, String>,
}

/// Files that a policy may be made of: beyond that, the folder is not a policy's.
const FILES_MAX: usize = 1_000;
/// How deep folders may lie within each other.
const DEPTH_MAX: usize = 16;
const DATA: [&str; 3] = ["data.json", "data.yaml", "data.yml"];

impl Modules {
    /// Reads every source below a folder, tests of Rego (`_test.rego`) and hidden folders left out.
    pub(crate) fn below(folder: &Path) -> Result<Self, ReadError> {
        let mut files = Vec::new();
        collect(folder, 0, &mut files)?;
        files.sort();
        let mut modules = Self::default();
        for path in files {
            let inside = path.strip_prefix(folder).unwrap_or(&path);
            if is_data(inside) {
                modules.add_data(&path, inside)?;
            } else {
                let text = read::text(&path, source_max())?;
                modules.modules.insert(slashed(inside), text);
            }
        }
        Ok(modules)
    }

    /// Reads a file that stands alone.
    pub(crate) fn alone(path: &Path) -> Result<Self, ReadError> {
        let name = path.file_name().unwrap_or_default();
        let text = read::text(path, source_max())?;
        let modules = BTreeMap::from([(slashed(name.as_ref()), text)]);
        Ok(Self {
            data: Map::new(),
            modules,
        })
    }

    /// Returns the one source, where there are neither others nor documents.
    #[must_use]
    pub fn only(&self) -> Option<(&str, &str)> {
        let mut modules = self.modules.iter();
        match (modules.next(), modules.next()) {
            (Some((path, text)), None) if self.data.is_empty() => Some((path, text)),
            _ => None,
        }
    }

    /// Returns what is published: the one source as it is, or a bundle of all in canonical JSON.
    ///
    /// # Errors
    /// When a document has no canonical form.
    pub fn source(&self) -> Result<PolicySource, serde_json::Error> {
        if let Some((_, text)) = self.only() {
            return Ok(PolicySource::Rego(text.into()));
        }
        let bytes = model::canonical::to_vec(self)?;
        let text = String::from_utf8(bytes).map_err(serde::ser::Error::custom)?;
        Ok(PolicySource::Rego(text.into()))
    }

    fn add_data(&mut self, path: &Path, inside: &Path) -> Result<(), ReadError> {
        let text = read::text(path, source_max())?;
        let given: Map<String, Value> = read::yaml(path, &text)?;
        let mut at = &mut self.data;
        for step in inside.parent().into_iter().flat_map(Path::components) {
            let key = step.as_os_str().to_string_lossy().into_owned();
            let below = at.entry(key).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(below) = below else {
                return Err(twice(path, &text));
            };
            at = below;
        }
        for (key, value) in given {
            if at.insert(key, value).is_some() {
                return Err(twice(path, &text));
            }
        }
        Ok(())
    }
}

fn twice(path: &Path, text: &str) -> ReadError {
    ReadError::wrong(
        crate::Place::new(path, 1, 1),
        text,
        "another document of the policy says the same differently",
    )
}

fn source_max() -> u64 {
    u64::try_from(SOURCE_BYTES_MAX).unwrap_or(u64::MAX)
}

fn is_data(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| DATA.iter().any(|data| name == *data))
}

fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".rego") && !name.ends_with("_test.rego")
}

fn slashed(path: &Path) -> String {
    let steps = path.components().filter_map(|step| match step {
        Component::Normal(step) => Some(step.to_string_lossy()),
        _ => None,
    });
    steps.collect::<Vec<_>>().join("/")
}

/// Finds sources and documents; folders of tools and hidden ones are not the policy's.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), ReadError> {
    let io = |source| ReadError::Io {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // A link is not followed: it could lead in a circle, and out of the folder.
        let kind = entry.file_type().map_err(io)?;
        if kind.is_dir() {
            let foreign = name.starts_with('.') || name == "target" || name == "node_modules";
            if !foreign && depth < DEPTH_MAX {
                collect(&path, depth + 1, files)?;
            }
        } else if kind.is_file() && (is_source(&path) || is_data(&path)) {
            files.push(path);
        }
        if files.len() > FILES_MAX {
            return Err(io(std::io::Error::other(format!(
                "there are more than {FILES_MAX} sources in it"
            ))));
        }
    }
    Ok(())
}

/// Says whether a folder holds Rego at all.
pub(crate) fn any_below(folder: &Path) -> bool {
    let mut files = Vec::new();
    collect(folder, 0, &mut files).is_ok() && files.iter().any(|path| is_source(path))
}
