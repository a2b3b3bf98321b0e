//! The life of one order, from a guest's appetite to the end: everybody's calls at their times.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::day::{Day, DayOrder};
use super::fate::{Fate, Plan};
use super::fleet::{Fleet, seconds};
use super::stage::{OpenShop, Scene};
use super::tally::{Arrival, Outcome};
use crate::client::{
    Answer, CallError, CardForm, Confirmation, Courier, Customer, Dispatcher, Followed, Kitchen,
    Line, Person, Role, Seen, Session, id_of,
};
use crate::demo::choose;

/// Seconds from fire to the first sealed bowl, at most: what a kitchen needs for noodles and packing.
const COOK_S: i64 = 6 * 60;
/// How long a guest who fetches comes after it is ready, in seconds.
const FETCH_S: i64 = 4 * 60;
/// How long a ready order waits for a courier before ops gives up, in seconds.
const NO_COURIER_S: i64 = 60 * 60;
/// Desks of staff who send couriers: each may call the API some twenty times a second.
pub(super) const DESKS: usize = 8;

/// What all orders of the day share.
pub(super) struct World<'day> {
    /// The day.
    pub(super) day: &'day Day,
    /// The marketplace.
    pub(super) scene: &'day Scene,
    /// When second 0 of the day is.
    pub(super) midnight: DateTime<Utc>,
    /// Shops in the day's order.
    pub(super) shops: Vec<OpenShop>,
    /// Staff who send couriers.
    pub(super) desks: Vec<Dispatcher>,
    /// Couriers' whereabouts.
    pub(super) fleet: Fleet,
    /// Couriers' sessions, opened when first needed.
    pub(super) couriers: Vec<OnceCell<(Uuid, Courier)>>,
}

/// Why a life ended before its time.
enum Stop {
    /// The order has ended, as its events or the API say.
    Ended(Outcome),
    /// Something that should work did not.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Stop {
    fn from(fault: anyhow::Error) -> Self {
        Self::Failed(fault)
    }
}

impl From<CallError> for Stop {
    fn from(fault: CallError) -> Self {
        Self::Failed(fault.into())
    }
}

/// One order in the world.
struct Life<'world> {
    world: &'world World<'world>,
    order: &'world DayOrder,
    shop: &'world OpenShop,
    desk: &'world Dispatcher,
    customer: Customer,
    kitchen: Kitchen,
    id: String,
    followed: Followed,
    /// Bowls to boil and seal, by line number.
    bowls: Vec<(i64, u32)>,
}

impl World<'_> {
    /// Seconds after the day's midnight.
    pub(super) fn now_s(&self) -> i64 {
        (self.scene.clock.now() - self.midnight).num_seconds()
    }

    /// Waits for a second of the day.
    pub(super) async fn until(&self, second: i64) {
        self.scene
            .clock
            .sleep_until(self.midnight + TimeDelta::seconds(second))
            .await;
    }

    /// Lives the order at `index`.
    pub(super) async fn live(&self, index: usize, mut plan: Plan) -> anyhow::Result<Outcome> {
        let order = &self.day.orders[index];
        self.until(order.placed_s).await;
        let lived = async {
            let mut life = self.check_out(index, &mut plan).await?;
            life.go_on(&plan).await
        };
        match lived.await {
            Ok(outcome) | Err(Stop::Ended(outcome)) => Ok(outcome),
            Err(Stop::Failed(fault)) => Err(fault.context(format!("order {}", order.key))),
        }
    }

    async fn check_out(&self, index: usize, plan: &mut Plan) -> Result<Life<'_>, Stop> {
        let order = &self.day.orders[index];
        let shop = &self.shops[order.shop];
        let person = Person {
            id: id_of(&format!("guest/{}/{}", self.midnight, order.key)),
            role: Role::Customer,
            restaurants: Vec::new(),
        };
        let customer = Customer(self.scene.door.open(&person).await?);
        let cart = customer.open_cart(&shop.id).await?;
        let cart = cart.text("/id")?.to_owned();
        let mut bowls = Vec::new();
        for line in wishes(&shop.menu, plan) {
            let added = customer.add_line(&cart, &line).await?;
            let number = added.integer("/line")?;
            let count = if line.is_bowl { line.quantity } else { 0 };
            bowls.extend((1..=count).map(|bowl| (number, bowl)));
        }
        let address = (plan.fate != Fate::Pickup).then(|| address(self.day, order));
        let quoted = customer.set_fulfilment(&cart, address.as_ref()).await?;
        let ordered = order_quoted(&customer, &cart, &quoted).await?;
        let id = ordered.text("/order_id")?.to_owned();
        let stream = customer.follow(&id).await?;
        Ok(Life {
            world: self,
            order,
            shop,
            desk: &self.desks[index % self.desks.len()],
            kitchen: Kitchen::new(shop.owner.another(), &id),
            followed: Followed::new(stream, self.scene.clock.clone()),
            customer,
            id,
            bowls,
        })
    }
}

