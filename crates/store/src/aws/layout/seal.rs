//! What the sealer leaves at each seal: the one thing that two sealers race for.

use journal::note::Vkey;
use journal::tree::{Frontier, Hash};

use super::{Fields, Item, Key, Layout};
use crate::ReadError;

const NO_SEAL: &str = "a seal is none";

/// A state of the log.
#[derive(Debug, Clone)]
pub(in crate::aws) struct Seal {
    /// The seals are numbered from 0.
    pub(in crate::aws) number: u64,
    /// The signed checkpoint.
    pub(in crate::aws) checkpoint: String,
    /// The key that signed it.
    pub(in crate::aws) key: Vkey,
    /// The checkpoint outside that it takes the place of although the log does not continue it: a `recovered` entry of
    /// this seal says that it may.
    pub(in crate::aws) over: Option<String>,
    /// The tree, as far as going on needs it. Its size is the log's.
    pub(in crate::aws) frontier: Frontier,
    /// The object that holds what this seal added.
    pub(in crate::aws) staged: String,
    /// No batch that was written before this moment is still to be sealed, and none can still land.
    pub(in crate::aws) low_ms: u64,
    /// How many streams the log has.
    pub(in crate::aws) streams: u64,
    /// The size of the log at the newest list of all heads, itself included; 0 where there is none yet.
    pub(in crate::aws) heads: u64,
}

impl Seal {
    pub(in crate::aws) const fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(in crate::aws) fn item(&self, layout: &Layout) -> Item {
        let edge: Vec<u8> = self
            .frontier
            .edge()
            .iter()
            .flat_map(|hash| hash.0)
            .collect();
        let fields = Fields::of(layout.seal(self.number))
            .number("z", self.size())
            .text("c", self.checkpoint.as_str())
            .text("k", self.key.to_string())
            .bytes("f", edge)
            .text("o", self.staged.as_str())
            .number("l", self.low_ms)
            .number("s", self.streams)
            .number("h", self.heads);
        match &self.over {
            Some(over) => fields.text("x", over.as_str()).item(),
            None => fields.item(),
        }
    }

    pub(in crate::aws) fn read(layout: &Layout, item: Item) -> Result<Self, ReadError> {
        let key = Key::of(&item);
        let mut fields = Fields::read(item);
        let read = || {
            let key = key?;
            let number = key
                .sk
                .parse()
                .ok()
                .filter(|number| layout.seal(*number) == key)?;
            let size = fields.take_number("z")?;
            let edge = fields.take_bytes("f")?;
            let (hashes, rest) = edge.as_chunks::<32>();
            let edge = hashes.iter().map(|hash| Hash(*hash)).collect();
            Some(Self {
                number,
                checkpoint: fields.take_text("c")?,
                key: fields.take_text("k")?.parse().ok()?,
                over: if fields.has("x") {
                    Some(fields.take_text("x")?)
                } else {
                    None
                },
                frontier: Frontier::from_edge(size, edge).filter(|_| rest.is_empty())?,
                staged: fields.take_text("o")?,
                low_ms: fields.take_number("l")?,
                streams: fields.take_number("s")?,
                heads: fields.take_number("h")?,
            })
        };
        let seal = read().ok_or(ReadError::Corrupt(NO_SEAL))?;
        fields.done(NO_SEAL)?;
        Ok(seal)
    }
}
