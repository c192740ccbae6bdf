//! Answers that several commands show alike.

use recorder::timestamp;
use serde_json::Value;

use crate::answer::{flag, list, short, text, time};
use crate::output::Page;

/// Shows that something was recorded, and where its entry stands.
pub(crate) fn recorded(page: &mut Page, what: &str, answer: &Value) {
    let again = if flag(answer, "/replayed") {
        " (was recorded before)"
    } else {
        ""
    };
    let (entry, place) = (short(answer, "/entry"), place(answer));
    let place = page.style.dim(&format!("entry {entry} {place}{again}"));
    page.line(format!("{what}  {place}"));
}

/// Says where an entry stands in the log, or by when it will.
fn place(answer: &Value) -> String {
    match answer.pointer("/receipt/latest_ms").and_then(Value::as_u64) {
        Some(latest_ms) => format!("promised by {}", timestamp::format(latest_ms)),
        None => format!("at index {}", text(answer, "/index")),
    }
}

/// Shows entries: when, what, and by whom.
pub(crate) fn entries(page: &mut Page, entries: &[Value]) {
    page.table(
        ["recorded", "entry", "kind", "says"],
        entries.iter().map(|entry| {
            [
                time(entry, "/recorded"),
                short(entry, "/entry"),
                text(entry, "/kind"),
                says(entry),
            ]
        }),
        "nothing is recorded",
    );
}

/// Says in a few words what is particular to an entry.
fn says(entry: &Value) -> String {
    let field = |name: &str| text(entry, &format!("/fields/{name}"));
    let words = match text(entry, "/kind").as_str() {
        "trail-begun" => vec![field("commit").chars().take(12).collect()],
        "artifact-recorded" => vec![field("name")],
        "attestation" => vec![field("type"), field("name"), field("outcome")],
        "decision" | "trial" => vec![field("verdict"), field("environment")],
        "approval-requested" | "approval-given" => vec![field("person"), field("environment")],
        "deployment-reported" => vec![field("name"), field("environment")],
        "sighting" => vec![field("change"), field("environment")],
        _ => Vec::new(),
    };
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// Shows a verdict with its reasons.
pub(crate) fn verdict(page: &mut Page, answer: &Value) {
    let verdict = text(answer, "/verdict");
    let verdict = if verdict == "allowed" {
        page.style.good(&verdict)
    } else {
        page.style.bad(&verdict)
    };
    let place = match text(answer, "/environment") {
        environment if environment.is_empty() => String::new(),
        environment => format!(" in {environment}"),
    };
    page.line(format!(
        "{verdict}  {}{place}",
        short(answer, "/fingerprint")
    ));
    reasons(page, answer);
}

/// Shows why something is denied, and what exceptions did.
pub(crate) fn reasons(page: &mut Page, answer: &Value) {
    for reason in list(answer, "/reasons") {
        page.line(format!("  - {}", text(reason, "")));
    }
    for exception in list(answer, "/exceptions") {
        page.line(format!("  ! {}", text(exception, "")));
    }
}

/// Shows an artifact's places: flow, trail, commit.
pub(crate) fn recorded_in(page: &mut Page, places: &[Value]) {
    page.table(
        ["name", "flow", "trail", "commit"],
        places.iter().map(|place| {
            [
                text(place, "/name"),
                text(place, "/flow"),
                text(place, "/trail"),
                short(place, "/commit"),
            ]
        }),
        "it was never recorded",
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_stands_at_its_index_or_is_promised() {
        let proved = json!({"index": 7, "receipt": {"status": "proved", "index": 7}});
        assert_eq!(place(&proved), "at index 7");
        let latest_ms = 1_790_000_000_000_u64;
        let promised = json!({"receipt": {"status": "promised", "latest_ms": latest_ms}});
        assert_eq!(place(&promised), "promised by 2026-09-21T14:13:20Z");
    }
}
