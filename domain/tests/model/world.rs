//! Everything that one order touches, at one moment.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::sync::Arc;

use domain::aggregates::{AnyCommand, AnyEvent};
use domain::decider::{Decider, Event as _, Recorded, is_allowed, replay};
use domain::delivery::delivery::Delivery;
use domain::kernel::flags::Flags;
use domain::kernel::ids::OrderId;
use domain::ordering::order::{CheckedOut, Order, OrderCommand, OrderEvent};
use domain::ordering::window::Schedule;
use domain::payment::payment::{Payment, PaymentCommand, PaymentEvent};
use domain::processes::order_fulfilment::OrderFulfilmentState;
use domain::processes::{AnyRecorded, Effect, OrderFulfilment, Process as _};
use domain::restaurant::inventory::{Inventory, InventoryCommand};
use domain::restaurant::promotion::{Promotion, PromotionEvent};
use domain::testing::{context, test_now};
use uuid::Uuid;

use crate::vendor::Vendor;

pub(crate) const ORDER: Uuid = Uuid::from_u128(3);
pub(crate) const COURIERS: [Uuid; 1] = [Uuid::from_u128(11)];

/// What is written of one stream and not told to the process yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stream {
    pub(crate) written: i64,
    pub(crate) untold: VecDeque<Arc<AnyEvent>>,
}

/// An effect and its text, which is a part of the key.
pub(crate) type Wanted = Arc<(Effect, String)>;

/// What may happen besides what always may: together they would only multiply the ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Besides {
    /// The customer fetches what a courier was to bring.
    Switch,
    /// Something runs out, and is left out, asked about, or ends the order, as the line says.
    Short,
    /// Bowls are cooked again.
    Refire,
}

/// One moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct World {
    pub(crate) besides: Besides,
    pub(crate) order: Arc<Order>,
    pub(crate) payment: Arc<Payment>,
    pub(crate) stock: Arc<Inventory>,
    /// The one promotion that the order uses.
    pub(crate) promotion: Arc<Promotion>,
    pub(crate) couriers: [Arc<Delivery>; 1],
    pub(crate) process: Arc<OrderFulfilmentState>,
    /// The same as text, for the key: it changes seldom and is asked for often.
    pub(crate) process_text: Arc<str>,
    pub(crate) streams: BTreeMap<Uuid, Stream>,
    /// What the process wants done: the runner takes the oldest command and the oldest call of an instance.
    pub(crate) commands: VecDeque<Wanted>,
    pub(crate) calls: VecDeque<Wanted>,
    pub(crate) timers: BTreeMap<String, Wanted>,
    pub(crate) vendor: Vendor,
    /// How often each thing that must happen once has happened.
    pub(crate) seen: BTreeMap<&'static str, u32>,
    /// A step that its table does not have.
    pub(crate) outside: Option<String>,
}

/// When an order for later is wanted.
pub(crate) fn later() -> Option<Schedule> {
    sample_terms().schedule
}

fn terms() -> CheckedOut {
    let mut terms = sample_terms();
    terms.remake_of = None;
    terms.schedule = None;
    terms
}

fn sample_terms() -> CheckedOut {
    let sample = OrderEvent::samples().into_iter().find_map(|event| {
        if let OrderEvent::CheckedOut(terms) = event {
            Some(*terms)
        } else {
            None
        }
    });
    sample.expect("there is a sample of each event")
}

/// A promotion that the order was counted against in its commit.
fn redeemed(terms: &CheckedOut) -> Promotion {
    let created = PromotionEvent::samples().into_iter().take(1);
    let redeemed = PromotionEvent::Redeemed {
        order: OrderId::new(ORDER),
        customer: terms.customer,
        restaurant: terms.restaurant,
        discount: terms.total,
        at: test_now(),
    };
    let events: Vec<_> = created.chain([redeemed]).collect();
    replay(&events)
}

impl World {
    /// An order that was just checked out, on terms that differ from the sample's as said.
    pub(crate) fn checked_out(besides: Besides, differ: impl FnOnce(&mut CheckedOut)) -> Self {
        let mut terms = terms();
        // Every timer may ring at once: the model has no clock.
        terms.expires_at = test_now();
        differ(&mut terms);
        let mut world = Self {
            besides,
            order: Arc::default(),
            payment: Arc::default(),
            stock: Arc::default(),
            promotion: Arc::new(redeemed(&terms)),
            couriers: [Arc::default()],
            process: Arc::default(),
            process_text: Arc::from(""),
            streams: BTreeMap::new(),
            commands: VecDeque::new(),
            calls: VecDeque::new(),
            timers: BTreeMap::new(),
            vendor: Vendor::default(),
            seen: BTreeMap::new(),
            outside: None,
        };
        let shop = terms.restaurant.uuid();
        let hold = InventoryCommand::OpenHold {
            hold: OrderId::new(ORDER),
            service_date: terms.service_date,
            needs: Vec::new(),
            kitchen: None,
            expires_at: terms.expires_at,
        };
        let pay = PaymentCommand::Request {
            order: OrderId::new(ORDER),
            customer: terms.customer,
            restaurant: terms.restaurant,
            amount: terms.total,
            attempt: 1,
        };
        let payment = terms.payment.uuid();
        let terms = Box::new(terms);
        world.ask(AnyCommand::Order(ORDER, OrderCommand::CheckOut { terms }));
        world.ask(AnyCommand::Inventory(shop, hold));
        world.ask(AnyCommand::Payment(payment, pay));
        world
    }

