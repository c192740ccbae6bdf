//! What was typed and answered, with what is different each time left out.

use crate::world::{Done, User};

#[derive(Default)]
pub struct Transcript(String);

impl Transcript {
    /// Types a command and writes it down with all that it answered.
    pub fn tell(&mut self, who: &str, user: &User<'_>, arguments: &[&str]) -> Done {
        let done = user.run(arguments);
        self.0 += &redacted(&format!("{who}$ trailmark {}", arguments.join(" ")));
        for text in [&done.stdout, &done.stderr] {
            self.0 += &redacted(text);
        }
        if done.code != 0 {
            self.0 += &format!("[exit {}]\n", done.code);
        }
        self.0.push('\n');
        done
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Replaces hashes and ids by `#`, moments by `<time>`, large numbers by `<number>`, verifier keys by `<vkey>`.
pub fn redacted(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let words: Vec<_> = line.split(' ').map(redacted_word).collect();
        words.join(" ").trim_end().to_owned() + "\n"
    });
    lines.collect()
}

fn redacted_word(word: &str) -> String {
    if word.contains('+') && word.len() > 1 {
        return "<vkey>".to_owned();
    }
    let mut out = String::new();
    let mut run = String::new();
    for char in word.chars().chain(['\0']) {
        if char.is_ascii_alphanumeric() || matches!(char, ':' | '.' | '-') {
            run.push(char);
            continue;
        }
        out += &redacted_run(&std::mem::take(&mut run));
        if char != '\0' {
            out.push(char);
        }
    }
    out
}

fn redacted_run(run: &str) -> String {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let hash = |text: &str| text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if run.starts_with("20") && run.contains('T') && run.trim_end_matches(':').ends_with('Z') {
        return "<time>".to_owned();
    }
    if (4..12).contains(&run.len()) && digits(run) {
        return "<number>".to_owned();
    }
    let parts = run
        .split('-')
        .map(|part| if hash(part) { "#" } else { part });
    parts.collect::<Vec<_>>().join("-")
}

#[test]
fn only_what_differs_each_time_is_left_out() {
    let text = "entry 9f86d081884c at index 12, person-0123456789abcdef, 2026-11-22T19:24:39Z: 2026-11-22T19:24:39.1Z, 326723 bytes, web/t1, trailmark/a-9f86d081+9f86d081+AWl3/3=";
    assert_eq!(
        redacted(text),
        "entry # at index 12, person-#, <time> <time>, <number> bytes, web/t1, <vkey>\n"
    );
}
