//! Configuration: the environment, and nothing else. `infra/README.md` has the table; a test holds it against this one.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use journal::note::Vkey;
use journal::receipt::PROMISE_MS_MAX;
use model::JournalId;
use recorder::{KeyError, PolicyKey};
use store::aws::keys::KeySource;
use store::aws::{Address, Endpoints};

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Hides people's aliases.
    Alias,
    /// Authenticates compiled policies.
    Cache,
    /// Signs checkpoints.
    Log,
    /// Signs permits.
    Permit,
    /// Signs promises.
    Receipt,
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Alias => "alias",
            Self::Cache => "cache",
            Self::Log => "log",
            Self::Permit => "permit",
            Self::Receipt => "receipt",
        })
    }
}

/// An environment variable that functions read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Which functions read it.
    pub users: Users,
    /// Whether they start without it.
    pub optional: bool,
    /// What it looks like.
    pub form: &'static str,
}

/// Which functions read a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Users {
    /// All of them.
    All,
    /// Those that are named.
    Only(&'static [&'static str]),
    /// All of them, in tests.
    Tests,
}

const PROMISING: Users = Users::Only(&["ingest", "decide", "approve", "snapshot", "seal"]);
const PINNING: Users = Users::Only(&["ingest", "decide", "approve", "snapshot", "query"]);
const KEY: &str = "`secret:ARN` or `file:PATH`";

const fn required(name: &'static str, users: Users, form: &'static str) -> Variable {
    Variable {
        name,
        users,
        optional: false,
        form,
    }
}

const fn optional(name: &'static str, users: Users, form: &'static str) -> Variable {
    Variable {
        name,
        users,
        optional: true,
        form,
    }
}

const TABLE: Variable = required("TRAILMARK_TABLE", Users::All, "a table's name");
const BUCKET: Variable = required("TRAILMARK_BUCKET", Users::All, "a bucket's name");
const CHECKPOINT_BUCKET: Variable =
    optional("TRAILMARK_CHECKPOINT_BUCKET", Users::All, "a bucket's name");
const JOURNAL: Variable = required(
    "TRAILMARK_JOURNAL",
    Users::All,
    "a journal's id, as `trailmark/acme`",
);
const LOG_FORMAT: Variable = optional("TRAILMARK_LOG_FORMAT", Users::All, "`json` or `text`");
const LOG_VKEY: Variable = optional(
    "TRAILMARK_LOG_VKEY",
    PINNING,
    "a log's public key, as `journal create` prints it",
);
const RECEIPT_KEY: Variable = required("TRAILMARK_RECEIPT_KEY", PROMISING, KEY);
const PROMISE_SECONDS: Variable = optional(
    "TRAILMARK_PROMISE_SECONDS",
    PROMISING,
    "a whole number from 60 to 3600",
);
const ALIAS_KEY: Variable = required("TRAILMARK_ALIAS_KEY", Users::Only(&["ingest"]), KEY);
const CACHE_KEY: Variable = required(
    "TRAILMARK_CACHE_KEY",
    Users::Only(&["ingest", "decide"]),
    KEY,
);
const PERMIT_KEY: Variable = required("TRAILMARK_PERMIT_KEY", Users::Only(&["decide"]), KEY);
const POLICY_KEYS: Variable = optional(
    "TRAILMARK_POLICY_KEYS",
    Users::Only(&["decide", "query"]),
    "public keys, base64 of DER, with commas between",
);
const LOG_KEY: Variable = required(
    "TRAILMARK_LOG_KEY",
    Users::Only(&["seal"]),
    "`secret:ARN`, `kms:ARN` or `file:PATH`",
);
const DYNAMODB_ENDPOINT: Variable = optional("TRAILMARK_DYNAMODB_ENDPOINT", Users::Tests, "a URL");
const S3_ENDPOINT: Variable = optional("TRAILMARK_S3_ENDPOINT", Users::Tests, "a URL");

/// Every variable that some function reads.
pub const VARIABLES: [Variable; 15] = [
    TABLE,
    BUCKET,
    CHECKPOINT_BUCKET,
    JOURNAL,
    LOG_FORMAT,
    LOG_VKEY,
    RECEIPT_KEY,
    PROMISE_SECONDS,
    ALIAS_KEY,
    CACHE_KEY,
    PERMIT_KEY,
    POLICY_KEYS,
    LOG_KEY,
    DYNAMODB_ENDPOINT,
    S3_ENDPOINT,
];

/// Seconds within which an entry is sealed, where nothing is said.
const PROMISE_SECONDS_DEFAULT: u64 = 600;
const PROMISE_SECONDS_MIN: u64 = 60;

/// What a function was told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where journals are.
    pub address: Address,
    /// Services of one's own.
    pub endpoints: Endpoints,
    /// The journal.
    pub journal: JournalId,
    /// The log's public key, if it is pinned.
    pub log_vkey: Option<Vkey>,
    /// How the log is written.
    pub log_format: LogFormat,
    /// The keys of which one must have signed each policy that runs; none where it does not matter.
    pub policy_keys: Vec<PolicyKey>,
    /// Within which time an entry is sealed, as receipts promise.
    pub promise: Duration,
    keys: Vec<(Key, KeySource)>,
}

