//! Cases for both: built-ins with arguments of all kinds, and rules of all forms. The same seed gives the same cases.

use std::fmt::Write as _;

/// A rule whose value both must agree on, with the rules that it needs.
#[derive(Debug, Clone)]
pub struct Case {
    /// The rule's name.
    pub name: String,
    /// The rules.
    pub text: String,
}

/// Numbers that look random and are always the same (splitmix64).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }

    pub fn pick<'a>(&mut self, pool: &[&'a str]) -> &'a str {
        pool[self.below(pool.len())]
    }
}

const STRINGS: &[&str] = &[
    r#""""#,
    r#""a""#,
    r#""abc""#,
    r#""aXbXc""#,
    r#""häß€""#,
    r#"" pad ""#,
    r#""a/b/c""#,
    r#""10""#,
    r#""-1.50""#,
    r#""a\nb""#,
    r#""ABC""#,
    r#""b""#,
    r#""X""#,
    r#""/""#,
    r#""1e3""#,
    r#""ab.cd""#,
];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "7",
    "-3.5",
    "0.5",
    "2.5",
    "1.25",
    "10",
    "255",
    "1e3",
    "9007199254740993",
    "-1.75",
    "100",
];
const INTEGERS: &[&str] = &["0", "1", "-1", "2", "3", "5", "-2", "8", "24", "16", "10"];
const ANY: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1",
    "-2.5",
    r#""a""#,
    r#""""#,
    "[]",
    "[1, 2]",
    r#"["a", null]"#,
    "{}",
    "set()",
    r#"{"a": 1}"#,
    r#"{1, 2}"#,
    r#"{"a", "b"}"#,
    r#"{"a": {"b": [1, {"c": 2}]}}"#,
    "[[1], [2, [3]]]",
    r#"{"x": {1}}"#,
];
const OBJECTS: &[&str] = &[
    "{}",
    r#"{"a": 1}"#,
    r#"{"a": 1, "b": 2}"#,
    r#"{"a": {"b": 1, "c": [1, 2, 3]}}"#,
    r#"{"a": {"b": {"d": 1}}, "c": []}"#,
    r#"{"b": null, "c": {"x": 1}}"#,
    r#"{"a": [{"b": 1}, {"b": 2}]}"#,
];
const ARRAYS: &[&str] = &[
    "[]",
    "[1]",
    "[1, 2, 3]",
    "[3, 1, 2, 2]",
    r#"["b", "a"]"#,
    "[1, [2, 3]]",
    "[0.5, -1]",
    r#"[null, true, "a", {}]"#,
];
const NUMERIC: &[&str] = &[
    "[]",
    "[1, 2, 3]",
    "{4, 5}",
    "[0.5, 2]",
    "[-1]",
    "[2, 2, 2]",
    "{1.5}",
    "[10, -10]",
];
const WORDS: &[&str] = &[
    "[]",
    r#"["a"]"#,
    r#"["a", "b"]"#,
    r#"{"b", "a"}"#,
    r#"["x", "häß"]"#,
    r#"["abc", "bc", ""]"#,
    r#"{"c"}"#,
];
const SETS: &[&str] = &[
    "set()",
    "{1}",
    "{1, 2}",
    "{2, 3}",
    r#"{"a"}"#,
    "{[1], {2}}",
    "{null, true}",
];
const SETS_OF_SETS: &[&str] = &[
    "set()",
    "{{1}}",
    "{{1, 2}, {2, 3}}",
    "{{1}, {2}, set()}",
    r#"{{"a", 1}, {1}}"#,
];
const TIMES: &[&str] = &[
    "0",
    "1700000000000000000",
    "-1000000001",
    "951782400000000000",
    "1711846799999999999",
    "4102444800000000000",
    "1583020800123456789",
    r#"[1700000000000000000, "UTC"]"#,
    r#"[1711846800000000000, "Europe/Berlin"]"#,
    r#"[1698541200000000000, "Europe/Berlin"]"#,
    r#"[1710054000000000000, "America/New_York"]"#,
    r#"[1583020800000000000, "Asia/Kolkata"]"#,
    r#"[951782400000000000, "Australia/Lord_Howe"]"#,
    r#"[-2000000000000000000, "America/Sao_Paulo"]"#,
    r#"[0, "Nowhere/Land"]"#,
    r#"[1700000000000000000, ""]"#,
];
const LAYOUTS: &[&str] = &[
    r#""RFC3339""#,
    r#""RFC3339Nano""#,
    r#""RFC1123""#,
    r#""RFC1123Z""#,
    r#""RFC822""#,
    r#""RFC822Z""#,
    r#""RFC850""#,
    r#""ANSIC""#,
    r#""UnixDate""#,
    r#""RubyDate""#,
    r#""2006-01-02""#,
    r#""02/01/06 15:04:05.000""#,
    r#""Jan _2 2006 3:04PM""#,
    r#""Monday, January 2 2006 at 15h""#,
    r#""2006-002""#,
    r#""2006__2 -07:00:00""#,
    r#""15:04:05,999999 Z0700 pm""#,
    r#""20060102T150405Z07""#,
    r#""Month 1 of 2006 Jane""#,
    r#""_2006 .00 5.9""#,
];
const WRITTEN: &[&str] = &[
    r#""2024-02-29T12:30:45Z""#,
    r#""2024-02-29T12:30:45.678901234+05:30""#,
    r#""2023-02-29T00:00:00Z""#,
    r#""2024-12-31""#,
    r#""Thu, 29 Feb 2024 12:30:45 GMT""#,
    r#""Thu, 29 Feb 2024 12:30:45 -0800""#,
    r#""29 Feb 24 12:30 CET""#,
    r#""Thursday, 29-Feb-24 12:30:45 UTC""#,
    r#""Thu Feb 29 12:30:45 2024""#,
    r#""Thu Feb 29 12:30:45 EST 2024""#,
    r#""29/02/24 12:30:45.678""#,
    r#""Feb 29 2024 12:30AM""#,
    r#""2024-060""#,
    r#""2024-366""#,
    r#""1600-01-01T00:00:00Z""#,
    r#""2024-02-29T24:00:00Z""#,
    r#""2024-02-29t12:30:45z""#,
    r#""2024-02-29T12:30:45,5Z""#,
    r#""20240229T123045+02""#,
    r#""""#,
];
const DURATIONS: &[&str] = &[
    r#""1h30m""#,
    r#""-1.5h""#,
    r#""300ms""#,
    r#""1d""#,
    r#""2w3d""#,
    r#""1y""#,
    r#""1.5d""#,
    r#""0""#,
    r#""""#,
    r#""5""#,
    r#""1us2ns""#,
    r#""1µs""#,
    r#"".5s""#,
    r#""1.s""#,
    r#""+3m""#,
    r#""9223372036854775807ns""#,
    r#""300y""#,
    r#""1H""#,
    r#""1h1h""#,
    r#""-2d4h""#,
];
const NETWORKS: &[&str] = &[
    r#""10.0.0.0/8""#,
    r#""10.1.2.3/16""#,
    r#""192.168.1.0/24""#,
    r#""192.168.1.128/25""#,
    r#""0.0.0.0/0""#,
    r#""2001:db8::/32""#,
    r#""2001:db8:1::/48""#,
    r#""::/0""#,
    r#""1.2.3.4/32""#,
    r#""10.0.0.0/33""#,
    r#""10.0.0/8""#,
    r#""fe80::1/128""#,
    r#""10.0.0.0/08""#,
];
const ADDRESSES: &[&str] = &[
    r#""10.1.2.3""#,
    r#""192.168.1.200""#,
    r#""2001:db8:1::5""#,
    r#""::1""#,
    r#""nonsense""#,
    r#""10.1.0.0/16""#,
    r#""::ffff:10.0.0.1""#,
];
const NETWORK_LISTS: &[&str] = &[
    r#"["10.0.0.0/25", "10.0.0.128/25"]"#,
    r#"{"10.0.0.0/8", "10.1.0.0/16"}"#,
    "[]",
    r#"["1.1.1.0/24", "1.1.3.0/24"]"#,
    r#"["2001:db8::/33", "2001:db8:8000::/33"]"#,
    r#"["10.0.0.1/32", "10.0.0.2/32", "10.0.0.3/32"]"#,
    r#"["192.168.0.0/24", "192.168.1.0/24", "192.168.2.0/24"]"#,
];
const MATCHED_NETWORKS: &[&str] = &[
    r#""10.0.0.0/8""#,
    r#"["10.0.0.0/8", "192.168.0.0/16"]"#,
    r#"{"10.1.0.0/16"}"#,
    r#"{"a": "10.1.2.3", "b": "1.1.1.1"}"#,
    r#"[["192.168.1.0/24", "x"], "10.0.0.1"]"#,
];
const PATTERNS: &[&str] = &[
    r#""a""#,
    r#""[a-c]+""#,
    r#""^a.*c$""#,
    r#""(a)(b)?""#,
    r#""\\d+""#,
    r#""(?i)ABC""#,
    r#""(""#,
    r#""X""#,
    r#""\\bb\\b""#,
    r#""b*""#,
    r#""""#,
    r#""(?P<x>[a-z])X""#,
    r#""[[:alpha:]]+""#,
    r#""\\p{L}+""#,
];
const SUBJECTS: &[&str] = &[
    r#""abc""#,
    r#""aXbXc""#,
    r#""abcabc""#,
    r#""häß€""#,
    r#""a1b22c333""#,
    r#""""#,
    r#""A b C""#,
];
const REPLACEMENTS: &[&str] = &[
    r#""""#,
    r#""-""#,
    r#""$1""#,
    r#""<$0>""#,
    r#""${1}y""#,
    r#""$$""#,
];
const GLOBS: &[&str] = &[
    r#""*""#,
    r#""a*c""#,
    r#""**""#,
    r#""*.com""#,
    r#""{a,b}.com""#,
    r#""[a-c]?c""#,
    r#""*.*.com""#,
    r#""api.**""#,
    r#""[!x]bc""#,
    r#""a\\*c""#,
];
const GLOBBED: &[&str] = &[
    r#""abc""#,
    r#""api.a.com""#,
    r#""a.com""#,
    r#""a*c""#,
    r#""b.com""#,
    r#""a/b/c""#,
    r#""""#,
];
const DELIMITERS: &[&str] = &["[]", r#"["."]"#, r#"["/"]"#, r#"[".", "/"]"#, "null"];
const VERSIONS: &[&str] = &[
    r#""1.2.3""#,
    r#""1.2.4-rc.1""#,
    r#""1.2.4-rc.2""#,
    r#""1.2.4""#,
    r#""1.2.3+build""#,
    r#""1.2""#,
    r#""v1.2.3""#,
    r#""01.2.3""#,
    r#""10.0.0-alpha.beta""#,
];
const JSON: &[&str] = &[
    r#""{\"a\": [1, 2.50, null]}""#,
    r#""[1,""#,
    r#""\"x\"""#,
    r#""1e2""#,
    r#""{}""#,
    r#""nul""#,
    r#""{\"a\": 1, \"a\": 2}""#,
    r#""\"\\u00e9\"""#,
    r#"" true ""#,
    r#""1 2""#,
];
const PATHS: &[&str] = &[
    r#"["a"]"#,
    r#"["a/b"]"#,
    r#"{"a/c/0", "b"}"#,
    r#"[["a", "b"]]"#,
    "[]",
    r#"["x/y"]"#,
    r#"["a/0/b", "c"]"#,
];
const PATCHES: &[&str] = &[
    r#"[{"op": "add", "path": "/z", "value": 1}]"#,
    r#"[{"op": "remove", "path": "/a"}]"#,
    r#"[{"op": "replace", "path": "/a", "value": [1]}]"#,
    r#"[{"op": "copy", "from": "/a", "path": "/k"}]"#,
    r#"[{"op": "move", "from": "/b", "path": "/m"}]"#,
    r#"[{"op": "test", "path": "/a", "value": 1}]"#,
    r#"[{"op": "add", "path": "a/c/-", "value": 9}]"#,
    "[]",
    r#"[{"op": "remove", "path": ["a", "b"]}]"#,
];
const SCHEMAS: &[&str] = &[
    "{}",
    r#"{"type": "object"}"#,
    r#"{"type": "object", "required": ["a", "z"]}"#,
    r#"{"properties": {"a": {"type": "string", "minLength": 2}}}"#,
    r#"{"properties": {"a": {"type": ["integer", "null"], "maximum": 0}}, "additionalProperties": false}"#,
    r#"{"anyOf": [{"required": ["b"]}, {"required": ["c"]}]}"#,
    r#"{"oneOf": [{"required": ["a"]}, {"minProperties": 2}]}"#,
    r#"{"not": {"required": ["a"]}}"#,
    r#"{"patternProperties": {"^a": {"enum": [1, 2]}}}"#,
    r#"{"type": "nonsense"}"#,
    r##"{"definitions": {"n": {"type": "number", "multipleOf": 0.5}}, "properties": {"a": {"$ref": "#/definitions/n"}}}"##,
    r#"{"allOf": [{"maxProperties": 1}, {"propertyNames": {"pattern": "^[a-b]$"}}]}"#,
    r#"{"required": "a"}"#,
    r#"{"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}}"#,
    r#"{"properties": {"a": {"const": {"b": 1, "c": [1, 2, 3]}}}}"#,
    r#"{"dependencies": {"a": ["b"]}}"#,
    r#"{"properties": {"a": {"items": {"type": "object"}, "minItems": 3, "uniqueItems": true}}}"#,
    r#"{"minProperties": -1}"#,
];
const DOCUMENTS: &[&str] = &[
    "{}",
    r#"{"a": 1}"#,
    r#"{"a": "x", "b": 2}"#,
    r#"{"a": [{"b": 1}, {"b": 1}]}"#,
    r#"{"a": null, "c": 1}"#,
    r#"{"a": {"b": 1, "c": [1, 2, 3]}}"#,
    r#"{"b": 1}"#,
    r#""{\"a\": 2.5}""#,
    r#""{""#,
];
const FORMATS: &[&str] = &[
    r#""%s", ["a"]"#,
    r#""%d", [42]"#,
    r#""%v %v", [[1, "a"], {"b": {1}}]"#,
    r#""%.3f", [1.5]"#,
    r#""%5d|%-5d|", [7, 8]"#,
    r#""%x %X %o %b", [255, 255, 8, 5]"#,
    r#""%q", ["a\"b"]"#,
    r#""%%", []"#,
    r#""%s", [null]"#,
    r#""%t", [true]"#,
    r#""%08.2f", [3.14159]"#,
    r#""%s %s", ["a"]"#,
    r#""%e", [1234.5]"#,
    r#""%d", ["x"]"#,
    r#""%c", [65]"#,
    r#""%10s|%-10s|", ["a", "b"]"#,
    r#""%v", [1.0]"#,
    r#""%v", [0.1]"#,
    r#""%d", [2.5]"#,
    r#""%s", [{"a": "b"}]"#,
    r#""%g", [0.5]"#,
    r#""plain", []"#,
    r#""%+d", [5]"#,
    r#""%v", ["s"]"#,
];
const UNITS: &[&str] = &[
    r#""10""#,
    r#""1K""#,
    r#""1Ki""#,
    r#""1.5Mi""#,
    r#""200m""#,
    r#""2MB""#,
    r#""2MiB""#,
    r#""1gb""#,
    r#""x""#,
    r#""""#,
    r#""0.5G""#,
    r#""1 K""#,
    r#""3TiB""#,
    r#""-1Ki""#,
    r#""5e""#,
    r#""1e3""#,
];
const ENCODED: &[&str] = &[
    r#""aGk=""#,
    r#""aGk""#,
    r#""_-8=""#,
    r#""+/8=""#,
    r#""6869""#,
    r#""686""#,
    r#""zz""#,
    r#""""#,
    r#""a%20b+c""#,
    r#""%zz""#,
    r#""a=1&b=2&a=3""#,
    r#""a=%C3%A4&&b""#,
    r#""68 69""#,
];
const BASE64: &[&str] = &[
    r#""aGk=""#,
    r#""aGk/Pg==""#,
    r#""aGk_Pg==""#,
    r#""""#,
    r#""w6Q=""#,
    r#""!""#,
];
const URIS: &[&str] = &[
    r#""https://a.b:80/c?d=e#f""#,
    r#""http://[::1]:8080/x""#,
    r#""mailto:a@b.c""#,
    r#""/a/b?c""#,
    r#""//host/p""#,
    r#""a b""#,
    r#""http://a b/""#,
    r#""http://h/a%2Fb%20c""#,
    r#""1:2""#,
    r#""urn:x:y""#,
    r#""http://u:p@h:1""#,
    r#""http://h:x/""#,
    r##""#f%20g""##,
    r#""%zz""#,
    r#""""#,
    r#""http://h/ä""#,
    r#"":x""#,
    r#""HTTP://H/""#,
    r#""?""#,
    r#""http://h/?a=b%zz""#,
];
const UUIDS: &[&str] = &[
    r#""c2fc67c2-47f2-11ee-b67a-9f3619c7493f""#,
    r#""000003e8-48b9-21ee-b200-325096b39f47""#,
    r#""00000000-0000-4000-8000-000000000000""#,
    r#""urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8""#,
    r#""{6ba7b8109dad11d180b400c04fd430c8}""#,
    r#""6ba7b8109dad51d1f0b400c04fd430c8""#,
    r#""nonsense""#,
];
const TOKENS: &[&str] = &[
    r#""eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln""#,
    r#""a.b""#,
    r#""eyJhIjoxfQ.W10.c2ln""#,
    r#""eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.x1u6LM3XCbkI0H1P7GPsW4vGSqEfO1nUgS4Qq2r3qJk""#,
];
/// Pairs of these meet where OPA says that they do.
const GLOBS_OF_CHARACTERS: &[&str] = &[
    r#""""#,
    r#""a""#,
    r#""a*""#,
    r#""b+""#,
    r#""[a-c]+""#,
    r#""[b-d]x""#,
    r#"".x""#,
    r#"".*""#,
    r#""[x-z]*""#,
    r#""cx""#,
    r#""\\.""#,
    r#""a]""#,
    r#""[a""#,
    r#""[]""#,
    r#""[-a]""#,
    r#""[b-a]""#,
    r#""*a""#,
    r#""a+*""#,
    r#""a\\""#,
    r#""(a|b)?^$""#,
];
const YAML: &[&str] = &[
    // So many aliases of aliases would be 400 million texts.
    r#""a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: &h [*g,*g,*g,*g,*g,*g,*g,*g,*g]\ni: &i [*h,*h,*h,*h,*h,*h,*h,*h,*h]\n""#,
    r#""a: 1\nb: [x, 'y', \"z\", ~]""#,
    r#""a: yes\nb: No\nc: on\nd: TRUE\ne: n""#,
    r#""[0777, 0o17, 0x1F, 0b11, -0b11, 08, 1_000, 1e3, .5, 5., +1, 1.5e400]""#,
    r#""[18446744073709551615, -9223372036854775808, 1:30, 2001-01-01, 2001-12-14t21:59:43.10-05:00]""#,
    r#""[null, Null, nULL, ~, true, tRUE, '', <<, =]""#,
    r#""[.inf]""#,
    r#""a: &x {b: 1}\nc: {<<: *x, b: 2}\nd: *x""#,
    r#""a: &x {b: 1}\nb: &y {b: 2, c: 3}\nc: {<<: [*y, *x], d: 4}""#,
    r#""a: &x {b: 1}\nb: &y {b: 2, c: 3}\nc:\n  <<: *x\n  <<: *y""#,
    r#""<<: 1""#,
    r#""a: *x""#,
    r#""&a [*a]""#,
    r#""a: 1\na: 2\n1: x\n\"1\": y""#,
    r#""{1.5: a, 1e6: b, true: c, 0x10: d, 0.1: e}""#,
    r#""null: 1""#,
    r#""[1]: a""#,
    r#""[!!str 12, !!int \"12\", !!float 12, !foo 12, !!binary aGk=]""#,
    r#""!!int a""#,
    r#""a: |\n  x\n\n  y\nb: >-\n  x\n  y\nc: |+\n  z\n\n""#,
    r#""- |\n a""#,
    r#""a: 'it''s'\nb: \"\\x41\\u00e9\\n\"""#,
    r##""# nothing""##,
    r#""---\na: 1\n---\nb: 2\n""#,
    r#""a: 1\n---\nb: [""#,
    r#""  a:\nb: 1""#,
    r#""a: b: c""#,
    r#""{a, b: 1}""#,
    r#""%YAML 1.1\n---\na""#,
    r#""%YAML 1.2\n---\na""#,
    r#""@a""#,
    r#""a\u0007""#,
    r#""- a\n-b""#,
];
const TO_YAML: &[&str] = &[
    "null",
    "1.5",
    "12345678.9",
    "1e300",
    "18446744073709551615",
    r#""""#,
    r#""a\nb""#,
    r#"["y", "no", "true", "null", "~", "1", "0x1", "1_000", "2001-01-01", "1:30:45", "<<", "08", ".5", "1e3"]"#,
    r##"["- a", "-a", "? a", "a: b", "a:b", "a #b", "#a", "@a", "it's", "'a'", "\"q\"", "[a", "a]", "&a", "*a", "!a", "|", "---"]"##,
    r#"["a ", " a", "a\tb", "\r", "\u0001", "é€😀", "\u2028x", "\ufeff", "a\\b"]"#,
    r#"["a\n", "a\n\n", "\n", " a\nb", "a \nb", "a\n b", "\na"]"#,
    r#"{"b": [], "a": {}, "c": [[]], "d": [{}], "e": [[1, [2]], {"f": [3]}]}"#,
    r#"{"a10": 1, "a2": 2, "A": 3, "1": 4, "01": 5, "10": 6, "_": 7, "": 8, "a-b": 9, "é": 10}"#,
    r#"{"a\nb": {"c": [1]}, "d": [{"e\nf": "g\nh"}], "y": 1}"#,
    r#"{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx": {"a": 1, "b": [1]}}"#,
    r#"{1, "a", [2]}"#,
];
const GRAPHS: &[&str] = &[
    r#"{"a": ["b", "c"], "b": ["d"], "c": {"d"}, "d": []}"#,
    r#"{"a": ["b"], "b": ["a"]}"#,
    "{}",
    r#"{"a": []}"#,
    r#"{"a": null, "b": ["a"]}"#,
];

/// A built-in and the pools that its arguments are picked from.
type Call = (&'static str, &'static [&'static [&'static str]]);

