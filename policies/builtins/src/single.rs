//! One value where there must be one: of a rule, of a function, of a key in an object.
//!
//! The virtual machine takes the first value, or the last, or none, and goes on; in OPA two values are the end of the
//! query. So the engine writes calls of these functions wherever a policy could give two values, and asks at the end
//! whether there were any ([`contradiction`]).

use std::cell::RefCell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use regorus::Value;

use crate::Result;
use crate::arguments::text;

thread_local! {
    static VALUES: RefCell<BTreeMap<String, Value>> = const { RefCell::new(BTreeMap::new()) };
    static CONTRADICTION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Forgets what was given before: a new evaluation begins.
pub fn forget() {
    VALUES.with_borrow_mut(BTreeMap::clear);
    CONTRADICTION.set(None);
}

/// Says what had two values since the last [`forget`].
#[must_use]
pub fn contradiction() -> Option<String> {
    CONTRADICTION.with_borrow(Clone::clone)
}

/// Begins a call of a function: what it gave before, it gave to others. It never holds.
pub(crate) fn begin(arguments: &[Value]) -> Result {
    let name = text(arguments, 0)?;
    VALUES.with_borrow_mut(|values| values.remove(name));
    Ok(false.into())
}

/// Gives the value of one of a rule's definitions, if none had another.
pub(crate) fn one(arguments: &[Value]) -> Result {
    let (name, value) = (text(arguments, 0)?, argument(arguments, 1)?);
    VALUES.with_borrow_mut(|values| match values.get(name) {
        Some(known) if known != value => contradict(format!("`{name}` is {known} and {value}")),
        Some(_) => Ok(value.clone()),
        None => {
            values.insert(name.to_owned(), value.clone());
            Ok(value.clone())
        }
    })
}

/// Gives the one element of a set of all values of a definition; none has none.
pub(crate) fn single(arguments: &[Value]) -> Result {
    let name = text(arguments, 0)?;
    let values = argument(arguments, 1)?.as_set()?;
    let mut values = values.iter_sorted();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.clone()),
        (Some(one), Some(other)) => contradict(format!("`{name}` is {one} and {other}")),
        (None, _) => bail!("`{name}` has no value"),
    }
}

/// Makes an object of a set of pairs, in which no key has two values.
pub(crate) fn object(arguments: &[Value]) -> Result {
    let mut fields = BTreeMap::new();
    for (key, value) in pairs(arguments)? {
        match fields.entry(key) {
            Entry::Vacant(place) => {
                place.insert(value);
            }
            Entry::Occupied(known) => {
                let (key, known) = (known.key(), known.get());
                return contradict(format!("the key {key} of an object is {known} and {value}"));
            }
        }
    }
    Ok(Value::from(fields))
}

/// Makes an object of a set of pairs: for each key, the set of its values.
pub(crate) fn groups(arguments: &[Value]) -> Result {
    let mut fields: BTreeMap<Value, BTreeSet<Value>> = BTreeMap::new();
    for (key, value) in pairs(arguments)? {
        fields.entry(key).or_default().insert(value);
    }
    let fields: BTreeMap<Value, Value> = fields
        .into_iter()
        .map(|(key, values)| (key, Value::from(values)))
        .collect();
    Ok(Value::from(fields))
}

fn contradict(what: String) -> Result {
    CONTRADICTION.with_borrow_mut(|known| {
        known.get_or_insert_with(|| what.clone());
    });
    bail!(what)
}

fn argument(arguments: &[Value], at: usize) -> anyhow::Result<&Value> {
    arguments.get(at).context("an argument is missing")
}

fn pairs(arguments: &[Value]) -> anyhow::Result<Vec<(Value, Value)>> {
    argument(arguments, 0)?
        .as_set()?
        .iter_sorted()
        .map(|pair| match pair.as_array()?.as_slice() {
            [key, value] => Ok((key.clone(), value.clone())),
            _ => bail!("a pair has two parts"),
        })
        .collect()
}
