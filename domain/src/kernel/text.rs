//! Text that people typed, made safe to store and show: NFC, without control, bidi or invisible characters, and with at most
//! three combining marks in a row (`reliability.md` §7, input).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use utoipa::ToSchema;

/// How many combining marks may follow each other: enough for every living script, too few to paint over the next line.
const MARKS_MAX: usize = 3;

/// Why a text is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("the text is empty")]
    Empty,
    /// Too many characters.
    #[error("the text is longer than {0} characters")]
    TooLong(usize),
    /// A control, direction or invisible character, or a line break.
    #[error("the character U+{0:04X} is not allowed")]
    Forbidden(u32),
    /// A pile of accents.
    #[error("more than 3 combining marks in a row")]
    TooManyMarks,
}

/// Trims, composes (NFC) and checks a text of 1 to `max` characters.
///
/// # Errors
/// [`TextError`] by the first rule that it breaks.
fn clean(text: &str, max: usize) -> Result<String, TextError> {
    // A character never shrinks below a byte, nor does NFC lengthen a text more than threefold: this bounds the work.
    if text.len() > max.saturating_mul(16) {
        return Err(TextError::TooLong(max));
    }
    let text: String = text.trim().nfc().collect();
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    if text.chars().count() > max {
        return Err(TextError::TooLong(max));
    }
    if let Some(found) = text.chars().find(|c| is_forbidden(*c)) {
        return Err(TextError::Forbidden(u32::from(found)));
    }
    let mut marks = 0;
    for c in text.chars() {
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        if marks > MARKS_MAX {
            return Err(TextError::TooManyMarks);
        }
    }
    Ok(text)
}

/// Control, direction, invisible, private and never-assigned characters. Joiners (U+200C, U+200D) stay: emoji and several
/// scripts need them.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0x00AD | 0x061C | 0x180E | 0x200B | 0x200E | 0x200F | 0x2028..=0x202E | 0x2060..=0x206F
            | 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xFEFF | 0xFFF0..=0xFFFB | 0xE0000..=0xE0FFF | 0xF0000..=0x0010_FFFF)
        || u32::from(c) & 0xFFFE == 0xFFFE
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident(1..=$max:tt)),+ $(,)?) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String, min_length = 1, max_length = $max)]
        pub struct $name(String);

        impl $name {
            /// Trims, composes and checks a text.
            ///
            /// # Errors
            /// [`TextError`] by the first rule that it breaks.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                clean(text, $max).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        super::collect::leaf!($name => "text_refused");
    )+ };
}

texts! {
    /// What someone or something is called: 1 to 120 characters.
    Name(1..=120),
    /// A remark of a customer: 1 to 280 characters. Never an allergy instruction.
    Note(1..=280),
    /// Why somebody did something: 1 to 280 characters.
    Reason(1..=280),
    /// A word or a description in a menu: 1 to 500 characters.
    Wording(1..=500),
}

/// A language, as BCP 47 writes it: `ja`, `zh-Hant`, `pt-BR`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "ja", max_length = 35)]
pub struct Language(String);

/// The text is no language tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a language is a BCP 47 tag such as ja or zh-Hant")]
pub struct LanguageMalformed;

impl Language {
    /// Reads a tag and writes it in the usual case (RFC 5646 §2.1.1).
    ///
    /// # Errors
    /// [`LanguageMalformed`] when it is no well-formed tag of a language with optional subtags.
    pub fn parse(tag: &str) -> Result<Self, LanguageMalformed> {
        let mut parts = tag.split('-');
        let primary = parts.next().unwrap_or_default();
        let primary_good =
            (2..=3).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_alphabetic());
        if !primary_good || tag.len() > 35 {
            return Err(LanguageMalformed);
        }
        let mut written = primary.to_ascii_lowercase();
        for part in parts {
            if !(2..=8).contains(&part.len()) || !part.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(LanguageMalformed);
            }
            written.push('-');
            written.push_str(&subtag_case(part));
        }
        Ok(Self(written))
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language without script and region.
    pub fn primary(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }
}

/// Regions in capitals, scripts with one capital, the rest small.
fn subtag_case(part: &str) -> String {
    match part.len() {
        2 => part.to_ascii_uppercase(),
        4 => {
            let mut script = part.to_ascii_lowercase();
            script[..1].make_ascii_uppercase();
            script
        }
        _ => part.to_ascii_lowercase(),
    }
}

impl TryFrom<String> for Language {
    type Error = LanguageMalformed;

