//! What can be asked of an order, or told to it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};
use uuid::Uuid;

use super::event::{Amendment, CheckedOut, FaultParty, RejectReason, ShortAnswer};
use super::state::OrderStage;
use super::transitions::By;
use crate::kernel::actor::Actor;
use crate::kernel::address::Address;
use crate::kernel::handover::{ProofMethod, UndeliverableReason};
use crate::kernel::ids::{DeliveryId, DriverId, OrderId, PaymentId};
use crate::kernel::quantity::{IngredientAmount, Metres, Minutes};
use crate::kernel::sealed::Sealed;
use crate::kernel::text::{Name, Reason};
use crate::ordering::line::{BowlRef, LineId, OrderLine};

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
    /// Its shop is asked: it was for later, and its time has come.
    Release {
        /// The time that has come: another one was agreed on since when it is not the order's.
        release_at: DateTime<Utc>,
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
    /// The shop has run out of something; follows the choice that the customer made for this case.
    Short {
        /// Our name for this shortage, chosen by the caller so that a repeat is one.
        short: Uuid,
        /// The line of the order.
        line: LineId,
        /// How many units of it.
        units: u32,
        /// What the shop offers instead; only `joint::substitute` makes it, which knows the menu.
        substitute: Option<Box<OrderLine>>,
        /// What one of that takes from stock.
        substitute_needs: Vec<IngredientAmount>,
        /// Until when the customer may answer, if asked.
        answer_by: DateTime<Utc>,
        /// Who says so.
        by: Actor,
    },
    /// The shop's stock lacks what is held for it: the lines that take it run out, as if the shop had said so.
    ShortStock {
        /// Our name for this shortage, chosen by the caller so that a repeat is one.
        short: Uuid,
        /// What is lacking, each ingredient once.
        lacking: Vec<IngredientAmount>,
        /// Until when the customer may answer, if asked.
        answer_by: DateTime<Utc>,
        /// Who says so.
        by: Actor,
    },
    /// The customer says what to do about something that is short, or their time to say so is over.
    AnswerShort {
        /// Which shortage.
        short: Uuid,
        /// What to do.
        answer: ShortAnswer,
        /// Who answers.
        by: Actor,
    },
    /// The kitchen needs longer.
    Delay {
        /// How long now, counted from acceptance.
        prep_minutes: Minutes,
        /// Why.
        reason: Reason,
        /// Whose clock slipped.
        party: FaultParty,
    },
    /// The customer fetches what a courier was to bring.
    SwitchToPickup {
        /// Who decides so.
        by: Actor,
    },
    /// Something else is ordered instead, at a quote that the customer saw; only `joint::amend` sends it, which changes
    /// hold, promotions and courier with it.
    Amend {
        /// What the order is from now on.
        amendment: Box<Amendment>,
        /// Who asks.
        by: Actor,
    },
    /// The note at the door and its pin are put right; only `joint::correct_door` sends it, which tells the courier.
    CorrectDoor {
        /// The door as it should have been, sealed.
        address: Sealed<Address>,
        /// Fact: how far its pin is from the one that was agreed.
        moved: Metres,
        /// Fact: how far it may be.
        most: Metres,
        /// Who asks.
        by: Actor,
    },
    /// Bowls are cooked once more before they leave; only `joint::refire` sends it, which takes the stock for that.
    Refire {
        /// Our name for it, chosen by the caller so that a repeat is one.
        refire: Uuid,
        /// Which bowls; all that are begun when none is named.
        bowls: Vec<BowlRef>,
        /// Why.
        reason: Reason,
        /// Whose fault it is that what was boiled is waste.
        fault: FaultParty,
        /// Fact: how often an order may be cooked again.
        most: u32,
    },
    /// The customer may have bowls made again, if they want.
    OfferRemake {
        /// Our name for the offer, chosen by the caller so that a repeat is one.
        offer: Uuid,
        /// Which bowls.
        bowls: Vec<BowlRef>,
        /// Why.
        reason: Reason,
        /// Who pays for it.
        fault: FaultParty,
        /// Until when they may take it.
        answer_by: DateTime<Utc>,
    },
    /// The customer does not want what was offered.
    DeclineRemake {
        /// Who says so.
        by: Actor,
    },
    /// Bowls are made again in an order of their own; only `joint::remake` sends it, which makes that order.
    Remake {
        /// That order.
        remake: OrderId,
        /// Which bowls.
        bowls: Vec<BowlRef>,
        /// Why.
        reason: Reason,
        /// Who pays for it.
        fault: FaultParty,
        /// Who says so.
        by: Actor,
    },
    /// The customer takes what was offered; only `joint::remake` sends it.
    AcceptRemake {
        /// The order in which it is made.
        remake: OrderId,
        /// Who says so.
        by: Actor,
    },
    /// It has been at a stage for longer than it should.
    Stall {
        /// The stage that it was at.
        stage: OrderStage,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// Our staff have done something in another's place; sent with what they did.
    NoteOnBehalf {
        /// Who did it.
        by: Actor,
        /// In whose place.
        of: By,
        /// Why.
        reason: Reason,
    },
    /// A device of the shop has shown it.
    Acknowledge {
        /// Which, as it names itself.
        device: Option<Name>,
    },
}
