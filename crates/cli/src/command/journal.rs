mod copy;
#[cfg(feature = "aws")]
mod create;
mod home;
#[cfg(feature = "aws")]
mod monitor;
#[cfg(feature = "aws")]
mod seal;

use anyhow::{Context as _, Result};
use clap::Subcommand;

use super::Global;
use crate::exit::Exit;

/// Journals as a whole, and where they are kept: a data folder `DIR`, or `aws:TABLE/BUCKET`.
#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    #[cfg(feature = "aws")]
    Create(create::Create),
    Copy(copy::Copy),
    #[cfg(feature = "aws")]
    Seal(seal::Seal),
    #[cfg(feature = "aws")]
    Monitor(monitor::Monitor),
}

impl Journal {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let runtime = tokio::runtime::Runtime::new().context("could not begin")?;
        runtime.block_on(async {
            match self {
                #[cfg(feature = "aws")]
                Self::Create(command) => command.run(global).await,
                Self::Copy(command) => command.run(global).await,
                #[cfg(feature = "aws")]
                Self::Seal(command) => command.run(global).await,
                #[cfg(feature = "aws")]
                Self::Monitor(command) => command.run(global).await,
            }
        })
    }
}
