//! What can be asked of a shop's stock.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};
use uuid::Uuid;

use super::event::ReleaseReason;
use crate::kernel::ids::OrderId;
use crate::kernel::key::Key;
use crate::kernel::kitchen::{KitchenBooking, KitchenCapacity};
use crate::kernel::quantity::{Amount, IngredientAmount};
use crate::kernel::text::Reason;

/// A command to a shop's stock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[strum_discriminants(name(InventoryCommandKind), doc = "The commands without their fields.")]
#[strum_discriminants(
    derive(Hash, IntoStaticStr, VariantArray),
    strum(serialize_all = "snake_case")
)]
pub enum InventoryCommand {
    /// Goods came in. Not idempotent by itself: the same delivery may come twice.
    Receive {
        /// What.
        ingredient: Key,
        /// How much, more than nothing.
        amount: Amount,
    },
    /// Something was thrown away. Not idempotent by itself.
    Waste {
        /// What.
        ingredient: Key,
        /// How much, more than nothing and at most what is there.
        amount: Amount,
        /// Why.
        reason: Reason,
    },
    /// The shelf was counted.
    Recount {
        /// What.
        ingredient: Key,
        /// How much there is, with what is held for orders.
        counted: Amount,
    },
    /// An ingredient is out, whatever the count says.
    EightySix {
        /// Which.
        ingredient: Key,
        /// When it is back by itself.
        #[serde(default)]
        until: Option<DateTime<Utc>>,
    },
    /// An ingredient is back.
    LiftEightySix {
        /// Which.
        ingredient: Key,
    },
    /// Set stock aside for an order, all of it or nothing.
    OpenHold {
        /// The order.
        hold: OrderId,
        /// Its service date.
        service_date: NaiveDate,
        /// What it needs; the same ingredient may stand there more than once.
        needs: Vec<IngredientAmount>,
        /// When the order's payment timer runs out.
        expires_at: DateTime<Utc>,
        /// What it books of the kitchen, in a shop that says what its kitchen can do.
        #[serde(default)]
        kitchen: Option<KitchenWanted>,
    },
    /// Set aside something else for an order: less at once, more only if it is free. For an order that was changed,
    /// or was scheduled and is released to the kitchen.
    ChangeHold {
        /// The order.
        hold: OrderId,
        /// What it needs from now on, all of it; the same ingredient may stand there more than once.
        needs: Vec<IngredientAmount>,
        /// What it books of the kitchen instead of what it has; nothing to leave that.
        #[serde(default)]
        kitchen: Option<KitchenWanted>,
        /// Whether what is not free of it is left out instead of refusing all: what the shop says it has, whatever
        /// the books say, must not keep the rest of the order from being held as it is.
        #[serde(default)]
        as_far_as_free: bool,
    },
    /// An order for later is released to the kitchen: set aside what it needs, as much as is free.
    FillHold {
        /// The order.
        hold: OrderId,
        /// What it needs, all of it; the same ingredient may stand there more than once.
        needs: Vec<IngredientAmount>,
    },
    /// The order was paid.
    CommitHold {
        /// The order.
        hold: OrderId,
    },
    /// The order was fired.
    ConsumeHold {
        /// The order.
        hold: OrderId,
    },
    /// Bowls of an order that was fired are cooked once more, all of them or none: what they need is taken at once, so
    /// that no hold of their own can strand. Not idempotent by itself; only `joint::refire` sends it.
    CookAgain {
        /// The order.
        order: OrderId,
        /// Its name for it.
        refire: Uuid,
        /// What that takes; the same ingredient may stand there more than once.
        needs: Vec<IngredientAmount>,
    },
    /// The order came to nothing.
    ReleaseHold {
        /// The order.
        hold: OrderId,
        /// Why.
        reason: ReleaseReason,
    },
}

/// Slots that an order wants, and what the kitchen can do by the word of its shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KitchenWanted {
    /// The slots.
    pub booking: KitchenBooking,
    /// Fact: the shop's capacity.
    pub capacity: KitchenCapacity,
}
