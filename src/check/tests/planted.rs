//! Faults planted by SQL, each found under its own id.

use super::plants::PLANTS;
use super::world::World;
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

#[test]
fn every_invariant_that_sql_can_break_is_broken_twice_at_least() {
    for invariant in Invariant::ALL {
        // The vendor's and the client's side are planted where they are served.
        let elsewhere = [Invariant::I1, Invariant::I13, Invariant::Breaches].contains(invariant);
        let count = PLANTS.iter().filter(|plant| plant.of == *invariant).count();
        assert!(elsewhere || count >= 2, "{invariant} has {count} plants");
    }
    assert!(PLANTS.len() >= 40);
}
