//! How a person is reached.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A telephone number in E.164 form: `+81312345678`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = r"^\+[1-9][0-9]{6,14}$", example = "+81312345678")]
pub struct Phone(String);

/// The text is no E.164 number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a phone number is + and 7 to 15 digits, the first not 0 (E.164)")]
pub struct PhoneMalformed;

impl Phone {
    /// Reads a number; no spaces, no brackets.
    ///
    /// # Errors
    /// [`PhoneMalformed`] when it has another form.
    pub fn parse(text: &str) -> Result<Self, PhoneMalformed> {
        let digits = text.strip_prefix('+').ok_or(PhoneMalformed)?;
        let good = (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(PhoneMalformed)
        }
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Phone {
    type Error = PhoneMalformed;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

impl std::fmt::Debug for Phone {
    /// Personal: only the last two digits are shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Phone(…{})", &self.0[self.0.len() - 2..])
    }
}

super::collect::leaf!(Phone => "phone_malformed");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_e164_is_read_and_debug_hides_it() {
        assert_eq!(
            format!("{:?}", Phone::parse("+81312345678").unwrap()),
            "Phone(…78)"
        );
        for bad in [
            "",
            "+",
            "0312345678",
            "+0312345678",
            "+81 3 1234",
            "+123456",
            "+1234567890123456",
            "+８１３１２３４５６",
        ] {
            assert!(Phone::parse(bad).is_err(), "{bad}");
        }
    }
}
