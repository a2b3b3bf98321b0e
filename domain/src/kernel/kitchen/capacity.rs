//! What a kitchen has: baskets and hands.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Batch, SLOT_SECONDS, SlotLoad};
use crate::kernel::bounded::bounded;

bounded! {
    /// How many baskets a boiler has: 1 to 100.
    Baskets(u32 as "u32", 1 to 100) => "baskets_out_of_range", "a boiler has 1 to 100 baskets";
    /// A limit on bowls: 1 to 1,000.
    BowlCount(u32 as "u32", 1 to 1_000) => "bowls_out_of_range", "a limit on bowls is 1 to 1000";
}

/// How much a kitchen can take on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct KitchenCapacity {
    /// The baskets of its boilers.
    #[schema(inline)]
    pub baskets: Baskets,
    /// How many bowls its hands can finish in ten minutes, however many baskets there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub bowls_per_slot: Option<BowlCount>,
    /// How many bowls one order may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub max_bowls_per_order: Option<BowlCount>,
}

crate::collect_struct!(KitchenCapacity {
    baskets,
    bowls_per_slot,
    max_bowls_per_order
});

impl Baskets {
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl BowlCount {
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl KitchenCapacity {
    /// What is left of a slot with this load: seconds of baskets, and bowls. Nothing when the capacity was lowered
    /// below what is booked.
    pub fn left(&self, load: SlotLoad) -> (u32, u32) {
        let seconds = self.baskets.get() * SLOT_SECONDS;
        let bowls = self.bowls_per_slot.map_or(u32::MAX, BowlCount::get);
        (
            seconds.saturating_sub(load.basket_seconds),
            bowls.saturating_sub(load.bowls),
        )
    }

    /// Takes off as many of the bowls as a slot with this load has room for, and says what they book.
    pub(super) fn take(&self, load: SlotLoad, batches: &mut [Batch]) -> SlotLoad {
        let (mut seconds, mut bowls) = self.left(load);
        let mut taken = SlotLoad::default();
        for batch in batches {
            // Noodles that cook longer than a slot take a whole basket of it.
            let each = batch.cook.get().min(SLOT_SECONDS);
            let room = seconds.checked_div(each).unwrap_or(u32::MAX);
            let fit = batch.bowls.min(room).min(bowls);
            let booked = fit.saturating_mul(each);
            batch.bowls -= fit;
            bowls -= fit;
            seconds -= booked;
            taken.bowls = taken.bowls.saturating_add(fit);
            taken.basket_seconds = taken.basket_seconds.saturating_add(booked);
        }
        taken
    }
}
