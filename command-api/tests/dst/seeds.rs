//! Many seeds on all cores, and the least faults that a failing one needs.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::plants::Plant;
use crate::run::{Failure, Story, run};

/// Seeds of every commit.
const SEEDS: u64 = 1_000;
/// Seeds in which a planted fault must show.
const SEEDS_OF_A_PLANT: u64 = 200;

/// A number that whoever runs the test asks for.
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by its environment alone"
)]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs the seeds, as many as asked for, from the first one asked for on.
pub(crate) fn hold() {
    let first = asked("DST_FIRST").unwrap_or(0);
    let seeds = asked("DST_SEEDS").unwrap_or(SEEDS);
    let until = asked("DST_MINUTES").map(|minutes| Instant::now() + Duration::from_mins(minutes));
    let (next, failed) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let sums = Mutex::new((0_u64, Story::default()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let late = until.is_some_and(|until| Instant::now() >= until);
                    if late || seed >= first + seeds || failed.lock().unwrap().len() >= 3 {
                        return;
                    }
                    match run(seed, u32::MAX, None) {
                        Ok(story) => add(&mut sums.lock().unwrap(), &story),
                        Err(failure) => failed.lock().unwrap().push((seed, failure)),
                    }
                }
            });
        }
    });
    let (runs, sum) = sums.into_inner().unwrap();
    let failed = failed.into_inner().unwrap();
    eprintln!(
        "dst: {runs} seeds held, {} failed; {} orders, {} events, {} faults, {} choices, {} virtual hours",
        failed.len(),
        sum.orders,
        sum.events,
        sum.faults,
        sum.choices,
        sum.hours
    );
    if let Some((seed, failure)) = failed.first() {
        panic!("{}", report(*seed, failure, None));
    }
}

fn add((runs, sum): &mut (u64, Story), story: &Story) {
    *runs += 1;
    sum.faults += story.faults;
    sum.choices += story.choices;
    sum.events += story.events;
    sum.orders += story.orders;
    sum.hours += story.hours;
}

/// Whether a planted fault shows in one of some seeds.
pub(crate) fn finds(plant: Plant) -> bool {
    for seed in 0..SEEDS_OF_A_PLANT {
        if let Err(failure) = run(seed, u32::MAX, Some(plant)) {
            let first = failure.breaches.first().map_or("", String::as_str);
            eprintln!("dst: {plant:?} found by seed {seed}: {first}");
            return true;
        }
    }
    false
}

/// What is said of a failing seed: the least number of its faults with which it fails, and what was chosen.
fn report(seed: u64, failure: &Failure, plant: Option<Plant>) -> String {
    let (mut fails, mut holds) = (10_000, 0);
    let mut least = None;
    if let Err(failure) = run(seed, 0, plant) {
        (fails, least) = (0, Some(failure));
    }
    while fails > holds + 1 {
        let half = u32::midpoint(holds, fails);
        match run(seed, half, plant) {
            Ok(_) => holds = half,
            Err(failure) => (fails, least) = (half, Some(failure)),
        }
    }
    let least = least.as_ref().unwrap_or(failure);
    format!(
        "seed {seed} fails, with its first {fails} faults too (DST_FIRST={seed} DST_SEEDS=1):\n{least}"
    )
}
