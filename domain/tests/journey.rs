//! Whole orders: the deciders, the process and a vendor, with people acting at random and any one call
//! refused for good. In the end money and stock are where they belong, or a person was told.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, and look for single variants"
)]

#[expect(dead_code, reason = "each test binary uses its part")]
mod support;

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use domain::aggregates::{AnyCommand, AnyEvent};
use domain::decider::{Decider, Recorded};
use domain::joint::checkout::{CheckoutRequest, check_out};
use domain::joint::price_cart::price_cart;
use domain::kernel::actor::Actor;
use domain::kernel::flags::Flags;
use domain::kernel::ids::{CartId, CustomerId, OrderId, PaymentId};
use domain::kernel::money::Money;
use domain::kernel::quantity::Minutes;
use domain::kernel::text::Reason;
use domain::ordering::order::{FaultParty, Order, OrderCommand, OrderStage, RejectReason};
use domain::payment::payment::{
    IntentId, Payment, PaymentCommand, PaymentStage, VendorCode, VendorRefundId,
};
use domain::payment::vendor::{IntentState, VendorAnswer, VendorIntent};
use domain::processes::order_fulfilment::OrderFulfilmentState;
use domain::processes::{AnyRecorded, Effect, OrderFulfilment, PaymentCall, Process};
use domain::restaurant::inventory::Inventory;
use domain::testing::{context, context_at, test_now};
use proptest::prelude::*;
use support::{Setup, World, bowl, cart, near, pickup};
use uuid::Uuid;

const ORDER: Uuid = Uuid::from_u128(3);
const PAYMENT: Uuid = Uuid::from_u128(5);
const SHOP: Uuid = Uuid::from_u128(2);

/// Where the vendor's intent is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum AtVendor {
    Nothing,
    Open,
    Reserved,
    Taken,
    Gone,
}

/// What somebody, or time, does next.
#[derive(Clone, Copy, Debug)]
enum Act {
    CustomerPays,
    CustomerCancels,
    OpsCancel,
    ShopAccepts,
    ShopRejects,
    ShopFires,
    ShopSeals,
    CustomerCollects,
    NewsArrives,
    ProcessReads,
    EffectRuns,
    EffectRunsTwice,
    MinutesPass(i64),
}

struct Run {
    order: Order,
    payment: Payment,
    stock: Inventory,
    now: DateTime<Utc>,
    log: Vec<AnyRecorded>,
    process: OrderFulfilmentState,
    read: usize,
    effects: VecDeque<Effect>,
    timers: BTreeMap<String, (DateTime<Utc>, Effect)>,
    vendor: AtVendor,
    refunded: i64,
    news: VecDeque<PaymentCommand>,
    calls: usize,
    refuse_call: usize,
    person: bool,
}

impl Run {
    /// An order just checked out, of which the vendor will refuse the `refuse_call`th call for good.
    fn new(refuse_call: usize) -> Self {
        let mut world = World::new(&Setup::default());
        world.receive("noodles", 1000);
        let cart = cart([bowl(2), pickup()]);
        let market = world.market();
        let quote_id = price_cart(&cart, Some(near()), &market).unwrap().quote_id;
        let request = CheckoutRequest {
            cart: CartId::new(Uuid::from_u128(4)),
            quote_id,
            order: OrderId::new(ORDER),
            payment: PaymentId::new(PAYMENT),
            place: None,
            acknowledged: None,
        };
        let done = check_out(&cart, &request, &market, &context()).unwrap();
        let mut run = Self {
            order: Order::default(),
            payment: Payment::default(),
            stock: world.stock.clone(),
            now: test_now(),
            log: Vec::new(),
            process: OrderFulfilmentState::default(),
            read: 0,
            effects: VecDeque::new(),
            timers: BTreeMap::new(),
            vendor: AtVendor::Nothing,
            refunded: 0,
            news: VecDeque::new(),
            calls: 0,
            refuse_call,
            person: false,
        };
        run.append(ORDER, done.order.into_iter().map(AnyEvent::Order));
        run.append(PAYMENT, done.payment.into_iter().map(AnyEvent::Payment));
        run.append(SHOP, done.inventory.into_iter().map(AnyEvent::Inventory));
        run
    }

    fn append(&mut self, stream: Uuid, events: impl Iterator<Item = AnyEvent>) {
        for event in events {
            match &event {
                AnyEvent::Order(event) => self.order.evolve(event),
                AnyEvent::Payment(event) => self.payment.evolve(event),
                AnyEvent::Inventory(event) => self.stock.evolve(event),
                _ => panic!("not of this journey"),
            }
            let of_stream = self
                .log
                .iter()
                .filter(|seen| seen.recorded.stream == stream)
                .count();
            let position = i64::try_from(self.log.len()).unwrap() + 1;
            let recorded = Recorded {
                event,
                event_id: Uuid::from_u128(u128::try_from(position).unwrap()),
                stream,
                sequence: i64::try_from(of_stream).unwrap() + 1,
                position,
                recorded_at: self.now,
            };
            self.log.push(AnyRecorded {
                recorded,
                order: Some(OrderId::new(ORDER)),
                restaurant: None,
                by_shop: false,
            });
        }
    }

