package diff

default allow := false

keys := input.parameters.keys

parts := input.parameters.tokens

names := sort(object.keys(keys))

signed := {name: concat(".", [base64url.encode_no_pad(part[0]), base64url.encode_no_pad(part[1]), part[2]]) |
	some name, part in parts
}

rs256 := signed.RS256

broken := {
	"a header that is no object": concat(".", ["MQ", base64url.encode_no_pad(parts.RS256[1]), parts.RS256[2]]),
	"cut": substring(rs256, 0, count(rs256) - 8),
	"cut by one letter": substring(rs256, 0, count(rs256) - 1),
	"dots": "..",
	"nothing": "",
	"of four parts": concat(".", [rs256, "a"]),
	"of two parts": concat(".", array.slice(split(rs256, "."), 0, 2)),
	"padded": concat("", [rs256, "=="]),
	"padded too little": concat("", [rs256, "="]),
	"unsigned": concat(".", [base64url.encode_no_pad("{\"alg\": \"none\"}"), base64url.encode_no_pad(parts.RS256[1]), ""]),
	"with a wrong letter": concat("", [substring(rs256, 0, count(rs256) - 5), "*AAAA"]),
	"with other claims": concat(".", [base64url.encode_no_pad(parts.RS256[0]), base64url.encode_no_pad("{\"sub\": \"eve\"}"), parts.RS256[2]]),
	"with the signature of another key": concat(".", [base64url.encode_no_pad(parts.RS256[0]), base64url.encode_no_pad(parts.RS256[1]), parts.ES256[2]]),
}

tokens := object.union(signed, broken)

verify("verify_rs256", token, key) := io.jwt.verify_rs256(token, key)

verify("verify_rs384", token, key) := io.jwt.verify_rs384(token, key)

verify("verify_rs512", token, key) := io.jwt.verify_rs512(token, key)

verify("verify_ps256", token, key) := io.jwt.verify_ps256(token, key)

verify("verify_ps384", token, key) := io.jwt.verify_ps384(token, key)

verify("verify_ps512", token, key) := io.jwt.verify_ps512(token, key)

verify("verify_es256", token, key) := io.jwt.verify_es256(token, key)

verify("verify_es384", token, key) := io.jwt.verify_es384(token, key)

verify("verify_es512", token, key) := io.jwt.verify_es512(token, key)

verify("verify_eddsa", token, key) := io.jwt.verify_eddsa(token, key)

verify("verify_hs256", token, key) := io.jwt.verify_hs256(token, key)

verify("decode_verify", token, key) := io.jwt.decode_verify(token, {"cert": key, "aud": "here", "time": moment})[0]

moment := 1700000000000000000

constraints := [
	{},
	{"alg": "ES256"},
	{"alg": "RS256"},
	{"alg": "none"},
	{"aud": "here"},
	{"aud": "there"},
	{"cert": keys["p256 pem"]},
	{"iss": "issuer"},
	{"iss": "other"},
	{"iss": 1},
	{"secret": "secret"},
	{"secret": ""},
	{"time": 0},
	{"time": -1},
	{"time": "now"},
	{"what": 1},
]

under := [object.union({"time": moment}, constraint) | some constraint in constraints]

# What fails leaves its rule without a value; here it is to leave out an element.
checked(token, constraint) := io.jwt.decode_verify(token, constraint)

outcomes(token) := [[at, valid, claims] |
	some at, constraint in under
	some name in ["rsa pem", "set"]
	[valid, _, claims] := checked(token, object.union({"cert": keys[name]}, constraint))
]

shared(token) := [[at, valid, claims] |
	some at, constraint in under
	[valid, _, claims] := checked(token, constraint)
]

with_keys(function, token) := [[at | some at, name in names; verify(function, token, keys[name]) == value] |
	some value in [true, false]
]

outcome("decode", token) := io.jwt.decode(token)

outcome("constraints", token) := [outcomes(token), shared(token)]

outcome(function, token) := with_keys(function, token) if not function in {"decode", "constraints"}

findings contains {"control": crypto.md5(name), "status": "satisfied", "reason": reason, "entries": []} if {
	some name, token in tokens
	value := json.marshal(outcome(input.parameters.function, token))
	reason := sprintf("%s: %s %s", [name, crypto.md5(value), substring(value, 0, 300)])
}
