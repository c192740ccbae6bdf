mod manifest;
mod modules;

use std::path::{Path, PathBuf};

use model::Name;
use policy::{POLICY_BYTES_MAX, PolicySource};
use serde_json::Value;

pub use manifest::{Language, Manifest};
pub use modules::Modules;

use crate::{Cases, CasesError, ComponentError, ReadError, component, read};

/// What `policy.yaml` and a schema of parameters may have.
const MANIFEST_BYTES_MAX: u64 = 256 * 1024;
const MANIFEST: &str = "policy.yaml";
const CASES: &str = "cases.yaml";

/// Why a folder is not a policy's.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is nothing there.
    #[error("there is no `{}`", path.display())]
    Absent {
        /// What was named.
        path: PathBuf,
    },
    /// It is neither a folder nor a file of a policy.
    #[error("`{}` is neither a folder nor a file that ends in `.rego` or `.wasm`", path.display())]
    NotAPolicy {
        /// What was named.
        path: PathBuf,
    },
    /// Nothing says what the folder holds.
    #[error("`{}` holds neither `policy.yaml` nor Rego", path.display())]
    NoManifest {
        /// The folder.
        path: PathBuf,
    },
    /// The folder's or the file's name cannot be a policy's.
    #[error("`{}` gives no name to a policy", path.display())]
    NoName {
        /// What was named.
        path: PathBuf,
        /// What names are.
        #[source]
        source: model::ParseError,
    },
    /// It is written in Rego, and there is none.
    #[error("there is no Rego in `{}`", path.display())]
    NoSource {
        /// The folder.
        path: PathBuf,
    },
    /// It becomes a component, and `policy.yaml` does not say where.
    #[error("`{}` does not say in `output` where the component is", path.display())]
    NoOutput {
        /// The file `policy.yaml`.
        path: PathBuf,
    },
    /// The component is not there.
    #[error("the component `{}` is not built yet", path.display())]
    NotBuilt {
        /// Where it should be.
        path: PathBuf,
        /// What builds it.
        build: Option<Vec<String>>,
    },
    /// What was built is a core module, and cannot become a component.
    #[error("`{}` is no component", path.display())]
    Component {
        /// The module.
        path: PathBuf,
        /// What it lacks.
        #[source]
        source: ComponentError,
    },
    /// Its documents have no canonical form.
    #[error("could not make a bundle of `{}`", path.display())]
    Bundle {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// A policy as its author keeps it: sources, cases, parameters. Each call reads what is there now.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    /// The one file that is the policy, where no folder was named.
    file: Option<PathBuf>,
    manifest: Manifest,
}

impl Folder {
    /// Reads what a folder says of itself; a file that ends in `.rego` or `.wasm` is a policy by itself.
    ///
    /// A folder of Rego needs no `policy.yaml`: then the policy is called as the folder is.
    ///
    /// # Errors
    /// Names what keeps it from being a policy's.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        if path.is_dir() {
            return Self::of_folder(path);
        }
        let language = match path.extension().and_then(|end| end.to_str()) {
            _ if !path.exists() => return Err(FolderError::Absent { path: path.into() }),
            Some("rego") => Language::Rego,
            Some("wasm") => Language::Wasm,
            _ => return Err(FolderError::NotAPolicy { path: path.into() }),
        };
        Ok(Self {
            path: path.parent().unwrap_or(Path::new("")).to_owned(),
            file: Some(path.to_owned()),
            manifest: Manifest::of(name(path, path.file_stem())?, language),
        })
    }

    fn of_folder(path: &Path) -> Result<Self, FolderError> {
        let file = path.join(MANIFEST);
        let manifest = if file.exists() {
            read::yaml(&file, &read::text(&file, MANIFEST_BYTES_MAX)?)?
        } else if modules::any_below(path) {
            let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            Manifest::of(name(path, whole.file_name())?, Language::Rego)
        } else {
            return Err(FolderError::NoManifest { path: path.into() });
        };
        Ok(Self {
            path: path.to_owned(),
            file: None,
            manifest,
        })
    }

    /// Returns where it lies: the folder, or the one in which the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what it says of itself.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the policy's name.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.manifest.name
    }

    /// Reads what is published: Rego source, a bundle of several, or the component that was built; a core module becomes one.
    ///
    /// # Errors
    /// Names the file that is absent or cannot be read.
    pub fn source(&self) -> Result<PolicySource, FolderError> {
        if let Some(modules) = self.modules()? {
            return modules.source().map_err(|source| FolderError::Bundle {
                path: self.path.clone(),
                source,
            });
        }
        let path = self.component()?;
        if !path.exists() {
            let build = self.manifest.build.clone();
            return Err(FolderError::NotBuilt { path, build });
        }
        let max = u64::try_from(POLICY_BYTES_MAX).unwrap_or(u64::MAX);
        let component = component(read::bytes(&path, max)?)
            .map_err(|source| FolderError::Component { path, source })?;
        Ok(PolicySource::Component(component.into()))
    }

    /// Reads the Rego sources and documents; `None` for a component.
    ///
    /// # Errors
    /// When one cannot be read, or there is none.
    pub fn modules(&self) -> Result<Option<Modules>, FolderError> {
        if self.manifest.language != Language::Rego {
            return Ok(None);
        }
        let modules = match &self.file {
            Some(file) => Modules::alone(file)?,
            None => Modules::below(&self.path)?,
        };
        if modules.modules.is_empty() {
            let path = self.path.clone();
            return Err(FolderError::NoSource { path });
        }
        Ok(Some(modules))
    }

    /// Returns where the component is, built or not.
    ///
    /// # Errors
    /// When `policy.yaml` does not say it.
    pub fn component(&self) -> Result<PathBuf, FolderError> {
        match (&self.file, &self.manifest.output) {
            (Some(file), _) => Ok(file.clone()),
            (None, Some(output)) => Ok(self.path.join(output)),
            (None, None) => Err(FolderError::NoOutput {
                path: self.path.join(MANIFEST),
            }),
        }
    }

    /// Returns where the cases are: `cases.yaml` beside everything else.
    #[must_use]
    pub fn cases_path(&self) -> PathBuf {
        self.path.join(CASES)
    }

    /// Reads the cases.
    ///
    /// # Errors
    /// When there are none, or when what is there is wrong.
    pub fn cases(&self) -> Result<Cases, CasesError> {
        Cases::open(&self.cases_path())
    }

    /// Reads the JSON schema of the parameters, where the policy has one.
    ///
    /// # Errors
    /// When it cannot be read or is no JSON.
    pub fn parameters(&self) -> Result<Option<Value>, ReadError> {
        let Some(file) = &self.manifest.parameters else {
            return Ok(None);
        };
        let path = self.path.join(file);
        let text = read::text(&path, MANIFEST_BYTES_MAX)?;
        read::yaml(&path, &text).map(Some)
    }
}

fn name(path: &Path, name: Option<&std::ffi::OsStr>) -> Result<Name, FolderError> {
    let name = name.unwrap_or_default().to_string_lossy();
    name.parse().map_err(|source| FolderError::NoName {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests;
