use crate::canonical::NotCanonical;

/// A value from outside that is not of its form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not {expected}")]
pub struct ParseError {
    /// The value as it came, shortened and with control characters escaped.
    pub value: String,
    /// What would have been accepted.
    pub expected: &'static str,
}

impl ParseError {
    pub(crate) fn new(value: &str, expected: &'static str) -> Self {
        let shown: String = value
            .chars()
            .take(80)
            .flat_map(char::escape_debug)
            .collect();
        Self {
            value: shown,
            expected,
        }
    }
}

/// Bytes that are not an entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// The header is over [`crate::limits::HEADER_BYTES_MAX`].
    #[error("the header has `{0}` bytes, over the limit of 4096")]
    TooLarge(usize),
    /// The bytes are not canonical JSON.
    #[error("the header is not canonical JSON")]
    NotCanonical(#[from] NotCanonical),
    /// The JSON is not of a header's form.
    #[error("the header is not of an entry's form")]
    Form(#[from] serde_json::Error),
    /// A count is out of its limits.
    #[error("an entry has {minimum} to {maximum} {what}, not `{found}`")]
    Count {
        /// What is counted.
        what: &'static str,
        /// The fewest allowed.
        minimum: usize,
        /// The most allowed.
        maximum: usize,
        /// How many there were.
        found: usize,
    },
    /// A payload has more bytes than one of its role may have.
    #[error("a payload has `{0}` bytes, more than one of its role may have")]
    PayloadTooLarge(u64),
    /// Two links name the same stream.
    #[error("two links name the stream `{0}`")]
    StreamTwice(String),
    /// A first link has a previous entry, or a later one has none.
    #[error("the link into `{0}` must name the previous entry exactly when its seq is above 0")]
    Previous(String),
    /// The format version is not one that this program knows.
    #[error("format version `{0}` is not known")]
    Format(u32),
    /// The kind's own fields are not of its form.
    #[error("the fields of kind `{kind}` are not of its form")]
    Fields {
        /// The kind.
        kind: String,
        /// What is wrong with them.
        #[source]
        source: serde_json::Error,
    },
}
