//! A generated evening through the built binary: a stack of its own, shops, guests, kitchens and
//! drivers over the public API on a fast clock, and the checker's verdict on what is left.

use std::process::Command;

/// Plays `orders` with the feed given; the binary fails when the books do not agree.
fn play(feed: &str, orders: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_ramen"))
        .args([
            "simulate",
            "--generate",
            orders,
            "--speed",
            "240",
            "--feed",
            feed,
        ])
        .env_remove("DATABASE_URL")
        .env_remove("KAFKA_BROKERS")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{errors}");
    assert!(told.contains("no violation found"), "{told}");
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
