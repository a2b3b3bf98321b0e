//! Which command is possible at which stage of an order, for whom, and where it leads.
//!
//! [`ROWS`] is the one source: decisions, refusals, the page `docs/orders.md` and the model check
//! (`domain/tests/model`) are made of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::command::OrderCommandKind as C;
use super::state::OrderStage as S;
use crate::kernel::actor::Actor;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The stage.
    pub from: S,
    /// What is asked there.
    pub command: C,
    /// Who asks.
    pub by: &'static [By],
    /// What must hold besides, in words; the rule itself is in `rules.rs`. Empty when nothing must.
    pub guard: &'static str,
    /// The stage afterwards.
    pub to: S,
}

/// Who asks something of an order.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    VariantArray,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum By {
    /// Who ordered.
    Customer,
    /// The shop.
    Shop,
    /// One of our drivers.
    Driver,
    /// The marketplace's people.
    Ops,
    /// A timer that ran out.
    Timer,
    /// One of our processes, with news of money or couriers.
    Process,
}

impl From<&Actor> for By {
    fn from(actor: &Actor) -> Self {
        match actor {
            Actor::Customer { .. } => Self::Customer,
            Actor::Restaurant { .. } => Self::Shop,
            Actor::Driver { .. } => Self::Driver,
            Actor::Ops { .. } => Self::Ops,
            Actor::System { .. } => Self::Process,
        }
    }
}

const CUSTOMER: &[By] = &[By::Customer];
const SHOP: &[By] = &[By::Shop];
const OPS: &[By] = &[By::Ops];
const TIMER: &[By] = &[By::Timer];
const PROCESS: &[By] = &[By::Process];
const SHOP_OR_TIMER: &[By] = &[By::Shop, By::Timer];
const SHOP_OR_OPS: &[By] = &[By::Shop, By::Ops];
const ANSWER: &[By] = &[By::Customer, By::Ops, By::Timer];
const CUSTOMER_OR_OPS: &[By] = &[By::Customer, By::Ops];

const DELIVERY: &str = "a courier brings it";
const NEWS: &str = "a courier brings it; a pickup that was never reported is implied";
const SHORT: &str = "the line has so many units that are not packed, and not all is left out";
const LACKS: &str = "a line takes what is lacking, and not all is left out";
const SHORT_END: &str = "it leaves nothing, or the customer chose so";
const ASKED: &str = "it was asked and is not settled";
const REFIRE: &str = "its bowls are boiled, not too often, and there is stock for it";
const REMAKE: &str = "somebody else is at fault, and each bowl is made again once";
const OFFERED: &str = "it was offered, and the time to answer is not over";
const AMEND: &str = "it costs no more than was authorised, at a quote that the customer saw";
const DOOR: &str = "a courier brings it, and the pin stays near the one that was agreed";
const STALL: &str = "it has been there for longer than it should";
const DID: &str = "our staff did it in another's place";
const PICKUP: &str = "the customer fetches it";

const fn row(from: S, command: C, by: &'static [By], guard: &'static str, to: S) -> Row {
    Row {
        from,
        command,
        by,
        guard,
        to,
    }
}

