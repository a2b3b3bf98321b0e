//! Faults planted by SQL, each found under its own id; and the count of all faults, wherever they are planted.

use super::plants::PLANTS;
use super::world::World;
use super::{history, kafka, served};
use crate::check::report::Invariant;

#[tokio::test]
async fn a_clean_world_has_no_violation_and_every_planted_fault_is_found() {
    let world = World::build().await;
    let clean = world.copy().await.verdict().await;
    assert!(clean.is_clean(), "{clean}");
    for invariant in [
        Invariant::I2,
        Invariant::I3,
        Invariant::I4,
        Invariant::I5,
        Invariant::I6,
        Invariant::I7,
        Invariant::I8,
        Invariant::I9,
        Invariant::I10,
        Invariant::I12,
        Invariant::I15,
        Invariant::I16,
        Invariant::I18,
        Invariant::Cards,
    ] {
        assert!(
            clean.count_checked(invariant) > 0,
            "{invariant} looked at nothing"
        );
    }
    let mut missed = Vec::new();
    for plant in PLANTS {
        let copy = world.copy().await;
        copy.plant(plant.sql).await;
        let verdict = copy.verdict().await;
        if !verdict.violated().contains(&plant.of) {
            missed.push(format!("{}: {}\n{verdict}", plant.of, plant.what));
        }
    }
    world.end().await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// What all faults break, wherever they are planted.
fn planted() -> Vec<Invariant> {
    let by_sql = PLANTS.iter().map(|plant| plant.of);
    by_sql
        .chain(history::planted())
        .chain(served::planted())
        .chain(kafka::planted())
        .collect()
}

#[test]
fn every_invariant_that_is_checked_is_broken_twice_at_least() {
    let planted = planted();
    for invariant in Invariant::ALL {
        let count = planted.iter().filter(|of| *of == invariant).count();
        assert!(count >= 2, "{invariant} has {count} plants");
    }
    assert!(planted.len() >= 40);
}
