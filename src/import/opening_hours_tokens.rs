//! Cuts an `opening_hours` text into weekdays, times and signs. It knows no grammar.

use std::fmt;

use super::opening_hours::Unreadable;
use super::week::{DAY_MINUTES, WEEKDAYS, clock_face};

/// One word or sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A weekday, 0 = Monday.
    Day(usize),
    /// `PH`: public holidays.
    Holiday,
    /// A time in minutes after midnight, up to 48:00.
    Time(u16),
    /// `off` or `closed`.
    Off,
    /// `24/7`.
    Always,
    Comma,
    Dash,
    Semicolon,
}

impl fmt::Display for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => out.write_str(WEEKDAYS.get(*day).copied().unwrap_or("a weekday")),
            Self::Holiday => out.write_str("PH"),
            Self::Time(minutes) => out.write_str(&clock_face(*minutes)),
            Self::Off => out.write_str("'off'"),
            Self::Always => out.write_str("24/7"),
            Self::Comma => out.write_str("','"),
            Self::Dash => out.write_str("'-'"),
            Self::Semicolon => out.write_str("';'"),
        }
    }
}

/// The tokens of `text`, and a note when signs were not those of the standard.
///
/// # Errors
/// [`Unreadable::UnknownWord`] or [`Unreadable::NotATime`] with the text at fault.
pub(super) fn tokens(text: &str) -> Result<(Vec<Token>, Vec<String>), Unreadable> {
    let mut found = Vec::new();
    let mut notes = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '0'..='9' => run(rest, |c| c.is_ascii_digit() || c == ':' || c == '/'),
            c if c.is_alphabetic() => run(rest, char::is_alphabetic),
            c => c.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        if is_other_dash(first) && notes.is_empty() {
            notes.push(format!("'{first}' is read as '-'"));
        }
        found.push(token(word)?);
        rest = after.trim_start();
    }
    Ok((found, notes))
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Dashes and waves that people type for `-`.
fn is_other_dash(sign: char) -> bool {
    matches!(sign, '–' | '—' | '−' | '~' | '～')
}

fn token(word: &str) -> Result<Token, Unreadable> {
    let lower = word.to_lowercase();
    match lower.as_str() {
        "mo" => Ok(Token::Day(0)),
        "tu" => Ok(Token::Day(1)),
        "we" => Ok(Token::Day(2)),
        "th" => Ok(Token::Day(3)),
        "fr" => Ok(Token::Day(4)),
        "sa" => Ok(Token::Day(5)),
        "su" => Ok(Token::Day(6)),
        "ph" => Ok(Token::Holiday),
        "off" | "closed" => Ok(Token::Off),
        "24/7" => Ok(Token::Always),
        "," => Ok(Token::Comma),
        ";" => Ok(Token::Semicolon),
        "-" => Ok(Token::Dash),
        other if other.chars().all(is_other_dash) => Ok(Token::Dash),
        other if other.starts_with(|c: char| c.is_ascii_digit()) => time(other)
            .map(Token::Time)
            .ok_or_else(|| Unreadable::NotATime(word.to_owned())),
        _ => Err(Unreadable::UnknownWord(word.to_owned())),
    }
}

/// `H:MM` or `HH:MM` up to 48:00.
fn time(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    if hours.is_empty() || hours.len() > 2 || minutes.len() != 2 {
        return None;
    }
    let hours: u16 = hours.parse().ok()?;
    let minutes: u16 = minutes.parse().ok()?;
    let all = hours * 60 + minutes;
    (minutes < 60 && all <= 2 * DAY_MINUTES).then_some(all)
}
