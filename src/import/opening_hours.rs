//! Reads the part of OpenStreetMap's `opening_hours` syntax that shops really use.
//!
//! Understood: weekdays, their ranges and lists, times past midnight (`18:00-02:00`, `18:00-26:00`),
//! several ranges a day, `off`, `24/7`, later rules that replace earlier ones (`;`) and rules that
//! add to them (`,` before a weekday). Everything else is refused with the reason, because a shop
//! that is open in our books and closed in the street is worse than one that is not listed.
//! Source: <https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification>.

use std::fmt;

use super::opening_hours_tokens::{Token, tokens};
use super::week::{DAY_MINUTES, Span, WEEKDAYS, Week, clock_face};

/// Latest closing time that the standard allows, in minutes after the day's midnight (48:00).
const CLOSES_MAX: u16 = 2 * DAY_MINUTES;

/// Hours read from one tag, with what the reader had to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The week.
    pub(crate) week: Week,
    /// What a person should look at, in sentences.
    pub(crate) notes: Vec<String>,
}

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Nothing but blanks.
    Empty,
    /// A word or sign that is not understood.
    UnknownWord(String),
    /// Digits that are no time of day.
    NotATime(String),
    /// Something else stands where this was expected; the second text is what was found.
    Expected(&'static str, String),
    /// A rule about public holidays alone, whose dates are not known here.
    HolidaysUnknown,
    /// A range that is longer than a day or opens after 23:59.
    ImpossibleRange(String),
    /// Two ranges cover the same minutes.
    Overlap(String),
    /// No range is left after all rules.
    NeverOpen,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(out, "opening hours are empty"),
            Self::UnknownWord(word) => write!(out, "opening hours: '{word}' is not understood"),
            Self::NotATime(text) => write!(out, "opening hours: '{text}' is not a time of day"),
            Self::Expected(what, found) => {
                write!(out, "opening hours: expected {what}, found {found}")
            }
            Self::HolidaysUnknown => {
                write!(
                    out,
                    "opening hours: a rule for public holidays, whose dates are not known"
                )
            }
            Self::ImpossibleRange(range) => {
                write!(
                    out,
                    "opening hours: {range} is longer than a day or opens after 23:59"
                )
            }
            Self::Overlap(ranges) => write!(out, "opening hours: {ranges} overlap"),
            Self::NeverOpen => write!(out, "opening hours leave the shop closed all week"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Reads `text` as opening hours.
///
/// # Errors
/// [`Unreadable`] with the first thing that is not understood, or the fault of the whole week.
pub(crate) fn read(text: &str) -> Result<Reading, Unreadable> {
    let (tokens, mut notes) = tokens(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        next: 0,
    };
    let mut week = Week::default();
    while parser.skip_semicolons() {
        parser.rule(&mut week, &mut notes)?;
    }
    if parser.next == 0 {
        return Err(Unreadable::Empty);
    }
    if week.is_never_open() {
        return Err(Unreadable::NeverOpen);
    }
    if let Some((first, second)) = week.overlap() {
        return Err(Unreadable::Overlap(format!("{first} and {second}")));
    }
    Ok(Reading { week, notes })
}

/// The days that a rule names.
struct Selector {
    days: [bool; 7],
    holidays: bool,
}

struct Parser<'tokens> {
    tokens: &'tokens [Token],
    next: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.next).copied()
    }

    fn after_next(&self) -> Option<Token> {
        self.tokens.get(self.next + 1).copied()
    }

    /// Skips the separators and says whether anything follows.
    fn skip_semicolons(&mut self) -> bool {
        while self.peek() == Some(Token::Semicolon) {
            self.next += 1;
        }
        self.peek().is_some()
    }

    fn expected<T>(&self, what: &'static str) -> Result<T, Unreadable> {
        let found = self
            .peek()
            .map_or_else(|| "the end".to_owned(), |token| token.to_string());
        Err(Unreadable::Expected(what, found))
    }

    /// One rule up to `;` or the end, with the rules that `,` adds to it.
    fn rule(&mut self, week: &mut Week, notes: &mut Vec<String>) -> Result<(), Unreadable> {
        let mut replaces = true;
        loop {
            let selector = self.selector()?;
            let spans = self.body()?;
            apply(week, &selector, &spans, replaces, notes)?;
            replaces = false;
            match self.peek() {
                None | Some(Token::Semicolon) => return Ok(()),
                Some(Token::Comma) => self.next += 1,
                Some(_) => return self.expected("',' or ';'"),
            }
        }
    }

    /// `Mo-Fr`, `Mo,We-Su`, `Mo-Su,PH`; nothing means every day.
    fn selector(&mut self) -> Result<Selector, Unreadable> {
        let mut selector = Selector {
            days: [false; 7],
            holidays: false,
        };
        let mut named = false;
        loop {
            match self.peek() {
                Some(Token::Holiday) => {
                    self.next += 1;
                    selector.holidays = true;
                }
                Some(Token::Day(first)) => self.days(first, &mut selector.days)?,
                Some(_) | None if named => return self.expected("a weekday"),
                Some(_) | None => {
                    return Ok(Selector {
                        days: [true; 7],
                        holidays: false,
                    });
                }
            }
            named = true;
            if self.peek() != Some(Token::Comma) {
                return Ok(selector);
            }
            self.next += 1;
        }
    }

    fn days(&mut self, first: usize, days: &mut [bool; 7]) -> Result<(), Unreadable> {
        self.next += 1;
        let mut last = first;
        if self.peek() == Some(Token::Dash) {
            self.next += 1;
            let Some(Token::Day(day)) = self.peek() else {
                return self.expected("a weekday");
            };
            self.next += 1;
            last = day;
        }
        let length = (last + 7 - first) % 7;
        (0..=length).for_each(|step| days[(first + step) % 7] = true);
        Ok(())
    }

    /// `off`, `24/7` or a list of time ranges.
    fn body(&mut self) -> Result<Vec<Span>, Unreadable> {
        match self.peek() {
            Some(Token::Off) => {
                self.next += 1;
                Ok(Vec::new())
            }
            Some(Token::Always) => {
                self.next += 1;
                Ok(vec![Span {
                    opens: 0,
                    closes: DAY_MINUTES,
                }])
            }
            Some(_) | None => self.ranges(),
        }
    }

    fn ranges(&mut self) -> Result<Vec<Span>, Unreadable> {
        let mut spans = vec![self.range()?];
        while self.peek() == Some(Token::Comma) && matches!(self.after_next(), Some(Token::Time(_)))
        {
            self.next += 1;
            spans.push(self.range()?);
        }
        Ok(spans)
    }

    fn range(&mut self) -> Result<Span, Unreadable> {
        let opens = self.time("a time like 11:30")?;
        if self.peek() != Some(Token::Dash) {
            return self.expected("'-' and a closing time");
        }
        self.next += 1;
        let written = self.time("a closing time")?;
        // A closing time at or before the opening time is on the next day.
        let closes = if written <= opens {
            written + DAY_MINUTES
        } else {
            written
        };
        if opens >= DAY_MINUTES || closes > CLOSES_MAX || closes - opens > DAY_MINUTES {
            let range = format!("{}-{}", clock_face(opens), clock_face(written));
            return Err(Unreadable::ImpossibleRange(range));
        }
        Ok(Span { opens, closes })
    }

    fn time(&mut self, what: &'static str) -> Result<u16, Unreadable> {
        let Some(Token::Time(minutes)) = self.peek() else {
            return self.expected(what);
        };
        self.next += 1;
        Ok(minutes)
    }
}

