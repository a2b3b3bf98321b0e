//! A thousand rounds of 64 buyers who race for one shop's stock and kitchen, while the shop receives, wastes, counts,
//! runs out and changes its mind about what its kitchen can do. After each step nothing is negative, nothing is oversold
//! and nothing is stranded.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, and look for single variants"
)]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::decider::Decider;
use domain::kernel::ids::OrderId;
use domain::kernel::key::Key;
use domain::kernel::kitchen::{Batch, KitchenBooking, KitchenCapacity, SlotLoad};
use domain::kernel::quantity::{Amount, IngredientAmount, Minutes, Seconds};
use domain::kernel::text::Reason;
use domain::restaurant::inventory::{
    HoldStage, Inventory, InventoryCommand, InventoryEvent, KitchenWanted, ReleaseReason,
};
use domain::testing::{context_at, test_now};
use proptest::prelude::*;
use uuid::Uuid;

const ROUNDS: u32 = 1_000;
const BUYERS: u8 = 64;

/// What somebody does next.
#[derive(Clone, Copy, Debug)]
enum Act {
    Buy { bowls: u32, egg: bool },
    Later { bowls: u32, minutes: i64 },
    Fill { bowls: u32 },
    Change { bowls: u32 },
    Pay,
    Fire,
    CookAgain { bowls: u32 },
    Cancel,
    Expire,
    Receive(i64),
    Waste(i64),
    Recount(i64),
    EightySix(i64),
    Lift,
    Baskets(u32),
    Wait(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (1..6_u32, any::<bool>()).prop_map(|(bowls, egg)| Act::Buy { bowls, egg }),
        4 => (1..6_u32, 20..90_i64).prop_map(|(bowls, minutes)| Act::Later { bowls, minutes }),
        4 => (1..6_u32).prop_map(|bowls| Act::Fill { bowls }),
        3 => (1..9_u32).prop_map(|bowls| Act::Change { bowls }),
        8 => Just(Act::Pay),
        5 => Just(Act::Fire),
        2 => (1..3_u32).prop_map(|bowls| Act::CookAgain { bowls }),
        3 => Just(Act::Cancel),
        2 => Just(Act::Expire),
        2 => (1..2_000_i64).prop_map(Act::Receive),
        1 => (1..500_i64).prop_map(Act::Waste),
        1 => (0..3_000_i64).prop_map(Act::Recount),
        1 => (1..30_i64).prop_map(Act::EightySix),
        1 => Just(Act::Lift),
        1 => (1..4_u32).prop_map(Act::Baskets),
        3 => (1..12_i64).prop_map(Act::Wait),
    ]
}

fn noodles() -> Key {
    Key::parse("noodles").unwrap()
}

fn need(ingredient: &str, amount: i64) -> IngredientAmount {
    IngredientAmount {
        ingredient: Key::parse(ingredient).unwrap(),
        amount: Amount::try_from(amount).unwrap(),
    }
}

fn needs(bowls: u32, egg: bool) -> Vec<IngredientAmount> {
    let noodles = need("noodles", i64::from(bowls) * 130);
    // The lines of an order may share an ingredient.
    let more = need("noodles", if egg { 20 } else { 0 });
    vec![noodles, more, need("egg", i64::from(egg))]
}

/// One shop on one evening.
struct Round {
    state: Inventory,
    capacity: KitchenCapacity,
    now: DateTime<Utc>,
    /// What was booked by orders that were fired: it stays until its slots are over.
    fired: Vec<KitchenBooking>,
}

impl Round {
    fn new() -> Self {
        let mut round = Self {
            state: Inventory::default(),
            capacity: capacity(2),
            now: test_now(),
            fired: Vec::new(),
        };
        for (ingredient, amount) in [("noodles", 4_000), ("egg", 20)] {
            let IngredientAmount { ingredient, amount } = need(ingredient, amount);
            round.carry_out(InventoryCommand::Receive { ingredient, amount });
        }
        round
    }

    fn wanted(&self, bowls: u32) -> Option<KitchenWanted> {
        self.wanted_at(bowls, self.now)
    }

    fn wanted_at(&self, bowls: u32, from: DateTime<Utc>) -> Option<KitchenWanted> {
        let batch = Batch {
            bowls,
            cook: Seconds::new(95),
        };
        let booking =
            self.state
                .kitchen()
                .earliest(&self.capacity, &[batch], from, Minutes::new(60))?;
        Some(KitchenWanted {
            booking,
            capacity: self.capacity,
        })
    }