    /// Carries a command out; a refusal is settled.
    fn command(&mut self, command: AnyCommand) {
        let context = context_at(self.now);
        let stream = command.stream();
        let events: Vec<AnyEvent> = match command {
            AnyCommand::Order(_, command) => {
                let events = self.order.decide(command, &context).unwrap_or_default();
                events.into_iter().map(AnyEvent::Order).collect()
            }
            AnyCommand::Payment(_, command) => {
                let events = self.payment.decide(command, &context).unwrap_or_default();
                events.into_iter().map(AnyEvent::Payment).collect()
            }
            AnyCommand::Inventory(_, command) => {
                // The process never asks for what the stock must refuse.
                let events = self.stock.decide(command, &context).unwrap();
                events.into_iter().map(AnyEvent::Inventory).collect()
            }
            other => panic!("not of this journey: {other:?}"),
        };
        self.append(stream, events.into_iter());
    }

    fn ask_order(&mut self, command: OrderCommand) {
        self.command(AnyCommand::Order(ORDER, command));
    }

    fn tell_payment(&mut self, command: PaymentCommand) {
        self.command(AnyCommand::Payment(PAYMENT, command));
    }

    fn total(&self) -> Money {
        self.order.body().unwrap().terms.total
    }

    fn act(&mut self, act: Act) {
        let reason = || Reason::parse("changed my mind").unwrap();
        let cancel = |by| OrderCommand::Cancel {
            by,
            reason: reason(),
            fault: FaultParty::Shop,
        };
        let customer = CustomerId::new(Uuid::from_u128(1));
        match act {
            Act::CustomerPays => {
                if self.vendor == AtVendor::Open {
                    self.vendor = AtVendor::Reserved;
                    self.news.push_back(self.intent().news());
                }
            }
            Act::CustomerCancels => self.ask_order(cancel(Actor::Customer { id: customer })),
            Act::OpsCancel => self.ask_order(cancel(Actor::Ops {
                id: Uuid::from_u128(9).into(),
            })),
            Act::ShopAccepts => {
                self.ask_order(OrderCommand::Accept {
                    prep_minutes: Minutes::new(10),
                });
            }
            Act::ShopRejects => {
                self.ask_order(OrderCommand::Reject {
                    reason: RejectReason::TooBusy,
                    note: None,
                });
            }
            Act::ShopFires => self.ask_order(OrderCommand::Fire { automatic: false }),
            Act::ShopSeals => {
                let bowls = self.order.body().unwrap().bowls.clone();
                for (line, bowl) in bowls.into_iter().map(|clock| (clock.line, clock.bowl)) {
                    self.ask_order(OrderCommand::BowlBoiled { line, bowl });
                    self.ask_order(OrderCommand::BowlSealed { line, bowl });
                }
                self.ask_order(OrderCommand::Ready);
            }
            Act::CustomerCollects => self.ask_order(OrderCommand::Collect),
            Act::NewsArrives => {
                if let Some(news) = self.news.pop_front() {
                    self.tell_payment(news);
                }
            }
            Act::ProcessReads => self.process_reads(),
            Act::EffectRuns => self.effect_runs(1),
            Act::EffectRunsTwice => self.effect_runs(2),
            Act::MinutesPass(minutes) => self.minutes_pass(minutes),
        }
    }

    fn process_reads(&mut self) {
        if let Some(event) = self.log.get(self.read).cloned() {
            self.read += 1;
            if OrderFulfilment::instance(&event).is_some() {
                let effects = OrderFulfilment::react(&mut self.process, &event, &Flags::default());
                self.effects.extend(effects);
            }
        }
    }

