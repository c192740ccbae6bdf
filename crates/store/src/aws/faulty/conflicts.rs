//! Transactions that meet: DynamoDB cancels one that names an item which another transaction is writing.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::{Call, Fault, lock};

/// The items that transactions are writing at present.
#[derive(Debug)]
pub(super) struct Conflicts {
    takes: Duration,
    written: Arc<Mutex<HashSet<String>>>,
}

/// A transaction on its way; its items are free again when it is dropped.
#[derive(Debug)]
pub(super) struct Transaction {
    takes: Duration,
    items: Vec<String>,
    written: Arc<Mutex<HashSet<String>>>,
}

impl Conflicts {
    pub(super) fn new(takes: Duration) -> Self {
        Self {
            takes,
            written: Arc::default(),
        }
    }

    /// Lets a call begin, or says which of its items meet another's.
    pub(super) fn enter(&self, call: &Call) -> Result<Transaction, Fault> {
        let items = if call.action == "TransactWriteItems" {
            items(&call.body)
        } else {
            Vec::new()
        };
        let mut written = lock(&self.written);
        if items.iter().any(|item| written.contains(item)) {
            let reason = |item| {
                if written.contains(item) {
                    "TransactionConflict"
                } else {
                    "None"
                }
            };
            let reasons: Vec<_> = items.iter().map(reason).collect();
            return Err(Fault::cancelled(&reasons));
        }
        written.extend(items.iter().cloned());
        Ok(Transaction {
            takes: if items.is_empty() {
                Duration::ZERO
            } else {
                self.takes
            },
            items,
            written: Arc::clone(&self.written),
        })
    }
}

impl Transaction {
    pub(super) async fn take_its_time(&self) {
        tokio::time::sleep(self.takes).await;
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let mut written = lock(&self.written);
        for item in &self.items {
            written.remove(item);
        }
    }
}

/// Names the items that a transaction puts, in their order.
fn items(body: &str) -> Vec<String> {
    let request: Value = serde_json::from_str(body).unwrap_or_default();
    let writes = request.get("TransactItems").and_then(Value::as_array);
    let key = |write: &Value| {
        let item = write.get("Put")?.get("Item")?;
        let part = |name: &str| item.get(name)?.get("S")?.as_str().map(str::to_owned);
        Some(format!("{} {}", part("pk")?, part("sk")?))
    };
    writes.into_iter().flatten().filter_map(key).collect()
}