impl Life<'_> {
    async fn go_on(&mut self, plan: &Plan) -> Result<Outcome, Stop> {
        self.pay(plan.fate).await?;
        let lived = async {
            match plan.fate {
                Fate::Cancelled => self.cancel().await,
                Fate::Rejected => self.reject(plan).await,
                Fate::Pickup => {
                    self.accept(plan).await?;
                    self.cook().await?;
                    self.fetch().await
                }
                Fate::Delivered | Fate::Declined | Fate::SecondCard => {
                    self.accept(plan).await?;
                    self.bring().await
                }
            }
        };
        match lived.await {
            Err(Stop::Failed(fault)) => Err(self.explain(fault).await),
            other => other,
        }
    }

    /// The card form; the order learns of it by webhook, and the guest by event.
    async fn pay(&mut self, fate: Fate) -> Result<(), Stop> {
        let session = self.customer.payment_session(&self.id).await?;
        let form = CardForm {
            vendor: self.world.scene.vendor.clone(),
            intent: session.text("/intent")?.to_owned(),
            client_secret: session.text("/client_secret")?.to_owned(),
            publishable_key: session.text("/publishable_key")?.to_owned(),
        };
        let api = self.world.scene.door.api();
        if matches!(fate, Fate::Declined | Fate::SecondCard) {
            let said = form.confirm(api, "pm_card_visa_chargeDeclined").await?;
            if !matches!(said, Confirmation::Declined(_)) {
                return Err(anyhow::anyhow!("a bad card was not declined: {said:?}").into());
            }
        }
        if fate == Fate::Declined {
            return self.go_away().await;
        }
        let since = api.clock().stopwatch();
        form.confirm(api, "pm_card_visa").await?;
        self.see("placed", since).await
    }

    /// The guest leaves without paying, and the payment timer ends the order.
    async fn go_away(&mut self) -> Result<(), Stop> {
        const PAYMENT_TIMER_S: i64 = 15 * 60;
        self.world.until(self.world.now_s() + PAYMENT_TIMER_S).await;
        let since = self.world.scene.clock.stopwatch();
        match self.followed.until("expired", since).await? {
            Seen::After(_) => Err(Stop::Ended(Outcome::Expired)),
            Seen::Ended(event) => Err(Stop::Ended(Outcome::of_event(&event))),
        }
    }

    async fn cancel(&mut self) -> Result<Outcome, Stop> {
        let cancel = self.customer.cancel(&self.id, "ordered by mistake");
        let (_, seen) = self.followed.hop(cancel).await?;
        self.note("seen: cancelled", &seen)?;
        Ok(Outcome::Cancelled)
    }

    async fn reject(&mut self, plan: &Plan) -> Result<Outcome, Stop> {
        self.world.until(self.world.now_s() + plan.reaction_s).await;
        let (_, seen) = self.followed.hop(self.kitchen.reject("too_busy")).await?;
        self.note("seen: rejected", &seen)?;
        Ok(Outcome::Rejected)
    }

    async fn accept(&mut self, plan: &Plan) -> Result<(), Stop> {
        self.world.until(self.world.now_s() + plan.reaction_s).await;
        let minutes = (self.order.ready_s - self.world.now_s())
            .div_euclid(60)
            .clamp(1, 120);
        let (_, seen) = self.followed.hop(self.kitchen.accept(minutes)).await?;
        self.note("seen: accepted", &seen)
    }

    /// Fires, boils and seals every bowl, and puts the order on the counter at the data's time.
    async fn cook(&mut self) -> Result<(), Stop> {
        cook(
            self.world,
            self.order,
            &self.bowls,
            &self.kitchen,
            &mut self.followed,
        )
        .await
    }

    async fn fetch(&mut self) -> Result<Outcome, Stop> {
        self.world.until(self.world.now_s() + FETCH_S).await;
        self.kitchen.collect().await?;
        Ok(Outcome::Collected)
    }

    async fn bring(&mut self) -> Result<Outcome, Stop> {
        let world = self.world;
        let delivery = self.desk.request(&self.id).await?;
        let delivery = delivery.text("/delivery_id")?.to_owned();
        let Self {
            order,
            bowls,
            kitchen,
            followed,
            desk,
            ..
        } = self;
        let cooked = cook(world, order, bowls, kitchen, followed);
        let shop = world.day.shops[order.shop].at;
        let arrived = send_courier(world, desk, &delivery, order.ready_s, shop);
        let ((), sent) = futures::try_join!(cooked, arrived)?;
        let Some(index) = sent else {
            return self.no_courier(&delivery).await;
        };
        let carried = self.carry(&delivery, index).await;
        // Whatever happened at the door, the courier is there and can be sent again.
        world.fleet.release(index, self.order.to);
        carried
    }

    async fn carry(&mut self, delivery: &str, index: usize) -> Result<Outcome, Stop> {
        let world = self.world;
        let courier = &courier(world, index).await?.1;
        courier.verify(delivery).await?;
        let (_, seen) = self
            .followed
            .hop_to("picked_up", courier.pick_up(delivery))
            .await?;
        self.note("seen: picked up", &seen)?;
        courier.depart(delivery).await?;
        let vehicle = world.day.couriers[index].vehicle;
        let minutes = world
            .day
            .minutes(vehicle, world.fleet.place(index), self.order.to);
        world.until(world.now_s() + seconds(minutes)).await;
        courier.arrive(delivery, "dropoff").await?;
        let code = self.customer.door_code(&self.id).await?;
        let (_, seen) = self
            .followed
            .hop_to("delivered", courier.prove(delivery, &code))
            .await?;
        self.note("seen: delivered", &seen)?;
        let order = self.customer.order(&self.id).await?;
        Ok(Outcome::Delivered(Arrival::of(&order.body)))
    }

    async fn no_courier(&mut self, _delivery: &str) -> Result<Outcome, Stop> {
        let body = json!({ "reason": "no courier could be found", "fault": "platform" });
        let path = format!("/v1/orders/{}/cancel", self.id);
        self.desk.0.post("order: cancel", &path, &body).await?;
        Ok(Outcome::NoCourier)
    }

    async fn see(&mut self, event: &str, since: infra::clock::Stopwatch) -> Result<(), Stop> {
        let seen = self.followed.until(event, since).await?;
        self.note("seen: placed", &seen)
    }

    fn note(&self, name: &'static str, seen: &Seen) -> Result<(), Stop> {
        match seen {
            Seen::After(span) => {
                self.world.scene.door.api().latencies().add(name, *span);
                Ok(())
            }
            Seen::Ended(event) => Err(Stop::Ended(Outcome::of_event(event))),
        }
    }

    /// A refusal may be the news that the order has ended, by a timer for example.
    async fn explain(&self, fault: anyhow::Error) -> Stop {
        let refused = matches!(
            fault.downcast_ref::<CallError>(),
            Some(CallError::Refused { .. })
        );
        if !refused {
            return Stop::Failed(fault);
        }
        match self.customer.order(&self.id).await {
            Ok(order) => match order.body["state"].as_str() {
                Some(state @ ("expired" | "rejected" | "cancelled")) => {
                    Stop::Ended(Outcome::of_event(state))
                }
                Some(_) | None => Stop::Failed(fault),
            },
            Err(_) => Stop::Failed(fault),
        }
    }
}

