//! Refusing what there is no room for, before its body is read: five classes of requests, each with its
//! own places and a short wait for one (reliability §5). A class that is full does not touch the others.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::ApiError;

/// What a request is for, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Couriers, kitchens, webhooks from vendors: bowls are cooling.
    Floor,
    /// Carts, checkout, payment.
    Checkout,
    /// Following an order.
    Tracking,
    /// Shops, menus, search.
    Browse,
    /// Reports and other long reads.
    Report,
}

impl Class {
    /// Every class, the most urgent first.
    pub const ALL: [Self; 5] = [
        Self::Floor,
        Self::Checkout,
        Self::Tracking,
        Self::Browse,
        Self::Report,
    ];

    /// Its name in metrics and problems.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Checkout => "checkout",
            Self::Tracking => "tracking",
            Self::Browse => "browse",
            Self::Report => "report",
        }
    }

    /// The class of a route, by its template. A route that no rule names is *browse* when it reads and
    /// *checkout* when it writes.
    pub fn of(method: &Method, route: &str) -> Self {
        let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let under = |prefix: &str| {
            route
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if under("/v1/ops") {
            Self::Report
        } else if under("/v1/webhooks")
            || under("/v1/deliveries")
            || under("/v1/me/deliveries")
            || route.ends_with("/kitchen")
            || route.ends_with("/stock")
        {
            Self::Floor
        } else if under("/v1/orders") && reads {
            Self::Tracking
        } else if under("/v1/orders") {
            let by_customer = ["/cancel", "/payment-session"]
                .iter()
                .any(|end| route.ends_with(end));
            if by_customer {
                Self::Checkout
            } else {
                Self::Floor
            }
        } else if under("/v1/carts") || !reads {
            Self::Checkout
        } else {
            Self::Browse
        }
    }

    /// Places on one machine, and the longest wait for one. A waiting request holds no thread; the bound
    /// keeps the database's pool from being a queue that nobody sees.
    const fn room(self) -> (usize, Duration) {
        match self {
            Self::Floor => (256, Duration::from_millis(200)),
            Self::Checkout => (256, Duration::from_millis(200)),
            Self::Tracking => (256, Duration::from_millis(50)),
            Self::Browse => (512, Duration::from_millis(50)),
            Self::Report => (16, Duration::from_millis(50)),
        }
    }
}

/// The places of all classes. Clones share them.
#[derive(Clone, Debug)]
pub struct Overload {
    rooms: Arc<[Room; 5]>,
}

#[derive(Debug)]
struct Room {
    class: Class,
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    wait: Duration,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
    class: Class,
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::gauge!("ramen_class_inflight", "class" => self.class.as_str()).decrement(1.0);
    }
}

impl Default for Overload {
    fn default() -> Self {
        Self::with(Class::room)
    }
}

impl Overload {
    /// Places and waits of one's own, for tests and small machines.
    pub fn with(room: impl Fn(Class) -> (usize, Duration)) -> Self {
        let rooms = Class::ALL.map(|class| {
            let (places, wait) = room(class);
            Room {
                class,
                places: Arc::new(Semaphore::new(places)),
                // Who could not be served within the wait anyway is refused at once.
                waiting: Arc::new(Semaphore::new(places)),
                wait,
            }
        });
        Self {
            rooms: Arc::new(rooms),
        }
    }

    /// A place for a request of this class.
    ///
    /// # Errors
    /// 503 with `Retry-After` when none comes free in time.
    pub async fn enter(&self, class: Class) -> Result<Place, ApiError> {
        let [floor, checkout, tracking, browse, report] = &*self.rooms;
        let room = match class {
            Class::Floor => floor,
            Class::Checkout => checkout,
            Class::Tracking => tracking,
            Class::Browse => browse,
            Class::Report => report,
        };
        let permit = match Arc::clone(&room.places).try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) => room.wait().await,
        };
        let Some(permit) = permit else {
            metrics::counter!("ramen_class_shed_total", "class" => room.class.as_str())
                .increment(1);
            return Err(ApiError::overloaded(class.as_str(), Duration::from_secs(1)));
        };
        metrics::gauge!("ramen_class_inflight", "class" => room.class.as_str()).increment(1.0);
        Ok(Place {
            _permit: permit,
            class,
        })
    }
}

impl Room {
    async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        let _seat = self.waiting.try_acquire().ok()?;
        let place = Arc::clone(&self.places).acquire_owned();
        tokio::time::timeout(self.wait, place).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_class_is_refused_and_the_others_are_not() {
        let overload = Overload::with(|_| (1, Duration::from_millis(1)));
        let held = overload.enter(Class::Browse).await.unwrap();
        let refused = overload.enter(Class::Browse).await.unwrap_err();
        assert_eq!(
            (refused.status().as_u16(), refused.code()),
            (503, "overloaded")
        );
        assert_eq!(refused.problem().violated_policies, ["browse"]);
        let other = overload.enter(Class::Checkout).await.unwrap();
        drop((held, other));
        assert!(overload.enter(Class::Browse).await.is_ok());
    }

    #[tokio::test]
    async fn who_waits_gets_the_place_that_comes_free() {
        let overload = Overload::with(|_| (1, Duration::from_mins(10)));
        let held = overload.enter(Class::Floor).await.unwrap();
        let mut next = std::pin::pin!(overload.enter(Class::Floor));
        assert!(futures::poll!(&mut next).is_pending());
        let crowd = overload.enter(Class::Floor).await;
        assert_eq!(crowd.unwrap_err().status(), 503);
        drop(held);
        assert!(next.await.is_ok());
    }

    #[test]
    fn routes_have_their_class() {
        let cases = [
            ("POST", "/v1/webhooks/stripe", Class::Floor),
            ("POST", "/v1/orders/{order_id}/accept", Class::Floor),
            ("GET", "/v1/restaurants/{id}/kitchen", Class::Floor),
            ("POST", "/v1/orders/{order_id}/cancel", Class::Checkout),
            ("POST", "/v1/carts/{id}/checkout", Class::Checkout),
            ("GET", "/v1/carts/{id}", Class::Checkout),
            ("GET", "/v1/orders/{id}/events", Class::Tracking),
            ("GET", "/v1/search", Class::Browse),
            ("GET", "/v1/restaurants/{id}/menu", Class::Browse),
            ("PUT", "/v1/restaurants/{id}/menu", Class::Checkout),
            ("GET", "/v1/ops/lag", Class::Report),
            ("GET", "/v1/ordersfoo", Class::Browse),
        ];
        for (method, route, class) in cases {
            assert_eq!(
                Class::of(&method.parse().unwrap(), route),
                class,
                "{method} {route}"
            );
        }
    }
}
