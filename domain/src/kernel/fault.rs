//! Faults of input: what is wrong, and where. Collected, so that a caller learns all of them at once.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that is wrong with a request.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, ToSchema,
)]
pub struct Fault {
    /// Stable `snake_case` code.
    pub code: String,
    /// JSON pointer (RFC 6901) into the request; empty for the whole of it.
    pub pointer: String,
    /// A sentence for people.
    pub detail: String,
}

impl Fault {
    /// A fault at a place.
    pub fn new(code: &str, at: &Pointer, detail: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            pointer: at.0.clone(),
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.detail)
    }
}

/// All faults of one value; never empty where it is returned as an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Faults that are kept: a hostile document of two megabytes can have a million.
    pub const KEPT_MAX: usize = 1_000;

    /// Notes one more.
    pub fn add(&mut self, code: &str, at: &Pointer, detail: impl Into<String>) {
        self.push(Fault::new(code, at, detail));
    }

    /// Takes one over from elsewhere.
    pub fn push(&mut self, fault: Fault) {
        if self.0.len() < Self::KEPT_MAX {
            self.0.push(fault);
        }
    }

    /// Takes over the faults of a part, whose pointers begin at that part.
    pub fn under(&mut self, at: &Pointer, part: Self) {
        self.0.extend(part.0.into_iter().map(|fault| Fault {
            pointer: format!("{}{}", at.0, fault.pointer),
            ..fault
        }));
    }

    /// The value if nothing was found wrong.
    ///
    /// # Errors
    /// The faults themselves when there are any.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }

    /// Whether nothing was found wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            write!(f, "{}{fault}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// A JSON pointer being built (RFC 6901).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pointer(String);

impl Pointer {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// One step down, by member name or index.
    #[must_use]
    pub fn at(&self, step: impl fmt::Display) -> Self {
        let step = step.to_string().replace('~', "~0").replace('/', "~1");
        Self(format!("{}/{step}", self.0))
    }

    /// The pointer's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_escaped() {
        assert_eq!(
            Pointer::root().at("a/b").at(3).at("c~d").as_str(),
            "/a~1b/3/c~0d"
        );
    }
}
