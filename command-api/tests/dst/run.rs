//! One seed from the first cart to the rest after the last order.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::task::JoinSet;

use crate::laws;
use crate::people::People;
use crate::plants::Plant;
use crate::shop::{self, SHOPS};
use crate::world::World;

/// Customers of one run.
const CUSTOMERS: u128 = 3;
/// Faults last so long after the first customer may have come.
const FAULTS_LAST: Duration = Duration::from_mins(35);
/// Without faults, everything comes to rest within this: an order stays open for claims for two days.
const REST_WITHIN: Duration = Duration::from_hours(60);
/// And with no more than so many choices.
const CHOICES_MAX: u64 = 200_000;

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub(crate) faults: u32,
    pub(crate) choices: u64,
    pub(crate) events: usize,
    pub(crate) orders: usize,
    pub(crate) hours: u64,
}

/// Why a run failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) breaches: Vec<String>,
    pub(crate) choices: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for breach in self.breaches.iter().take(8) {
            writeln!(f, "  {breach}")?;
        }
        write!(f, "  {}", self.choices)
    }
}

/// Runs `seed` with at most `budget` faults.
pub(crate) fn run(seed: u64, budget: u32, plant: Option<Plant>) -> Result<Story, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread");
    runtime.block_on(async {
        let world = World::new(seed, budget, plant);
        let run = AssertUnwindSafe(live(&world)).catch_unwind().await;
        let breaches = run.unwrap_or_else(|panic| {
            let told = panic.downcast_ref::<String>().cloned();
            let told = told.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            vec![told.unwrap_or_else(|| "it panicked".to_owned())]
        });
        if breaches.is_empty() {
            Ok(story(&world))
        } else {
            let choices = world.choices.to_string();
            Err(Failure { breaches, choices })
        }
    })
}

fn story(world: &World) -> Story {
    let memory = world.memory();
    let orders = memory.events.iter();
    let orders = orders
        .filter(|event| event.event.event_type == "placed")
        .count();
    let passed = world.now() - domain::testing::test_now();
    Story {
        faults: world.choices.faults(),
        choices: world.choices.made(),
        events: memory.events.len(),
        orders,
        hours: u64::try_from(passed.num_hours()).unwrap_or(0),
    }
}

async fn live(world: &Arc<World>) -> Vec<String> {
    let bowls = i64::try_from(2 + world.choices.below("bowls", 4)).unwrap_or(2);
    shop::open(world, bowls);
    world.start_node();
    crate::spawn(Arc::clone(world).number());
    world.written();
    crate::spawn(Arc::clone(world).supervise());
    let people = People::new(Arc::clone(world));
    crate::spawn(people.clone().kitchens());
    let mut customers = JoinSet::new();
    for who in 0..CUSTOMERS {
        customers.spawn(people.clone().customer(who));
    }
    if world.choices.in_hundred("somebody counts", 40) {
        customers.spawn(people.counts(SHOPS[0]));
    }
    let began = tokio::time::Instant::now();
    while began.elapsed() < FAULTS_LAST {
        tokio::time::sleep(Duration::from_mins(12)).await;
        let breaches = laws::always(world);
        if !breaches.is_empty() {
            return breaches;
        }
    }
    world.choices.calm();
    world.deaths.notify_one();
    while let Some(ended) = customers.join_next().await {
        if let Err(error) = ended {
            return vec![format!("a customer failed: {error}")];
        }
    }
    rest(world).await
}

/// Lets everything come to rest, and looks once more.
async fn rest(world: &Arc<World>) -> Vec<String> {
    let calm = tokio::time::Instant::now();
    let mut seen = 0;
    while calm.elapsed() < REST_WITHIN && world.choices.made() < CHOICES_MAX {
        // People may still be about to do something, with no timer that says so.
        tokio::time::sleep(Duration::from_hours(1)).await;
        let memory = world.memory();
        if laws::is_at_rest(&memory) && memory.events.len() == seen {
            break;
        }
        seen = memory.events.len();
    }
    let mut breaches = laws::always(world);
    breaches.extend(laws::at_rest(world));
    breaches
}
