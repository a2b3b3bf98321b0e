//! Which command is possible at which stage of a book of promotions, and where it leads.

use super::command::PromotionBookCommandKind::{self, Delist, List};
use super::state::PromotionBookStage::{self, Kept};

/// From, command, to. What is not here is refused.
pub const TRANSITIONS: &[(
    PromotionBookStage,
    PromotionBookCommandKind,
    PromotionBookStage,
)] = &[(Kept, List, Kept), (Kept, Delist, Kept)];
