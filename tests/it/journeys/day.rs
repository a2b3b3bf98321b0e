//! Days through the built binary: a stack of its own, shops, guests, kitchens and drivers over the public
//! API on a fast clock, and the checker's verdict on what is left.

use std::path::Path;
use std::process::{Command, Output};

/// Plays a day, with its data folder in `folder`. A minute of it is a second: a shop has five of them to
/// answer, which is much on a machine that runs other tests beside.
fn simulate(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ramen"))
        .args(["simulate", "--speed", "60"])
        .args(args)
        .env("RAMEN_DIR", folder)
        // A rehearsal leaves alone the marketplace that the environment names.
        .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")
        .env_remove("KAFKA_BROKERS")
        .output()
        .unwrap()
}

/// Plays a generated evening with the feed given; the binary fails when the books do not agree or an
/// order did not end as it was meant to.
fn play(feed: &str, orders: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = simulate(folder.path(), &["--generate", orders, "--feed", feed]);
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{errors}");
    assert!(told.contains("no violation found"), "{told}");
    for invariant in ["I1 ", "I2 ", "I13 "] {
        let line = told.lines().find(|line| line.starts_with(invariant));
        assert!(line.unwrap().ends_with("passed"), "{told}");
    }
    let history = folder.path().join("simulated/history.jsonl");
    let history = std::fs::read_to_string(history).unwrap();
    assert!(history.lines().count() > 40, "{history}");
}

#[test]
fn an_evening_on_the_store_feed_ends_with_clean_books() {
    play("store", "40");
}

#[test]
fn an_evening_on_kafka_ends_with_clean_books() {
    if infra::testing::kafka_brokers().is_none() {
        eprintln!("not run: an evening on Kafka, since there is no broker");
        return;
    }
    play("kafka", "40");
}

#[test]
fn a_day_that_nobody_can_carry_is_a_failure_that_names_its_orders() {
    let folder = tempfile::tempdir().unwrap();
    let day = folder.path().join("mdrp");
    std::fs::create_dir(&day).unwrap();
    // The one courier has gone home before the first order.
    for (name, text) in [
        ("instance_parameters.txt", "meters_per_minute\n320\n"),
        ("restaurants.txt", "restaurant\tx\ty\nr1\t8708\t5633\n"),
        (
            "couriers.txt",
            "courier\tx\ty\ton_time\toff_time\nc1\t8700\t5600\t0\t10\n",
        ),
        (
            "orders.txt",
            "order\tx\ty\tplacement_time\trestaurant\tready_time\n\
             o1\t9131\t7497\t100\tr1\t110\no2\t9024\t6677\t101\tr1\t112\no3\t9000\t6000\t101\tr1\t113\n",
        ),
    ] {
        std::fs::write(day.join(name), text).unwrap();
    }
    let output = simulate(folder.path(), &[day.to_str().unwrap(), "--feed", "store"]);
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{told}");
    assert!(
        errors.contains("did not end as they were meant to"),
        "{errors}"
    );
    for part in [
        "of the data, at r1)",
        "meant:        delivered",
        "no courier was free",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert!(told.contains("no violation found"), "{told}");
}
