//! The order of keys: letters by themselves, numbers within them by what they are.

use std::cmp::Ordering;

/// Sorts by an order that need not be one: three keys may each stand before the next, in a circle.
pub(super) fn sort(mut keys: Vec<(&str, usize)>) -> Vec<usize> {
    let mut width = 1;
    while width < keys.len() {
        keys = keys
            .chunks(2 * width)
            .flat_map(|pair| merge(pair, width))
            .collect();
        width *= 2;
    }
    keys.into_iter().map(|(_, at)| at).collect()
}

fn merge<'a>(pair: &[(&'a str, usize)], width: usize) -> Vec<(&'a str, usize)> {
    let (mut left, mut right) = pair.split_at(width.min(pair.len()));
    let mut merged = Vec::with_capacity(pair.len());
    while let (Some((first, left_rest)), Some((second, right_rest))) =
        (left.split_first(), right.split_first())
    {
        if compare(second.0, first.0) == Ordering::Less {
            merged.push(*second);
            right = right_rest;
        } else {
            merged.push(*first);
            left = left_rest;
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
    merged
}

fn compare(one: &str, other: &str) -> Ordering {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let Some(at) = one.iter().zip(&other).position(|(a, b)| a != b) else {
        return one.len().cmp(&other.len());
    };
    let in_number = at > 0 && one[at - 1].is_ascii_digit();
    match (one[at].is_alphabetic(), other[at].is_alphabetic()) {
        (true, true) => one[at].cmp(&other[at]),
        (true, false) if in_number => Ordering::Less,
        (false, true) if in_number => Ordering::Greater,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            // Zeros within a number count, zeros before it do not.
            let zeros = one[at] == '0' || other[at] == '0';
            let begun = zeros
                && one[..at]
                    .iter()
                    .rev()
                    .take_while(|letter| letter.is_ascii_digit())
                    .any(|digit| *digit != '0');
            let (first, first_end) = number(&one[at..], u64::from(begun));
            let (second, second_end) = number(&other[at..], u64::from(begun));
            first
                .cmp(&second)
                .then(first_end.cmp(&second_end))
                .then(one[at].cmp(&other[at]))
        }
    }
}

/// Reads the digits at the beginning, and says how many they are.
fn number(letters: &[char], begun: u64) -> (u64, usize) {
    let digits = letters.iter().map_while(|letter| letter.to_digit(10));
    let number = digits.clone().fold(begun, |number, digit| {
        number.wrapping_mul(10).wrapping_add(u64::from(digit))
    });
    (number, digits.count())
}
