//! A count of one ingredient, as two use cases take it.

use domain::kernel::key::Key;
use domain::kernel::quantity::Amount;
use domain::restaurant::inventory::InventoryCommand;
use serde::Deserialize;
use utoipa::ToSchema;

/// How much there is of an ingredient, with what is held for orders.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Count {
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
    pub(super) fn command(self) -> InventoryCommand {
        InventoryCommand::Recount {
            ingredient: self.ingredient,
            counted: self.counted,
        }
    }
}
