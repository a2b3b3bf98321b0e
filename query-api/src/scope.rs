//! Whose rows a query may see, as the parameters of its `WHERE`. A stranger finds nothing, hence 404.

use domain::kernel::ids::RestaurantId;
use infra::http::policy::Scope;
use uuid::Uuid;

/// A [`Scope`] as query parameters: each is none where it does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScopeFilter {
    /// Only this customer's rows.
    pub(crate) customer: Option<Uuid>,
    /// Only rows of these shops.
    pub(crate) shops: Option<Vec<Uuid>>,
    /// Only rows of this driver.
    pub(crate) driver: Option<Uuid>,
}

impl From<&Scope> for ScopeFilter {
    fn from(scope: &Scope) -> Self {
        match scope {
            Scope::Any => Self::default(),
            Scope::Own(customer) => Self {
                customer: Some(customer.uuid()),
                ..Self::default()
            },
            Scope::Shops(shops) => {
                let shops = shops
                    .iter()
                    .map(|shop: &RestaurantId| shop.uuid())
                    .collect();
                Self {
                    shops: Some(shops),
                    ..Self::default()
                }
            }
            // A login is nobody's order: no row belongs to no shop.
            Scope::Me => Self {
                shops: Some(Vec::new()),
                ..Self::default()
            },
            Scope::Assigned(driver) => Self {
                driver: Some(driver.uuid()),
                ..Self::default()
            },
        }
    }
}