    fn command(&self, buyer: OrderId, act: Act) -> Option<InventoryCommand> {
        let ingredient = noodles();
        let amount = |number| Amount::try_from(number).unwrap();
        let hold = buyer;
        Some(match act {
            Act::Buy { bowls, egg } => InventoryCommand::OpenHold {
                hold,
                service_date: self.now.date_naive(),
                needs: needs(bowls, egg),
                expires_at: self.now + TimeDelta::minutes(15),
                kitchen: Some(self.wanted(bowls)?),
            },
            // For later: the kitchen of then, and no stock until then.
            Act::Later { bowls, minutes } => InventoryCommand::OpenHold {
                hold,
                service_date: self.now.date_naive(),
                needs: Vec::new(),
                expires_at: self.now + TimeDelta::minutes(15),
                kitchen: Some(self.wanted_at(bowls, self.now + TimeDelta::minutes(minutes))?),
            },
            Act::Fill { bowls } => InventoryCommand::FillHold {
                hold,
                needs: needs(bowls, true),
            },
            Act::Change { bowls } => InventoryCommand::ChangeHold {
                hold,
                needs: needs(bowls, false),
                kitchen: Some(self.wanted(bowls)?),
                as_far_as_free: bowls.is_multiple_of(2),
            },
            Act::Pay => InventoryCommand::CommitHold { hold },
            Act::Fire => InventoryCommand::ConsumeHold { hold },
            Act::CookAgain { bowls } => InventoryCommand::CookAgain {
                order: hold,
                refire: hold.uuid(),
                needs: needs(bowls, false),
            },
            Act::Cancel => InventoryCommand::ReleaseHold {
                hold,
                reason: ReleaseReason::Cancelled,
            },
            Act::Expire => {
                let open = self.state.hold(hold)?;
                (open.stage == HoldStage::Open && open.expires_at <= self.now).then_some(
                    InventoryCommand::ReleaseHold {
                        hold,
                        reason: ReleaseReason::Expired,
                    },
                )?
            }
            Act::Receive(number) => InventoryCommand::Receive {
                ingredient,
                amount: amount(number),
            },
            Act::Waste(number) => InventoryCommand::Waste {
                ingredient,
                amount: amount(number),
                reason: Reason::parse("dropped").unwrap(),
            },
            Act::Recount(number) => InventoryCommand::Recount {
                ingredient,
                counted: amount(number),
            },
            Act::EightySix(minutes) => InventoryCommand::EightySix {
                ingredient,
                until: Some(self.now + TimeDelta::minutes(minutes)),
            },
            Act::Lift => InventoryCommand::LiftEightySix { ingredient },
            Act::Baskets(_) | Act::Wait(_) => return None,
        })
    }

    fn step(&mut self, buyer: OrderId, act: Act) -> Vec<InventoryEvent> {
        match act {
            Act::Baskets(baskets) => self.capacity = capacity(baskets),
            Act::Wait(minutes) => self.now += TimeDelta::minutes(minutes),
            _ => {}
        }
        match self.command(buyer, act) {
            Some(command) => self.carry_out(command),
            None => Vec::new(),
        }
    }

    /// Decides and evolves; a refusal changes nothing.
    fn carry_out(&mut self, command: InventoryCommand) -> Vec<InventoryEvent> {
        let before = self.state.clone();
        let Ok(events) = self.state.decide(command, &context_at(self.now)) else {
            assert_eq!(before, self.state);
            return Vec::new();
        };
        for event in &events {
            if let InventoryEvent::HoldConsumed { hold } = event {
                let booking = self.state.hold(*hold).and_then(|hold| hold.kitchen.clone());
                self.fired.extend(booking);
            }
            self.state.evolve(event);
        }
        events
    }

    fn check(&self) {
        let mut held: BTreeMap<&Key, i64> = BTreeMap::new();
        for need in self.state.holds().flat_map(|(_, hold)| &hold.needs) {
            *held.entry(&need.ingredient).or_default() += need.amount.get();
        }
        for (ingredient, stock) in self.state.stocks() {
            assert_eq!(stock.held, held.get(ingredient).copied().unwrap_or(0));
            assert!(stock.on_hand() >= 0 && stock.free() >= 0 && stock.shortfall() >= 0);
            // received ± recounted = used + wasted + held + free, but for what is held and not there.
            assert_eq!(
                stock.received + stock.adjusted,
                stock.used + stock.wasted + stock.held + stock.free() - stock.shortfall()
            );
        }
        self.check_kitchen();
    }

