//! A transport is asked for: what it is told of its order and shop, and that there is one at a time.

use crate::decider::{Class, Decider as _, Rejection};
use crate::delivery::delivery::{Delivery, DeliveryCommand, DeliveryRequest};
use crate::kernel::handover::Pin;
use crate::kernel::ids::{DeliveryId, OrderId};
use crate::kernel::sealed::Sealed;
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::line::OrderLine;
use crate::ordering::order::{Order, OrderCommand, OrderStage};
use crate::restaurant::restaurant::Restaurant;

/// Why no courier is asked for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RequestDeliveryRejection {
    /// There is no such order, or its shop is unknown.
    #[error("the order does not exist")]
    OrderUnknown,
    /// The customer fetches it.
    #[error("the customer collects this order at the shop")]
    CustomerCollects,
    /// Another transport is on its way, or has been.
    #[error("delivery {delivery} was asked for already; call it off before asking for another")]
    DeliveryAlreadyRequested {
        /// That one.
        delivery: DeliveryId,
    },
    /// The shop has not taken it, or a courier has it, or it is over.
    #[error("at stage {} no courier is needed", <&str>::from(*stage))]
    NoCourierNeeded {
        /// The order's stage.
        stage: OrderStage,
    },
}

impl Rejection for RequestDeliveryRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::OrderUnknown => "order_unknown",
            Self::CustomerCollects => "customer_collects",
            Self::DeliveryAlreadyRequested { .. } => "delivery_already_requested",
            Self::NoCourierNeeded { .. } => "no_courier_needed",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::OrderUnknown => Class::NotFound,
            Self::CustomerCollects
            | Self::DeliveryAlreadyRequested { .. }
            | Self::NoCourierNeeded { .. } => Class::Conflict,
        }
    }
}

/// What is decided together: the order knows which transport it has, and the transport what to carry.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestedDelivery {
    /// For the order.
    pub order: OrderCommand,
    /// For the new delivery.
    pub delivery: DeliveryCommand,
}

/// Asks for the delivery `new` of an order that is being cooked. `last` is the one that the order asked
/// for before; absent when it asked for none.
///
/// # Errors
/// [`RequestDeliveryRejection`].
pub fn request_delivery(
    (id, order): (OrderId, &Order),
    last: &Delivery,
    shop: &Restaurant,
    new: DeliveryId,
    pin: Sealed<Pin>,
) -> Result<RequestedDelivery, RequestDeliveryRejection> {
    let body = order.body().ok_or(RequestDeliveryRejection::OrderUnknown)?;
    let shop = shop.shop().ok_or(RequestDeliveryRejection::OrderUnknown)?;
    let address = match &body.fulfilment {
        Fulfilment::Delivery { address } if body.is_delivery() => address,
        Fulfilment::Delivery { .. } | Fulfilment::Pickup => {
            return Err(RequestDeliveryRejection::CustomerCollects);
        }
    };
    if ![OrderStage::Accepted, OrderStage::Cooking, OrderStage::Ready].contains(&body.stage) {
        return Err(RequestDeliveryRejection::NoCourierNeeded { stage: body.stage });
    }
    if let Some(delivery) = body.delivery.filter(|_| !last.stage().leaves_room()) {
        return Err(RequestDeliveryRejection::DeliveryAlreadyRequested { delivery });
    }
    let request = DeliveryRequest {
        order: id,
        restaurant: body.terms.restaurant,
        customer: body.terms.customer,
        number: body.terms.number,
        pickup: shop.profile.location,
        pickup_name: body.terms.restaurant_name.clone(),
        dropoff: address.clone(),
        pin,
        bowls: body.bill.lines.iter().map(OrderLine::bowls).sum(),
        deadline: body.slurp_deadline,
        at: body.terms.at,
    };
    Ok(RequestedDelivery {
        order: OrderCommand::RequestCourier { delivery: new },
        delivery: DeliveryCommand::Request {
            request: Box::new(request),
        },
    })
}