async fn cook(
    world: &World<'_>,
    order: &DayOrder,
    bowls: &[(i64, u32)],
    kitchen: &Kitchen,
    followed: &mut Followed,
) -> Result<(), Stop> {
    world.until(order.ready_s - COOK_S).await;
    let clock = &world.scene.clock;
    kitchen.fire().await?;
    for (line, bowl) in bowls {
        kitchen.boiled(*line, *bowl).await?;
    }
    world.until(order.ready_s).await;
    for (line, bowl) in bowls {
        kitchen.sealed(*line, *bowl).await?;
    }
    let since = clock.stopwatch();
    kitchen.ready().await?;
    match followed.until("ready", since).await? {
        Seen::After(span) => {
            world.scene.door.api().latencies().add("seen: ready", span);
            Ok(())
        }
        Seen::Ended(event) => Err(Stop::Ended(Outcome::of_event(&event))),
    }
}

/// Finds a courier, sends them to the shop and gives who is there; nothing when nobody was free.
async fn send_courier(
    world: &World<'_>,
    desk: &Dispatcher,
    delivery: &str,
    ready_s: i64,
    shop: super::day::Place,
) -> Result<Option<usize>, Stop> {
    let give_up_s = ready_s + NO_COURIER_S;
    let (index, minutes) = loop {
        let freed = world.fleet.somebody_freed();
        if let Some(found) = world.fleet.take(world.day, shop, world.now_s()) {
            break found;
        }
        if world.now_s() >= give_up_s {
            return Ok(None);
        }
        // Somebody may also come on shift, which nobody announces.
        tokio::select! {
            () = freed => {}
            () = world.until(world.now_s() + 60) => {}
        }
    };
    let arrived = async {
        let (driver, courier) = courier(world, index).await?;
        desk.assign(delivery, &driver.to_string()).await?;
        world.until(world.now_s() + seconds(minutes)).await;
        courier.arrive(delivery, "pickup").await?;
        Ok(index)
    };
    match arrived.await {
        Ok(index) => {
            world.fleet.moved(index, shop);
            Ok(Some(index))
        }
        Err(reason) => {
            world.fleet.release(index, shop);
            Err(reason)
        }
    }
}