/// Puts the ranges of one rule into the week.
fn apply(
    week: &mut Week,
    selector: &Selector,
    spans: &[Span],
    replaces: bool,
    notes: &mut Vec<String>,
) -> Result<(), Unreadable> {
    // Holidays fall on weekdays: a rule that names both says the same for both.
    if selector.holidays && !selector.days.contains(&true) {
        return Err(Unreadable::HolidaysUnknown);
    }
    let mut lost: Vec<String> = Vec::new();
    for (day, _) in selector
        .days
        .iter()
        .enumerate()
        .filter(|(_, named)| **named)
    {
        let open = &mut week.days[day];
        if replaces {
            if !spans.is_empty() && !open.is_empty() {
                lost.push(WEEKDAYS[day].to_owned());
            }
            open.clear();
        }
        open.extend_from_slice(spans);
        open.sort_unstable();
    }
    if !lost.is_empty() {
        notes.push(format!(
            "a later rule replaces the hours of {}, as the standard says; ',' may have been meant",
            lost.join(", ")
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::kernel::hours::WeeklyHours;
    use proptest::prelude::*;

    use super::*;

    fn spans(text: &str, day: usize) -> Vec<String> {
        let reading = read(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        reading.week.days[day].iter().map(Span::to_string).collect()
    }

    #[test]
    fn every_day_when_no_day_is_named() {
        assert_eq!(
            spans("11:30-14:30,17:30-21:00", 6),
            ["11:30-14:30", "17:30-21:00"]
        );
        assert_eq!(spans("11:30 - 24:00", 0), ["11:30-24:00"]);
    }

    #[test]
    fn day_lists_and_wrapping_ranges() {
        assert_eq!(
            spans("Mo,We-Su 11:00-14:00, 17:00-21:00", 2),
            ["11:00-14:00", "17:00-21:00"]
        );
        assert!(spans("Mo,We-Su 11:00-14:00, 17:00-21:00", 1).is_empty());
        assert_eq!(spans("Fr-We 18:00-25:00; Th Off", 0), ["18:00-25:00"]);
        assert!(spans("Fr-We 18:00-25:00; Th Off", 3).is_empty());
    }

    #[test]
    fn closing_after_midnight_is_on_the_next_day() {
        assert_eq!(spans("Mo-Su 17:00-03:00", 4), ["17:00-27:00"]);
        assert_eq!(
            spans("Su-Mo 11:30-00:00; Tu-Sa 11:00-04:00", 6),
            ["11:30-24:00"]
        );
        assert_eq!(spans("Mo-Su,PH 00:00-00:00", 6), ["00:00-24:00"]);
        assert_eq!(spans("24/7", 3), ["00:00-24:00"]);
    }

    #[test]
    fn a_comma_before_a_weekday_adds_a_rule() {
        let text = "Mo-Sa 11:30-22:00, Su 11:30-21:00";
        assert_eq!(spans(text, 5), ["11:30-22:00"]);
        assert_eq!(spans(text, 6), ["11:30-21:00"]);
    }

    #[test]
    fn a_later_rule_replaces_and_is_noted() {
        let reading = read("Mo-Su 11:00-14:00; Mo-Su 17:00-20:30").expect("readable");
        assert_eq!(
            reading.week.days[0],
            [Span {
                opens: 1020,
                closes: 1230
            }]
        );
        assert!(
            reading.notes[0].contains("replaces the hours of Monday"),
            "{:?}",
            reading.notes
        );
        let closed = read("11:00-21:00; Tu off").expect("readable");
        assert!(closed.notes.is_empty());
        assert!(closed.week.days[1].is_empty());
    }

    #[test]
    fn what_is_refused_says_why() {
        let refused = |text: &str| read(text).expect_err(text).to_string();
        assert_eq!(refused("  "), "opening hours are empty");
        assert_eq!(refused("10"), "opening hours: '10' is not a time of day");
        assert_eq!(
            refused("17:11:00-14:30"),
            "opening hours: '17:11:00' is not a time of day"
        );
        assert_eq!(
            refused("Today 11:00 - 14:00"),
            "opening hours: 'Today' is not understood"
        );
        assert_eq!(
            refused("Tu-Su 11:30–13:30 17:00–21:30"),
            "opening hours: expected ',' or ';', found 17:00"
        );
        assert_eq!(
            refused("Sa, Su 11:30-14:30, 05:30-23:00"),
            "opening hours: Saturday 05:30-23:00 and Saturday 11:30-14:30 overlap"
        );
        assert_eq!(
            refused("Mo-Su off"),
            "opening hours leave the shop closed all week"
        );
        assert!(refused("Mo-Fr 11:00-14:00; PH off").contains("public holidays"));
        assert!(refused("24:00-25:00").contains("opens after 23:59"));
        assert!(refused("11:00-49:00").contains("is not a time of day"));
    }

    #[test]
    fn night_hours_may_not_run_into_the_next_morning() {
        let refused = read("Mo 20:00-06:00; Tu 05:00-10:00").expect_err("overlap");
        assert_eq!(
            refused.to_string(),
            "opening hours: Monday 20:00-30:00 and Tuesday 05:00-10:00 overlap"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            prop_assert!(read(&text).is_ok() || read(&text).is_err());
        }

        #[test]
        fn text_of_the_right_signs_gives_a_sound_week(
            text in "(Mo|Tu|Su|PH|off|24/7|[0-2][0-9]:[0-5][0-9]|[-,; ]){0,14}"
        ) {
            if let Ok(reading) = read(&text) {
                prop_assert!(reading.week.overlap().is_none());
                prop_assert!(!reading.week.is_never_open());
                let hours = serde_json::from_value::<WeeklyHours>(reading.week.body());
                prop_assert!(hours.is_ok(), "{:?}", hours.err());
            }
        }
    }
}
