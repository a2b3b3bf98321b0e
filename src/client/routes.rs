//! The API's routes by who calls them: one method a route, with its body, and nothing decided.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, CallError};
use super::session::Session;
use super::sse::EventStream;

/// How often a fresh order is asked for before "not found" is believed.
const READS_MAX: u32 = 20;

/// Pause before a view is asked again.
const READ_AGAIN: Duration = Duration::from_millis(50);

type Called = Result<Answer, CallError>;

/// One line of a cart, as the API takes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// The item's key.
    pub(crate) item: String,
    /// How many.
    pub(crate) quantity: u32,
    /// `[{group, option, quantity}]`
    pub(crate) options: Value,
    /// Whether each unit is a bowl with clocks.
    pub(crate) is_bowl: bool,
}

/// Calls of a customer.
pub(crate) struct Customer(pub(crate) Session);

impl Customer {
    /// Opens a cart at a shop.
    pub(crate) async fn open_cart(&self, restaurant: &str) -> Called {
        let body = json!({ "restaurant_id": restaurant, "channel": "app" });
        self.0.post("cart: open", "/v1/carts", &body).await
    }

    /// Adds a line.
    pub(crate) async fn add_line(&self, cart: &str, line: &Line) -> Called {
        let body = json!({
            "item": line.item,
            "quantity": line.quantity,
            "options": line.options,
        });
        self.0
            .post("cart: add line", &format!("/v1/carts/{cart}/lines"), &body)
            .await
    }

    /// Takes a line out.
    pub(crate) async fn remove_line(&self, cart: &str, line: i64) -> Called {
        let path = format!("/v1/carts/{cart}/lines/{line}");
        self.0.delete("cart: remove line", &path).await
    }

    /// Sets where it goes: an address, or nothing for pickup.
    pub(crate) async fn set_fulfilment(&self, cart: &str, address: Option<&Value>) -> Called {
        let body = match address {
            Some(address) => json!({ "type": "delivery", "address": address }),
            None => json!({ "type": "pickup" }),
        };
        let path = format!("/v1/carts/{cart}/fulfilment");
        self.0.put("cart: fulfilment", &path, &body, None).await
    }

    /// Orders what was quoted.
    pub(crate) async fn check_out(&self, cart: &str, quote: &str) -> Called {
        let body = json!({ "quote_id": quote });
        self.0
            .post("checkout", &format!("/v1/carts/{cart}/checkout"), &body)
            .await
    }

    /// Asks for what the card form needs.
    pub(crate) async fn payment_session(&self, order: &str) -> Called {
        let path = format!("/v1/orders/{order}/payment-session");
        self.0.ask("payment session", &path, &json!({})).await
    }

    /// Cancels the order.
    pub(crate) async fn cancel(&self, order: &str, reason: &str) -> Called {
        let body = json!({ "reason": reason });
        self.0
            .post(
                "order: cancel",
                &format!("/v1/orders/{order}/cancel"),
                &body,
            )
            .await
    }

    /// Reads the order.
    pub(crate) async fn order(&self, order: &str) -> Called {
        self.0
            .get("order: read", &format!("/v1/orders/{order}"))
            .await
    }

    /// The code to tell the driver at the door. Another person has asked for the driver, so the view
    /// may not have it at once.
    pub(crate) async fn door_code(&self, order: &str) -> Result<String, CallError> {
        for _ in 0..READS_MAX {
            let read = self.order(order).await?;
            if let Ok(code) = read.text("/delivery/pin") {
                return Ok(code.to_owned());
            }
            tokio::time::sleep(READ_AGAIN).await;
        }
        Err(CallError::Unexpected(
            "the order shows its customer no code for the door".to_owned(),
        ))
    }

    /// Reads what happened to the order.
    pub(crate) async fn timeline(&self, order: &str) -> Called {
        self.0
            .get("order: timeline", &format!("/v1/orders/{order}/timeline"))
            .await
    }

    /// Follows the order's events. The order is read first, which waits until the views have it.
    pub(crate) async fn follow(&self, order: &str) -> Result<EventStream, CallError> {
        let mut read = self.order(order).await;
        for _ in 0..READS_MAX {
            match read {
                // Each read waits for what this session has written, for as long as the API does.
                Err(fault) if fault.status() == Some(404) => read = self.order(order).await,
                Ok(_) | Err(_) => break,
            }
        }
        read?;
        self.0.events(&format!("/v1/orders/{order}/events")).await
    }
}

/// Calls of a shop's staff about one order.
pub(crate) struct Kitchen {
    session: Session,
    order: String,
}

impl Kitchen {
    /// The staff of a shop and an order in their hands.
    pub(crate) fn new(session: Session, order: &str) -> Self {
        Self {
            session,
            order: order.to_owned(),
        }
    }

