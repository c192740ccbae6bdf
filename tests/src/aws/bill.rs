//! Counting what AWS bills. DynamoDB Local's own counts are too low: it does not double writes in transactions, and takes
//! nothing for a read that finds nothing.

use std::ops::Sub;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::types::AttributeValue;

use super::place::Item;

/// Counts calls by what they cost. A call that is tried again counts once. A copy counts in the same place.
#[derive(Debug, Clone, Default)]
pub struct Bill(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    puts: AtomicU64,
    gets: AtomicU64,
    table_reads: AtomicU64,
}

/// Calls to S3, and reads of the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// `PUT`, `COPY`, `POST`, `LIST`.
    pub puts: u64,
    /// `GET` and whatever else.
    pub gets: u64,
    /// Reads of the table, each of which takes a unit or more.
    pub table_reads: u64,
}

impl Sub for Calls {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            puts: self.puts - before.puts,
            gets: self.gets - before.gets,
            table_reads: self.table_reads - before.table_reads,
        }
    }
}

impl Bill {
    /// Returns the calls so far.
    #[must_use]
    pub fn calls(&self) -> Calls {
        Calls {
            puts: self.0.puts.load(Ordering::SeqCst),
            gets: self.0.gets.load(Ordering::SeqCst),
            table_reads: self.0.table_reads.load(Ordering::SeqCst),
        }
    }
}

/// Sees every call once, before it is sent for the first time.
impl Intercept for Bill {
    fn name(&self) -> &'static str {
        "bill"
    }

    fn read_after_serialization(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        // Calls to the table have their action here.
        let target = request.headers().get("x-amz-target");
        let counter = match target.and_then(|target| target.rsplit('.').next()) {
            Some("GetItem" | "BatchGetItem" | "Query") => &self.0.table_reads,
            Some(_) => return Ok(()),
            None if matches!(request.method(), "GET" | "HEAD") => &self.0.gets,
            None => &self.0.puts,
        };
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Returns an item's bytes, as DynamoDB counts them (Developer Guide, "DynamoDB item sizes and formats").
#[must_use]
pub fn item_bytes(item: &Item) -> u64 {
    let attributes = item.iter();
    attributes
        .map(|(name, value)| name.len() as u64 + value_bytes(value))
        .sum()
}

fn value_bytes(value: &AttributeValue) -> u64 {
    match value {
        AttributeValue::S(text) => text.len() as u64,
        AttributeValue::B(bytes) => bytes.as_ref().len() as u64,
        // About one byte for two significant digits, and one more.
        AttributeValue::N(number) => {
            let digits = number.trim_end_matches('0').len() as u64;
            digits.div_ceil(2) + 1
        }
        AttributeValue::L(values) => {
            3 + values
                .iter()
                .map(|value| 1 + value_bytes(value))
                .sum::<u64>()
        }
        AttributeValue::M(fields) => 3 + fields.len() as u64 + item_bytes(fields),
        _ => 1,
    }
}

/// The parts of a table, by what their keys begin with after the journal's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Links and idempotency keys.
    Entries,
    /// The records of batches: the sealer's index.
    Batches,
    /// Small payloads.
    Payloads,
    /// What the sealer says: seals, positions, streams.
    Sealed,
    /// That there is a journal.
    Journal,
}

impl Part {
    /// Says to which part an item belongs.
    ///
    /// # Panics
    /// When it is none of a journal's.
    #[must_use]
    pub fn of(item: &Item) -> Self {
        let key = item["pk"].as_s().unwrap();
        let (_, key) = key.split_once('#').unwrap();
        match &key[..1] {
            "s" | "k" => Self::Entries,
            "q" => Self::Batches,
            "p" => Self::Payloads,
            "h" | "n" | "c" => Self::Sealed,
            "m" | "u" => Self::Journal,
            other => unreachable!("`{other}` is no part of a journal"),
        }
    }

    /// Returns the units that DynamoDB bills for writing an item: one a kilobyte, and twice that in a transaction
    /// (Developer Guide, "Amazon DynamoDB Transactions: How it works", capacity management).
    #[must_use]
    pub fn units(self, item: &Item) -> u64 {
        let in_transaction = matches!(self, Self::Entries | Self::Batches | Self::Journal);
        item_bytes(item).div_ceil(1024) * if in_transaction { 2 } else { 1 }
    }
}