const CALLS: &[Call] = &[
    ("abs", &[NUMBERS]),
    ("array.concat", &[ARRAYS, ARRAYS]),
    ("array.flatten", &[ARRAYS]),
    ("array.reverse", &[ARRAYS]),
    ("array.slice", &[ARRAYS, INTEGERS, INTEGERS]),
    ("base64.decode", &[BASE64]),
    ("base64.encode", &[STRINGS]),
    ("base64.is_valid", &[ENCODED]),
    ("base64url.decode", &[BASE64]),
    ("base64url.encode", &[STRINGS]),
    ("base64url.encode_no_pad", &[STRINGS]),
    ("bits.and", &[INTEGERS, INTEGERS]),
    ("bits.lsh", &[INTEGERS, INTEGERS]),
    ("bits.negate", &[INTEGERS]),
    ("bits.or", &[INTEGERS, INTEGERS]),
    ("bits.rsh", &[INTEGERS, INTEGERS]),
    ("bits.xor", &[INTEGERS, INTEGERS]),
    ("ceil", &[NUMBERS]),
    ("concat", &[STRINGS, WORDS]),
    ("contains", &[STRINGS, STRINGS]),
    ("count", &[ANY]),
    ("crypto.hmac.equal", &[STRINGS, STRINGS]),
    ("crypto.hmac.md5", &[STRINGS, STRINGS]),
    ("crypto.hmac.sha1", &[STRINGS, STRINGS]),
    ("crypto.hmac.sha256", &[STRINGS, STRINGS]),
    ("crypto.hmac.sha512", &[STRINGS, STRINGS]),
    ("crypto.md5", &[STRINGS]),
    ("crypto.sha1", &[STRINGS]),
    ("crypto.sha256", &[STRINGS]),
    ("endswith", &[STRINGS, STRINGS]),
    ("floor", &[NUMBERS]),
    ("format_int", &[NUMBERS, &["2", "8", "10", "16"]]),
    ("glob.match", &[GLOBS, DELIMITERS, GLOBBED]),
    ("glob.quote_meta", &[GLOBS]),
    ("graph.reachable", &[GRAPHS, WORDS]),
    ("graph.reachable_paths", &[GRAPHS, WORDS]),
    ("hex.decode", &[ENCODED]),
    ("hex.encode", &[STRINGS]),
    ("indexof", &[STRINGS, STRINGS]),
    ("indexof_n", &[STRINGS, STRINGS]),
    ("intersection", &[SETS_OF_SETS]),
    ("io.jwt.decode", &[TOKENS]),
    ("io.jwt.verify_hs256", &[TOKENS, STRINGS]),
    ("io.jwt.verify_hs384", &[TOKENS, STRINGS]),
    ("io.jwt.verify_hs512", &[TOKENS, STRINGS]),
    ("is_array", &[ANY]),
    ("is_boolean", &[ANY]),
    ("is_null", &[ANY]),
    ("is_number", &[ANY]),
    ("is_object", &[ANY]),
    ("is_set", &[ANY]),
    ("is_string", &[ANY]),
    ("json.filter", &[OBJECTS, PATHS]),
    ("json.is_valid", &[JSON]),
    ("json.marshal", &[ANY]),
    ("json.match_schema", &[DOCUMENTS, SCHEMAS]),
    ("json.patch", &[OBJECTS, PATCHES]),
    ("json.remove", &[OBJECTS, PATHS]),
    ("json.unmarshal", &[JSON]),
    ("json.verify_schema", &[SCHEMAS]),
    ("lower", &[STRINGS]),
    ("max", &[NUMERIC]),
    ("min", &[NUMERIC]),
    ("max", &[ARRAYS]),
    ("min", &[SETS]),
    ("net.cidr_contains", &[NETWORKS, ADDRESSES]),
    ("net.cidr_contains", &[NETWORKS, NETWORKS]),
    (
        "net.cidr_contains_matches",
        &[MATCHED_NETWORKS, MATCHED_NETWORKS],
    ),
    (
        "net.cidr_expand",
        &[&[
            r#""10.0.0.0/30""#,
            r#""10.0.0.5/31""#,
            r#""2001:db8::/127""#,
            r#""x""#,
        ]],
    ),
    ("net.cidr_intersects", &[NETWORKS, NETWORKS]),
    ("net.cidr_is_valid", &[NETWORKS]),
    ("net.cidr_merge", &[NETWORK_LISTS]),
    ("numbers.range", &[INTEGERS, INTEGERS]),
    ("numbers.range_step", &[INTEGERS, INTEGERS, INTEGERS]),
    ("object.filter", &[OBJECTS, WORDS]),
    (
        "object.get",
        &[OBJECTS, &[r#""a""#, r#"["a", "b"]"#, "[]", r#""x""#], ANY],
    ),
    ("object.keys", &[OBJECTS]),
    ("object.remove", &[OBJECTS, WORDS]),
    ("object.subset", &[OBJECTS, OBJECTS]),
    ("object.subset", &[ARRAYS, ARRAYS]),
    ("object.subset", &[SETS, SETS]),
    ("object.union", &[OBJECTS, OBJECTS]),
    (
        "object.union_n",
        &[&[
            "[]",
            r#"[{"a": 1}, {"a": {"b": 2}}, {"c": 3}]"#,
            r#"[{"a": {"b": 1}}, {"a": {"c": 2}}]"#,
        ]],
    ),
    ("product", &[NUMERIC]),
    (
        "regex.find_all_string_submatch_n",
        &[PATTERNS, SUBJECTS, INTEGERS],
    ),
    ("regex.find_n", &[PATTERNS, SUBJECTS, INTEGERS]),
    (
        "regex.globs_match",
        &[GLOBS_OF_CHARACTERS, GLOBS_OF_CHARACTERS],
    ),
    ("regex.is_valid", &[PATTERNS]),
    ("regex.match", &[PATTERNS, SUBJECTS]),
    ("regex.replace", &[SUBJECTS, PATTERNS, REPLACEMENTS]),
    ("regex.split", &[PATTERNS, SUBJECTS]),
    (
        "regex.template_match",
        &[
            &[r#""a{.*}c""#, r#""{[a-z]+}1""#, r#""a{""#],
            SUBJECTS,
            &[r#""{""#],
            &[r#""}""#],
        ],
    ),
    ("replace", &[STRINGS, STRINGS, STRINGS]),
    ("round", &[NUMBERS]),
    ("semver.compare", &[VERSIONS, VERSIONS]),
    ("semver.is_valid", &[VERSIONS]),
    ("sort", &[ARRAYS]),
    ("sort", &[SETS]),
    ("split", &[STRINGS, STRINGS]),
    ("sprintf", &[FORMATS]),
    ("startswith", &[STRINGS, STRINGS]),
    ("strings.any_prefix_match", &[WORDS, WORDS]),
    ("strings.any_suffix_match", &[STRINGS, WORDS]),
    ("strings.count", &[STRINGS, STRINGS]),
    (
        "strings.replace_n",
        &[&["{}", r#"{"a": "b", "b": "c"}"#, r#"{"X": ""}"#], STRINGS],
    ),
    ("strings.reverse", &[STRINGS]),
    ("strings.split_n", &[STRINGS, STRINGS, INTEGERS]),
    ("substring", &[STRINGS, INTEGERS, INTEGERS]),
    ("sum", &[NUMERIC]),
    ("time.add_date", &[TIMES, INTEGERS, INTEGERS, INTEGERS]),
    ("time.clock", &[TIMES]),
    ("time.date", &[TIMES]),
    ("time.diff", &[TIMES, TIMES]),
    ("time.format", &[TIMES]),
    ("time.parse_duration_ns", &[DURATIONS]),
    ("time.parse_ns", &[LAYOUTS, WRITTEN]),
    ("time.parse_rfc3339_ns", &[WRITTEN]),
    ("time.weekday", &[TIMES]),
    (
        "to_number",
        &[&[
            r#""10""#,
            r#""-1.50""#,
            r#""x""#,
            "null",
            "true",
            "1.5",
            r#""""#,
            r#""1e3""#,
            r#"" 1""#,
            r#""0x10""#,
            r#""1_0""#,
        ]],
    ),
    ("trace", &[STRINGS]),
    ("trim", &[STRINGS, STRINGS]),
    ("trim_left", &[STRINGS, STRINGS]),
    ("trim_prefix", &[STRINGS, STRINGS]),
    ("trim_right", &[STRINGS, STRINGS]),
    ("trim_space", &[STRINGS]),
    ("trim_suffix", &[STRINGS, STRINGS]),
    ("type_name", &[ANY]),
    ("union", &[SETS_OF_SETS]),
    ("units.parse", &[UNITS]),
    ("units.parse_bytes", &[UNITS]),
    ("upper", &[STRINGS]),
    ("uri.is_valid", &[URIS]),
    ("uri.parse", &[URIS]),
    ("urlquery.decode", &[ENCODED]),
    ("urlquery.decode_object", &[ENCODED]),
    ("urlquery.encode", &[STRINGS]),
    (
        "urlquery.encode_object",
        &[&[
            "{}",
            r#"{"a": "b c"}"#,
            r#"{"b": ["1", "2"], "a": {"x", "y"}}"#,
        ]],
    ),
    ("uuid.parse", &[UUIDS]),
    ("yaml.is_valid", &[YAML]),
    ("yaml.marshal", &[TO_YAML]),
    ("yaml.unmarshal", &[YAML]),
];

/// What is written again and again, as often as there are texts for it.
const OFTEN: usize = 12;

/// The built-ins that read or write a language: what matters is the texts, not how they come together.
const LANGUAGES: [&str; 4] = [
    "regex.globs_match",
    "yaml.is_valid",
    "yaml.marshal",
    "yaml.unmarshal",
];

/// The names of the built-ins that are tried.
pub fn names() -> impl Iterator<Item = &'static str> {
    CALLS.iter().map(|(name, _)| *name)
}

/// Calls each built-in `times` times.
pub fn calls(seed: u64, times: usize) -> Vec<Case> {
    let mut numbers = Numbers(seed);
    let mut cases = Vec::new();
    for _ in 0..times {
        let often = CALLS
            .iter()
            .filter(|(name, _)| LANGUAGES.contains(name))
            .flat_map(|call| std::iter::repeat_n(call, OFTEN));
        for (function, pools) in CALLS.iter().chain(often) {
            // OPA's compiler refuses constants of a wrong type; what it cannot know is left to the function.
            let arguments: Vec<String> = pools
                .iter()
                .map(|pool| numbers.pick(pool))
                .map(|argument| match *function {
                    "sprintf" => argument.to_owned(),
                    _ => format!("object.get(input, \"nothing\", {argument})"),
                })
                .collect();
            let name = format!("call_{}", cases.len());
            let text = format!("{name} := {function}({})\n", arguments.join(", "));
            cases.push(Case { name, text });
        }
        // A layout is an argument within an argument.
        let (time, layout) = (
            numbers.pick(&["0", "1700000000123456789", "-5000000000"]),
            numbers.pick(LAYOUTS),
        );
        let zone = numbers.pick(&["UTC", "Asia/Tokyo", "America/New_York", "Africa/Casablanca"]);
        let name = format!("call_{}", cases.len());
        let text = format!("{name} := time.format([{time}, \"{zone}\", {layout}])\n");
        cases.push(Case { name, text });
    }
    cases
}

/// Writes rules of all forms over the input and each other.
pub fn rules(seed: u64, count: usize) -> Vec<Case> {
    let mut numbers = Numbers(seed);
    (0..count).map(|at| rule(at, &mut numbers)).collect()
}

const LISTS: &[&str] = &[
    "input.attestations",
    r#"object.get(input, "nothing", [1, 2, 3])"#,
    "input.required",
    r#"object.get(input, "nothing", [{"type": "x", "n": 1}, {"type": "y"}])"#,
    r#"object.get(input, "nothing", [])"#,
];
const TESTS: &[&str] = &[
    r#"x.type == "junit""#,
    "is_number(x); x > 1",
    "x.n == 1",
    "not x.foreign",
    "x.facts.failed == 0",
    r#"x.outcome != "failed""#,
    "x",
    "is_object(x)",
    "x.recorded_ms >= 1000",
    r#"x.type; startswith(x.type, "j")"#,
    "x.nothing == null",
    "not x.nothing",
    "count(x.facts.tests) > 1",
    r#"x.type in {"junit", "x"}"#,
];
const TERMS: &[&str] = &[
    "x",
    "x.type",
    r#"{"t": x.type}"#,
    "[x.type, x.outcome]",
    "1",
    r#"object.get({"outcome": x}, "outcome", "none")"#,
    "x.facts.failed",
    "count([x, x])",
    "(count([x]) + 1)",
    "(count(input.attestations) / 2)",
    r#"sprintf("%v", [x])"#,
    "(7 % 4)",
    "(2 * 2.5)",
];

fn rule(at: usize, numbers: &mut Numbers) -> Case {
    let name = format!("rule_{at}");
    let (list, test, other) = (
        numbers.pick(LISTS),
        numbers.pick(TESTS),
        numbers.pick(TESTS),
    );
    let (term, second) = (numbers.pick(TERMS), numbers.pick(TERMS));
    let mut text = String::new();
    let n = &name;
    match numbers.below(55) {
        0 => writeln!(text, "{n} := [{term} | some x in {list}; {test}]"),
        1 => writeln!(text, "{n} := {{{term} | some x in {list}; {test}; {other}}}"),
        2 => writeln!(text, "{n} := {{i: {term} | some i, x in {list}; {test}}}"),
        3 => writeln!(text, "{n} contains {term} if {{\n\tsome x in {list}\n\t{test}\n}}"),
        4 => writeln!(text, "{n} := {{i: y | some i, x in {list}; {test}; y := {term}}}"),
        5 => writeln!(text, "{n} if {{\n\tevery x in {list} {{\n\t\t{test}\n\t}}\n}}"),
        6 => writeln!(text, "default {n} := \"no\"\n\n{n} := \"yes\" if {{\n\tsome x in {list}\n\t{test}\n\t{other}\n}}"),
        7 => writeln!(text, "h_{n} if {{\n\tsome x in {list}\n\t{test}\n}}\n\n{n} := 1 if h_{n}\nelse := 2 if count([x | some x in {list}; {other}]) > 0\nelse := 3"),
        8 => writeln!(text, "f_{n}(x) := {term} if {{ {test} }}\n\n{n} := [f_{n}(y) | some y in {list}]"),
        9 => writeln!(text, "g_{n}(x) if {{ {test} }}\n\nf_{n}(x) := {term} if g_{n}(x)\n\nf_{n}(x) := \"other\" if not g_{n}(x)\n\n{n} := [f_{n}(y) | some y in {list}]"),
        10 => writeln!(text, "h_{n} if {{\n\tsome x in {list}\n\t{test}\n}}\n\n{n} := \"absent\" if not h_{n}"),
        11 => writeln!(text, "{n} := count([x | some x in {list}; {test}]) + count({{{term} | some x in {list}}})"),
        12 => writeln!(text, "h_{n} contains {term} if {{ some x in {list}; x != 0.5 }}\n\n{n} := {{y | some y in h_{n}; is_string(y)}} | {{\"z\"}}"),
        13 => writeln!(text, "{n} := [x, y] if {{\n\txs := {list}\n\tx := xs[0]\n\ty := xs[1]\n\t{test}\n}}"),
        14 => writeln!(text, "{n} := {{i: ys | some i, x in {list}; ys := [{second} | some z in {list}; z != x; {test}]}}"),
        15 => writeln!(text, "{n} contains [i, j] if {{\n\tsome i, x in {list}\n\tsome j, y in {list}\n\ti < j\n\tx != y\n}}"),
        16 => writeln!(text, "{n} := x if {{\n\t[x, _] = {list}\n}} else := \"other shape\""),
        17 => writeln!(text, "{n} if {{\n\tsome x in {list}\n\tnot x.foreign == true\n\t{other}\n}}"),
        18 => writeln!(text, "f_{n}(x, \"a\") := [x, 1]\n\nf_{n}(x, \"b\") := {{\"v\": x}}\n\n{n} := [f_{n}(1, k) | some k in [\"a\", \"b\", \"c\"]]"),
        19 => writeln!(text, "g_{n}(x) := y if {{\n\ty := {term}\n}}\n\n{n} := {{\"a\": [z | some y in {list}; z := g_{n}(y)], \"b\": [y | some y in {list}; not g_{n}(y)]}}"),
        20 => writeln!(text, "{n} := {{k | some k, v in {{\"a\": 1, \"b\": [2], \"c\": {{3}}}}; v == {second}; x := v}}", second = numbers.pick(&["1", "[2]", "{3}", "{2, 1} & {1}"])),
        21 => writeln!(text, "{n}[i] := {term} if {{\n\tsome i, x in {list}\n\t{test}\n}}"),
        22 => writeln!(text, "{n}[x.type] contains {term} if {{\n\tsome x in {list}\n\t{test}\n}}"),
        23 => writeln!(text, "{n}.a := [{term} | some x in {list}; {test}]\n\n{n}[\"b-c\"] := 1 if {{\n\tsome x in {list}\n\t{other}\n}}\n\n{n}[k] := {second} if {{ some k, x in object.get(input, \"nothing\", {{\"d\": 1, \"e\": {{}}}}); x != 0.5 }}"),
        24 => writeln!(text, "h_{n}[i] := {term} if {{\n\tsome i, x in {list}\n\t{test}\n}}\n\n{n} := {{k: v | some k, v in h_{n}; is_string(v)}}"),
        25 => writeln!(text, "h_{n}[i] if {{\n\tsome i, x in {list}\n\t{test}\n}}\n\n{n} := [h_{n}, [1 | h_{n}[0]], [i | h_{n}[i]]]"),
        26 => writeln!(text, "h_{n}[x.type] contains i if {{\n\tsome i, x in {list}\n\t{test}\n}}\n\nh_{n}.junit contains {second} if {{ some x in {list}; x != 0.5 }}\n\n{n} := [count(h_{n}), [v | some v in h_{n}.junit], h_{n}]"),
        27 => writeln!(text, "h_{n}[i] := {term} if {{\n\tsome i, x in {list}\n\t{test}\n}}\n\n{n} := \"none\" if not h_{n}[0]"),
        28 => writeln!(text, "h_{n}[i] := [y | y := {term}] if {{ some i, x in {list}; x != 0.5 }}\n\n{n} if {{\n\tevery i, x in {list} {{\n\t\tx != 0.5\n\t\th_{n}[i] == [y | y := {term}]\n\t}}\n}}"),
        29 => writeln!(text, "{n}[[i, 1]] := {{\"t\": {term}, \"n\": {second}}} if {{\n\tsome i, x in {list}\n\t{test}\n}}"),
        30 => writeln!(text, "{n} := x if {{\n\tsome x in {list}\n\tx == {list}[0]\n\t{test}\n}}"),
        31 => writeln!(text, "f_{n}(xs) := {{\"v\": x}} if {{ # {{of}} one\n\tsome x in xs\n\tx == xs[0]\n\t{test}\n}}\n\n{n} := [f_{n}([y]) | some y in {list}]"),
        32 => writeln!(text, "f_{n}(x) := [x] if {{ {test} }}\n\nf_{n}(x) := [x] if not is_object(x)\n\nf_{n}(x) := [x] if {{ not is_object(x); {other} }}\n\n{n} := [f_{n}(y) | some y in {list}; is_number(y)]"),
        33 => writeln!(text, "{n} := [y | some y in {list}] if {{\n\tsome x in {list}\n\t{test}\n}}\n\n{n} := [y | some y in {list}] if {{\n\tsome x in {list}\n\t{other}\n}}"),
        34 => writeln!(text, "{n} := {{(x): (\n\t[x, i] # at: a | place\n) | some i, x in {list}; {test}; x == {list}[i]}}"),
        35 => writeln!(text, "{n} := {{k: v | some i, x in {list}; k := sprintf(\"%d\", [i]); v := {{j: y | some y in [{term}]; j := [i]}}}}"),
        36 => writeln!(text, "default {n} := \"nothing\"\n\n{n} := y if {{\n\txs := [x | some x in {list}; {test}]\n\tsome i, y in xs\n\ti == count(xs) - 1\n}}"),
        37 => writeln!(text, "{n} := [i | some i, x in {list}; count([1 | {test}]) == 0]"),
        38 => writeln!(text, "{n} contains i if {{\n\tsome i, x in {list}\n\tys := [z | {test}; some z in {list}]\n\tcount(ys) == 0\n}}"),
        39 => writeln!(text, "h_{n} if {{\n\tevery x in {list} {{\n\t\tcount({{1 | {test}}}) == 1\n\t}}\n}}\n\n{n} := [1 | h_{n}]"),
        40 => writeln!(text, "{n} := [[i, y] | some i, x in {list}; some y in [z | z := {term}]]"),
        41 => writeln!(text, "{n} := [count([z | some z in x.facts.tests]) | some x in {list}; {test}]"),
        42 => writeln!(text, "{n} := [count([z | zs := x.facts; some z in zs.tests; {other}]) | some x in {list}; {test}]"),
        43 => writeln!(text, "{n} := [i | some i, x in {list}; not f_{n}(x)]\n\nf_{n}(x) if {{\n\tsome y in [x]\n\t[z | {test}; z := y] == [x]\n}}"),
        44 => writeln!(text, "{n} := [i | some i, x in {list}; not count([1 | {test}]) == 1]"),
        45 => writeln!(text, "{n} := [i | some i, x in {list}; i in [j | {other}; some j, _ in {list}]]"),
        46 => writeln!(text, "f_{n}(x) if {{ {test} }}\n\n{n} := [[i, count([1 | every y in [x, x] {{ f_{n}(y) }}])] | some i, x in {list}]"),
        47 => writeln!(text, "h_{n} contains x.type if {{\n\tsome x in {list}\n\t{test}\n}}\n\n{n} := [i | some i, x in {list}; h_{n}[x.type]; {other}]"),
        48 => writeln!(text, "{n} := [[i, {{k: v | some k, v in x; is_string(v)}}] | some i, x in {list}; {test}]"),
        49 => writeln!(text, "{n} := [i | some i, x in {list}; xs := [y | y := x.nothing; {test}]; count(xs) == 0; {other}]"),
        50 => writeln!(text, "h_{n} if {{\n\tsome x in {list}\n\tevery y in {list} {{\n\t\tcount([1 | y == x; {test}]) == 1\n\t}}\n}}\n\n{n} := [1 | h_{n}]"),
        51 => writeln!(text, "{n} := max([c | some x in {list}; c := count([1 | {test}; {other}])])"),
        52 => writeln!(text, "f_{n}(x) := \"a\" if {{ count([1 | {test}]) == 1 }}\nelse := \"b\" if {{ count([1 | {other}]) == 1 }}\nelse := {term}\n\n{n} := [[i, f_{n}(x)] | some i, x in {list}]"),
        53 => writeln!(text, "f_{n}(x) := [y | some y in {list}; y == x; {test}]\n\n{n} := {{i: f_{n}(x) | some i, x in {list}; count(f_{n}(x)) < 2}}"),
        _ => writeln!(text, "{n} := [y | xs := {list}; x := xs[_]; {test}; y := {term}]"),
    }
    .unwrap();
    Case { name, text }
}

const QUANTIFIERS: &[&str] = &[
    r#"every x in ["a", "b"]"#,
    r#"every x in ["a", "z"]"#,
    r#"every x in {"z"}"#,
    r#"every x in [y | some y in ["a", "z"]]"#,
    r#"every _, x in {"a": "a", "z": "z"}"#,
    r#"every x, _ in {"a": 1, "z": 1}"#,
];
const QUANTIFIED: &[&str] = &[
    "of[x]",
    "is_number(of[x])",
    "of[x] == 1",
    "not of[x] == 1",
    "not of[x]",
    "of[x] != 2",
    "y := of[x]; y == 1",
    "y := concat(\"\", [x]); of[y] == 1",
    "some y in [of[x]]; y == 1",
    "some y; of[y] == of[x]",
    "count([of[x]]) == 1",
    "{x: of[x]} == {\"a\": 1}",
    "every w in [\"a\", \"d\"] { of[w] == of[x] }",
    "every w in [x] { is_number(of[w]) }",
    "of.l[_] == of[x]",
    "input.attestations[_].facts[x]",
    "object.get(of, x, 0) == 1",
    "startswith(x, \"a\")",
    "of[x] == of[of.n]",
];

const OF: &str =
    r#"object.get(input, "nothing", {"a": 1, "b": "x", "c": false, "d": 1, "l": [1], "n": "a"})"#;

/// Writes each quantifier over each test.
pub fn quantifiers() -> Vec<Case> {
    let forms = QUANTIFIERS
        .iter()
        .flat_map(|every| QUANTIFIED.iter().map(move |test| (every, test)));
    forms
        .enumerate()
        .map(|(at, (every, test))| {
            let name = format!("every_{at}");
            let text = format!(
                "h_{name} if {{\n\tof := {OF}\n\t{every} {{ {test} }}\n}}\n\n{name} := [1 | h_{name}]\n"
            );
            Case { name, text }
        })
        .collect()
}

const WALKED: &[&str] = &[
    OF,
    r#"object.get(input, "nothing", [1, {"a": [1]}, [2, {1, 3}], null])"#,
    "input.attestations",
    r#"object.get(input, "nothing", 1)"#,
    r#"object.get(input, "nothing", [])"#,
    "input.nothing",
];
const WALKS: &[&str] = &[
    "N := {p | walk(W, [p, 1])}",
    "N := {v | walk(W, [p, v]); count(p) == 1}",
    "N := [1 | walk(W, [[\"a\"], _])]",
    "N := {i | walk(W, [[i, \"a\"], _])}",
    "N := {v | some p in [[\"a\"], [0], [1, \"a\"]]; walk(W, [p, v])}",
    "N := {v | p := [1, \"a\"]; walk(W, [p, v])}",
    "N := {o | walk(W, o); is_number(o[1])}",
    "N contains [p, v] if {\n\tsome p, v\n\twalk(W, [p, v])\n\tis_number(v)\n}",
    "N contains k if walk(W, [[_, k], 1])",
    "h_N if walk(W, [_, 1])\n\nN := [1 | h_N]",
    "h_N if walk(W, [_, 7])\n\nN := [1 | not h_N]",
    "h_N(x, y) if walk(x, [_, y])\n\nN := [y | some y in [1, 2, 7, \"a\", null, [1]]; h_N(W, y)]",
    "h_N if {\n\tevery y in [1, \"x\"] { walk(W, [_, y]) }\n}\n\nN := [1 | h_N]",
    "N := {[p, q] | walk(W, [p, v]); walk(v, [q, 1])}",
    "N := {v | walk([x | some x in W], [[_], v])}",
];

/// Writes each walk over each value.
pub fn walks() -> Vec<Case> {
    let forms = WALKED
        .iter()
        .flat_map(|walked| WALKS.iter().map(move |walk| (walked, walk)));
    forms
        .enumerate()
        .map(|(at, (walked, walk))| {
            let name = format!("walk_{at}");
            let text = walk.replace('N', &name).replace('W', walked) + "\n";
            Case { name, text }
        })
        .collect()
}

/// Values of every type, in the order in which types stand; an object and a set are never compared.
const ORDERED: &[&str] = &[
    "null",
    "false",
    "true",
    "-1",
    "2.5",
    r#""""#,
    r#""a""#,
    "[]",
    r#"["a"]"#,
    "{}",
    r#"{"a": 1}"#,
    "set()",
    "{1}",
];
const ORDERED_OBJECTS: std::ops::Range<usize> = 9..11;
const ORDERED_SETS: std::ops::Range<usize> = 11..13;

/// Writes all comparisons of each value with each, and what does not hold where one does.
pub fn comparisons() -> Vec<Case> {
    let all = 0..ORDERED.len();
    let pairs = all
        .clone()
        .flat_map(|left| all.clone().map(move |right| (left, right)));
    let apart = |&(left, right): &(usize, usize)| {
        let of = |one, other| ORDERED_OBJECTS.contains(&one) && ORDERED_SETS.contains(&other);
        !of(left, right) && !of(right, left)
    };
    let case = |(at, (left, right)): (usize, (usize, usize))| {
        let name = format!("compared_{at}");
        let value = |at: usize| format!(r#"object.get(input, "nothing", {})"#, ORDERED[at]);
        let (left, right) = (value(left), value(right));
        let text = format!(
            "h_{name} if {left} > {right}\n\n{name} := [x < y, x <= y, x > y, x >= y, [1 | not h_{name}]] if {{\n\tx := {left}\n\ty := {right}\n}}\n"
        );
        Case { name, text }
    };
    pairs.filter(apart).enumerate().map(case).collect()
}

/// Rules that have two values, so that a query for them has none, and rules that only could have.
pub const TWO_VALUES: &[(&str, bool)] = &[
    ("r := 1\n\nr := 2 if input.now_ms > 0", true),
    ("r := 1\n\nr := 2 if input.now_ms < 0", false),
    ("r := \"true\"\n\nr if input.now_ms > 0", true),
    ("r if input.now_ms > 0\n\nr := 2 if input.now_ms > 0", true),
    ("r if input.now_ms > 0\n\nr := 2 if input.now_ms < 0", false),
    ("r := 1 if input.now_ms < 0 else := 2\n\nr := 3", true),
    (
        "r := 1 if input.now_ms < 0 else if input.now_ms > 0\n\nr := 3",
        true,
    ),
    ("r := 1 if input.now_ms < 0 else := 2\n\nr := 2", false),
    ("r := x if some x in [1, 2]", true),
    ("r := x if {\n\tsome x in [1, 2]\n\tx > 1\n}", false),
    ("r := x if some x in [1, 1]", false),
    ("r := x if {\n\txs := [1, 2]\n\tx := xs[_]\n}", true),
    (
        "r := x if {\n\txs := {[1, 2], [1, 3]}\n\txs[[1, x]]\n}",
        true,
    ),
    (
        "r := x if {\n\tsome i\n\txs := [1, 2]\n\tx = xs[i]\n}",
        true,
    ),
    ("r := [y | y := x] if some x in [1, 2]", true),
    ("r := p if walk({\"a\": 1}, [p, _])", true),
    (
        "r := 1 if input.subject[concat(\"\", [\"flow\"])] == 1 else := 2 if input.now_ms > 0",
        false,
    ),
    ("f(xs) := x if some x in xs\n\nr := f([1, 2])", true),
    ("f(xs) := x if some x in xs\n\nr := [f([1]), f([2])]", false),
    (
        "f(x) := 1 if x > 0\n\nf(x) := 2 if x > 1\n\nr := f(2)",
        true,
    ),
    (
        "f(x) := 1 if x > 0\n\nf(x) := 2 if x > 1\n\nr := [f(1), f(1)]",
        false,
    ),
    (
        "f(x) := 1 if x == 1\n\nf(x) := 2 if x == 2\n\nr := [f(1), f(2), f(1)]",
        false,
    ),
    (
        "f(\"a\", _) := 1\n\nf(_, \"b\") := 2\n\nr := f(\"a\", \"b\")",
        true,
    ),
    (
        "f(\"a\", x) := x\n\nf(\"b\", x) := [x]\n\nr := [f(\"a\", 1), f(\"b\", 1)]",
        false,
    ),
    ("f([x, _]) := x\n\nf([_, y]) := y\n\nr := f([1, 2])", true),
    ("f([x, _]) := x\n\nf([_, y]) := y\n\nr := f([1, 1])", false),
    ("r := {k: v | some [k, v] in [[1, 1], [1, 2]]}", true),
    ("r := {k: v | some [k, v] in [[1, 1], [1, 1]]}", false),
    ("r := {k: v | some v in [1, 2]; k := 1}", true),
    ("r := {k: v | some k, v in [1, 2]}", false),
    ("r := {k: v | some k, _ in [1, 2]; some v in [1, 2]}", true),
    (
        "r := {k: v | some k, _ in [1, 2]; vs := [1, 2]; v := vs[_]}",
        true,
    ),
    (
        "r := count({k: {w: 1 | some w in [v]} | some v in [[1], [2]]; k := \"a\"}) == 1",
        true,
    ),
    ("r[k] := v if some [k, v] in [[1, 1], [1, 2]]", true),
    ("r.a := 1\n\nr[k] := 2 if some k in [\"a\", \"b\"]", true),
    ("r.a := 1\n\nr[k] := 2 if some k in [\"b\"]", false),
    ("r[k] contains v if some [k, v] in [[1, 1], [1, 2]]", false),
];

/// Writes the cases as a policy, each of them a finding whose reason is the value.
pub fn policy(cases: &[Case]) -> String {
    let mut text = String::from("package diff\n\ndefault allow := false\n\n");
    for Case { name, text: rules } in cases {
        writeln!(
            text,
            "{rules}\nfindings contains {{\"control\": \"{name}\", \"status\": \"satisfied\", \"reason\": reason, \"entries\": []}} if {{\n\treason := substring(json.marshal({name}), 0, 400)\n}}\n"
        )
        .unwrap();
    }
    text
}