    /// Says that a person has seen the order.
    pub(crate) async fn acknowledge(&self) -> Called {
        self.post("order: acknowledge", "acknowledge", json!({}))
            .await
    }

    /// Takes the order.
    pub(crate) async fn accept(&self, prep_minutes: i64) -> Called {
        self.post(
            "order: accept",
            "accept",
            json!({ "prep_minutes": prep_minutes }),
        )
        .await
    }

    /// Does not take the order.
    pub(crate) async fn reject(&self, reason: &str) -> Called {
        self.post("order: reject", "reject", json!({ "reason": reason }))
            .await
    }

    /// Starts cooking.
    pub(crate) async fn fire(&self) -> Called {
        self.post("order: fire", "fire", json!({})).await
    }

    /// Takes a bowl's noodles out of the water.
    pub(crate) async fn boiled(&self, line: i64, bowl: u32) -> Called {
        self.post(
            "bowl: boiled",
            &format!("lines/{line}/bowls/{bowl}/boiled"),
            json!({}),
        )
        .await
    }

    /// Closes a bowl's packaging.
    pub(crate) async fn sealed(&self, line: i64, bowl: u32) -> Called {
        self.post(
            "bowl: sealed",
            &format!("lines/{line}/bowls/{bowl}/sealed"),
            json!({}),
        )
        .await
    }

    /// Puts the order on the counter.
    pub(crate) async fn ready(&self) -> Called {
        self.post("order: ready", "ready", json!({})).await
    }

    /// Hands the order to the customer at the counter.
    pub(crate) async fn collect(&self) -> Called {
        self.post("order: collect", "collect", json!({})).await
    }

    async fn post(&self, name: &'static str, action: &str, body: Value) -> Called {
        self.session
            .post(name, &format!("/v1/orders/{}/{action}", self.order), &body)
            .await
    }
}

/// Calls of platform staff who send couriers.
pub(crate) struct Dispatcher(pub(crate) Session);

impl Dispatcher {
    /// Asks for transport of an order.
    pub(crate) async fn request(&self, order: &str) -> Called {
        let path = format!("/v1/orders/{order}/delivery");
        self.0.post("delivery: request", &path, &json!({})).await
    }

    /// Gives a delivery to a driver.
    pub(crate) async fn assign(&self, delivery: &str, driver: &str) -> Called {
        let path = format!("/v1/deliveries/{delivery}/assign");
        self.0
            .post("delivery: assign", &path, &json!({ "driver_id": driver }))
            .await
    }

    /// Lets a driver carry.
    pub(crate) async fn approve(&self, driver: &str) -> Called {
        let path = format!("/v1/drivers/{driver}/approve");
        self.0.post("driver: approve", &path, &json!({})).await
    }
}

/// Calls of a driver.
pub(crate) struct Courier(pub(crate) Session);

impl Courier {
    /// Enters the books.
    pub(crate) async fn register(&self, name: &str, phone: &str, vehicle: &str) -> Called {
        let body = json!({ "name": name, "phone": phone, "vehicle": vehicle });
        self.0.post("driver: register", "/v1/drivers", &body).await
    }

    /// Is at the shop (`pickup`) or at the door (`dropoff`).
    pub(crate) async fn arrive(&self, delivery: &str, at: &str) -> Called {
        self.post("delivery: arrive", delivery, "arrive", json!({ "at": at }))
            .await
    }

    /// Has looked at the bag: everything as it should be.
    pub(crate) async fn verify(&self, delivery: &str) -> Called {
        let checks = json!({
            "seal": true,
            "upright": true,
            "hot_bag": true,
            "cold_separate": true,
            "toppings_dry": true,
        });
        let body = json!({ "checks": checks });
        self.post(
            "delivery: verify pickup",
            delivery,
            "pickup-verification",
            body,
        )
        .await
    }

    /// Has the bag.
    pub(crate) async fn pick_up(&self, delivery: &str) -> Called {
        self.post("delivery: pick up", delivery, "pick-up", json!({}))
            .await
    }

    /// Sets off for the door.
    pub(crate) async fn depart(&self, delivery: &str) -> Called {
        self.post("delivery: depart", delivery, "depart", json!({}))
            .await
    }

    /// Hands the bag over against the customer's code.
    pub(crate) async fn prove(&self, delivery: &str, pin: &str) -> Called {
        let body = json!({ "method": "pin", "pin": pin });
        self.post("delivery: proof", delivery, "proof", body).await
    }

    async fn post(&self, name: &'static str, delivery: &str, action: &str, body: Value) -> Called {
        self.0
            .post(name, &format!("/v1/deliveries/{delivery}/{action}"), &body)
            .await
    }
}
