//! Which command is possible at which stage of an order, where it leads, and who may cancel when.

use strum::{IntoStaticStr, VariantArray};

use super::command::OrderCommandKind::{
    self, Accept, Acknowledge, Authorise, BowlBoiled, BowlSealed, Cancel, CheckOut, Collect,
    Complete, Expire, Fire, NotCollected, Ready, RecordDelivered, RecordPickedUp,
    RecordUndeliverable, Reject, RequestCourier,
};
use super::state::OrderStage;
use crate::kernel::actor::Actor;

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

/// Who cancels, as the policy sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CancelRole {
    /// Who ordered.
    Customer,
    /// The shop.
    Restaurant,
    /// A driver; never.
    Driver,
    /// The marketplace's people.
    Ops,
    /// One of our processes, when a payment fails.
    System,
}

/// Who may cancel at which stage. Nobody may once a courier has it.
pub const CANCELLATIONS: &[(OrderStage, CancelRole)] = &[
    (OrderStage::AwaitingPayment, CancelRole::Customer),
    (OrderStage::AwaitingPayment, CancelRole::System),
    (OrderStage::Placed, CancelRole::Customer),
    (OrderStage::Placed, CancelRole::Ops),
    (OrderStage::Placed, CancelRole::System),
    (OrderStage::Accepted, CancelRole::Customer),
    (OrderStage::Accepted, CancelRole::Restaurant),
    (OrderStage::Accepted, CancelRole::Ops),
    (OrderStage::Accepted, CancelRole::System),
    (OrderStage::Cooking, CancelRole::Restaurant),
    (OrderStage::Cooking, CancelRole::Ops),
    (OrderStage::Ready, CancelRole::Restaurant),
    (OrderStage::Ready, CancelRole::Ops),
];

impl From<&Actor> for CancelRole {
    fn from(actor: &Actor) -> Self {
        match actor {
            Actor::Customer { .. } => Self::Customer,
            Actor::Restaurant { .. } => Self::Restaurant,
            Actor::Driver { .. } => Self::Driver,
            Actor::Ops { .. } => Self::Ops,
            Actor::System { .. } => Self::System,
        }
    }
}