    fn effect_runs(&mut self, times: usize) {
        if let Some(effect) = self.effects.pop_front() {
            for _ in 0..times {
                self.perform(effect.clone());
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Command { command } => self.command(command),
            Effect::Payment { call } => self.call(&call),
            Effect::StartTimer { name, at, fires } => {
                self.timers.insert(name, (at, *fires));
            }
            Effect::CancelTimer { name } => {
                self.timers.remove(&name);
            }
        }
    }

    fn minutes_pass(&mut self, minutes: i64) {
        let end = self.now + TimeDelta::minutes(minutes);
        while let Some(name) = self.due(end) {
            let (at, fires) = self.timers.remove(&name).unwrap();
            self.now = self.now.max(at);
            self.perform(fires);
        }
        self.now = end;
    }

    /// The earliest timer until then.
    fn due(&self, end: DateTime<Utc>) -> Option<String> {
        let earliest = self.timers.iter().min_by_key(|(_, (at, _))| *at)?;
        (earliest.1.0 <= end).then(|| earliest.0.clone())
    }

    fn intent(&self) -> VendorIntent {
        let state = match self.vendor {
            AtVendor::Nothing | AtVendor::Open => IntentState::Open,
            AtVendor::Reserved => IntentState::Reserved {
                capture_before: None,
            },
            AtVendor::Taken => IntentState::Taken,
            AtVendor::Gone => IntentState::Gone,
        };
        VendorIntent {
            intent: IntentId::parse("pi_1").unwrap(),
            amount: self.total(),
            state,
        }
    }

    fn call(&mut self, call: &PaymentCall) {
        self.calls += 1;
        let answer = if self.calls == self.refuse_call {
            None
        } else {
            self.vendor_does(call)
        };
        let command = match answer {
            Some(answer) => call.when_done(answer),
            None => call.when_rejected(VendorCode::parse("refused").unwrap()),
        };
        if let Some(command) = command {
            self.person |= matches!(
                command,
                PaymentCommand::RecordRefundFailed { .. } | PaymentCommand::RecordFailed { .. }
            );
            self.tell_payment(command);
        } else {
            // A refused void or read: the intent is read, and a person looks.
            self.person = true;
            let news = self.intent().news();
            self.tell_payment(news);
        }
    }

    /// What the vendor does, the same for a repeated call; nothing when it refuses.
    fn vendor_does(&mut self, call: &PaymentCall) -> Option<VendorAnswer> {
        match (call, self.vendor) {
            (PaymentCall::CreateIntent { .. }, AtVendor::Nothing) => self.vendor = AtVendor::Open,
            (PaymentCall::Capture { .. }, AtVendor::Reserved) => self.vendor = AtVendor::Taken,
            (PaymentCall::Void { .. }, AtVendor::Open | AtVendor::Reserved) => {
                self.vendor = AtVendor::Gone;
            }
            (PaymentCall::Refund { amount, .. }, AtVendor::Taken) => {
                self.refunded = amount.amount_minor();
                return Some(VendorAnswer::Refund(VendorRefundId::parse("re_1").unwrap()));
            }
            (PaymentCall::CreateIntent { .. } | PaymentCall::Read { .. }, _)
            | (PaymentCall::Capture { .. }, AtVendor::Taken)
            | (PaymentCall::Void { .. }, AtVendor::Gone) => {}
            (
                PaymentCall::Capture { .. } | PaymentCall::Void { .. } | PaymentCall::Refund { .. },
                _,
            ) => {
                return None;
            }
        }
        Some(VendorAnswer::Intent(self.intent()))
    }

    /// Everything that is under way comes to its end, and three days pass.
    fn settle(&mut self) {
        for _ in 0..70 {
            self.act(Act::NewsArrives);
            while self.read < self.log.len() {
                self.process_reads();
            }
            while !self.effects.is_empty() {
                self.effect_runs(1);
            }
            if self.read == self.log.len() && self.news.is_empty() {
                self.minutes_pass(60);
            }
        }
    }
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => Just(Act::CustomerPays),
        1 => Just(Act::CustomerCancels),
        1 => Just(Act::OpsCancel),
        3 => Just(Act::ShopAccepts),
        1 => Just(Act::ShopRejects),
        3 => Just(Act::ShopFires),
        2 => Just(Act::ShopSeals),
        2 => Just(Act::CustomerCollects),
        6 => Just(Act::NewsArrives),
        18 => Just(Act::ProcessReads),
        14 => Just(Act::EffectRuns),
        3 => Just(Act::EffectRunsTwice),
        2 => (0..9_i64).prop_map(Act::MinutesPass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn money_and_stock_end_where_they_belong(
        acts in prop::collection::vec(act(), 0..120),
        refuse_call in 0..6_usize,
    ) {
        let mut run = Run::new(refuse_call);
        for act in acts {
            run.act(act);
        }
        run.settle();
        let body = run.order.body().unwrap();
        let story: Vec<_> = run.log.iter().map(|seen| seen.recorded.event.name()).collect();
        let kept = if run.vendor == AtVendor::Taken { run.total().amount_minor() - run.refunded } else { 0 };
        prop_assert_ne!(body.stage, OrderStage::AwaitingPayment, "{:?}", story);
        prop_assert_ne!(body.stage, OrderStage::Placed, "{:?}", story);
        if body.is_dead() {
            prop_assert!(run.stock.hold(OrderId::new(ORDER)).is_none(), "stock is stranded: {:?}", story);
            prop_assert!(kept == 0 || run.person, "{} is kept: {:?}", kept, story);
            let reserved = matches!(run.vendor, AtVendor::Open | AtVendor::Reserved);
            prop_assert!(!reserved || run.person, "{:?} is left: {:?}", run.vendor, story);
            prop_assert!(run.person || OrderFulfilment::is_over(&run.process), "{:?}", story);
        } else {
            let failed = run.payment.stage() == PaymentStage::CaptureFailed;
            prop_assert!(kept == run.total().amount_minor() || failed, "unpaid: {:?}", story);
        }
        if body.fired_at.is_some() {
            prop_assert!(run.stock.hold(OrderId::new(ORDER)).is_none(), "used stock is held: {:?}", story);
        }
    }
}
