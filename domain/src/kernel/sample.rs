//! Values for the samples of events: fixed, so that frozen wire forms stay the same. Not for tests of rules.

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::key::Key;
use super::sealed::{Origin, Sealed};
use super::text::{Language, LocalizedText, Name, Reason, Wording};

/// The `number`th sample id.
pub(crate) fn id<T: From<Uuid>>(number: u128) -> T {
    T::from(Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0000_0000 | number,
    ))
}

/// Friday 2026-11-20, 10:00 UTC, some minutes later.
pub(crate) fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_168_800 + minutes * 60, 0).expect("a constant in range")
}

/// A key.
pub(crate) fn key(text: &str) -> Key {
    Key::parse(text).expect("a constant key")
}

/// A name.
pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).expect("a constant name")
}

/// A reason.
pub(crate) fn reason(text: &str) -> Reason {
    Reason::parse(text).expect("a constant reason")
}

/// A text in English.
pub(crate) fn english(text: &str) -> LocalizedText {
    let language = Language::parse("en").expect("a constant language");
    LocalizedText::of(language, Wording::parse(text).expect("a constant text"))
}

/// Something sealed, of which nobody has the key.
pub(crate) fn sealed<T>(kind: &str, field: &str) -> Sealed<T> {
    let origin = Origin {
        kind: kind.to_owned(),
        id: id(99),
        field: field.to_owned(),
    };
    Sealed::from_parts(
        1,
        id(98),
        "bm9uY2Utbm9uY2U=".to_owned(),
        "Y2lwaGVydGV4dA==".to_owned(),
        origin,
    )
}

/// A value that was parsed from a constant.
pub(crate) fn good<T, E: Debug>(parsed: Result<T, E>) -> T {
    parsed.expect("a constant that parses")
}

/// A value from constant JSON.
pub(crate) fn json<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("constant JSON of its type")
}
