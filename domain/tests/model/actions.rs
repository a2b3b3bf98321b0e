//! Who can do what next: the feed, the runner, the timers, the vendor, and people.

use std::sync::LazyLock;

use domain::aggregates::AnyCommand;
use domain::decider::{Decider as _, Event as _, is_allowed};
use domain::delivery::delivery::{
    Delivery, DeliveryCommand, DeliveryEvent, DeliveryRequest, PickupChecks, Proof,
};
use domain::kernel::actor::Actor;
use domain::kernel::handover::{ProofMethod, UndeliverableReason};
use domain::kernel::ids::DeliveryId;
use domain::kernel::quantity::Minutes;
use domain::kernel::text::Reason;
use domain::ordering::line::LineId;
use domain::ordering::order::{FaultParty, OrderCommand, OrderStage, RejectReason, ShortAnswer};
use domain::payment::vendor::{IntentState, PaymentCall};
use domain::processes::Effect;
use domain::testing::context;
use uuid::Uuid;

use crate::world::{Besides, COURIERS, ORDER, World};

/// The one time that bowls are cooked again.
const REFIRE: Uuid = Uuid::from_u128(14);
/// The one thing that may run out.
const SHORT: Uuid = Uuid::from_u128(13);

/// Something that can happen next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// The process hears the next news of a stream.
    Tell(Uuid),
    /// The oldest command of the process is carried out.
    Command,
    /// The oldest call to the vendor is carried out.
    Call,
    /// The oldest call to the vendor is refused for good.
    Refuse,
    /// A timer rings.
    Ring(String),
    /// The customer pays at the vendor.
    Pay,
    /// The vendor gives a reservation up.
    Lapse,
    /// The vendor tells how the intent stands.
    Webhook,
    /// Somebody asks something of the order.
    Ask(OrderCommand),
    /// A courier is asked for.
    Send(Uuid),
    /// A courier does something, or several things that only a courier sees.
    Courier(Uuid, Vec<DeliveryCommand>),
}

/// Everything that can happen next.
pub(crate) fn actions(world: &World) -> Vec<Action> {
    let mut found: Vec<Action> = Vec::new();
    for (stream, news) in &world.streams {
        if !news.untold.is_empty() {
            found.push(Action::Tell(*stream));
        }
    }
    if !world.commands.is_empty() {
        found.push(Action::Command);
    }
    if let Some(call) = world.calls.front() {
        found.push(Action::Call);
        if may_be_refused(&call.0) {
            found.push(Action::Refuse);
        }
    }
    found.extend(world.timers.keys().cloned().map(Action::Ring));
    if world.vendor.is(&IntentState::Open) {
        found.push(Action::Pay);
    }
    if world.vendor.is(&IntentState::Reserved {
        capture_before: None,
    }) {
        found.push(Action::Lapse);
    }
    if is_news(world) {
        found.push(Action::Webhook);
    }
    let asked = asked(world)
        .into_iter()
        .filter(|command| has_effect(world, command));
    found.extend(asked.map(Action::Ask));
    found.extend(couriers(world));
    found
}

/// The world after it.
pub(crate) fn after(world: &World, action: &Action) -> World {
    let mut next = world.clone();
    match action {
        Action::Tell(stream) => next.tell(*stream),
        Action::Command => {
            if let Some(effect) = next.commands.pop_front() {
                carry_out(&mut next, &effect.0, false);
            }
        }
        Action::Call | Action::Refuse => {
            if let Some(effect) = next.calls.pop_front() {
                carry_out(&mut next, &effect.0, *action == Action::Refuse);
            }
        }
        Action::Ring(name) => {
            if let Some(fires) = next.timers.remove(name) {
                next.queue(fires);
            }
        }
        Action::Pay => next.vendor.reserve(),
        Action::Lapse => next.vendor.lapse(),
        Action::Webhook => {
            let news = next.vendor.news();
            let payment = next.terms().payment.uuid();
            if let Some(news) = news {
                next.ask(AnyCommand::Payment(payment, news));
            }
        }
        Action::Ask(command) => next.ask(AnyCommand::Order(ORDER, command.clone())),
        Action::Send(courier) => send(&mut next, *courier),
        Action::Courier(courier, commands) => {
            for command in commands {
                next.ask(AnyCommand::Delivery(*courier, command.clone()));
            }
        }
    }
    next
}

impl World {
    /// Everything that is to be told and done is told and done, and nobody acts meanwhile.
    pub(crate) fn settle(&mut self) {
        loop {
            let quiet = |action: &Action| {
                matches!(action, Action::Tell(_) | Action::Command | Action::Call)
            };
            let Some(next) = actions(self).into_iter().find(quiet) else {
                return;
            };
            *self = after(self, &next);
        }
    }
}

fn carry_out(world: &mut World, effect: &Effect, refuses: bool) {
    match effect {
        Effect::Command { command } => world.ask(command.clone()),
        Effect::Payment { call } => {
            let news = world.vendor.called(call, refuses);
            if let Some(news) = news {
                world.ask(AnyCommand::Payment(call.payment().uuid(), news));
            }
        }
        Effect::StartTimer { .. } | Effect::CancelTimer { .. } => unreachable!("kept as timers"),
    }
}

fn may_be_refused(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Payment {
            call: PaymentCall::CreateIntent { .. }
                | PaymentCall::Capture { .. }
                | PaymentCall::Refund { .. }
        }
    )
}

/// Whether the vendor's news would tell the payment anything.
fn is_news(world: &World) -> bool {
    let news = world.vendor.news();
    news.is_some_and(|news| {
        world
            .payment
            .decide(news, &context())
            .is_ok_and(|events| !events.is_empty())
    })
}

