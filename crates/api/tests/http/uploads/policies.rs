//! The code of a policy that is too large for a request: announced, sent, published, read back.

use policy::{POLICY_BYTES_MAX, PolicyForm};

use super::*;

const PUBLISH: &str = "/v1/policies?name=large";

/// A policy with a custom section that nothing reads.
fn padded(bytes: usize) -> Vec<u8> {
    let stock = policy::stock::seed("unit-tested", PolicyForm::Component).unwrap();
    let mut code = stock.source().bytes().to_vec();
    let section = [b"\x07padding".as_slice(), &vec![0x5a; bytes]].concat();
    code.push(0);
    let mut size = section.len();
    while size > 0x7f {
        code.push(u8::try_from(size & 0x7f).unwrap() | 0x80);
        size >>= 7;
    }
    code.push(u8::try_from(size).unwrap());
    [code, section].concat()
}

fn wanted(code: &[u8]) -> Value {
    json!({"sha256": sha256(code), "size": code.len()})
}

fn publication(announced: &Value) -> Value {
    json!({"language": "component", "code": {"upload": announced["upload"]}})
}

impl World {
    async fn code_announced(&self, code: &[u8]) -> Value {
        self.made(&self.admin, "/v1/uploads", &wanted(code)).await
    }

    async fn code_sent(&self, code: &[u8]) -> Value {
        let announced = self.code_announced(code).await;
        assert_eq!(self.put(&announced, code).await.status, 204);
        announced
    }

    async fn try_publish(&self, token: &str, announced: &Value) -> String {
        let publication = publication(announced);
        self.post(token, PUBLISH, &publication).await.problem()
    }
}

#[tokio::test]
async fn a_large_policy_is_uploaded_published_once_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with_trail(folder.path()).await;
    let code = padded(9_000_000);
    let announced = world.code_sent(&code).await;
    let publication = publication(&announced);
    let published = world.made(&world.admin, PUBLISH, &publication).await;
    let again = world.made(&world.admin, PUBLISH, &publication).await;
    assert_eq!(again, published);
    let path = format!("/v1/policies/{}", published["policy"].as_str().unwrap());
    let shown = world.get(&world.reporter, &path).await.json();
    assert_eq!(shown["code_bytes"], code.len());
    assert_eq!(shown["digest"], sha256(&code));
    let read = world.get(&world.reporter, &format!("{path}/code")).await;
    assert_eq!(read.header("content-type"), "application/wasm");
    assert!(read.bytes == code);
    // Rego can come so, too.
    let rego = b"package p\ndefault allow := false\nfindings := []\n";
    let announced = world.code_sent(rego).await;
    let rego = json!({"language": "rego", "code": {"upload": announced["upload"]}});
    world
        .made(&world.admin, "/v1/policies?name=rego", &rego)
        .await;
}

#[tokio::test]
async fn whoever_may_not_publish_may_not_upload_a_policy() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with_trail(folder.path()).await;
    let code = padded(5_000_000);
    let wanted = wanted(&code);
    let refused = world.post(&world.reporter, "/v1/uploads", &wanted).await;
    let problem = refused.problem();
    assert!(problem.starts_with("403 role-missing"), "{problem}");
    let announced = world.code_announced(&code).await;
    let problem = world.try_publish(&world.admin, &announced).await;
    assert!(problem.starts_with("409 upload-missing"), "{problem}");
    assert_eq!(world.put(&announced, &code).await.status, 204);
    let problem = world.try_publish(&world.reporter, &announced).await;
    assert!(problem.starts_with("403 role-missing"), "{problem}");
    // It is of the key that announced it.
    let author = json!({"name": "author", "roles": ["policy-author", "reporter"], "grants": [{"flow": "*"}]});
    let author = world.token(&author).await;
    let problem = world.try_publish(&author, &announced).await;
    assert!(problem.starts_with("403 foreign-upload"), "{problem}");
    // What is announced as evidence is no policy, and the reverse.
    let evidence = world
        .made(&author, "/v1/uploads", &announcement(&code))
        .await;
    let problem = world.try_publish(&author, &evidence).await;
    assert!(problem.starts_with("403 foreign-upload"), "{problem}");
    let own = world.made(&author, "/v1/uploads", &wanted).await;
    let event = event(&own, "junit");
    let problem = world.post(&author, "/v1/events", &event).await.problem();
    assert!(problem.starts_with("403 foreign-upload"), "{problem}");
    world.clock.advance(61 * MINUTE_MS);
    let problem = world.try_publish(&world.admin, &announced).await;
    assert!(problem.starts_with("410 upload-expired"), "{problem}");
}

#[tokio::test]
async fn a_policy_that_is_too_large_or_none_is_not_published_from_an_upload() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with_trail(folder.path()).await;
    for size in [0, POLICY_BYTES_MAX + 1] {
        let wanted = json!({"sha256": sha256(b""), "size": size});
        let refused = world.post(&world.admin, "/v1/uploads", &wanted).await;
        let problem = refused.problem();
        assert!(problem.starts_with("413 upload-size"), "{problem}");
    }
    let announced = world.code_sent(&vec![0x5a; 5_000_000]).await;
    let problem = world.try_publish(&world.admin, &announced).await;
    assert!(problem.starts_with("400 policy-refused"), "{problem}");
    // As it is, a large one is refused before it is read.
    let headers = [("content-type", "application/wasm")];
    let body = padded(5_000_000);
    let reply = world.post_as(&world.admin, PUBLISH, &headers, body).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    let listed = world.get(&world.admin, "/v1/policies").await.json();
    assert_eq!(listed, json!([]));
}