    fn try_from(tag: String) -> Result<Self, Self::Error> {
        Self::parse(&tag)
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The same text in one to twenty languages: `{"ja": "味噌ラーメン", "en": "Miso ramen"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(
    try_from = "BTreeMap<Language, Wording>",
    into = "BTreeMap<Language, Wording>"
)]
#[schema(value_type = std::collections::BTreeMap<String, String>, example = json!({"ja": "味噌ラーメン", "en": "Miso ramen"}))]
pub struct LocalizedText(BTreeMap<Language, Wording>);

/// No language, or more than twenty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a localized text has 1 to 20 languages")]
pub struct LanguageCount;

impl LocalizedText {
    /// The text in one language.
    pub fn of(language: Language, text: Wording) -> Self {
        Self(BTreeMap::from([(language, text)]))
    }

    /// The text in the wanted language: the exact tag, else one of the same language, else English, else the first.
    pub fn text(&self, wanted: &str) -> &str {
        let primary = wanted.split('-').next().unwrap_or_default();
        let by =
            |good: &dyn Fn(&Language) -> bool| self.0.iter().find(|(language, _)| good(language));
        by(&|language| language.as_str().eq_ignore_ascii_case(wanted))
            .or_else(|| by(&|language| language.primary().eq_ignore_ascii_case(primary)))
            .or_else(|| by(&|language| language.primary() == "en"))
            .or_else(|| self.0.iter().next())
            .map_or("", |(_, text)| text.as_str())
    }

    /// Every language with its text, in order of tag.
    pub fn iter(&self) -> impl Iterator<Item = (&Language, &Wording)> {
        self.0.iter()
    }
}

impl TryFrom<BTreeMap<Language, Wording>> for LocalizedText {
    type Error = LanguageCount;

    fn try_from(texts: BTreeMap<Language, Wording>) -> Result<Self, Self::Error> {
        if (1..=20).contains(&texts.len()) {
            Ok(Self(texts))
        } else {
            Err(LanguageCount)
        }
    }
}

impl From<LocalizedText> for BTreeMap<Language, Wording> {
    fn from(text: LocalizedText) -> Self {
        text.0
    }
}

super::collect::leaf!(Language => "language_malformed");

impl super::collect::Collect for LocalizedText {
    fn collect(
        value: &serde_json::Value,
        at: &super::fault::Pointer,
        faults: &mut super::fault::Faults,
    ) -> Option<Self> {
        let texts = BTreeMap::<Language, Wording>::collect(value, at, faults)?;
        Self::try_from(texts)
            .map_err(|error| faults.add("language_count", at, error.to_string()))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_trimmed_and_composed() {
        assert_eq!(
            Name::parse("  Cafe\u{301} 麺  ").unwrap().as_str(),
            "Café 麺"
        );
        assert_eq!(Name::parse("👨‍🍳 ok").unwrap().as_str(), "👨‍🍳 ok");
    }

    #[test]
    fn hostile_texts_are_refused() {
        for bad in [
            "a\u{202e}b",
            "a\u{200b}b",
            "a\r\nb",
            "a\0",
            "\u{feff}x",
            "\u{2066}x",
            "x\u{e0041}",
            "a\tb",
            "a\u{1b}[31m",
        ] {
            assert!(
                matches!(Note::parse(bad), Err(TextError::Forbidden(_))),
                "{bad:?}"
            );
        }
        assert_eq!(
            Note::parse(&format!("x{}", "\u{35f}".repeat(4))),
            Err(TextError::TooManyMarks)
        );
        assert_eq!(
            Note::parse(&"\u{301}".repeat(100_000)),
            Err(TextError::TooLong(280))
        );
        assert_eq!(Note::parse(&"x".repeat(281)), Err(TextError::TooLong(280)));
        assert_eq!(Note::parse(" \u{3000} "), Err(TextError::Empty));
    }

    #[test]
    fn languages_are_written_the_usual_way() {
        assert_eq!(
            Language::parse("ZH-hant-tw").unwrap().as_str(),
            "zh-Hant-TW"
        );
        for bad in ["", "e", "engl", "en-", "en_US", "e1"] {
            assert!(Language::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_missing_language_falls_back() {
        let text: LocalizedText =
            serde_json::from_str(r#"{"ja":"塩","en-US":"Salt","zh-Hant":"鹽"}"#).unwrap();
        assert_eq!(text.text("ja"), "塩");
        assert_eq!(text.text("zh"), "鹽");
        assert_eq!(text.text("en-GB"), "Salt");
        assert_eq!(text.text("fr"), "Salt");
    }
}
