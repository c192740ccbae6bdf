use std::fmt;
use std::str::FromStr;

use model::{EntryHash, ParseError, Root, StreamName};

use super::{EMPTY, Leaf, bit, key_of};
use crate::tree::{Hash, node_hash};

/// A key has so many bits.
const DEPTH_MAX: usize = 256;

/// What a map says of one stream, with the siblings that lead from there to the root.
///
/// As text: `head <seq> <entry hash>`, `nothing`, or `other <key> <seq> <entry hash>`, and then the siblings from the
/// top down, all separated by one space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapProof {
    /// What stands at the end of the key's way.
    pub end: End,
    /// The hashes beside the way, from the top down.
    pub siblings: Vec<Hash>,
}

/// What stands at the end of a key's way through the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The stream's head.
    Head {
        /// The place of its last entry.
        seq: u64,
        /// The last entry's hash.
        entry: EntryHash,
    },
    /// Nothing: the stream has no entry.
    Nothing,
    /// Another stream's leaf: the stream has no entry.
    Other(Leaf),
}

impl MapProof {
    /// Computes the root that the proof leads to for a stream; `None` where it cannot be a proof for this stream.
    ///
    /// Whoever finds the map's root has proved [`MapProof::end`].
    #[must_use]
    pub fn root(&self, stream: &StreamName) -> Option<Hash> {
        let key = key_of(stream);
        let depth = self.siblings.len();
        if depth > DEPTH_MAX {
            return None;
        }
        let end = match &self.end {
            End::Head { seq, entry } => Leaf::new(stream, *seq, *entry).hash(),
            End::Nothing => EMPTY,
            End::Other(leaf) => {
                let same_way = (0..depth).all(|depth| bit(&leaf.key, depth) == bit(&key, depth));
                if leaf.key == key || !same_way {
                    return None;
                }
                leaf.hash()
            }
        };
        let root = (0..depth)
            .zip(&self.siblings)
            .rev()
            .fold(end, |node, (depth, sibling)| {
                if bit(&key, depth) {
                    node_hash(sibling, &node)
                } else {
                    node_hash(&node, sibling)
                }
            });
        Some(root)
    }
}

impl fmt::Display for MapProof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.end {
            End::Head { seq, entry } => write!(out, "head {seq} {entry}")?,
            End::Nothing => out.write_str("nothing")?,
            End::Other(leaf) => {
                write!(out, "other {} {} {}", Root(leaf.key), leaf.seq, leaf.entry)?;
            }
        }
        self.siblings
            .iter()
            .try_for_each(|sibling| write!(out, " {sibling}"))
    }
}

impl FromStr for MapProof {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text).ok_or_else(|| ParseError {
            value: text.chars().take(80).flat_map(char::escape_debug).collect(),
            expected: "a map proof: `head <seq> <entry>`, `nothing` or `other <key> <seq> <entry>`, and siblings",
        })
    }
}

