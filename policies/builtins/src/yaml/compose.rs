//! From a document's places to a value: aliases are followed, merges are made, keys become texts.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use regorus::Value;

use super::scalar::Meaning;
use super::tree::{Id, Node, Scalar, Tree};

/// How much of a document may be made of aliases: almost all while it is small, little when it is large.
const SMALL: f64 = 400_000.0;
const LARGE: f64 = 4_000_000.0;

pub(super) fn value(tree: &Tree) -> Result<Value> {
    Composer {
        tree,
        following: BTreeSet::new(),
        made: 0,
        made_by_alias: 0,
    }
    .value(tree.root)
}

struct Composer<'a> {
    tree: &'a Tree,
    /// The aliases that are being followed.
    following: BTreeSet<Id>,
    made: u32,
    made_by_alias: u32,
}

impl<'a> Composer<'a> {
    fn count(&mut self) -> Result<()> {
        self.made += 1;
        if !self.following.is_empty() {
            self.made_by_alias += 1;
        }
        let made = f64::from(self.made);
        let allowed = 0.99 - 0.89 * ((made - SMALL) / (LARGE - SMALL)).clamp(0.0, 1.0);
        let excessive = self.made_by_alias > 100
            && self.made > 1000
            && f64::from(self.made_by_alias) / made > allowed;
        ensure!(!excessive, "the document is made of too many aliases");
        Ok(())
    }

    /// Follows an alias, and says where it leads.
    fn follow<T>(
        &mut self,
        id: Id,
        named: Id,
        make: impl FnOnce(&mut Self, Id) -> Result<T>,
    ) -> Result<T> {
        ensure!(self.following.insert(id), "an anchor contains itself");
        let made = make(self, named);
        self.following.remove(&id);
        made
    }

    fn value(&mut self, id: Id) -> Result<Value> {
        self.count()?;
        let tree = self.tree;
        match &tree.nodes[id] {
            Node::Scalar(scalar) => Meaning::of(scalar)?.value(),
            Node::Sequence(items) => {
                let items: Result<Vec<Value>> =
                    items.iter().map(|item| self.value(*item)).collect();
                Ok(items?.into())
            }
            Node::Mapping(entries) => {
                let mut fields = BTreeMap::new();
                self.mapping(entries, &mut fields)?;
                let fields: BTreeMap<Value, Value> = fields
                    .into_iter()
                    .map(|(key, value)| (key.into(), value))
                    .collect();
                Ok(fields.into())
            }
            Node::Alias(named) => self.follow(id, *named, Self::value),
        }
    }

    /// Adds the entries of a mapping that are not there: its own, of which the last of a name counts, then what it
    /// merges.
    fn mapping(
        &mut self,
        entries: &[(Id, Id)],
        fields: &mut BTreeMap<String, Value>,
    ) -> Result<()> {
        let mut own = BTreeMap::new();
        let mut merged = Vec::new();
        for (key, value) in entries {
            if self.is_merge(*key) {
                merged.push(*value);
                continue;
            }
            own.insert(self.key(*key)?, *value);
        }
        for (key, value) in own {
            let value = self.value(value)?;
            fields.entry(key).or_insert(value);
        }
        // Several merges are one of them all.
        for value in merged {
            match &self.tree.nodes[value] {
                Node::Sequence(items) => {
                    for item in items {
                        self.merge(*item, fields)?;
                    }
                }
                _ => self.merge(value, fields)?,
            }
        }
        Ok(())
    }

    fn merge(&mut self, id: Id, fields: &mut BTreeMap<String, Value>) -> Result<()> {
        self.count()?;
        let tree = self.tree;
        match &tree.nodes[id] {
            Node::Mapping(entries) => self.mapping(entries, fields),
            Node::Alias(named) => match &tree.nodes[*named] {
                Node::Mapping(entries) => {
                    self.follow(id, *named, |composer, _| composer.mapping(entries, fields))
                }
                _ => bail!("what is merged is a mapping, or several"),
            },
            _ => bail!("what is merged is a mapping, or several"),
        }
    }

    fn is_merge(&self, key: Id) -> bool {
        match &self.tree.nodes[key] {
            Node::Scalar(Scalar { text, plain, tag }) => match tag.as_deref() {
                None => *plain && text == "<<",
                Some(tag) => tag == "!!merge" && text == "<<",
            },
            _ => false,
        }
    }

    fn key(&mut self, id: Id) -> Result<String> {
        self.count()?;
        let tree = self.tree;
        match &tree.nodes[id] {
            Node::Scalar(scalar) => Meaning::of(scalar)?.key().context("`null` is not a key"),
            Node::Alias(named) => self.follow(id, *named, Self::key),
            Node::Sequence(_) | Node::Mapping(_) => bail!("a key is a scalar"),
        }
    }
}