    /// Each slot that is not forgotten has exactly what the orders booked that hold it, or were fired.
    fn check_kitchen(&self) {
        let held: Vec<_> = self
            .state
            .holds()
            .filter_map(|(_, hold)| hold.kitchen.clone())
            .collect();
        let mut booked: BTreeMap<DateTime<Utc>, SlotLoad> = BTreeMap::new();
        for slot in held
            .iter()
            .chain(&self.fired)
            .flat_map(|booking| &booking.slots)
        {
            let load = booked.entry(slot.starts).or_default();
            load.bowls += slot.bowls;
            load.basket_seconds += slot.basket_seconds;
        }
        let forgotten = self.now - TimeDelta::hours(2);
        for (starts, load) in booked.iter().filter(|(starts, _)| **starts > forgotten) {
            assert_eq!(self.state.kitchen().load(*starts), *load, "{starts}");
        }
        for (starts, load) in self.state.kitchen().slots() {
            assert_eq!(
                booked.get(&starts),
                Some(&load),
                "nobody's booking at {starts}"
            );
        }
    }
}

fn capacity(baskets: u32) -> KitchenCapacity {
    KitchenCapacity {
        baskets: baskets.try_into().unwrap(),
        bowls_per_slot: Some(15.try_into().unwrap()),
        max_bowls_per_order: None,
    }
}

/// What a hold takes was free, and the kitchen has no more than it can do.
fn check_taken(before: &Inventory, round: &Round, event: &InventoryEvent) {
    if let InventoryEvent::CookedAgain { needs, .. } = event {
        for need in needs {
            let stock = before.stock(&need.ingredient).unwrap();
            assert!(need.amount.get() <= stock.free(), "oversold");
            assert!(!stock.is_eighty_sixed(round.now));
        }
        return;
    }
    let (hold, needs, kitchen) = match event {
        InventoryEvent::HoldOpened {
            hold,
            needs,
            kitchen,
            ..
        }
        | InventoryEvent::HoldChanged {
            hold,
            needs,
            kitchen,
        } => (hold, needs, kitchen.as_ref()),
        InventoryEvent::HoldFilled { hold, needs, short } => {
            check_lacking(round, short);
            (hold, needs, None)
        }
        _ => return,
    };
    for need in needs {
        let had = before.hold(*hold).map_or(0, |hold| {
            let same = hold
                .needs
                .iter()
                .filter(|had| had.ingredient == need.ingredient);
            same.map(|had| had.amount.get()).sum::<i64>()
        });
        let more = need.amount.get() - had;
        let stock = before.stock(&need.ingredient).unwrap();
        assert!(more <= 0 || more <= stock.free(), "oversold");
        assert!(more <= 0 || !stock.is_eighty_sixed(round.now));
    }
    for slot in kitchen.into_iter().flat_map(|booking| &booking.slots) {
        let load = round.state.kitchen().load(slot.starts);
        assert!(
            load.basket_seconds <= round.capacity.baskets.get() * 600,
            "overbooked"
        );
        assert!(load.bowls <= 15, "overbooked");
    }
}

/// Of what an order for later lacks at its release nothing is left, or it is out by word of the shop.
fn check_lacking(round: &Round, short: &[IngredientAmount]) {
    for lacking in short {
        let stock = round.state.stock(&lacking.ingredient).unwrap();
        assert!(!lacking.amount.is_zero());
        assert!(stock.free() == 0 || stock.is_eighty_sixed(round.now));
    }
}

/// The orders that are named as short are those that the newest hold, and together they lack the shortfall.
fn check_short(round: &Round, event: &InventoryEvent) {
    let (InventoryEvent::Recounted { short, .. } | InventoryEvent::Wasted { short, .. }) = event
    else {
        return;
    };
    let stock = round.state.stock(&noodles()).unwrap();
    let lacking: i64 = short.iter().map(|short| short.amount.get()).sum();
    assert_eq!(lacking, stock.shortfall());
    let number = |id: OrderId| round.state.hold(id).unwrap().number;
    let named: BTreeSet<u32> = short.iter().map(|short| number(short.hold)).collect();
    let oldest = named.first().copied().unwrap_or(u32::MAX);
    for (id, hold) in round.state.holds() {
        let takes = hold.needs.iter().any(|need| need.ingredient == noodles());
        assert!(!takes || hold.number < oldest || named.contains(&number(id)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ROUNDS, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_goes_negative_or_strands(steps in prop::collection::vec((0..BUYERS, act()), 60..110)) {
        let mut round = Round::new();
        for (buyer, act) in steps {
            let buyer = OrderId::new(Uuid::from_u128(u128::from(buyer)));
            let before = round.state.clone();
            for event in round.step(buyer, act) {
                check_taken(&before, &round, &event);
                check_short(&round, &event);
            }
            round.check();
        }
        let left: Vec<OrderId> = round.state.holds().map(|(id, _)| id).collect();
        for hold in left {
            let reason = ReleaseReason::Expired;
            round.carry_out(InventoryCommand::ReleaseHold { hold, reason });
        }
        round.check();
        prop_assert!(round.state.stocks().all(|(_, stock)| stock.held == 0 && stock.shortfall() == 0));
    }
}
