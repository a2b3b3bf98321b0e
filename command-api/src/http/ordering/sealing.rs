//! What a customer says about an order that is checked out is sealed for them.

use domain::aggregates::Kind;
use domain::kernel::ids::{CustomerId, OrderId};
use domain::kernel::sealed::{Origin, Sealed};
use infra::vault::{Class, VaultError};
use serde::Serialize;

use crate::app::App;

impl App {
    /// Seals for a customer what is said about their order.
    ///
    /// # Errors
    /// When the vault cannot.
    pub(super) async fn seal_for_order<T: Serialize>(
        &self,
        customer: CustomerId,
        order: OrderId,
        field: &str,
        value: &T,
    ) -> Result<Sealed<T>, VaultError> {
        let origin = Origin {
            kind: Kind::Order.as_str().to_owned(),
            id: order.uuid(),
            field: field.to_owned(),
        };
        let class = Class::order(self.clock.now());
        self.vault.seal(customer.uuid(), class, origin, value).await
    }
}