/// How a function's log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// A JSON object a line.
    #[default]
    Json,
    /// For people.
    Text,
}

/// Why a function does not start: all that is missing or wrong.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{function}` cannot start: {}", list(faults))]
pub struct SettingsError {
    /// The function.
    pub function: &'static str,
    /// What is wrong, in the order of [`VARIABLES`].
    pub faults: Vec<Fault>,
}

/// What is wrong with a variable. Its value is not shown: it may be a secret in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The variable.
    pub variable: Variable,
    /// Whether there is none.
    pub missing: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.missing {
            "is missing"
        } else {
            "is not of its form"
        };
        write!(
            out,
            "`{}` {what} ({})",
            self.variable.name, self.variable.form
        )
    }
}

fn list(faults: &[Fault]) -> String {
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    faults.join("; ")
}

impl Settings {
    /// Reads what a function is told; `get` returns a variable's value.
    ///
    /// # Errors
    /// Lists all that is missing or wrong.
    pub fn read(
        function: &'static str,
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let mut reader = Reader {
            function,
            get: &get,
            faults: Vec::new(),
        };
        let table = reader.text(TABLE);
        let bucket = reader.text(BUCKET);
        let checkpoint_bucket = reader.text(CHECKPOINT_BUCKET);
        let journal = reader.parse(JOURNAL);
        let log_format = reader.parse(LOG_FORMAT).unwrap_or_default();
        let log_vkey = reader.parse(LOG_VKEY);
        let keys = reader.keys();
        let PolicyKeys(policy_keys) = reader.parse(POLICY_KEYS).unwrap_or_default();
        let Promise(promise) = reader.parse(PROMISE_SECONDS).unwrap_or_default();
        let endpoints = Endpoints {
            region: None,
            dynamodb: reader.text(DYNAMODB_ENDPOINT),
            s3: reader.text(S3_ENDPOINT),
        };
        match (table, bucket, journal) {
            (Some(table), Some(bucket), Some(journal)) if reader.faults.is_empty() => Ok(Self {
                address: Address {
                    table,
                    bucket,
                    checkpoint_bucket,
                },
                endpoints,
                journal,
                log_vkey,
                log_format,
                policy_keys,
                promise,
                keys,
            }),
            _ => Err(SettingsError {
                function,
                faults: reader.faults,
            }),
        }
    }

    /// Says where a key is; nothing for one that the function does not use.
    #[must_use]
    pub fn key(&self, key: Key) -> Option<&KeySource> {
        let found = self.keys.iter().find(|(of, _)| *of == key);
        found.map(|(_, source)| source)
    }
}

impl Variable {
    fn is_of(&self, function: &str) -> bool {
        match self.users {
            Users::All | Users::Tests => true,
            Users::Only(functions) => functions.contains(&function),
        }
    }
}

/// Reads variables, and remembers what is wrong with them.
struct Reader<'a> {
    function: &'static str,
    get: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn text(&mut self, variable: Variable) -> Option<String> {
        self.parse(variable)
    }

    fn parse<T: FromStr>(&mut self, variable: Variable) -> Option<T> {
        if !variable.is_of(self.function) {
            return None;
        }
        let value = (self.get)(variable.name).filter(|value| !value.is_empty());
        let missing = value.is_none();
        let parsed = value.and_then(|value| value.parse().ok());
        if parsed.is_none() && !(missing && variable.optional) {
            self.faults.push(Fault { variable, missing });
        }
        parsed
    }

    fn keys(&mut self) -> Vec<(Key, KeySource)> {
        let mut keys = Vec::new();
        for (key, variable) in [
            (Key::Receipt, RECEIPT_KEY),
            (Key::Alias, ALIAS_KEY),
            (Key::Cache, CACHE_KEY),
            (Key::Permit, PERMIT_KEY),
            (Key::Log, LOG_KEY),
        ] {
            let source: Option<KeySource> = self.parse(variable);
            match source {
                // Only the log's key signs what is asked of a service.
                Some(KeySource::Kms(_)) if key != Key::Log => self.faults.push(Fault {
                    variable,
                    missing: false,
                }),
                source => keys.extend(source.map(|source| (key, source))),
            }
        }
        keys
    }
}

/// Public keys, one after the other.
#[derive(Default)]
struct PolicyKeys(Vec<PolicyKey>);

impl FromStr for PolicyKeys {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let keys = text.split(',').map(|key| key.trim().parse());
        keys.collect::<Result<_, _>>().map(Self)
    }
}

/// A promise's time, within what a receipt may promise.
struct Promise(Duration);

impl Default for Promise {
    fn default() -> Self {
        Self(Duration::from_secs(PROMISE_SECONDS_DEFAULT))
    }
}

