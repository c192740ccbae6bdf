//! How a text is written: bare where it can be, as lines where it has some, quoted otherwise.

use super::scalar::Meaning;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Bare,
    Single,
    Double,
    Lines,
}

/// Chooses how a text is written.
pub(super) fn of(text: &str) -> Style {
    let seen = Seen::of(text);
    if text.contains('\n') {
        return if seen.lines {
            Style::Lines
        } else {
            Style::Double
        };
    }
    if !is_text(text) {
        return Style::Double;
    }
    match seen {
        Seen { bare: true, .. } => Style::Bare,
        Seen { single: true, .. } => Style::Single,
        _ => Style::Double,
    }
}

/// Says whether a text means itself when it stands bare, in YAML 1.1 as well.
fn is_text(text: &str) -> bool {
    let old = [
        "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off",
        "OFF",
    ];
    matches!(Meaning::plain(text), Meaning::Text(_))
        && !old.contains(&text)
        && !is_time(text)
        && !is_sexagesimal(text)
}

/// Says whether a text would be read as a date, with a time or without.
fn is_time(text: &str) -> bool {
    let year: usize = text.bytes().take_while(u8::is_ascii_digit).count();
    let layouts = [
        "2006-1-2T15:4:5.999999999Z07:00",
        "2006-1-2t15:4:5.999999999Z07:00",
        "2006-1-2 15:4:5.999999999",
        "2006-1-2",
    ];
    year == 4
        && text.as_bytes().get(4) == Some(&b'-')
        && layouts
            .iter()
            .any(|layout| crate::time::readable(layout, text))
}

/// Says whether a text is a number in base 60, as YAML 1.1 has them: `1:30:45.5`.
fn is_sexagesimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let mut rest = parts.clone().peekable();
    rest.peek().is_some()
        && first.starts_with(|first: char| first.is_ascii_digit())
        && digits(first)
        && digits(fraction)
        && rest.all(|part| match part.as_bytes() {
            [one] => one.is_ascii_digit(),
            [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
            _ => false,
        })
}

/// In which ways a text can be written.
struct Seen {
    bare: bool,
    single: bool,
    lines: bool,
}

impl Seen {
    fn of(text: &str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        let (Some(first), Some(last)) = (letters.first(), letters.last()) else {
            return Self {
                bare: true,
                single: true,
                lines: false,
            };
        };
        let ends = |at: usize| matches!(letters.get(at), None | Some(' ' | '\t'));
        let begins = |at: usize| {
            at == 0 || matches!(letters[at - 1], ' ' | '\t' | '\0') || is_break(letters[at - 1])
        };
        let marked = text.starts_with("---")
            || text.starts_with("...")
            || ",[]{}#&*!|>'\"%@`".contains(*first)
            || (matches!(first, '?' | ':' | '-') && ends(1))
            || letters
                .iter()
                .enumerate()
                .skip(1)
                .any(|(at, letter)| match letter {
                    ':' => ends(at + 1),
                    '#' => begins(at),
                    _ => false,
                });
        let special = letters
            .iter()
            .any(|&letter| letter != '\t' && !is_printable(letter));
        let pairs = || letters.iter().zip(letters.iter().skip(1));
        let space_break = pairs().any(|(one, next)| *one == ' ' && is_break(*next));
        let break_space = pairs().any(|(one, next)| is_break(*one) && *next == ' ');
        let blank = |letter: &char| *letter == ' ' || is_break(*letter);
        let single = !special && !space_break && !break_space && !letters.contains(&'\t');
        Self {
            bare: single
                && !marked
                && !blank(first)
                && !blank(last)
                && !letters.iter().copied().any(is_break),
            single,
            lines: !special && !space_break && *last != ' ',
        }
    }
}

pub(super) fn is_break(letter: char) -> bool {
    matches!(letter, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Says whether a character is written as it is.
pub(super) fn is_printable(letter: char) -> bool {
    matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}
