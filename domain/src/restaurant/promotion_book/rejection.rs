//! Why a book of promotions says no.

use crate::decider::{Class, Rejection};

/// A refusal of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromotionBookRejection {
    /// It is full.
    #[error("there are {max} automatic promotions already; end one first")]
    BookFull {
        /// As many as it takes.
        max: usize,
    },
}

impl Rejection for PromotionBookRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::BookFull { .. } => "promotion_book_full",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::BookFull { .. } => Class::Conflict,
        }
    }
}
