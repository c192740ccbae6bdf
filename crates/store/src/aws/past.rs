//! What is stored already, read before linking: the heads of the streams, the uses of the keys.

use std::collections::{HashMap, HashSet};

use journal::Draft;
use model::StreamName;

use super::layout::{Layout, Link, Use};
use super::parallel;
use super::table::{Range, Table};
use crate::ReadError;
use crate::error::Cause;
use crate::stage::{KeyUse, Last, Past};

/// Heads and keys as they were read.
#[derive(Debug, Default)]
pub(super) struct ReadPast {
    heads: HashMap<StreamName, Last>,
    uses: HashMap<[u8; 32], Use>,
}

impl ReadPast {
    /// Reads all that linking drafts asks for, at once.
    ///
    /// The last entry of `admin` is among it: it knows how often the clock was corrected.
    pub(super) async fn read(
        table: &Table,
        layout: &Layout,
        drafts: &[Draft],
    ) -> Result<Self, ReadError> {
        let streams = drafts
            .iter()
            .flat_map(|draft| draft.streams.iter().cloned());
        let streams: HashSet<_> = streams.chain([StreamName::admin()]).collect();
        let keys = drafts.iter().filter_map(|draft| draft.idempotency);
        let keys: HashSet<_> = keys.map(|used| used.key).collect();
        let heads = streams.into_iter().map(|stream| {
            let (table, layout) = (table.clone(), layout.clone());
            async move { Ok((stream.clone(), head(&table, &layout, &stream).await?)) }
        });
        let uses = keys.into_iter().map(|key| {
            let (table, layout) = (table.clone(), layout.clone());
            async move {
                let item = table.get(layout.idempotency(&key)).await?;
                Ok::<_, ReadError>((key, item.map(Use::read).transpose()?))
            }
        });
        let (heads, uses) = tokio::try_join!(
            parallel::all(heads.collect::<Vec<_>>()),
            parallel::all(uses.collect::<Vec<_>>())
        )?;
        let known = heads.into_iter();
        let used = uses.into_iter();
        Ok(Self {
            heads: known
                .filter_map(|(stream, last)| Some((stream, last?)))
                .collect(),
            uses: used.filter_map(|(key, used)| Some((key, used?))).collect(),
        })
    }

    /// Returns how often the clock was corrected, as far as any of the heads knows.
    pub(super) fn era(&self) -> u64 {
        let eras = self.heads.values().map(|last| last.era);
        eras.max().unwrap_or_default()
    }
}

/// Reads the last entry of a stream.
pub(super) async fn head(
    table: &Table,
    layout: &Layout,
    stream: &StreamName,
) -> Result<Option<Last>, ReadError> {
    let found = table.query(Range::last(layout.links(stream))).await?;
    let last = found.into_iter().next();
    last.map(|item| Ok(Link::read(layout, stream, item)?.last()))
        .transpose()
}

impl Past for &ReadPast {
    type Entry = Use;

    fn head(&mut self, stream: &StreamName) -> Result<Option<Last>, Cause> {
        Ok(self.heads.get(stream).copied())
    }

    fn key(&mut self, key: &[u8; 32]) -> Result<Option<KeyUse<Use>>, Cause> {
        Ok(self.uses.get(key).map(|used| KeyUse {
            content: used.content,
            entry: *used,
        }))
    }
}
