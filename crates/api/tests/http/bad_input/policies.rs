use crate::world::World;

#[tokio::test]
async fn policies_that_are_none_are_refused() {
    let world = World::new().await;
    let before = world.size().await;
    let rego = [("content-type", "application/rego")];
    let wasm = [("content-type", "application/wasm")];
    let admin = &world.admin;
    let http =
        "package p\ndefault allow := false\nallow if http.send({}).ok\nfindings contains {}\n";
    let default = "package p\ndefault allow := true\nfindings contains {}\n";
    let lines = [
        (
            "nothing",
            world.post_as(admin, "/v1/policies?name=p", &rego, "").await,
        ),
        (
            "a syntax error",
            world
                .post_as(admin, "/v1/policies?name=p", &rego, "package p\nallow if {")
                .await,
        ),
        (
            "http.send",
            world
                .post_as(admin, "/v1/policies?name=p", &rego, http)
                .await,
        ),
        (
            "default allow",
            world
                .post_as(admin, "/v1/policies?name=p", &rego, default)
                .await,
        ),
        (
            "not UTF-8",
            world
                .post_as(admin, "/v1/policies?name=p", &rego, b"\xff".to_vec())
                .await,
        ),
        (
            "not WebAssembly",
            world
                .post_as(admin, "/v1/policies?name=p", &wasm, "package p")
                .await,
        ),
        (
            "truncated",
            world
                .post_as(
                    admin,
                    "/v1/policies?name=p",
                    &wasm,
                    b"\0asm\x0d\0\x01\0\x07".to_vec(),
                )
                .await,
        ),
        (
            "no name",
            world
                .post_as(admin, "/v1/policies", &rego, "package p")
                .await,
        ),
        (
            "a wrong name",
            world
                .post_as(admin, "/v1/policies?name=..%2f", &rego, "package p")
                .await,
        ),
    ]
    .map(|(name, reply)| format!("{name} -> {}", reply.problem()));
    assert_eq!(world.size().await, before);
    insta::assert_snapshot!(lines.join("\n"), @r"
        nothing -> 400 policy-refused: the policy cannot be published: the policy is empty
        a syntax error -> 400 policy-refused: the policy cannot be published: the Rego source is wrong: 
        --> policy.rego:2:11
          |
        2 | allow if {
          |           ^
        error: expecting expression
        http.send -> 400 policy-refused: the policy cannot be published: the Rego source calls `http.send`, which is not pure: it talks to the network
        --> policy.rego:3:10
          |
        3 | allow if http.send({}).ok
          |          ^
        default allow -> 400 policy-refused: the policy cannot be published: the Rego source has a default for `allow` that is not `false`
        --> policy.rego:2:1
          |
        2 | default allow := true
          | ^
        not UTF-8 -> 400 invalid-text: Rego source is UTF-8 text
        not WebAssembly -> 400 policy-refused: the policy cannot be published: the policy is not a WebAssembly component
        truncated -> 400 policy-refused: the policy cannot be published: the component is invalid: failed to parse WebAssembly module: unexpected end-of-file (at offset 0x9)
        no name -> 400 invalid-query: missing field `name`
        a wrong name -> 400 invalid-query: name: `../` is not a name: 1 to 64 of `A-Z a-z 0-9 . _ -`, first a letter or digit, without `..`
        ");
}
