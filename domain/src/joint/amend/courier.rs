//! An order that goes to another door has another transport: who was asked for the door before is called off, and another
//! one asked for, in the same commit. So there is never none, never two, and nobody has to remember to ask.

use super::rejection::AmendRejection;
use crate::decider::{Context, Decider as _};
use crate::delivery::delivery::{Delivery, DeliveryCommand, DeliveryEvent};
use crate::joint::request_delivery::request_delivery;
use crate::kernel::handover::Pin;
use crate::kernel::ids::{DeliveryId, OrderId};
use crate::kernel::sealed::Sealed;
use crate::kernel::text::Reason;
use crate::ordering::order::{Order, OrderEvent};
use crate::restaurant::restaurant::Restaurant;

/// Who was asked to bring the order, and what the next one would be given.
#[derive(Clone, Debug)]
pub struct Courier<'a> {
    /// The transport that was asked for last.
    pub last: &'a Delivery,
    /// The id of another one.
    pub new: DeliveryId,
    /// Its code, sealed.
    pub pin: Sealed<Pin>,
}

/// What becomes of the transports of an order that goes elsewhere; nothing when none was on its way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OtherCourier {
    /// To the one before: it is called off.
    pub last: Vec<DeliveryEvent>,
    /// To the one that is asked for instead.
    pub new: Vec<DeliveryEvent>,
    /// What the order notes of it, after its amendment.
    pub(super) order: Vec<OrderEvent>,
}

impl Courier<'_> {
    /// Nothing when nobody is on the way. Another one is asked for as anybody would ask.
    pub(super) fn sent_elsewhere(
        self,
        (id, amended): (OrderId, &Order),
        shop: &Restaurant,
        context: &Context,
    ) -> Result<OtherCourier, AmendRejection> {
        if self.last.stage().leaves_room() {
            return Ok(OtherCourier::default());
        }
        let reason = Reason::parse("it goes to another door").expect("a constant text");
        let off = self
            .last
            .decide(DeliveryCommand::Cancel { reason }, context)
            .map_err(AmendRejection::Delivery)?;
        let mut last = self.last.clone();
        for event in &off {
            last.evolve(event);
        }
        let asked = request_delivery((id, amended), &last, shop, self.new, self.pin)
            .map_err(AmendRejection::Courier)?;
        let order = amended.decide(asked.order, context);
        let new = Delivery::default().decide(asked.delivery, context);
        Ok(OtherCourier {
            last: off,
            new: new.map_err(AmendRejection::Delivery)?,
            order: order.map_err(AmendRejection::Order)?,
        })
    }
}
