//! What a delivery is told of its order and shop when it is asked for.

use crate::decider::{Class, Rejection};
use crate::delivery::delivery::{DeliveryCommand, DeliveryRequest};
use crate::kernel::handover::Pin;
use crate::kernel::ids::OrderId;
use crate::kernel::sealed::Sealed;
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::line::OrderLine;
use crate::ordering::order::{Order, OrderStage};
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
            Self::NoCourierNeeded { .. } => "no_courier_needed",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::OrderUnknown => Class::NotFound,
            Self::CustomerCollects | Self::NoCourierNeeded { .. } => Class::Conflict,
        }
    }
}

/// Makes the command that starts a delivery for an order that is being cooked.
///
/// # Errors
/// [`RequestDeliveryRejection`].
pub fn request_delivery(
    id: OrderId,
    order: &Order,
    shop: &Restaurant,
    pin: Sealed<Pin>,
) -> Result<DeliveryCommand, RequestDeliveryRejection> {
    let body = order.body().ok_or(RequestDeliveryRejection::OrderUnknown)?;
    let shop = shop.shop().ok_or(RequestDeliveryRejection::OrderUnknown)?;
    let Fulfilment::Delivery { address } = &body.terms.fulfilment else {
        return Err(RequestDeliveryRejection::CustomerCollects);
    };
    if ![OrderStage::Accepted, OrderStage::Cooking, OrderStage::Ready].contains(&body.stage) {
        return Err(RequestDeliveryRejection::NoCourierNeeded { stage: body.stage });
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
        bowls: body.terms.lines.iter().map(OrderLine::bowls).sum(),
        deadline: body.slurp_deadline,
        at: body.terms.at,
    };
    Ok(DeliveryCommand::Request {
        request: Box::new(request),
    })
}
