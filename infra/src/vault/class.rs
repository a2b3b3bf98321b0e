//! How long a key lives: data of one class is forgotten together.

use std::fmt;

use chrono::{DateTime, Datelike as _, Utc};

/// How long a key lives: data of one class is forgotten together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Until the person is erased: name, phone, e-mail.
    Identity,
    /// Until the retention of orders of this month ends: address, door note, contact.
    Order(Month),
    /// Until the retention of what came in this month ends; for [`super::SYSTEM`] alone.
    System(Month),
}

/// A month of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month {
    year: u16,
    month: u8,
}

impl Month {
    /// The month of an instant. Years beyond 0 to 9999 count as the nearest of them.
    pub fn of(at: DateTime<Utc>) -> Self {
        let year = u16::try_from(at.year().clamp(0, 9_999)).unwrap_or(0);
        let month = u8::try_from(at.month()).unwrap_or(1);
        Self { year, month }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl Class {
    /// The class of an order's personal data, by the time of the sealing.
    pub fn order(at: DateTime<Utc>) -> Self {
        Self::Order(Month::of(at))
    }

    /// The class of data whose person is not known, by the time of the sealing.
    pub fn system(at: DateTime<Utc>) -> Self {
        Self::System(Month::of(at))
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => f.write_str("identity"),
            Self::Order(month) => write!(f, "order-{month}"),
            Self::System(month) => write!(f, "system-{month}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_named_by_month() {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        assert_eq!(Class::order(at).to_string(), "order-2027-01");
        assert_eq!(Class::system(at).to_string(), "system-2027-01");
    }
}
