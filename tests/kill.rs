//! Every kill point once, on the Postgres and the Kafka of the tests: `ramen prove kill --once` with the
//! built binary. A test program of its own, so that nothing else keeps the machine busy meanwhile.

use std::process::Command;

use infra::testing::{TestDatabase, kafka_brokers};

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_at_any_point_loses_nothing_and_comes_back() {
    // Only its server is used: the run makes a database of its own there.
    let database = TestDatabase::create().await;
    let mut prove = Command::new(env!("CARGO_BIN_EXE_ramen"));
    prove.args(["prove", "kill", "--once", "--database-url", &database.url()]);
    match kafka_brokers() {
        Some(brokers) => drop(prove.args(["--kafka-brokers", &brokers])),
        None => eprintln!("not run: kill points of the publisher's sending: there is no broker"),
    }
    let ended = tokio::task::spawn_blocking(move || prove.output());
    let output = ended.await.expect("it runs").expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("{said}");
    let on_the_way = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{on_the_way}");
}
