//! What must hold at every moment.

use domain::kernel::ids::OrderId;
use domain::ordering::order::OrderStage;
use domain::payment::payment::{PaymentStage, RefundStage};
use domain::processes::{OrderFulfilment, Process as _};
use domain::restaurant::inventory::HoldEnd;

use crate::actions::actions;
use crate::world::{ORDER, World};

fn times(world: &World, what: &str) -> u32 {
    world.seen.get(what).copied().unwrap_or(0)
}

fn stage(world: &World) -> OrderStage {
    world
        .order
        .body()
        .map_or(OrderStage::Absent, |body| body.stage)
}

/// Money is taken once at most, and never both taken and given up.
pub(crate) fn is_taken_or_given_up(world: &World) -> bool {
    times(world, "captured") + times(world, "voided") <= 1
}

/// What goes back was taken before.
pub(crate) fn refunds_are_covered(world: &World) -> bool {
    let Some(payment) = world.payment.body() else {
        return true;
    };
    let back: i64 = payment
        .refunds
        .iter()
        .filter(|refund| refund.stage != RefundStage::Failed)
        .map(|refund| refund.amount.amount_minor())
        .sum();
    back == 0 || (payment.stage == PaymentStage::Captured && payment.refundable_minor() >= 0)
}

/// Stock that is set aside is used or free again, once.
pub(crate) fn stock_ends_once(world: &World) -> bool {
    times(world, "hold_consumed") + times(world, "hold_released") <= 1
}

/// There is always somebody who can act, until it is over.
pub(crate) fn can_go_on(world: &World) -> bool {
    let waits = !world.commands.is_empty() || !world.calls.is_empty() || !world.timers.is_empty();
    waits || is_over(world) || !actions(world).is_empty()
}

/// Nothing more is to be told or done.
fn is_over(world: &World) -> bool {
    OrderFulfilment::is_over(&world.process)
        && world.commands.is_empty()
        && world.calls.is_empty()
        && world
            .streams
            .values()
            .all(|stream| stream.untold.is_empty())
}

/// Once it is over: stock is used or free, no timer runs, and money is where it belongs.
pub(crate) fn is_settled_when_over(world: &World) -> bool {
    if !is_over(world) {
        return true;
    }
    let used = world
        .order
        .body()
        .is_some_and(|body| body.fired_at.is_some() || body.picked_up_at.is_some());
    let due = if used {
        HoldEnd::Consumed
    } else {
        HoldEnd::Released
    };
    let stock = world.stock.ended(OrderId::new(ORDER)) == Some(due);
    stock
        && world.timers.is_empty()
        && counts_when_due(world)
        && money_is_where_it_belongs(world, used)
}

/// An order that ended before anybody took it does not count against its promotion; an eaten one does.
fn counts_when_due(world: &World) -> bool {
    let counted = world.promotion.body().map(|body| body.redeemed);
    match stage(world) {
        OrderStage::Expired | OrderStage::Rejected => counted == Some(0),
        OrderStage::Completed => counted == Some(1),
        _ => times(world, "redemption_released") <= 1,
    }
}

fn money_is_where_it_belongs(world: &World, used: bool) -> bool {
    let Some(payment) = world.payment.body() else {
        return false;
    };
    let failed = payment
        .refunds
        .iter()
        .any(|refund| refund.stage == RefundStage::Failed);
    match (stage(world), payment.stage) {
        (OrderStage::Completed, PaymentStage::Captured) => true,
        // A capture that failed for good after the food was fired is the platform's cost.
        (OrderStage::Completed, _) => {
            times(world, "capture_failed") + times(world, "expired_by_vendor") > 0
        }
        // Whoever is to blame for cooked food pays for it; a refund that failed stands before a person.
        (_, PaymentStage::Captured) => used || payment.refundable_minor() == 0 || failed,
        (_, _) => true,
    }
}

/// The way that everybody hopes for.
pub(crate) fn is_eaten(world: &World) -> bool {
    is_over(world) && stage(world) == OrderStage::Completed && times(world, "captured") == 1
}

/// Somebody cancelled after the capture and has the money again.
pub(crate) fn money_came_back(world: &World) -> bool {
    is_over(world) && times(world, "refunded") == 1
}
