//! The courier of an order: the transport that it asked for last, and what a new one is given.

use aws_lc_rs::rand;
use chrono::{DateTime, Utc};
use domain::aggregates::{Delivery, Kind, Order};
use domain::joint::amend::{Courier, OtherCourier};
use domain::kernel::handover::Pin;
use domain::kernel::ids::{CustomerId, DeliveryId};
use domain::kernel::sealed::{Origin, Sealed};
use infra::event_store::Loaded;
use infra::vault::Class;
use uuid::Uuid;

use crate::app::App;
use crate::execute::{ExecuteError, Unit};

/// The transport that the order asked for last, if it asked for one; its version is asserted, too.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn last_delivery(
    unit: &mut Unit<'_>,
    order: &Order,
) -> Result<Option<Loaded<Delivery>>, ExecuteError> {
    match order.body().and_then(|body| body.delivery) {
        Some(last) => Ok(Some(unit.load::<Delivery>(last.uuid()).await?)),
        None => Ok(None),
    }
}

/// Who was asked to bring an order, and who would be asked instead.
pub(super) struct Going {
    last: Loaded<Delivery>,
    new: Loaded<Delivery>,
    pin: Sealed<Pin>,
}

impl Going {
    /// For the decision.
    pub(super) fn courier(&self) -> Courier<'_> {
        Courier {
            last: &self.last.state,
            new: DeliveryId::new(self.new.stream.id),
            pin: self.pin.clone(),
        }
    }

    /// Writes what was decided.
    ///
    /// # Errors
    /// As [`Unit::write`].
    pub(super) fn write(
        &self,
        unit: &mut Unit<'_>,
        decided: &OtherCourier,
    ) -> Result<(), ExecuteError> {
        unit.write(&self.last, &decided.last)?;
        unit.write(&self.new, &decided.new)?;
        Ok(())
    }
}

impl App {
    /// Who was asked to bring the order, if anybody was, and a fresh one with a code of its own.
    ///
    /// # Errors
    /// When the store cannot be read, or as [`App::sealed_pin`].
    pub(super) async fn going(
        &self,
        unit: &mut Unit<'_>,
        order: &Order,
    ) -> Result<Option<Going>, ExecuteError> {
        let customer = order.body().map(|body| body.terms.customer);
        let last = last_delivery(unit, order).await?;
        let Some((last, customer)) = last.zip(customer) else {
            return Ok(None);
        };
        let new = unit.create::<Delivery>(unit.context.fresh_id());
        let (id, now) = (new.stream.id, unit.context.now);
        let pin = self.sealed_pin(customer, id, now).await?;
        Ok(Some(Going { last, new, pin }))
    }

    /// A code that nobody can guess better than by trying, sealed for the customer.
    ///
    /// # Errors
    /// When there is no randomness, or the vault cannot.
    pub(super) async fn sealed_pin(
        &self,
        customer: CustomerId,
        delivery: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Sealed<Pin>, ExecuteError> {
        let mut bytes = [0; 4];
        rand::fill(&mut bytes)
            .map_err(|_| ExecuteError::Unavailable("no randomness for a code".to_owned()))?;
        let pin = Pin::new(u32::from_be_bytes(bytes));
        let origin = Origin {
            kind: Kind::Delivery.as_str().to_owned(),
            id: delivery,
            field: "pin".to_owned(),
        };
        let class = Class::order(now);
        Ok(self
            .vault
            .seal(customer.uuid(), class, origin, &pin)
            .await?)
    }
}