fn has_effect(world: &World, command: &OrderCommand) -> bool {
    if !is_allowed(&*world.order, command.into()) {
        return false;
    }
    let events = world.order.decide(command.clone(), &context());
    events.is_ok_and(|events| !events.is_empty())
}

fn reason() -> Reason {
    Reason::parse("because").expect("a text")
}

fn ops() -> Actor {
    Actor::Ops {
        id: Uuid::from_u128(9).into(),
    }
}

/// The shop takes the order.
pub(crate) fn accept() -> OrderCommand {
    OrderCommand::Accept {
        prep_minutes: Minutes::new(12),
    }
}

/// What people may ask of the order. What timers and the process ask is not here.
fn asked(world: &World) -> Vec<OrderCommand> {
    let cancel = |by, fault| OrderCommand::Cancel {
        by,
        reason: reason(),
        fault,
    };
    let customer = Actor::Customer {
        id: world.terms().customer,
    };
    let shop = Actor::Restaurant {
        id: Uuid::from_u128(8).into(),
    };
    let (line, bowl) = (LineId::new(1), 1);
    let mut commands = vec![
        accept(),
        OrderCommand::Reject {
            reason: RejectReason::TooBusy,
            note: None,
        },
        cancel(customer.clone(), FaultParty::Customer),
        cancel(shop.clone(), FaultParty::Shop),
        cancel(ops(), FaultParty::Customer),
        OrderCommand::Fire { automatic: false },
        OrderCommand::BowlBoiled { line, bowl },
        OrderCommand::BowlSealed { line, bowl },
        OrderCommand::Ready,
        OrderCommand::Collect,
    ];
    match world.besides {
        Besides::Switch => commands.push(OrderCommand::SwitchToPickup { by: ops() }),
        Besides::Short => {
            commands.push(OrderCommand::Short {
                short: SHORT,
                line,
                units: 1,
                substitute: None,
                substitute_needs: Vec::new(),
                answer_by: domain::testing::test_now(),
                by: shop,
            });
            commands.push(OrderCommand::AnswerShort {
                short: SHORT,
                answer: ShortAnswer::Refund,
                by: customer,
            });
        }
        Besides::Refire => commands.push(OrderCommand::Refire {
            refire: REFIRE,
            bowls: Vec::new(),
            reason: reason(),
            fault: FaultParty::Shop,
            most: 1,
        }),
    }
    commands
}

/// The next courier is asked for when there is none, and each goes on as a courier can.
fn couriers(world: &World) -> Vec<Action> {
    let mut found = Vec::new();
    for (index, id) in COURIERS.iter().enumerate() {
        let delivery = &world.couriers[index];
        let last = index.checked_sub(1).map(|before| &world.couriers[before]);
        let free = last.is_none_or(|last| last.body().is_some() && last.stage().leaves_room());
        let body = world.order.body();
        let cooked = body.is_some_and(|body| {
            [OrderStage::Accepted, OrderStage::Cooking, OrderStage::Ready].contains(&body.stage)
        });
        let command = OrderCommand::RequestCourier {
            delivery: DeliveryId::new(*id),
        };
        if delivery.body().is_none() && free && cooked && has_effect(world, &command) {
            found.push(Action::Send(*id));
        }
        found.extend(
            moves(delivery)
                .into_iter()
                .map(|commands| Action::Courier(*id, commands)),
        );
    }
    found
}

/// What is asked of a courier, and how the handover is proved. Samples are dear; these are made once.
static SAMPLES: LazyLock<(Box<DeliveryRequest>, Proof)> = LazyLock::new(|| {
    let (mut request, mut proof) = (None, None);
    for event in DeliveryEvent::samples() {
        if let DeliveryEvent::Requested(sample) = event {
            request = Some(sample);
        } else if let DeliveryEvent::Delivered { proof: sample, .. } = event {
            proof = Some(sample);
        }
    }
    request.zip(proof).expect("there is a sample of each event")
});

fn send(world: &mut World, courier: Uuid) {
    let request = SAMPLES.0.clone();
    let delivery = DeliveryId::new(courier);
    world.ask(AnyCommand::Order(
        ORDER,
        OrderCommand::RequestCourier { delivery },
    ));
    world.ask(AnyCommand::Delivery(
        courier,
        DeliveryCommand::Request { request },
    ));
}

fn moves(delivery: &Delivery) -> Vec<Vec<DeliveryCommand>> {
    if delivery.body().is_none() || delivery.stage().leaves_room() {
        return Vec::new();
    }
    let proof = Proof {
        method: ProofMethod::Photo,
        ..SAMPLES.1.clone()
    };
    let assign = DeliveryCommand::Assign {
        driver: Uuid::from_u128(6).into(),
        approved: true,
        by: ops(),
    };
    let checks = PickupChecks::PASSED;
    let take_along = vec![
        assign,
        DeliveryCommand::VerifyPickup { checks },
        DeliveryCommand::PickUp,
    ];
    let deliver = DeliveryCommand::Deliver {
        proof,
        pin_matches: None,
    };
    let reason_of_failure = UndeliverableReason::Refused;
    let fail = DeliveryCommand::Fail {
        reason: reason_of_failure,
    };
    let cancel = DeliveryCommand::Cancel { reason: reason() };
    let counts = |commands: &Vec<DeliveryCommand>| {
        let events = delivery.decide(commands[0].clone(), &context());
        events.is_ok_and(|events| !events.is_empty())
    };
    let ways = [take_along, vec![deliver], vec![fail], vec![cancel]];
    ways.into_iter().filter(counts).collect()
}
