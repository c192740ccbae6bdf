//! The pure built-ins of OPA that regorus does not have, or has in another way.
//!
//! The engine gives them to its programs ([`compile`]); natively they are extensions of an interpreter ([`extend`]).
//! Each is a function of its arguments; the only thing they know beside these is the decision's time ([`set_now_ms`]).
#![warn(missing_docs)]

mod arguments;
mod base64;
mod crypto;
mod documents;
mod format;
mod globs;
mod jwt;
mod keys;
mod link;
mod lists;
mod net;
mod order;
mod patterns;
mod purity;
mod schema;
mod signatures;
mod single;
mod text;
mod time;
mod uri;
mod uuid;
mod versions;
mod yaml;

use regorus::Value;
use regorus::unstable::BuiltinFcn;

pub use link::{compile, extend};
pub use patterns::keep as keep_pattern;
pub use purity::{IMPURE, UNSUPPORTED, impure, unsupported};
pub use single::{contradiction, forget};
pub use time::set_now_ms;

/// What a built-in gives: a value, or why there is none.
pub type Result = anyhow::Result<Value>;

/// A built-in function.
pub struct Builtin {
    /// Its name, as policies write it.
    pub name: &'static str,
    /// How many arguments it takes.
    pub arity: u8,
    /// What it does.
    pub call: fn(&[Value]) -> Result,
    entry: BuiltinFcn,
}

macro_rules! table {
    ($($name:literal $arity:literal $function:path;)*) => {
        /// Every built-in of this crate.
        pub const TABLE: &[Builtin] = &[$(Builtin {
            name: $name,
            arity: $arity,
            call: |arguments| $function(arguments),
            entry: (|_, _, arguments, _| $function(arguments), $arity),
        }),*];
    };
}

table! {
    "array.flatten" 1 lists::flatten;
    "crypto.hmac.equal" 2 crypto::hmac_equal;
    "crypto.hmac.md5" 2 crypto::hmac_md5;
    "crypto.hmac.sha1" 2 crypto::hmac_sha1;
    "crypto.hmac.sha256" 2 crypto::hmac_sha256;
    "crypto.hmac.sha512" 2 crypto::hmac_sha512;
    "crypto.md5" 1 crypto::md5;
    "crypto.sha1" 1 crypto::sha1;
    "crypto.sha256" 1 crypto::sha256;
    "format_int" 2 format::format_int;
    "glob.quote_meta" 1 patterns::quote_meta;
    "indexof" 2 text::indexof;
    "indexof_n" 2 text::indexof_n;
    "io.jwt.decode" 1 jwt::decode;
    "io.jwt.decode_verify" 2 jwt::decode_verify;
    "io.jwt.verify_eddsa" 2 jwt::verify_eddsa;
    "io.jwt.verify_es256" 2 jwt::verify_es256;
    "io.jwt.verify_es384" 2 jwt::verify_es384;
    "io.jwt.verify_es512" 2 jwt::verify_es512;
    "io.jwt.verify_hs256" 2 jwt::verify_hs256;
    "io.jwt.verify_hs384" 2 jwt::verify_hs384;
    "io.jwt.verify_hs512" 2 jwt::verify_hs512;
    "io.jwt.verify_ps256" 2 jwt::verify_ps256;
    "io.jwt.verify_ps384" 2 jwt::verify_ps384;
    "io.jwt.verify_ps512" 2 jwt::verify_ps512;
    "io.jwt.verify_rs256" 2 jwt::verify_rs256;
    "io.jwt.verify_rs384" 2 jwt::verify_rs384;
    "io.jwt.verify_rs512" 2 jwt::verify_rs512;
    "json.filter" 2 documents::filter;
    "json.match_schema" 2 schema::match_schema;
    "json.remove" 2 documents::remove;
    "json.verify_schema" 1 schema::verify_schema;
    "lower" 1 text::lower;
    "net.cidr_contains" 2 net::contains;
    "net.cidr_contains_matches" 2 net::contains_matches;
    "net.cidr_expand" 1 net::expand;
    "net.cidr_intersects" 2 net::intersects;
    "net.cidr_is_valid" 1 net::is_valid;
    "net.cidr_merge" 1 net::merge;
    "object.subset" 2 documents::subset;
    "regex.globs_match" 2 globs::matches;
    "regex.match" 2 patterns::matches;
    "regex.split" 2 patterns::split;
    "regex.template_match" 4 patterns::template_match;
    "semver.compare" 2 versions::compare;
    "semver.is_valid" 1 versions::is_valid;
    "sprintf" 2 format::sprintf;
    "strings.count" 2 text::count;
    "strings.replace_n" 2 text::replace_n;
    "strings.split_n" 3 text::split_n;
    "time.add_date" 4 time::add_date;
    "time.clock" 1 time::clock;
    "time.date" 1 time::date;
    "time.diff" 2 time::diff;
    "time.format" 1 time::format;
    "time.now_ns" 0 time::now_ns;
    "time.parse_duration_ns" 1 time::parse_duration_ns;
    "time.parse_ns" 2 time::parse_ns;
    "time.parse_rfc3339_ns" 1 time::parse_rfc3339_ns;
    "time.weekday" 1 time::weekday;
    "to_number" 1 format::to_number;
    "trace" 1 text::trace;
    "trailmark.begin" 1 single::begin;
    "trailmark.ge" 2 order::ge;
    "trailmark.groups" 1 single::groups;
    "trailmark.gt" 2 order::gt;
    "trailmark.le" 2 order::le;
    "trailmark.lt" 2 order::lt;
    "trailmark.object" 1 single::object;
    "trailmark.one" 2 single::one;
    "trailmark.single" 2 single::single;
    "trailmark.walk" 1 lists::walk;
    "upper" 1 text::upper;
    "uri.is_valid" 1 uri::is_valid;
    "uri.parse" 1 uri::parse;
    "urlquery.decode" 1 text::url_decode;
    "urlquery.decode_object" 1 text::url_decode_object;
    "urlquery.encode" 1 text::url_encode;
    "urlquery.encode_object" 1 text::url_encode_object;
    "uuid.parse" 1 uuid::parse;
    "yaml.is_valid" 1 yaml::is_valid;
    "yaml.marshal" 1 yaml::marshal;
    "yaml.unmarshal" 1 yaml::unmarshal;
}

/// Finds a built-in of this crate.
#[must_use]
pub fn find(name: &str) -> Option<&'static Builtin> {
    TABLE
        .binary_search_by(|builtin| builtin.name.cmp(name))
        .ok()
        .map(|index| &TABLE[index])
}
