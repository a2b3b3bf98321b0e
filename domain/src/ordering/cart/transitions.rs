//! Which command is possible at which stage of a cart, and where it leads.

use super::command::CartCommandKind::{
    self, Abandon, AddLine, ChangeLine, CheckOut, Claim, Open, RemoveLine, SetFulfilment,
    SetPromotion, SetTip,
};
use super::state::CartStage;

/// From, command, to. What is not here is refused.
pub const TRANSITIONS: &[(CartStage, CartCommandKind, CartStage)] = &[
    (CartStage::Absent, Open, CartStage::Open),
    (CartStage::Open, AddLine, CartStage::Open),
    (CartStage::Open, ChangeLine, CartStage::Open),
    (CartStage::Open, RemoveLine, CartStage::Open),
    (CartStage::Open, SetFulfilment, CartStage::Open),
    (CartStage::Open, SetPromotion, CartStage::Open),
    (CartStage::Open, SetTip, CartStage::Open),
    (CartStage::Open, CheckOut, CartStage::CheckedOut),
    (CartStage::Open, Claim, CartStage::Claimed),
    (CartStage::Open, Abandon, CartStage::Abandoned),
];
