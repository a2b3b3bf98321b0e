//! The life of one order, from a guest's appetite to the end: everybody's calls at their times.

use serde_json::json;

use super::appetite::{CheckedOut, check_out};
use super::courier::{courier, send_courier};
use super::day::DayOrder;
use super::fate::{Fate, Plan};
use super::fleet::seconds;
use super::tally::{Arrival, Lived, Outcome};
use super::world::{Stop, World};
use crate::client::{
    CallError, CardForm, Confirmation, Customer, Dispatcher, Followed, Kitchen, Seen,
};

/// Seconds from fire to the first sealed bowl, at most: what a kitchen needs for noodles and packing.
const COOK_S: i64 = 6 * 60;
/// How long a guest who fetches comes after it is ready, in seconds.
const FETCH_S: i64 = 4 * 60;

/// One order in the world.
struct Life<'world> {
    world: &'world World<'world>,
    order: &'world DayOrder,
    desk: &'world Dispatcher,
    customer: Customer,
    kitchen: Kitchen,
    id: String,
    followed: Followed,
    /// Bowls to boil and seal, by line number.
    bowls: Vec<(i64, u32)>,
}

/// Lives the order at `index` of the day.
pub(super) async fn live(world: &World<'_>, index: usize, mut plan: Plan) -> Lived {
    let order = &world.day.orders[index];
    world.until(order.placed_s).await;
    let mut id = None;
    let lived = async {
        let ordered = check_out(world, order, &mut plan).await?;
        id = Some(ordered.id.clone());
        let mut life = Life::begin(world, index, ordered).await?;
        life.go_on(&plan).await
    };
    let (ended, problem) = match lived.await {
        Ok(outcome) | Err(Stop::Ended(outcome)) => (Ok(outcome), None),
        Err(Stop::Refused(outcome, problem)) => (Ok(outcome), Some(problem)),
        Err(Stop::Failed(fault)) => {
            let problem = problem_of(&fault).cloned();
            (Err(format!("{fault:#}")), problem)
        }
    };
    Lived {
        key: order.key.clone(),
        shop: world.day.shops[order.shop].key.clone(),
        order: id,
        meant: plan.fate,
        ended,
        problem,
    }
}

/// The problem details behind a fault.
fn problem_of(fault: &anyhow::Error) -> Option<&serde_json::Value> {
    match fault.downcast_ref::<CallError>()? {
        CallError::Refused { problem, .. } => Some(&problem.document),
        CallError::Unreachable { .. } | CallError::Unexpected(_) => None,
    }
}

impl<'world> Life<'world> {
    async fn begin(
        world: &'world World<'world>,
        index: usize,
        ordered: CheckedOut,
    ) -> Result<Self, Stop> {
        let order = &world.day.orders[index];
        let stream = ordered.customer.follow(&ordered.id).await?;
        let owner = world.shops[order.shop].owner.another();
        Ok(Self {
            world,
            order,
            desk: &world.desks[index % world.desks.len()],
            kitchen: Kitchen::new(owner, &ordered.id),
            followed: Followed::new(stream, world.scene.clock.clone()),
            customer: ordered.customer,
            id: ordered.id,
            bowls: ordered.bowls,
        })
    }

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
        self.kitchen.acknowledge().await?;
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
            return self.no_courier().await;
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

    async fn no_courier(&mut self) -> Result<Outcome, Stop> {
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

    /// A refusal may be the news that the order has ended, by a timer for example: its events say so
    /// as soon as the view does.
    async fn explain(&mut self, fault: anyhow::Error) -> Stop {
        let status = fault
            .downcast_ref::<CallError>()
            .and_then(CallError::status);
        if status != Some(409) {
            return Stop::Failed(fault);
        }
        let since = self.world.scene.clock.stopwatch();
        match self.followed.until("completed", since).await {
            Ok(Seen::Ended(state)) => {
                let problem = problem_of(&fault).cloned().unwrap_or_default();
                Stop::Refused(Outcome::of_event(&state), problem)
            }
            Ok(Seen::After(_)) | Err(_) => Stop::Failed(fault),
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
