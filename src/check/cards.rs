//! A canary for card data, which must never reach us: whatever looks like a card number in an event or a
//! view is reported. The number itself is not shown.
//!
//! Source: ISO/IEC 7812-1 (Luhn's check digit, issuer ranges); lengths 13 to 19 as the networks use them.

use serde_json::Value;
use uuid::Uuid;

use super::report::{Invariant, Report};

/// Members that hold numbers of others, which may pass the check digit by chance: an id of the source
/// that a shop was imported from.
const FOREIGN_NUMBERS: &[&str] = &["source_id"];

/// Digits of a card number.
const LENGTHS: std::ops::RangeInclusive<usize> = 13..=19;

/// Reports every text and number in `value` that holds a card number.
pub(super) fn scan(place: &str, value: &Value, report: &mut Report) {
    report.checked(Invariant::Cards);
    walk(place, value, report);
}

fn walk(place: &str, value: &Value, report: &mut Report) {
    if let Some(text) = value.as_str() {
        found(place, text, report);
    } else if let Some(number) = value.as_number() {
        found(place, &number.to_string(), report);
    } else if let Some(list) = value.as_array() {
        for one in list {
            walk(place, one, report);
        }
    } else if let Some(members) = value.as_object() {
        for (name, one) in members {
            let random = name == "traceparent" && one.as_str().is_some_and(is_trace);
            if !random && !FOREIGN_NUMBERS.contains(&name.as_str()) {
                walk(place, one, report);
            }
        }
    }
}

/// Whether `text` is a W3C trace context and nothing else: random hexadecimal digits, of which one id of 16
/// in some two thousand has no letter. Anything else under that name is looked at.
fn is_trace(text: &str) -> bool {
    let hex = |part: &str| part.chars().all(|digit| digit.is_ascii_hexdigit());
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [2, 32, 16, 2] && text.split('-').all(hex)
}

fn found(place: &str, text: &str, report: &mut Report) {
    if holds_card_number(text) {
        report.violated(
            Invariant::Cards,
            format!("{place} holds what looks like a card number"),
        );
    }
}

/// Whether digits, alone or in groups parted by single spaces or dashes, stand in `text` as a word of
/// their own and could be a card's.
fn holds_card_number(text: &str) -> bool {
    if text.len() < *LENGTHS.start() || Uuid::parse_str(text).is_ok() {
        return false;
    }
    let part_of_word = |c: char| c.is_alphanumeric() || matches!(c, '+' | '.' | '_' | '/');
    let mut before = ' ';
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = run_length(rest);
        if run == 0 {
            before = first;
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let after = rest[run..].chars().next().unwrap_or(' ');
        if !part_of_word(before) && !part_of_word(after) && is_card_number(&rest[..run]) {
            return true;
        }
        before = '0';
        rest = &rest[run..];
    }
    false
}

/// The length of the run of digits and single separators between them that `text` begins with.
fn run_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let separator = |at: usize| matches!(bytes.get(at), Some(b' ' | b'-'));
    let mut end = 0;
    while digit(end) || (end > 0 && digit(end - 1) && separator(end) && digit(end + 1)) {
        end += 1;
    }
    end
}

fn is_card_number(run: &str) -> bool {
    let digits: Vec<u32> = run.chars().filter_map(|c| c.to_digit(10)).collect();
    LENGTHS.contains(&digits.len()) && issued(&digits) && passes_luhn(&digits)
}

/// The ranges of the payment networks: 2221–2720 and all of 3, 4, 5 and 6.
fn issued(digits: &[u32]) -> bool {
    let first_four = digits
        .iter()
        .take(4)
        .fold(0, |number, digit| number * 10 + digit);
    (3..=6).contains(&(first_four / 1000)) || (2221..=2720).contains(&first_four)
}

fn passes_luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, doubled) => doubled % 10 + doubled / 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_seen_however_they_are_grouped() {
        for text in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "pay with 4242-4242-4242-4242, please",
            "378282246310005",
            "2223003122003222",
        ] {
            assert!(holds_card_number(text), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_not_taken_for_cards() {
        for text in [
            "4242424242424241",
            "+4242424242424242",
            "01900000-0000-7000-8000-000000000001",
            "2026-11-20T10:12:00Z",
            "a4242424242424242",
            "1764000000000000",
            "5f5f5f5f5f5f5f5f",
            "12 000",
        ] {
            assert!(!holds_card_number(text), "{text}");
        }
    }
}