fn parse(text: &str) -> Option<MapProof> {
    let mut words = text.split(' ');
    let end = match words.next()? {
        "head" => End::Head {
            seq: crate::decimal(words.next()?)?,
            entry: words.next()?.parse().ok()?,
        },
        "nothing" => End::Nothing,
        "other" => End::Other(Leaf {
            key: words.next()?.parse::<Root>().ok()?.0,
            seq: crate::decimal(words.next()?)?,
            entry: words.next()?.parse().ok()?,
        }),
        _ => return None,
    };
    let siblings: Vec<Hash> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
    (siblings.len() <= DEPTH_MAX).then_some(MapProof { end, siblings })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::map::Map;

    /// The root by the definition in [`crate::map`].
    fn naive_root(leaves: &[Leaf], depth: usize) -> Hash {
        match leaves {
            [] => EMPTY,
            [only] => only.hash(),
            _ => {
                let (right, left): (Vec<_>, Vec<_>) = leaves
                    .iter()
                    .copied()
                    .partition(|leaf| bit(&leaf.key, depth));
                node_hash(
                    &naive_root(&left, depth + 1),
                    &naive_root(&right, depth + 1),
                )
            }
        }
    }

    fn stream(number: u16) -> StreamName {
        format!("trail/pay/{number}").parse().unwrap()
    }

    #[test]
    fn a_map_of_one_stream_is_its_leaf_and_an_empty_one_is_zero() {
        let mut map = Map::new();
        assert_eq!(map.root(), EMPTY);
        assert_eq!(map.prove(&stream(1)).end, End::Nothing);
        map.set(Leaf::new(&stream(1), 5, EntryHash([9; 32])));
        assert_eq!(
            map.root(),
            Leaf::new(&stream(1), 5, EntryHash([9; 32])).hash()
        );
        assert!(map.prove(&stream(1)).siblings.is_empty());
    }

    #[test]
    fn a_leaf_on_another_way_proves_no_absence() {
        let mut map: Map = [
            (&stream(1), 0, EntryHash([1; 32])),
            (&stream(2), 0, EntryHash([2; 32])),
        ]
        .into_iter()
        .collect();
        let leaf = |number: u16| {
            Leaf::new(
                &stream(number),
                0,
                EntryHash([u8::try_from(number).unwrap(); 32]),
            )
        };
        let siblings = map.prove(&stream(1)).siblings;
        let proof = MapProof {
            end: End::Other(leaf(1)),
            siblings,
        };
        assert_eq!(
            proof.root(&stream(1)),
            None,
            "its own leaf shows that it is there"
        );
        assert_eq!(proof.root(&stream(2)), None, "the leaf is not on this way");
        let too_long = MapProof {
            end: End::Nothing,
            siblings: vec![EMPTY; 257],
        };
        assert_eq!(too_long.root(&stream(1)), None);
        assert!(too_long.to_string().parse::<MapProof>().is_err());
        assert_ne!(map.root(), EMPTY);
    }

    #[test]
    fn a_proof_has_one_spelling() {
        let hash = "00".repeat(32);
        for good in [
            "nothing".to_owned(),
            format!("head 7 {hash} {hash}"),
            format!("other {hash} 0 {hash}"),
        ] {
            assert_eq!(good.parse::<MapProof>().unwrap().to_string(), good);
        }
        for bad in [
            String::new(),
            "nothing ".to_owned(),
            " nothing".to_owned(),
            format!("head 07 {hash}"),
            format!("nothing  {hash}"),
            "head 7".to_owned(),
            format!("nothing {}", &hash[1..]),
            format!("head 7 {}", "AA".repeat(32)),
        ] {
            assert!(bad.parse::<MapProof>().is_err(), "accepted `{bad}`");
        }
    }

    proptest! {
        #[test]
        fn roots_and_proofs_are_those_of_the_definition(steps in prop::collection::vec((0..60_u16, 0..9_u64, any::<u8>(), any::<bool>()), 0..80)) {
            let mut map = Map::new();
            let mut heads = BTreeMap::new();
            for (number, seq, byte, hash_now) in steps {
                let entry = EntryHash([byte; 32]);
                map.set(Leaf::new(&stream(number), seq, entry));
                heads.insert(number, (seq, entry));
                if hash_now {
                    map.root();
                }
            }
            let leaves: Vec<_> = heads.iter().map(|(number, (seq, entry))| Leaf::new(&stream(*number), *seq, *entry)).collect();
            let root = naive_root(&leaves, 0);
            prop_assert_eq!(map.root(), root);
            prop_assert_eq!(map.streams(), heads.len() as u64);
            for number in 0..80 {
                let proof = map.prove(&stream(number));
                prop_assert_eq!(proof.root(&stream(number)), Some(root));
                let found = match proof.end {
                    End::Head { seq, entry } => Some((seq, entry)),
                    End::Nothing | End::Other(_) => None,
                };
                prop_assert_eq!(found, heads.get(&number).copied());
                prop_assert_eq!(&proof.to_string().parse::<MapProof>().unwrap(), &proof);
                if found.is_some() {
                    prop_assert_ne!(proof.root(&stream(number + 100)), Some(root));
                }
            }
        }
    }
}
