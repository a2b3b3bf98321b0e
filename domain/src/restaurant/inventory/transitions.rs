//! The life of a shop's stock: it is kept, and every command finds it so. A hold's own life is in `rules.rs`.

use super::command::InventoryCommandKind::{
    self, ChangeHold, CommitHold, ConsumeHold, CookAgain, EightySix, FillHold, LiftEightySix,
    OpenHold, Receive, Recount, ReleaseHold, Waste,
};
use super::state::InventoryStage::{self, Kept};

/// From, command, to.
pub const TRANSITIONS: &[(InventoryStage, InventoryCommandKind, InventoryStage)] = &[
    (Kept, Receive, Kept),
    (Kept, Waste, Kept),
    (Kept, Recount, Kept),
    (Kept, EightySix, Kept),
    (Kept, LiftEightySix, Kept),
    (Kept, OpenHold, Kept),
    (Kept, ChangeHold, Kept),
    (Kept, FillHold, Kept),
    (Kept, CommitHold, Kept),
    (Kept, ConsumeHold, Kept),
    (Kept, CookAgain, Kept),
    (Kept, ReleaseHold, Kept),
];
