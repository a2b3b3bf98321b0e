//! Which command is possible at which stage of an order, and where it leads.

use super::command::OrderCommandKind::{
    self, Accept, Acknowledge, Authorise, BowlBoiled, BowlSealed, Cancel, CheckOut, Collect,
    Complete, Expire, Fire, NotCollected, Ready, RecordDelivered, RecordPickedUp,
    RecordUndeliverable, Reject, RequestCourier,
};
use super::state::OrderStage;

/// From, command, to. What is not here is refused. A row's guards are in `rules.rs`.
///
/// News of a courier is a fact and may be ahead of the kitchen's; steps that nobody reported are then
/// marked inferred. An order with nothing to pay is placed by its checkout.
pub const TRANSITIONS: &[(OrderStage, OrderCommandKind, OrderStage)] = &[
    (OrderStage::Absent, CheckOut, OrderStage::AwaitingPayment),
    (OrderStage::Absent, CheckOut, OrderStage::Placed),
    (OrderStage::AwaitingPayment, Authorise, OrderStage::Placed),
    (OrderStage::AwaitingPayment, Expire, OrderStage::Expired),
    (OrderStage::AwaitingPayment, Cancel, OrderStage::Cancelled),
    (OrderStage::Placed, Accept, OrderStage::Accepted),
    (OrderStage::Placed, Reject, OrderStage::Rejected),
    (OrderStage::Placed, Cancel, OrderStage::Cancelled),
    (OrderStage::Placed, Acknowledge, OrderStage::Placed),
    (OrderStage::Accepted, Fire, OrderStage::Cooking),
    (OrderStage::Accepted, Cancel, OrderStage::Cancelled),
    (OrderStage::Accepted, Acknowledge, OrderStage::Accepted),
    (OrderStage::Accepted, RequestCourier, OrderStage::Accepted),
    (OrderStage::Accepted, RecordPickedUp, OrderStage::PickedUp),
    (OrderStage::Accepted, RecordDelivered, OrderStage::Delivered),
    (
        OrderStage::Accepted,
        RecordUndeliverable,
        OrderStage::Undeliverable,
    ),
    (OrderStage::Cooking, BowlBoiled, OrderStage::Cooking),
    (OrderStage::Cooking, BowlSealed, OrderStage::Cooking),
    (OrderStage::Cooking, Ready, OrderStage::Ready),
    (OrderStage::Cooking, Cancel, OrderStage::Cancelled),
    (OrderStage::Cooking, Acknowledge, OrderStage::Cooking),
    (OrderStage::Cooking, RequestCourier, OrderStage::Cooking),
    (OrderStage::Cooking, RecordPickedUp, OrderStage::PickedUp),
    (OrderStage::Cooking, RecordDelivered, OrderStage::Delivered),
    (
        OrderStage::Cooking,
        RecordUndeliverable,
        OrderStage::Undeliverable,
    ),
    (OrderStage::Ready, Collect, OrderStage::Delivered),
    (OrderStage::Ready, NotCollected, OrderStage::Uncollected),
    (OrderStage::Ready, Cancel, OrderStage::Cancelled),
    (OrderStage::Ready, Acknowledge, OrderStage::Ready),
    (OrderStage::Ready, RequestCourier, OrderStage::Ready),
    (OrderStage::Ready, RecordPickedUp, OrderStage::PickedUp),
    (OrderStage::Ready, RecordDelivered, OrderStage::Delivered),
    (
        OrderStage::Ready,
        RecordUndeliverable,
        OrderStage::Undeliverable,
    ),
    (OrderStage::PickedUp, RecordDelivered, OrderStage::Delivered),
    (
        OrderStage::PickedUp,
        RecordUndeliverable,
        OrderStage::Undeliverable,
    ),
    (OrderStage::Delivered, Complete, OrderStage::Completed),
    (OrderStage::Undeliverable, Complete, OrderStage::Completed),
    (OrderStage::Uncollected, Complete, OrderStage::Completed),
];
