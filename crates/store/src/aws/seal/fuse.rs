use async_trait::async_trait;

use super::SealError;

/// A write of the sealer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::aws) enum Write {
    /// What is to be sealed, as an object.
    Stage,
    /// The seal: the one write that decides.
    Seal,
    /// A tile or a bundle.
    Tile,
    /// An entry's place.
    Place,
    /// A stream's name.
    Stream,
    /// A list of heads.
    Heads,
    /// The checkpoint outside.
    Checkpoint,
}

/// Is asked before each write, and can hold it up or let it never happen: how tests make a sealer die at any point.
#[async_trait]
pub(in crate::aws) trait Fuse: Send + Sync {
    async fn before(&self, write: Write) -> Result<(), SealError>;
}

/// Lets every write happen.
#[derive(Debug)]
pub(in crate::aws) struct Whole;

#[async_trait]
impl Fuse for Whole {
    async fn before(&self, _: Write) -> Result<(), SealError> {
        Ok(())
    }
}
