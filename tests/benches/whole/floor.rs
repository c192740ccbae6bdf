//! What this machine can do at best.

use std::net::SocketAddr;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;

/// Serves a handler that reads a body and answers nothing.
pub async fn empty_handler() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", post(|body: Bytes| async move { drop(body) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Inserts rows of 500 bytes, `group` in a transaction, as durably as the store does; returns rows a second.
pub fn sqlite_rows(group: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = rusqlite::Connection::open(folder.path().join("floor.db")).unwrap();
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    connection
        .pragma_update(None, "synchronous", "FULL")
        .unwrap();
    connection
        .execute("CREATE TABLE row (id INTEGER PRIMARY KEY, bytes BLOB)", ())
        .unwrap();
    let bytes = vec![7_u8; 500];
    let groups = (20_000 / group).max(1);
    let start = Instant::now();
    for _ in 0..groups {
        let transaction = connection.transaction().unwrap();
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO row (bytes) VALUES (?1)")
                .unwrap();
            for _ in 0..group {
                insert.execute([&bytes]).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
    f64::from(u32::try_from(groups * group).unwrap()) / start.elapsed().as_secs_f64()
}
