//! Simulation of the pure core (reliability §6): executor, runners, timers and effects as they are, on one
//! thread, by virtual time, over ports in memory that are away, lose what they are told or their answer,
//! and end the process. `scripts/test dst` runs more seeds; a failure names its seed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod checkout;
mod choices;
mod contract;
mod laws;
mod line;
mod memory;
mod node;
mod people;
mod plants;
mod run;
mod seeds;
mod shop;
mod vendor;
mod world;

use plants::Plant;

/// Begins a task; it ends with its runtime, or never when its process was killed.
#[expect(
    clippy::disallowed_methods,
    reason = "a run has a runtime of its own, which ends all that it began"
)]
fn spawn<F>(work: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(work)
}

#[test]
fn whatever_fails_every_order_ends_and_nothing_is_paid_or_used_twice() {
    seeds::hold();
}

#[test]
fn each_planted_fault_is_found() {
    let missed: Vec<Plant> = Plant::ALL
        .into_iter()
        .filter(|plant| !seeds::finds(*plant))
        .collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}

#[test]
fn a_seed_repeats_itself() {
    let again = || format!("{:?}", run::run(7, u32::MAX, None));
    assert_eq!(again(), again());
}