/// The table. What is not here is refused.
///
/// News of a courier is a fact and may be ahead of the kitchen's; steps that nobody reported are then
/// marked inferred. Nobody cancels once a courier has it.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(S::Absent, C::CheckOut, CUSTOMER, "there is something to pay", S::AwaitingPayment),
    row(S::Absent, C::CheckOut, CUSTOMER, "there is nothing to pay, and it is for later", S::Scheduled),
    row(S::Absent, C::CheckOut, CUSTOMER, "there is nothing to pay", S::Placed),
    row(S::AwaitingPayment, C::Authorise, PROCESS, "it is the payment that it waits for, and for later", S::Scheduled),
    row(S::AwaitingPayment, C::Authorise, PROCESS, "it is the payment that it waits for", S::Placed),
    row(S::AwaitingPayment, C::Expire, TIMER, "its time to pay is over", S::Expired),
    row(S::AwaitingPayment, C::Cancel, &[By::Customer, By::Process], "", S::Cancelled),
    row(S::AwaitingPayment, C::ShortStock, PROCESS, LACKS, S::AwaitingPayment),
    row(S::AwaitingPayment, C::ShortStock, PROCESS, SHORT_END, S::Cancelled),
    row(S::AwaitingPayment, C::AnswerShort, ANSWER, ASKED, S::AwaitingPayment),
    row(S::AwaitingPayment, C::AnswerShort, ANSWER, SHORT_END, S::Cancelled),
    row(S::Scheduled, C::Release, TIMER, "", S::Placed),
    row(S::Scheduled, C::Cancel, &[By::Customer, By::Shop, By::Ops, By::Process], "", S::Cancelled),
    row(S::Scheduled, C::Amend, CUSTOMER_OR_OPS, AMEND, S::Scheduled),
    row(S::Scheduled, C::CorrectDoor, CUSTOMER_OR_OPS, DOOR, S::Scheduled),
    row(S::Placed, C::Accept, SHOP, "the kitchen needs at most four hours", S::Accepted),
    row(S::Placed, C::Reject, SHOP_OR_TIMER, "", S::Rejected),
    row(S::Placed, C::Cancel, &[By::Customer, By::Ops, By::Process], "", S::Cancelled),
    row(S::Placed, C::Acknowledge, SHOP, "", S::Placed),
    row(S::Placed, C::Short, SHOP, SHORT, S::Placed),
    row(S::Placed, C::Short, SHOP, SHORT_END, S::Cancelled),
    row(S::Placed, C::ShortStock, PROCESS, LACKS, S::Placed),
    row(S::Placed, C::ShortStock, PROCESS, SHORT_END, S::Cancelled),
    row(S::Placed, C::AnswerShort, ANSWER, ASKED, S::Placed),
    row(S::Placed, C::AnswerShort, ANSWER, SHORT_END, S::Cancelled),
    row(S::Placed, C::Amend, CUSTOMER_OR_OPS, AMEND, S::Placed),
    row(S::Placed, C::CorrectDoor, CUSTOMER_OR_OPS, DOOR, S::Placed),
    row(S::Accepted, C::Fire, SHOP_OR_TIMER, "", S::Cooking),
    row(S::Accepted, C::Cancel, &[By::Customer, By::Shop, By::Ops, By::Process], "", S::Cancelled),
    row(S::Accepted, C::Acknowledge, SHOP, "", S::Accepted),
    row(S::Accepted, C::RequestCourier, OPS, DELIVERY, S::Accepted),
    row(S::Accepted, C::RecordPickedUp, PROCESS, DELIVERY, S::PickedUp),
    row(S::Accepted, C::RecordDelivered, PROCESS, NEWS, S::Delivered),
    row(S::Accepted, C::RecordUndeliverable, PROCESS, NEWS, S::Undeliverable),
    row(S::Accepted, C::Short, SHOP, SHORT, S::Accepted),
    row(S::Accepted, C::Short, SHOP, SHORT_END, S::Cancelled),
    row(S::Accepted, C::ShortStock, PROCESS, LACKS, S::Accepted),
    row(S::Accepted, C::ShortStock, PROCESS, SHORT_END, S::Cancelled),
    row(S::Accepted, C::AnswerShort, ANSWER, ASKED, S::Accepted),
    row(S::Accepted, C::AnswerShort, ANSWER, SHORT_END, S::Cancelled),
    row(S::Accepted, C::Amend, CUSTOMER_OR_OPS, AMEND, S::Accepted),
    row(S::Accepted, C::CorrectDoor, CUSTOMER_OR_OPS, DOOR, S::Accepted),
    row(S::Accepted, C::Delay, SHOP_OR_OPS, "it is promised for later than before", S::Accepted),
    row(S::Accepted, C::SwitchToPickup, CUSTOMER_OR_OPS, DELIVERY, S::Accepted),
    row(S::Cooking, C::BowlBoiled, SHOP, "the order has this bowl", S::Cooking),
    row(S::Cooking, C::BowlSealed, SHOP, "the bowl is boiled, if it is one that is", S::Cooking),
    row(S::Cooking, C::Ready, SHOP, "every bowl is sealed", S::Ready),
    row(S::Cooking, C::Cancel, SHOP_OR_OPS, "", S::Cancelled),
    row(S::Cooking, C::Acknowledge, SHOP, "", S::Cooking),
    row(S::Cooking, C::RequestCourier, OPS, DELIVERY, S::Cooking),
    row(S::Cooking, C::RecordPickedUp, PROCESS, DELIVERY, S::PickedUp),
    row(S::Cooking, C::RecordDelivered, PROCESS, NEWS, S::Delivered),
    row(S::Cooking, C::RecordUndeliverable, PROCESS, NEWS, S::Undeliverable),
    row(S::Cooking, C::Short, SHOP, SHORT, S::Cooking),
    row(S::Cooking, C::Short, SHOP, SHORT_END, S::Cancelled),
    row(S::Cooking, C::AnswerShort, ANSWER, ASKED, S::Cooking),
    row(S::Cooking, C::AnswerShort, ANSWER, SHORT_END, S::Cancelled),
    row(S::Cooking, C::SwitchToPickup, CUSTOMER_OR_OPS, DELIVERY, S::Cooking),
    row(S::Cooking, C::CorrectDoor, CUSTOMER_OR_OPS, DOOR, S::Cooking),
    row(S::Cooking, C::Refire, SHOP_OR_OPS, REFIRE, S::Cooking),
    row(S::Cooking, C::OfferRemake, OPS, REMAKE, S::Cooking),
    row(S::Cooking, C::Remake, OPS, REMAKE, S::Cooking),
    row(S::Cooking, C::AcceptRemake, CUSTOMER_OR_OPS, OFFERED, S::Cooking),
    row(S::Cooking, C::DeclineRemake, CUSTOMER_OR_OPS, OFFERED, S::Cooking),
    row(S::Ready, C::Collect, SHOP, PICKUP, S::Delivered),
    row(S::Ready, C::NotCollected, SHOP_OR_TIMER, PICKUP, S::Uncollected),
    row(S::Ready, C::Cancel, SHOP_OR_OPS, "", S::Cancelled),
    row(S::Ready, C::Acknowledge, SHOP, "", S::Ready),
    row(S::Ready, C::RequestCourier, OPS, DELIVERY, S::Ready),
    row(S::Ready, C::RecordPickedUp, PROCESS, DELIVERY, S::PickedUp),
    row(S::Ready, C::RecordDelivered, PROCESS, NEWS, S::Delivered),
    row(S::Ready, C::RecordUndeliverable, PROCESS, NEWS, S::Undeliverable),
    row(S::Ready, C::SwitchToPickup, CUSTOMER_OR_OPS, DELIVERY, S::Ready),
    row(S::Ready, C::CorrectDoor, CUSTOMER_OR_OPS, DOOR, S::Ready),
    row(S::Ready, C::Refire, SHOP_OR_OPS, REFIRE, S::Cooking),
    row(S::Ready, C::OfferRemake, OPS, REMAKE, S::Ready),
    row(S::Ready, C::Remake, OPS, REMAKE, S::Ready),
    row(S::Ready, C::AcceptRemake, CUSTOMER_OR_OPS, OFFERED, S::Ready),
    row(S::Ready, C::DeclineRemake, CUSTOMER_OR_OPS, OFFERED, S::Ready),
    row(S::PickedUp, C::RecordDelivered, PROCESS, DELIVERY, S::Delivered),
    row(S::PickedUp, C::RecordUndeliverable, PROCESS, DELIVERY, S::Undeliverable),
    row(S::PickedUp, C::CorrectDoor, CUSTOMER_OR_OPS, DOOR, S::PickedUp),
    row(S::PickedUp, C::OfferRemake, OPS, REMAKE, S::PickedUp),
    row(S::PickedUp, C::Remake, OPS, REMAKE, S::PickedUp),
    row(S::PickedUp, C::AcceptRemake, CUSTOMER_OR_OPS, OFFERED, S::PickedUp),
    row(S::PickedUp, C::DeclineRemake, CUSTOMER_OR_OPS, OFFERED, S::PickedUp),
    row(S::Delivered, C::Complete, TIMER, "", S::Completed),
    row(S::Delivered, C::OfferRemake, OPS, REMAKE, S::Delivered),
    row(S::Delivered, C::Remake, OPS, REMAKE, S::Delivered),
    row(S::Delivered, C::AcceptRemake, CUSTOMER_OR_OPS, OFFERED, S::Delivered),
    row(S::Delivered, C::DeclineRemake, CUSTOMER_OR_OPS, OFFERED, S::Delivered),
    row(S::Undeliverable, C::Complete, TIMER, "", S::Completed),
    row(S::Undeliverable, C::OfferRemake, OPS, REMAKE, S::Undeliverable),
    row(S::Undeliverable, C::Remake, OPS, REMAKE, S::Undeliverable),
    row(S::Undeliverable, C::AcceptRemake, CUSTOMER_OR_OPS, OFFERED, S::Undeliverable),
    row(S::Undeliverable, C::DeclineRemake, CUSTOMER_OR_OPS, OFFERED, S::Undeliverable),
    row(S::Uncollected, C::Complete, TIMER, "", S::Completed),
    row(S::Uncollected, C::OfferRemake, OPS, REMAKE, S::Uncollected),
    row(S::Uncollected, C::Remake, OPS, REMAKE, S::Uncollected),
    row(S::Uncollected, C::AcceptRemake, CUSTOMER_OR_OPS, OFFERED, S::Uncollected),
    row(S::Uncollected, C::DeclineRemake, CUSTOMER_OR_OPS, OFFERED, S::Uncollected),
    row(S::Completed, C::OfferRemake, OPS, REMAKE, S::Completed),
    row(S::Completed, C::Remake, OPS, REMAKE, S::Completed),
    row(S::Completed, C::AcceptRemake, CUSTOMER_OR_OPS, OFFERED, S::Completed),
    row(S::Completed, C::DeclineRemake, CUSTOMER_OR_OPS, OFFERED, S::Completed),
    row(S::AwaitingPayment, C::Stall, TIMER, STALL, S::AwaitingPayment),
    row(S::AwaitingPayment, C::NoteOnBehalf, OPS, DID, S::AwaitingPayment),
    row(S::Scheduled, C::Stall, TIMER, STALL, S::Scheduled),
    row(S::Scheduled, C::NoteOnBehalf, OPS, DID, S::Scheduled),
    row(S::Placed, C::Stall, TIMER, STALL, S::Placed),
    row(S::Placed, C::NoteOnBehalf, OPS, DID, S::Placed),
    row(S::Accepted, C::Stall, TIMER, STALL, S::Accepted),
    row(S::Accepted, C::NoteOnBehalf, OPS, DID, S::Accepted),
    row(S::Cooking, C::Stall, TIMER, STALL, S::Cooking),
    row(S::Cooking, C::NoteOnBehalf, OPS, DID, S::Cooking),
    row(S::Ready, C::Stall, TIMER, STALL, S::Ready),
    row(S::Ready, C::NoteOnBehalf, OPS, DID, S::Ready),
    row(S::PickedUp, C::Stall, TIMER, STALL, S::PickedUp),
    row(S::PickedUp, C::NoteOnBehalf, OPS, DID, S::PickedUp),
    row(S::Delivered, C::Stall, TIMER, STALL, S::Delivered),
    row(S::Delivered, C::NoteOnBehalf, OPS, DID, S::Delivered),
    row(S::Undeliverable, C::Stall, TIMER, STALL, S::Undeliverable),
    row(S::Undeliverable, C::NoteOnBehalf, OPS, DID, S::Undeliverable),
    row(S::Uncollected, C::Stall, TIMER, STALL, S::Uncollected),
    row(S::Uncollected, C::NoteOnBehalf, OPS, DID, S::Uncollected),
    row(S::Completed, C::NoteOnBehalf, OPS, DID, S::Completed),
    row(S::Expired, C::NoteOnBehalf, OPS, DID, S::Expired),
    row(S::Cancelled, C::NoteOnBehalf, OPS, DID, S::Cancelled),
    row(S::Rejected, C::NoteOnBehalf, OPS, DID, S::Rejected),
];

/// From, command, to.
type Step = (S, C, S);

/// The table without who and why, as every aggregate has one.
pub const TRANSITIONS: &[Step] = &steps::<{ ROWS.len() }>();

const fn steps<const ROWS_LEN: usize>() -> [Step; ROWS_LEN] {
    let mut steps = [(S::Absent, C::CheckOut, S::Absent); ROWS_LEN];
    let mut at = 0;
    while at < ROWS_LEN {
        steps[at] = (ROWS[at].from, ROWS[at].command, ROWS[at].to);
        at += 1;
    }
    steps
}

/// Whether the table lets `by` ask `command` at `stage`.
pub fn may_ask(stage: S, command: C, by: By) -> bool {
    ROWS.iter()
        .any(|row| row.from == stage && row.command == command && row.by.contains(&by))
}
