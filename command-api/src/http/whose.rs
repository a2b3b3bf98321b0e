//! To whom a thing belongs, as far as authorisation asks. What does not exist belongs to nobody, so an
//! absent thing and a stranger's are refused alike.

use domain::aggregates::{Cart, Delivery, Driver, Order, Promotion, Restaurant};
use domain::decider::Decider;
use domain::kernel::ids::DriverId;
use infra::event_store::Loaded;
use infra::http::policy::{Scope, Subject};

use crate::execute::ExecuteError;

/// A thing of somebody's.
pub(super) trait Belongs: Decider {
    /// Whose it is; none when it does not exist.
    fn subject(loaded: &Loaded<Self>) -> Option<Subject>;
}

impl Belongs for Restaurant {
    fn subject(loaded: &Loaded<Self>) -> Option<Subject> {
        loaded.state.id().map(Subject::of_restaurant)
    }
}

impl Belongs for Promotion {
    fn subject(loaded: &Loaded<Self>) -> Option<Subject> {
        let issuer = loaded.state.body()?.terms.issuer;
        let shop = issuer.restaurant().map(Subject::of_restaurant);
        // The platform's is nobody's in particular.
        Some(shop.unwrap_or_default())
    }
}

impl Belongs for Cart {
    fn subject(loaded: &Loaded<Self>) -> Option<Subject> {
        loaded
            .state
            .body()
            .map(|body| Subject::of_customer(body.customer))
    }
}

impl Belongs for Order {
    fn subject(loaded: &Loaded<Self>) -> Option<Subject> {
        let terms = &loaded.state.body()?.terms;
        Some(Subject::of_customer(terms.customer).and_restaurant(terms.restaurant))
    }
}

impl Belongs for Delivery {
    fn subject(loaded: &Loaded<Self>) -> Option<Subject> {
        let body = loaded.state.body()?;
        let subject = body.driver.map(Subject::of_driver).unwrap_or_default();
        Some(subject.and_restaurant(body.request.restaurant))
    }
}

impl Belongs for Driver {
    fn subject(loaded: &Loaded<Self>) -> Option<Subject> {
        loaded
            .state
            .body()
            .map(|_| Subject::of_driver(DriverId::new(loaded.stream.id)))
    }
}

/// Lets only those in whose it is.
///
/// # Errors
/// `NotTheirs`, for strangers as for what does not exist.
pub(super) fn only_theirs<A: Belongs>(
    loaded: &Loaded<A>,
    scope: &Scope,
) -> Result<(), ExecuteError> {
    match A::subject(loaded) {
        Some(subject) if scope.covers(&subject) => Ok(()),
        Some(_) | None => Err(ExecuteError::NotTheirs),
    }
}
