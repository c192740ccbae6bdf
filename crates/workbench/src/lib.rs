//! What a policy's author needs: a folder read, its cases run, its source checked.
//!
//! Nothing here decides about a release: verdicts come from the sandbox of the crate `policy` alone. The interpreter of
//! [`native`] only explains them: what was printed, which lines were reached.
//!
//! ```no_run
//! use policy::{Config, Sandbox};
//! use workbench::Folder;
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = Folder::open("policies/unit-tested".as_ref())?;
//! let policy = Sandbox::new(Config::default())?.prepare(&folder.source()?)?;
//! for case in folder.cases()?.iter() {
//!     let result = workbench::run(&policy, case)?;
//!     println!("{}: {}\n{}", case.place, result.passed(), result.diff());
//! }
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

pub mod bench;
mod build;
mod cases;
pub mod check;
mod component;
mod coverage;
mod folder;
mod junit;
mod locate;
pub mod native;
mod place;
mod read;
mod run;
mod suite;
pub mod template;

pub use build::{BuildError, build};
pub use cases::{
    CASES_BYTES_MAX, Case, Cases, CasesError, DOSSIER_BYTES_MAX, Expect, ExpectedFinding, Within,
};
pub use component::{ComponentError, WIT, component};
pub use coverage::{Coverage, FileCoverage, MissedRule};
pub use folder::{Folder, FolderError, Language, Manifest, Modules};
pub use junit::junit;
pub use locate::locate;
pub use native::Native;
pub use place::Place;
pub use read::{ReadError, parse_dossier};
pub use run::{CaseResult, Exceeded, outcome_text, run};
pub use suite::{Suite, Tested};
