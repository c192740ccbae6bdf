//! The calls to the table, each with its errors told apart: read consistently, put what is not there, nothing else.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, KeysAndAttributes, Put, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};

use super::backoff::Backoff;
use super::client::Clients;
use super::error::{CallError, Reason};
use super::layout::{Item, Key};
use super::meter::Meter;

/// What the service takes: items in one transaction, their bytes, bytes of one item, keys in one batch of reads.
pub(super) const TRANSACTION_ITEMS_MAX: usize = 100;
pub(super) const TRANSACTION_BYTES_MAX: usize = 4 * 1024 * 1024;
pub(super) const ITEM_BYTES_MAX: usize = 400 * 1024;
const READ_KEYS_MAX: usize = 100;
/// How often keys that the service left out are asked for again.
const LEFT_OUT_ATTEMPTS: u32 = 8;
const LEFT_OUT_WAIT: Duration = Duration::from_millis(25);
const LEFT_OUT_WAIT_MAX: Duration = Duration::from_secs(2);

const IF_ABSENT: &str = "attribute_not_exists(pk)";
const ALL_OLD: ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure::AllOld;

/// One table. A copy is the same one.
#[derive(Clone)]
pub(super) struct Table {
    client: Client,
    name: String,
    /// How errors name it: a table of this name may be in another region.
    resource: String,
    meter: Arc<Meter>,
}

/// Which items of one `pk` are wanted, in the order of their `sk`.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub(super) pk: String,
    /// The first `sk`, included.
    pub(super) from: Option<String>,
    /// The last `sk`, included.
    pub(super) to: Option<String>,
    /// Whether to begin at the end.
    pub(super) backward: bool,
    /// How many.
    pub(super) limit: usize,
}

impl Range {
    /// All of them.
    pub(super) const fn all(pk: String) -> Self {
        Self {
            pk,
            from: None,
            to: None,
            backward: false,
            limit: usize::MAX,
        }
    }

    /// The last one.
    pub(super) fn last(pk: String) -> Self {
        Self {
            backward: true,
            limit: 1,
            ..Self::all(pk)
        }
    }
}

/// What became of a put.
#[derive(Debug)]
pub(super) enum Placed {
    /// It was done.
    Done,
    /// This item was there: another's, or this very one, when an answer was lost.
    Taken(Item),
}

/// What became of a transaction.
#[derive(Debug)]
pub(super) enum Transacted {
    /// It was done: now, or before, with the same token.
    Done,
    /// It was not done, for these reasons, item by item.
    Cancelled(Vec<Obstacle>),
}

/// Why one item of a transaction was not put.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Obstacle {
    /// It was not this one's fault.
    None,
    /// This item was there.
    Taken(Item),
    /// Another write to the same item is under way.
    Conflict,
    /// Too much is asked of its key or its table.
    Throttled,
    /// The service does not take it.
    Refused(String),
}

impl Table {
    pub(super) fn new(clients: &Clients, name: &str) -> Self {
        let region = clients
            .sdk
            .region()
            .map_or("no region", |region| region.as_ref());
        Self {
            client: clients.dynamodb.clone(),
            name: name.to_owned(),
            resource: format!("{name} in {region}"),
            meter: clients.meter(),
        }
    }

    /// Returns how errors name it.
    pub(super) fn resource(&self) -> &str {
        &self.resource
    }

    /// Reads an item.
    pub(super) async fn get(&self, key: Key) -> Result<Option<Item>, CallError> {
        self.get_attributes(key, None).await
    }

