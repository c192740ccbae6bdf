//! Bad input: each is refused clearly, with nothing recorded.

mod access;
mod events;
mod form;
mod limits;
mod policies;

use serde_json::Value;

use crate::world::World;

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// Posts each body to a path as somebody, and returns the refusals, a line each.
async fn refusals(world: &World, token: &str, path: &str, cases: &[(&str, Vec<u8>)]) -> String {
    let before = world.size().await;
    let mut lines = Vec::new();
    for (name, body) in cases {
        let reply = world.post_as(token, path, JSON, body.clone()).await;
        lines.push(format!("{name} -> {}", reply.problem()));
    }
    assert_eq!(world.size().await, before, "something was recorded");
    lines.join("\n")
}

pub(super) fn text(text: impl Into<Vec<u8>>) -> Vec<u8> {
    text.into()
}

pub(super) fn with(mut event: Value, member: &str, value: Value) -> Vec<u8> {
    event[member] = value;
    event.to_string().into_bytes()
}
