//! Faults planted by SQL, each found under its own id.

use super::plants::PLANTS;
use super::story::id;
use super::world::{World, checkouts};
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

#[tokio::test]
async fn a_clients_history_is_compared_with_the_store() {
    let world = World::build().await;
    let copy = world.copy().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let of = |lines: &[String]| {
        std::fs::write(&path, lines.join("\n")).unwrap();
    };
    let hash = |order: &str| {
        hex::encode(aws_lc_rs::digest::digest(
            &aws_lc_rs::digest::SHA256,
            order.as_bytes(),
        ))
    };
    let mut good: Vec<String> = Vec::new();
    for checkout in checkouts() {
        let order = checkout.order();
        good.push(format!(
            r#"{{"status":201,"order_id":"{order}","key":"{order}","body_sha256":"aa","key_hash":"{}"}}"#,
            hash(&order)
        ));
        good.push(format!(
            r#"{{"status":201,"key":"{order}","body_sha256":"aa"}}"#
        ));
        good.push(format!(r#"{{"status":null,"key":"{order}"}}"#));
        good.push(format!(r#"{{"status":409,"key":"{order}"}}"#));
    }
    of(&good);
    let clean = copy.verdict_with_history(&path).await;
    assert!(clean.is_clean(), "{clean}");
    assert!(clean.count_checked(Invariant::I1) > 0 && clean.count_checked(Invariant::I13) > 0);

    let order = checkouts()[0].order();
    for (invariant, line) in [
        (
            Invariant::I1,
            format!(r#"{{"status":201,"order_id":"{}"}}"#, id(999)),
        ),
        (
            Invariant::I1,
            format!(
                r#"{{"status":200,"streams":[{{"kind":"ordering.order","id":"{order}","sequence":99}}]}}"#
            ),
        ),
        (Invariant::I1, r#"{"status":200,"token":"!"}"#.to_owned()),
        (
            Invariant::I2,
            format!(r#"{{"status":201,"key_hash":"{}"}}"#, hash("nobody")),
        ),
        (
            Invariant::I2,
            format!(r#"{{"status":200,"key_hash":"{}"}}"#, hash(&order)),
        ),
        (
            Invariant::I13,
            format!(r#"{{"status":200,"key":"{order}","body_sha256":"aa"}}"#),
        ),
        (
            Invariant::I13,
            format!(r#"{{"status":201,"key":"{order}","body_sha256":"bb"}}"#),
        ),
    ] {
        let mut lines = good.clone();
        lines.push(line.clone());
        of(&lines);
        let verdict = copy.verdict_with_history(&path).await;
        assert_eq!(verdict.violated(), [invariant], "{line}\n{verdict}");
    }
    world.end().await;
}
