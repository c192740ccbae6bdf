use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::Blob;

use super::{Key, PK, SK};
use crate::ReadError;

/// An item as the service has it.
pub(in crate::aws) type Item = HashMap<String, AttributeValue>;

/// An item's attributes, or a map's, written one by one or taken out one by one.
#[derive(Debug, Clone, Default)]
pub(in crate::aws) struct Fields(Item);

impl Fields {
    /// Begins an item.
    pub(in crate::aws) fn of(key: Key) -> Self {
        Self(key.item())
    }

    pub(in crate::aws) fn text(self, name: &str, text: impl Into<String>) -> Self {
        self.with(name, AttributeValue::S(text.into()))
    }

    pub(in crate::aws) fn number(self, name: &str, number: u64) -> Self {
        self.with(name, AttributeValue::N(number.to_string()))
    }

    pub(in crate::aws) fn bytes(self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(name, AttributeValue::B(Blob::new(bytes)))
    }

    pub(in crate::aws) fn list(self, name: &str, values: Vec<AttributeValue>) -> Self {
        self.with(name, AttributeValue::L(values))
    }

    pub(in crate::aws) fn map(self, name: &str, fields: Self) -> Self {
        self.with(name, fields.value())
    }

    pub(in crate::aws) fn item(self) -> Item {
        self.0
    }

    pub(in crate::aws) fn value(self) -> AttributeValue {
        AttributeValue::M(self.0)
    }

    /// Begins to read an item, without its key.
    pub(in crate::aws) fn read(mut item: Item) -> Self {
        item.remove(PK);
        item.remove(SK);
        Self(item)
    }

    pub(in crate::aws) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(in crate::aws) fn take_text(&mut self, name: &str) -> Option<String> {
        match self.0.remove(name)? {
            AttributeValue::S(text) => Some(text),
            _ => None,
        }
    }

    pub(in crate::aws) fn take_number(&mut self, name: &str) -> Option<u64> {
        match self.0.remove(name)? {
            AttributeValue::N(number) => number.parse().ok(),
            _ => None,
        }
    }

    pub(in crate::aws) fn take_bytes(&mut self, name: &str) -> Option<Vec<u8>> {
        match self.0.remove(name)? {
            AttributeValue::B(bytes) => Some(bytes.into_inner()),
            _ => None,
        }
    }

    pub(in crate::aws) fn take_hash<const BYTES: usize>(
        &mut self,
        name: &str,
    ) -> Option<[u8; BYTES]> {
        self.take_bytes(name)?.try_into().ok()
    }

    pub(in crate::aws) fn take_list(&mut self, name: &str) -> Option<Vec<AttributeValue>> {
        match self.0.remove(name)? {
            AttributeValue::L(values) => Some(values),
            _ => None,
        }
    }

    pub(in crate::aws) fn take_map(&mut self, name: &str) -> Option<Self> {
        Self::from_value(self.0.remove(name)?)
    }

    pub(in crate::aws) fn from_value(value: AttributeValue) -> Option<Self> {
        match value {
            AttributeValue::M(fields) => Some(Self(fields)),
            _ => None,
        }
    }

    /// Ends reading: nothing may be left that we do not know.
    pub(in crate::aws) fn done(self, what: &'static str) -> Result<(), ReadError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(ReadError::Corrupt(what))
        }
    }

    fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }
}
