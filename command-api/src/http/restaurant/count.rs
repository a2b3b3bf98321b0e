//! Counts of ingredients, as two use cases take them.

use domain::aggregates::Inventory;
use domain::kernel::ids::RestaurantId;
use domain::kernel::key::Key;
use domain::kernel::quantity::Amount;
use domain::restaurant::inventory::InventoryCommand;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::asked::OfShop;
use crate::http::strict::Strict;

/// What was counted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    /// Each ingredient.
    #[schema(value_type = Vec<Count>)]
    counts: Strict<Vec<Count>>,
}
domain::collect_struct!(Counts { counts });

impl Counts {
    /// The commands that note them, on the shop's stock at this version.
    pub(super) fn of_shop(self, shop: RestaurantId, expected: Option<i64>) -> OfShop<Inventory> {
        OfShop {
            shop,
            commands: self.counts.0.into_iter().map(Count::command).collect(),
            list: Some("counts"),
            expected,
        }
    }
}

/// How much there is of an ingredient, with what is held for orders.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Count {
    /// The ingredient's key in the menu.
    #[schema(inline)]
    ingredient: Key,
    /// How much, in the ingredient's unit.
    #[schema(inline)]
    counted: Amount,
}
domain::collect_struct!(Count {
    ingredient,
    counted
});

impl Count {
    /// The command that notes it.
    fn command(self) -> InventoryCommand {
        InventoryCommand::Recount {
            ingredient: self.ingredient,
            counted: self.counted,
        }
    }
}
