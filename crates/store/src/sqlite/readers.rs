use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::schema;
use crate::ReadError;

/// A few connections that read, each by one caller at a time, on threads that may block.
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn open(path: &Path, count: usize) -> rusqlite::Result<Self> {
        let connections = (0..count)
            .map(|_| schema::reader(path))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            turns: Arc::new(Semaphore::new(connections.len())),
            idle: Arc::new(Mutex::new(connections)),
        })
    }

    /// Closes the connections that are idle.
    pub(super) fn close(&self) {
        lock(&self.idle).clear();
    }

    /// Runs a read in a transaction of its own: it sees one state of the log.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|closed| ReadError::Unavailable(closed.into()))?;
        let idle = Arc::clone(&self.idle);
        let reading = tokio::task::spawn_blocking(move || {
            let taken = lock(&idle).pop();
            let Some(connection) = taken else {
                return Err(ReadError::Unavailable("no connection is left".into()));
            };
            let result = connection
                .unchecked_transaction()
                .map_err(ReadError::from)
                .and_then(|_snapshot| read(&connection));
            // Put back here, so that a caller who stops waiting takes no connection along.
            lock(&idle).push(connection);
            drop(turn);
            result
        });
        reading
            .await
            .map_err(|stopped| ReadError::Unavailable(stopped.into()))?
    }
}

fn lock(idle: &Mutex<Vec<Connection>>) -> MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
