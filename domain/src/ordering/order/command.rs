//! What can be asked of an order, or told to it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::event::{CheckedOut, FaultParty, RejectReason};
use crate::kernel::actor::Actor;
use crate::kernel::handover::{ProofMethod, UndeliverableReason};
use crate::kernel::ids::{DeliveryId, DriverId, PaymentId};
use crate::kernel::quantity::Minutes;
use crate::kernel::text::{Name, Reason};
use crate::ordering::line::LineId;

/// A request to an order. `Record…` bring news of what has happened elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum_discriminants(
    name(OrderCommandKind),
    doc = "The commands of an order without their fields.",
    derive(Hash, VariantArray, IntoStaticStr, Serialize, Deserialize),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum OrderCommand {
    /// Starts the order; only `joint::checkout` sends it.
    CheckOut {
        /// Everything it keeps.
        terms: Box<CheckedOut>,
    },
    /// Its payment is authorised.
    Authorise {
        /// Which.
        payment: PaymentId,
    },
    /// It was not paid for in time.
    Expire,
    /// The shop takes it.
    Accept {
        /// How long the kitchen needs.
        prep_minutes: Minutes,
    },
    /// The shop does not take it.
    Reject {
        /// Why.
        reason: RejectReason,
        /// The shop's words.
        note: Option<Reason>,
    },
    /// Ends it.
    Cancel {
        /// Who.
        by: Actor,
        /// Why.
        reason: Reason,
        /// Whose fault. Believed from ops and our processes; who cancels for themselves bears it.
        fault: FaultParty,
    },
    /// A transport is asked for; only `joint::request_delivery` sends it, which knows whether another
    /// one is still on its way.
    RequestCourier {
        /// Which.
        delivery: DeliveryId,
    },
    /// Starts cooking.
    Fire {
        /// Whether the shop's flag does it rather than a hand.
        automatic: bool,
    },
    /// A bowl's noodles left the boiler.
    BowlBoiled {
        /// The line of the order.
        line: LineId,
        /// Which bowl of the line, from 1.
        bowl: u32,
    },
    /// A bowl was packed and closed.
    BowlSealed {
        /// The line of the order.
        line: LineId,
        /// Which bowl of the line, from 1.
        bowl: u32,
    },
    /// Everything is packed.
    Ready,
    /// The customer fetched it.
    Collect,
    /// The customer did not come.
    NotCollected,
    /// A courier has it.
    RecordPickedUp {
        /// Who, when it is one of our drivers.
        driver: Option<DriverId>,
        /// When it happened.
        at: DateTime<Utc>,
    },
    /// It is at the door.
    RecordDelivered {
        /// How that was proved.
        proof: ProofMethod,
        /// When it happened.
        at: DateTime<Utc>,
    },
    /// It could not be handed over.
    RecordUndeliverable {
        /// Why.
        reason: UndeliverableReason,
        /// When it happened.
        at: DateTime<Utc>,
    },
    /// Nothing more is expected.
    Complete,
    /// A device of the shop has shown it.
    Acknowledge {
        /// Which, as it names itself.
        device: Option<Name>,
    },
}
