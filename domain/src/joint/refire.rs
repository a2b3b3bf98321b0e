//! Bowls are cooked once more: the order says which, and the stock gives what they need, together or not at all.

use uuid::Uuid;

use crate::decider::{Class, Context, Decider as _, Fault, Rejection};
use crate::kernel::flags::Flags;
use crate::kernel::ids::OrderId;
use crate::kernel::quantity::IngredientAmount;
use crate::kernel::text::Reason;
use crate::ordering::line::BowlRef;
use crate::ordering::order::{
    FaultParty, Order, OrderBody, OrderCommand, OrderEvent, OrderRejection,
};
use crate::restaurant::inventory::{
    Inventory, InventoryCommand, InventoryEvent, InventoryRejection,
};

/// Which bowls are cooked again, and why.
#[derive(Clone, Debug)]
pub struct RefireRequest {
    /// The order.
    pub order: OrderId,
    /// Our name for it.
    pub refire: Uuid,
    /// Which bowls; all that are begun when none is named.
    pub bowls: Vec<BowlRef>,
    /// Why.
    pub reason: Reason,
    /// Whose fault it is.
    pub fault: FaultParty,
}

/// The events of cooking again, to be appended in one commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Refire {
    /// To the order.
    pub order: Vec<OrderEvent>,
    /// To the shop's inventory.
    pub inventory: Vec<InventoryEvent>,
}

/// Why nothing is cooked again.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RefireRejection {
    /// The order says no.
    #[error(transparent)]
    Order(OrderRejection),
    /// The stock says no.
    #[error(transparent)]
    Inventory(InventoryRejection),
}

impl Rejection for RefireRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Order(rejection) => rejection.code(),
            Self::Inventory(rejection) => rejection.code(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Order(rejection) => rejection.class(),
            Self::Inventory(rejection) => rejection.class(),
        }
    }

    fn faults(&self) -> Vec<Fault> {
        match self {
            Self::Order(rejection) => rejection.faults(),
            Self::Inventory(rejection) => rejection.faults(),
        }
    }
}

/// Decides which bowls go back into the boiler, and takes what they need.
///
/// # Errors
/// [`RefireRejection`].
pub fn refire(
    order: &Order,
    stock: &Inventory,
    request: RefireRequest,
    flags: &Flags,
    context: &Context,
) -> Result<Refire, RefireRejection> {
    let (id, refire) = (request.order, request.refire);
    let command = OrderCommand::Refire {
        refire,
        bowls: request.bowls,
        reason: request.reason,
        fault: request.fault,
        most: flags.refires_max,
    };
    let events = order
        .decide(command, context)
        .map_err(RefireRejection::Order)?;
    let mut inventory = Vec::new();
    for event in &events {
        if let (OrderEvent::Refired { bowls, .. }, Some(body)) = (event, order.body()) {
            let cook_again = InventoryCommand::CookAgain {
                order: id,
                refire,
                needs: needs_of(body, bowls),
            };
            let taken = stock.decide(cook_again, context);
            inventory.extend(taken.map_err(RefireRejection::Inventory)?);
        }
    }
    Ok(Refire {
        order: events,
        inventory,
    })
}

/// What these bowls take from stock, as the order keeps it.
fn needs_of(body: &OrderBody, bowls: &[BowlRef]) -> Vec<IngredientAmount> {
    let of_one = |bowl: &BowlRef| body.needs.iter().find(|needs| needs.line == bowl.line);
    let needs = bowls.iter().filter_map(of_one);
    needs.flat_map(|needs| needs.of_one.clone()).collect()
}