    /// Reads some attributes of an item, as a projection names them.
    pub(super) async fn get_attributes(
        &self,
        key: Key,
        projection: Option<&str>,
    ) -> Result<Option<Item>, CallError> {
        const ACTION: &str = "dynamodb:GetItem";
        let got = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key.item()))
            .set_projection_expression(projection.map(str::to_owned))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| read_error(CallError::of(ACTION, self.resource(), error)))?;
        self.meter
            .read(got.consumed_capacity.and_then(|units| units.capacity_units));
        Ok(got.item)
    }

    /// Reads items; those that are not there are not in the answer.
    pub(super) async fn get_all(&self, keys: Vec<Key>) -> Result<HashMap<Key, Item>, CallError> {
        let mut found = HashMap::with_capacity(keys.len());
        let mut keys = keys;
        keys.sort_by(|one, other| (&one.pk, &one.sk).cmp(&(&other.pk, &other.sk)));
        keys.dedup();
        for keys in keys.chunks(READ_KEYS_MAX) {
            let keys = keys.iter().map(|key| key.clone().item()).collect();
            self.get_chunk(keys, &mut found).await?;
        }
        Ok(found)
    }

    async fn get_chunk(
        &self,
        mut keys: Vec<Item>,
        found: &mut HashMap<Key, Item>,
    ) -> Result<(), CallError> {
        const ACTION: &str = "dynamodb:BatchGetItem";
        let mut backoff = Backoff::new(LEFT_OUT_WAIT, LEFT_OUT_WAIT_MAX);
        for _ in 0..LEFT_OUT_ATTEMPTS {
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(true)
                .build()
                .map_err(|_| CallError::because(ACTION, self.resource(), Reason::Refused))?;
            let mut got = self
                .client
                .batch_get_item()
                .request_items(&self.name, wanted)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| read_error(CallError::of(ACTION, self.resource(), error)))?;
            for units in got.consumed_capacity.unwrap_or_default() {
                self.meter.read(units.capacity_units);
            }
            let items = got
                .responses
                .as_mut()
                .and_then(|all| all.remove(&self.name));
            for item in items.unwrap_or_default() {
                found.extend(Key::of(&item).map(|key| (key, item)));
            }
            let left = got
                .unprocessed_keys
                .as_mut()
                .and_then(|all| all.remove(&self.name));
            keys = left.map(|left| left.keys).unwrap_or_default();
            if keys.is_empty() {
                return Ok(());
            }
            backoff.wait().await;
        }
        Err(CallError::because(
            ACTION,
            self.resource(),
            Reason::Throttled,
        ))
    }

    /// Reads items of one `pk`, page by page, up to the limit.
    pub(super) async fn query(&self, range: Range) -> Result<Vec<Item>, CallError> {
        self.query_attributes(range, None).await
    }

    /// Reads some attributes of items of one `pk`.
    pub(super) async fn query_attributes(
        &self,
        range: Range,
        projection: Option<&str>,
    ) -> Result<Vec<Item>, CallError> {
        const ACTION: &str = "dynamodb:Query";
        let mut found = Vec::new();
        let limit = range.limit;
        let mut next = None;
        while found.len() < limit {
            let left = i32::try_from(limit - found.len()).ok();
            let got = self
                .page(&range)
                .set_limit(left)
                .set_projection_expression(projection.map(str::to_owned))
                .set_exclusive_start_key(next)
                .send()
                .await
                .map_err(|error| read_error(CallError::of(ACTION, self.resource(), error)))?;
            self.meter
                .read(got.consumed_capacity.and_then(|units| units.capacity_units));
            found.extend(got.items.unwrap_or_default());
            next = got.last_evaluated_key.filter(|key| !key.is_empty());
            if next.is_none() {
                break;
            }
        }
        Ok(found)
    }

    fn page(&self, range: &Range) -> QueryFluentBuilder {
        let (condition, bounds) = match (&range.from, &range.to) {
            (None, None) => ("pk = :pk", vec![]),
            (Some(from), None) => ("pk = :pk AND sk >= :from", vec![(":from", from)]),
            (None, Some(to)) => ("pk = :pk AND sk <= :to", vec![(":to", to)]),
            (Some(from), Some(to)) => (
                "pk = :pk AND sk BETWEEN :from AND :to",
                vec![(":from", from), (":to", to)],
            ),
        };
        let mut query = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression(condition)
            .expression_attribute_values(":pk", AttributeValue::S(range.pk.clone()))
            .scan_index_forward(!range.backward)
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        for (name, bound) in bounds {
            query = query.expression_attribute_values(name, AttributeValue::S(bound.clone()));
        }
        query
    }

    /// Puts an item where none is.
    ///
    /// After a lost answer the client asks again, and finds its own item: the caller compares.
    pub(super) async fn put(&self, item: Item) -> Result<Placed, CallError> {
        const ACTION: &str = "dynamodb:PutItem";
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression(IF_ABSENT)
            .return_values_on_condition_check_failure(ALL_OLD)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match put {
            Ok(put) => {
                self.meter
                    .wrote(put.consumed_capacity.and_then(|units| units.capacity_units));
                Ok(Placed::Done)
            }
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Placed::Taken(failed.item.clone().unwrap_or_default()))
                }
                _ => Err(CallError::of(ACTION, self.resource(), error)),
            },
        }
    }

    /// Puts items where none are: all of them, or none.
    ///
    /// With the same token and items it is done at most once within ten minutes, however often it is asked for. An error
    /// with [`Reason::Unanswered`] says nothing about the outcome, and it may still be done for a while.
    pub(super) async fn transact(
        &self,
        items: &[Item],
        token: &str,
    ) -> Result<Transacted, CallError> {
        const ACTION: &str = "dynamodb:TransactWriteItems";
        let mut call = self
            .client
            .transact_write_items()
            .client_request_token(token)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        for item in items {
            let put = Put::builder()
                .table_name(&self.name)
                .set_item(Some(item.clone()))
                .condition_expression(IF_ABSENT)
                .return_values_on_condition_check_failure(ALL_OLD)
                .build()
                .map_err(|_| CallError::because(ACTION, self.resource(), Reason::Refused))?;
            call = call.transact_items(TransactWriteItem::builder().put(put).build());
        }
        match call.send().await {
            Ok(done) => {
                for units in done.consumed_capacity.unwrap_or_default() {
                    self.meter.wrote(units.capacity_units);
                }
                Ok(Transacted::Done)
            }
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    let reasons = cancelled.cancellation_reasons();
                    Ok(Transacted::Cancelled(
                        reasons.iter().map(obstacle).collect(),
                    ))
                }
                _ => Err(CallError::of(ACTION, self.resource(), error)),
            },
        }
    }
}

fn obstacle(reason: &CancellationReason) -> Obstacle {
    match reason.code() {
        None | Some("None") => Obstacle::None,
        Some("ConditionalCheckFailed") => Obstacle::Taken(reason.item.clone().unwrap_or_default()),
        Some("TransactionConflict") => Obstacle::Conflict,
        Some("ProvisionedThroughputExceeded" | "ThrottlingError") => Obstacle::Throttled,
        Some(code) => {
            Obstacle::Refused(format!("{code}: {}", reason.message().unwrap_or_default()))
        }
    }
}

/// A read by key that is not valid can only be one of a table with other keys.
fn read_error(error: CallError) -> CallError {
    if error.reason == Reason::Refused {
        error.with_reason(Reason::OtherKeys)
    } else {
        error
    }
}
