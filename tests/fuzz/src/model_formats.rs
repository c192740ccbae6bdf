use model::{Body, Entry};
use serde_json::Value;

/// A header that is read is canonical, and is written with the bytes that were read.
pub(crate) fn header(bytes: &[u8]) {
    let Ok(entry) = Entry::parse(bytes) else {
        return;
    };
    assert_eq!(entry.bytes(), bytes);
    assert_eq!(entry.hash(), Entry::hash_of(bytes));
    model::canonical::check(bytes).expect("a header is canonical");
    let again = Entry::encode(entry.header().clone()).expect("it was read");
    assert_eq!(again.bytes(), bytes);
    // What its fields mean is asked of every kind, known or not.
    let _ = Body::parse(entry.header());
}

/// What is canonical is JSON, and is written in the same bytes again.
pub(crate) fn canonical(bytes: &[u8]) {
    if model::canonical::check(bytes).is_err() {
        return;
    }
    let value: Value = serde_json::from_slice(bytes).expect("canonical bytes are JSON");
    let again = model::canonical::to_vec(&value).expect("it has a canonical form");
    assert_eq!(again, bytes);
}
