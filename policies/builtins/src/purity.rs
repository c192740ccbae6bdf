//! The built-ins of OPA that a policy does not have, and why.

/// Functions that are not pure: what they give depends on more than their arguments and the dossier.
pub const IMPURE: &[(&str, &str)] = &[
    ("http.send", "it talks to the network"),
    ("net.lookup_ip_addr", "it asks the network for a name"),
    ("opa.runtime", "it reads the machine's environment"),
    ("providers.aws.sign_req", "it signs requests to the network"),
    ("rand.intn", "it is random"),
    ("uuid.rfc4122", "it is random"),
    ("io.jwt.encode_sign", "it signs with a secret, at random"),
    (
        "io.jwt.encode_sign_raw",
        "it signs with a secret, at random",
    ),
];

/// Functions that are pure, and that the engine does not have.
pub const UNSUPPORTED: &[(&str, &str)] = &[
    ("crypto.parse_private_keys", X509),
    ("crypto.x509.parse_and_verify_certificates", X509),
    (
        "crypto.x509.parse_and_verify_certificates_with_options",
        X509,
    ),
    ("crypto.x509.parse_certificate_request", X509),
    ("crypto.x509.parse_certificates", X509),
    ("crypto.x509.parse_keypair", X509),
    ("crypto.x509.parse_rsa_private_key", X509),
    ("graphql.is_valid", GRAPHQL),
    ("graphql.parse", GRAPHQL),
    ("graphql.parse_and_verify", GRAPHQL),
    ("graphql.parse_query", GRAPHQL),
    ("graphql.parse_schema", GRAPHQL),
    ("graphql.schema_is_valid", GRAPHQL),
    ("rego.metadata.chain", METADATA),
    ("rego.metadata.rule", METADATA),
    (
        "rego.parse_module",
        "it gives the tree of OPA's own parser of Rego",
    ),
    (
        "strings.render_template",
        "its templates are programs for Go's `text/template`",
    ),
    ("all", DEPRECATED),
    ("any", DEPRECATED),
    ("cast_array", DEPRECATED),
    ("cast_boolean", DEPRECATED),
    ("cast_null", DEPRECATED),
    ("cast_object", DEPRECATED),
    ("cast_set", DEPRECATED),
    ("cast_string", DEPRECATED),
    ("net.cidr_overlap", DEPRECATED),
    ("re_match", DEPRECATED),
    ("set_diff", DEPRECATED),
];

const X509: &str = "it gives certificates and keys in the form of Go's own library, field by field";
const GRAPHQL: &str = "it gives the tree of OPA's own parser of GraphQL, or judges by it";
const METADATA: &str = "a policy does not read its own source";
const DEPRECATED: &str = "version 1 of Rego does not have it";

/// Says why a function is not pure, if it is one of OPA's that are not.
#[must_use]
pub fn impure(name: &str) -> Option<&'static str> {
    reason(IMPURE, name)
}

/// Says why the engine does not have a function of OPA's, if it is one that is pure and missing.
#[must_use]
pub fn unsupported(name: &str) -> Option<&'static str> {
    reason(UNSUPPORTED, name)
}

fn reason(list: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    list.iter()
        .find(|(listed, _)| *listed == name)
        .map(|(_, reason)| *reason)
}
