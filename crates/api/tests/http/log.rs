//! What is logged, by thread: each test runs on one of its own.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

thread_local! {
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Listens from here on. Every world begins with it: who logs before anybody listens is never listened to.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(|| Logged)
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// Forgets what this thread logged.
pub fn forget() {
    LOGGED.take();
}

/// Returns the lines that this thread logged.
pub fn lines() -> Vec<String> {
    let text = LOGGED.with_borrow(|logged| String::from_utf8(logged.clone()).unwrap());
    text.lines().map(str::to_owned).collect()
}

struct Logged;

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