/// The courier's session; entered into the books and approved when first sent.
async fn courier<'world>(
    world: &'world World<'_>,
    index: usize,
) -> Result<&'world (Uuid, Courier), Stop> {
    let hired = world.couriers[index].get_or_try_init(|| async {
        let shift = &world.day.couriers[index];
        let person = Person::named(Role::Driver, &format!("{}/{}", world.day.name, shift.key));
        let courier = Courier(world.scene.door.open(&person).await?);
        let name = format!("Courier {}", shift.key);
        let registered = courier
            .register(&name, world.day.market.phone, shift.vehicle.as_str())
            .await;
        match registered {
            Ok(_) => {}
            Err(fault) if fault.status() == Some(409) => {}
            Err(fault) => return Err(anyhow::Error::from(fault)),
        }
        world.desks[index % world.desks.len()]
            .approve(&person.id.to_string())
            .await?;
        anyhow::Ok((person.id, courier))
    });
    Ok(hired.await?)
}

/// One or two bowls, often a side, sometimes a drink.
fn wishes(menu: &Value, plan: &mut Plan) -> Vec<Line> {
    let random = &mut plan.random;
    let bowls = random.random_range(1..=2);
    let wants = [
        ("ramen", Some(bowls)),
        ("sides", random.random_bool(0.5).then_some(1)),
        ("drinks", random.random_bool(0.3).then_some(1)),
    ];
    let mut pick = |below: usize| random.random_range(0..below);
    wants
        .into_iter()
        .filter_map(|(section, quantity)| choose::line(menu, section, quantity?, &mut pick))
        .collect()
}

/// An invented person at the data's door.
fn address(day: &Day, order: &DayOrder) -> Value {
    json!({
        "name": format!("Guest {}", order.key),
        "phone": day.market.phone,
        "street": format!("Door {}", order.key),
        "city": day.market.city,
        "country": day.market.country,
        "pin": { "lat": order.to.lat, "lon": order.to.lon },
    })
}

/// Checks out what was quoted; when the quote has moved meanwhile, once more with the new one.
async fn order_quoted(customer: &Customer, cart: &str, quoted: &Answer) -> Result<Answer, Stop> {
    let Some(quote) = quoted.body["quote"]["quote_id"].as_str() else {
        return Err(Stop::Ended(Outcome::Refused(codes(
            &quoted.body["refusals"],
        ))));
    };
    let first = customer.check_out(cart, quote).await;
    let moved = match &first {
        Err(CallError::Refused { problem, .. }) if problem.code == "quote_changed" => {
            problem.current["quote_id"].as_str()
        }
        Ok(_) | Err(_) => None,
    };
    let last = match moved {
        Some(quote) => customer.check_out(cart, quote).await,
        None => first,
    };
    match last {
        Err(CallError::Refused { problem, .. }) if problem.status == 422 => {
            let codes: Vec<&str> = problem
                .errors
                .iter()
                .map(|fault| fault.code.as_str())
                .collect();
            Err(Stop::Ended(Outcome::Refused(codes.join(", "))))
        }
        other => Ok(other?),
    }
}

fn codes(refusals: &Value) -> String {
    let codes = refusals
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|fault| fault["code"].as_str());
    codes.collect::<Vec<_>>().join(", ")
}