    /// What was agreed.
    pub(crate) fn terms(&self) -> &CheckedOut {
        &self.order.body().expect("it is checked out").terms
    }

    /// Asks something of an aggregate. What is refused changes nothing, as in the runner.
    pub(crate) fn ask(&mut self, command: AnyCommand) {
        match command {
            AnyCommand::Order(stream, command) => {
                let events = decided(&mut self.order, command, &mut self.outside);
                self.write(stream, events.into_iter().map(AnyEvent::Order));
            }
            AnyCommand::Payment(stream, command) => {
                let events = decided(&mut self.payment, command, &mut self.outside);
                for event in &events {
                    self.count_money(event);
                }
                self.write(stream, events.into_iter().map(AnyEvent::Payment));
            }
            AnyCommand::Inventory(_, command) => {
                for event in decided(&mut self.stock, command, &mut self.outside) {
                    *self.seen.entry(event.name()).or_default() += 1;
                }
            }
            AnyCommand::Promotion(_, command) => {
                for event in decided(&mut self.promotion, command, &mut self.outside) {
                    *self.seen.entry(event.name()).or_default() += 1;
                }
            }
            AnyCommand::Delivery(stream, command) => {
                let events = decided(&mut self.couriers[0], command, &mut self.outside);
                self.write(stream, events.into_iter().map(AnyEvent::Delivery));
            }
            other => panic!("{other:?} is not in the model"),
        }
    }

    fn count_money(&mut self, event: &PaymentEvent) {
        *self.seen.entry(event.name()).or_default() += 1;
    }

    fn write(&mut self, stream: Uuid, events: impl Iterator<Item = AnyEvent>) {
        let events: Vec<_> = events.map(Arc::new).collect();
        if !events.is_empty() {
            let stream = self.streams.entry(stream).or_default();
            stream.written += i64::try_from(events.len()).expect("few events");
            stream.untold.extend(events);
        }
    }

    /// The process hears the next news of a stream.
    pub(crate) fn tell(&mut self, id: Uuid) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        let untold = i64::try_from(stream.untold.len()).expect("few events");
        let sequence = stream.written - untold + 1;
        let Some(event) = stream.untold.pop_front() else {
            return;
        };
        let recorded = Recorded {
            event: AnyEvent::clone(&event),
            event_id: Uuid::new_v5(&id, &sequence.to_be_bytes()),
            stream: id,
            sequence,
            position: sequence,
            recorded_at: test_now(),
        };
        let news = AnyRecorded {
            recorded,
            order: Some(OrderId::new(ORDER)),
            restaurant: None,
            by_shop: false,
        };
        let effects =
            OrderFulfilment::react(Arc::make_mut(&mut self.process), &news, &Flags::default());
        let text = serde_json::to_string(&*self.process).expect("the process is stored as JSON");
        self.process_text = Arc::from(text);
        for effect in effects {
            self.want(effect);
        }
    }

    fn want(&mut self, effect: Effect) {
        match effect {
            // A read tells what the vendor's own news tells, which may come at any time.
            Effect::StartTimer { fires, .. } if is_read(&fires) => {}
            Effect::StartTimer { name, at: _, fires } => {
                self.timers.insert(name, wanted(*fires));
            }
            Effect::CancelTimer { name } => {
                self.timers.remove(&name);
            }
            Effect::Command { .. } | Effect::Payment { .. } => self.queue(wanted(effect)),
        }
    }

    /// Puts an effect among those that are to be carried out.
    pub(crate) fn queue(&mut self, effect: Wanted) {
        match &effect.0 {
            Effect::Payment { .. } => self.calls.push_back(effect),
            Effect::Command { .. } | Effect::StartTimer { .. } | Effect::CancelTimer { .. } => {
                self.commands.push_back(effect);
            }
        }
    }
}

fn wanted(effect: Effect) -> Wanted {
    let text = serde_json::to_string(&effect).expect("effects are stored as JSON");
    Arc::new((effect, text))
}

fn is_read(effect: &Effect) -> bool {
    use domain::processes::PaymentCall;
    matches!(
        effect,
        Effect::Payment {
            call: PaymentCall::Read { .. }
        }
    )
}

/// The events of a command, applied; none when it is refused. A step outside the table is remembered.
fn decided<D: Decider>(
    state: &mut Arc<D>,
    command: D::Command,
    outside: &mut Option<String>,
) -> Vec<D::Event> {
    let kind = D::CommandKind::from(&command);
    let from = state.stage();
    let Ok(events) = state.decide(command, &context()) else {
        return Vec::new();
    };
    if events.is_empty() {
        return events;
    }
    let allowed = is_allowed::<D>(state, kind);
    let state = Arc::make_mut(state);
    for event in &events {
        state.evolve(event);
    }
    let step = (from, kind, state.stage());
    if !allowed || !D::TRANSITIONS.contains(&step) {
        *outside = Some(format!("{step:?}"));
    }
    events
}