impl FromStr for Promise {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let seconds = text.parse().map_err(drop)?;
        let allowed = PROMISE_SECONDS_MIN..=PROMISE_MS_MAX / 1_000;
        allowed
            .contains(&seconds)
            .then(|| Self(Duration::from_secs(seconds)))
            .ok_or(())
    }
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn complete() -> BTreeMap<&'static str, &'static str> {
        BTreeMap::from([
            ("TRAILMARK_TABLE", "t"),
            ("TRAILMARK_BUCKET", "b"),
            ("TRAILMARK_JOURNAL", "trailmark/acme"),
            (
                "TRAILMARK_RECEIPT_KEY",
                "secret:arn:aws:secretsmanager:eu-west-1:1:secret:r",
            ),
            ("TRAILMARK_ALIAS_KEY", "file:/keys/alias"),
            ("TRAILMARK_CACHE_KEY", "file:/keys/cache"),
            ("TRAILMARK_PERMIT_KEY", "file:/keys/permit"),
            ("TRAILMARK_LOG_KEY", "kms:arn:aws:kms:eu-west-1:1:key/k"),
        ])
    }

    fn read(function: &'static str, all: &BTreeMap<&str, &str>) -> Result<Settings, String> {
        let get = |name: &str| all.get(name).map(|value| (*value).to_owned());
        Settings::read(function, get).map_err(|error| error.to_string())
    }

    #[test]
    fn a_function_reads_its_own_keys_alone() {
        let all = complete();
        let seal = read("seal", &all).unwrap();
        assert!(matches!(seal.key(Key::Log), Some(KeySource::Kms(_))));
        assert_eq!(seal.key(Key::Permit), None);
        let query = read("query", &all).unwrap();
        assert!(query.keys.is_empty());
        assert_eq!(query.promise, Duration::from_secs(600));
        let decide = read("decide", &all).unwrap();
        assert!(decide.key(Key::Permit).is_some() && decide.key(Key::Log).is_none());
    }

    #[test]
    fn all_that_is_missing_or_wrong_is_said_at_once() {
        let mut all = complete();
        all.remove("TRAILMARK_BUCKET");
        all.insert("TRAILMARK_TABLE", "");
        all.insert("TRAILMARK_JOURNAL", "a b");
        all.insert("TRAILMARK_PERMIT_KEY", "0123");
        all.insert("TRAILMARK_RECEIPT_KEY", "kms:arn:aws:kms:eu-west-1:1:key/k");
        all.insert("TRAILMARK_PROMISE_SECONDS", "59");
        assert_eq!(
            read("decide", &all).unwrap_err(),
            "`decide` cannot start: \
             `TRAILMARK_TABLE` is missing (a table's name); \
             `TRAILMARK_BUCKET` is missing (a bucket's name); \
             `TRAILMARK_JOURNAL` is not of its form (a journal's id, as `trailmark/acme`); \
             `TRAILMARK_RECEIPT_KEY` is not of its form (`secret:ARN` or `file:PATH`); \
             `TRAILMARK_PERMIT_KEY` is not of its form (`secret:ARN` or `file:PATH`); \
             `TRAILMARK_PROMISE_SECONDS` is not of its form (a whole number from 60 to 3600)"
        );
    }

    #[test]
    fn keys_that_must_sign_policies_are_read_or_the_function_does_not_start() {
        let mut all = complete();
        assert_eq!(read("decide", &all).unwrap().policy_keys, []);
        let key = "MCowBQYDK2VwAyEAxS/UvwMzefbAHenrQNcyuagqD+VJcRGRIpjVvULVk5M=";
        let two = format!("{key}, {key}");
        all.insert("TRAILMARK_POLICY_KEYS", &two);
        assert_eq!(read("decide", &all).unwrap().policy_keys.len(), 2);
        for wrong in ["", ",", "none", "AAAA"] {
            let keys = format!("{key},{wrong}");
            let mut all = complete();
            all.insert("TRAILMARK_POLICY_KEYS", &keys);
            let error = read("decide", &all).unwrap_err();
            assert!(
                error.contains("`TRAILMARK_POLICY_KEYS` is not of its form"),
                "{error}"
            );
            assert_eq!(read("seal", &all).unwrap().policy_keys, []);
        }
    }

    #[test]
    fn what_is_optional_may_be_absent_and_not_wrong() {
        let mut all = complete();
        assert_eq!(read("query", &all).unwrap().log_format, LogFormat::Json);
        all.insert("TRAILMARK_LOG_FORMAT", "xml");
        all.insert("TRAILMARK_LOG_VKEY", "no key");
        let error = read("query", &all).unwrap_err();
        assert!(
            error.contains("`TRAILMARK_LOG_FORMAT` is not of its form"),
            "{error}"
        );
        assert!(
            error.contains("`TRAILMARK_LOG_VKEY` is not of its form"),
            "{error}"
        );
    }
}
