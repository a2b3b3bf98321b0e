//! Every order of events that one order can meet, walked through to the end: order, payment, stock, courier and the
//! process between them are the real ones; people, timers, the vendor and the delay of news are free to act whenever
//! they can. Nothing is sampled: when this passes, no path of the model breaks a promise.
//!
//! Bounds: one order of one bowl, one courier, one attempt to pay. Timers may ring at any time after they are set,
//! whatever their length. An effect is carried out once: that a repeat changes nothing is shown by `order_fulfilment.rs`
//! and `walks.rs`.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests look for single variants"
)]

mod actions;
mod key;
mod promises;
mod vendor;
mod world;

use actions::{Action, accept, actions, after};
use domain::ordering::fulfilment::Fulfilment;
use domain::ordering::line::Shortage;
use domain::ordering::order::CheckedOut;
use stateright::{Checker as _, Model, Property};
use world::{Besides, World};

/// One order, with everything that may happen to it.
struct OneOrder {
    start: World,
}

impl Model for OneOrder {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![self.start.clone()]
    }

    fn actions(&self, world: &World, found: &mut Vec<Action>) {
        found.extend(actions(world));
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        Some(after(world, &action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("every step is in its table", |_, world: &World| {
                world.outside.is_none()
            }),
            Property::always("never both captured and voided", |_, world| {
                promises::is_taken_or_given_up(world)
            }),
            Property::always("refunds stay within what was captured", |_, world| {
                promises::refunds_are_covered(world)
            }),
            Property::always("stock is released or used at most once", |_, world| {
                promises::stock_ends_once(world)
            }),
            Property::always("nothing stands still before it is over", |_, world| {
                promises::can_go_on(world)
            }),
            Property::always("what is over is settled", |_, world| {
                promises::is_settled_when_over(world)
            }),
            Property::sometimes("an order is eaten", |_, world| promises::is_eaten(world)),
            Property::sometimes("money comes back", |_, world| {
                promises::money_came_back(world)
            }),
        ]
    }
}

/// Exhausts the model. A broken promise is told with the way that leads there.
fn exhaust(start: World) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = OneOrder { start }
        .checker()
        .threads(threads)
        .spawn_bfs()
        .join();
    for (promise, path) in checker.discoveries() {
        let examples = ["an order is eaten", "money comes back"];
        assert!(
            examples.contains(&promise),
            "broken: {promise}\n{:#?}\n{:#?}",
            path.clone().into_actions(),
            path.last_state()
        );
    }
    checker.assert_properties();
    assert!(checker.is_done());
    assert!(
        checker.unique_state_count() > 1_000,
        "only {} states: the model does not move",
        checker.unique_state_count()
    );
}

/// Without the clocks of its bowls.
fn no_bowls(terms: &mut CheckedOut) {
    for line in &mut terms.lines {
        line.bowl = None;
    }
}

fn fetched(terms: &mut CheckedOut) {
    terms.fulfilment = Fulfilment::Pickup;
    terms.auto_fire = true;
}

/// The same after these steps, with all news told: what comes before is walked through elsewhere.
fn walked<const N: usize>(mut world: World, steps: [Action; N]) -> World {
    world.settle();
    for action in steps {
        world = after(&world, &action);
        world.settle();
    }
    world
}

/// Paid for and taken by the shop.
fn taken(world: World) -> World {
    walked(world, [Action::Pay, Action::Webhook, Action::Ask(accept())])
}

#[test]
fn an_order_brought_by_a_courier_keeps_every_promise() {
    exhaust(taken(World::checked_out(Besides::Switch, no_bowls)));
}

#[test]
fn an_order_fetched_by_the_customer_keeps_every_promise() {
    exhaust(World::checked_out(Besides::Short, fetched));
}

#[test]
fn an_order_that_runs_out_and_is_asked_about_keeps_every_promise() {
    let asked = World::checked_out(Besides::Short, |terms| {
        fetched(terms);
        for line in &mut terms.lines {
            line.shortage = Shortage::Ask;
        }
    });
    exhaust(walked(asked, [Action::Pay, Action::Webhook]));
}

#[test]
fn an_order_that_is_cooked_again_keeps_every_promise() {
    exhaust(taken(World::checked_out(Besides::Refire, fetched)));
}

#[test]
fn an_order_for_later_keeps_every_promise() {
    let later = |terms: &mut CheckedOut| {
        fetched(terms);
        terms.schedule = world::later();
    };
    exhaust(World::checked_out(Besides::Short, later));
}
