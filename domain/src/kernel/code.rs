//! The code of a promotion: what people type, in whatever case and Unicode form, is one code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

use super::text::{Name, TextError};

/// Characters of a code after it is folded.
const CODE_CHARS_MAX: usize = 40;
/// Passes until folding and composing agree; two suffice for every assigned character.
const PASSES_MAX: usize = 4;

/// A promotion's code, folded: compatible forms, case and surrounding blanks make no difference.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 40, example = "ramen10")]
pub struct PromotionCode(String);

/// Why a text is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// It is no text that we take.
    #[error(transparent)]
    Text(#[from] TextError),
    /// There is a blank in it.
    #[error("a code is one word")]
    Blank,
    /// Too many characters.
    #[error("a code has at most {CODE_CHARS_MAX} characters")]
    TooLong,
}

impl PromotionCode {
    /// Reads what somebody typed.
    ///
    /// # Errors
    /// [`CodeError`] by the first rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let folded = folded(Name::parse(text)?.as_str());
        if folded.is_empty() {
            return Err(CodeError::Text(TextError::Empty));
        }
        if folded.chars().any(char::is_whitespace) {
            return Err(CodeError::Blank);
        }
        if folded.chars().count() > CODE_CHARS_MAX {
            return Err(CodeError::TooLong);
        }
        // Compatible forms of what is allowed may be what is not, for instance a pile of accents.
        Name::parse(&folded)?;
        Ok(Self(folded))
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// NFKC and full case folding, until neither changes anything.
///
/// The standard library has no case folding. Upper and then lower case, character by character, is
/// the same but for a few letters that it folds further, which for codes does no harm.
fn folded(text: &str) -> String {
    let mut now = text.to_owned();
    for _ in 0..PASSES_MAX {
        let cased = now
            .nfkc()
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase);
        let next: String = cased.nfkc().collect::<String>().trim().to_owned();
        if next == now {
            break;
        }
        now = next;
    }
    now
}

impl TryFrom<String> for PromotionCode {
    type Error = CodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<PromotionCode> for String {
    fn from(code: PromotionCode) -> Self {
        code.0
    }
}

impl std::fmt::Display for PromotionCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

super::collect::leaf!(PromotionCode => "code_refused");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> PromotionCode {
        PromotionCode::parse(text).unwrap()
    }

    #[test]
    fn case_form_and_blanks_around_make_no_difference() {
        for same in [
            "RAMEN10",
            " ramen10\u{3000}",
            "Ｒａｍｅｎ１０",
            "raMen\u{2460}\u{24EA}",
        ] {
            assert_eq!(code(same), code("ramen10"), "{same}");
        }
        assert_eq!(code("STRASSE"), code("straße"));
        assert_eq!(code("ΣΟΦΟΣ"), code("σοφος"));
        assert_eq!(code("ラーメン"), code("ﾗｰﾒﾝ"));
        assert_eq!(code("cafe\u{301}"), code("CAFÉ"));
        assert_ne!(code("ramen1"), code("ramen10"));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        assert_eq!(PromotionCode::parse("two words"), Err(CodeError::Blank));
        assert_eq!(
            PromotionCode::parse(&"x".repeat(41)),
            Err(CodeError::TooLong)
        );
        // One character that stands for eighteen, with blanks.
        assert_eq!(PromotionCode::parse("\u{FDFA}"), Err(CodeError::Blank));
        assert_eq!(
            PromotionCode::parse(" \u{3000}"),
            Err(CodeError::Text(TextError::Empty))
        );
        let marks = format!("a{}", "\u{301}".repeat(100_000));
        assert!(matches!(
            PromotionCode::parse(&marks),
            Err(CodeError::Text(_))
        ));
        assert!(PromotionCode::parse("a\u{202E}b").is_err());
    }

    proptest! {
        #[test]
        fn a_code_is_its_own_folding(text in "\\PC{1,60}") {
            if let Ok(code) = PromotionCode::parse(&text) {
                prop_assert_eq!(PromotionCode::parse(code.as_str()), Ok(code.clone()));
                if let Ok(upper) = PromotionCode::parse(&text.to_uppercase()) {
                    prop_assert_eq!(upper, code);
                }
            }
        }
    }
}
