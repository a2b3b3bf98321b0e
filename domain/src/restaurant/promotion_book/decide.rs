//! What a book of promotions answers to its commands.

use uuid::Uuid;

use super::command::{PromotionBookCommand, PromotionBookCommandKind};
use super::event::PromotionBookEvent;
use super::rejection::PromotionBookRejection;
use super::state::{PromotionBook, PromotionBookStage};
use super::transitions::TRANSITIONS;
use crate::decider::{Context, Decider, Facets, Transitions};

/// Promotions of one book: each is read by every quote of the shop, or of all shops.
const PROMOTIONS_MAX: usize = 20;

impl Decider for PromotionBook {
    const KIND: &'static str = "restaurant.promotion_book";
    const TRANSITIONS: Transitions<Self> = TRANSITIONS;

    type Command = PromotionBookCommand;
    type Event = PromotionBookEvent;
    type Rejection = PromotionBookRejection;
    type Stage = PromotionBookStage;
    type CommandKind = PromotionBookCommandKind;

    fn stage(&self) -> PromotionBookStage {
        PromotionBookStage::Kept
    }

    fn decide(
        &self,
        command: PromotionBookCommand,
        _context: &Context,
    ) -> Result<Vec<PromotionBookEvent>, PromotionBookRejection> {
        let listed = |promotion| self.promotions().contains(promotion);
        match command {
            PromotionBookCommand::List { promotion } if listed(&promotion) => Ok(Vec::new()),
            PromotionBookCommand::List { .. } if self.promotions().len() >= PROMOTIONS_MAX => {
                Err(PromotionBookRejection::BookFull {
                    max: PROMOTIONS_MAX,
                })
            }
            PromotionBookCommand::List { promotion } => {
                Ok(vec![PromotionBookEvent::Listed { promotion }])
            }
            PromotionBookCommand::Delist { promotion } if listed(&promotion) => {
                Ok(vec![PromotionBookEvent::Delisted { promotion }])
            }
            PromotionBookCommand::Delist { .. } => Ok(Vec::new()),
        }
    }

    fn evolve(&mut self, event: &PromotionBookEvent) {
        self.apply(event);
    }

    fn facets(&self, _stream: Uuid) -> Facets {
        Facets::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::sample;
    use crate::testing::Given;

    fn list(number: u128) -> PromotionBookCommand {
        PromotionBookCommand::List {
            promotion: sample::id(number),
        }
    }

    #[test]
    fn a_promotion_is_listed_once_and_taken_out_once() {
        let promotion = sample::id(1);
        Given::<PromotionBook>::nothing()
            .when(list(1))
            .then([PromotionBookEvent::Listed { promotion }])
            .when(list(1))
            .then_nothing()
            .when(PromotionBookCommand::Delist { promotion })
            .then([PromotionBookEvent::Delisted { promotion }])
            .when(PromotionBookCommand::Delist { promotion })
            .then_nothing();
    }

    #[test]
    fn a_full_book_takes_no_more_until_one_is_taken_out() {
        let full = Given::<PromotionBook>::nothing().done((1..=20).map(list));
        full.clone()
            .when(list(21))
            .then_refused(PromotionBookRejection::BookFull { max: 20 });
        let promotion = sample::id(20);
        full.done([PromotionBookCommand::Delist { promotion }])
            .when(list(21))
            .then([PromotionBookEvent::Listed {
                promotion: sample::id(21),
            }]);
    }
}
