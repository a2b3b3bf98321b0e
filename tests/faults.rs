//! One fault of each dependency, seconds each: `ramen prove faults` with the built binary, on a Postgres and a Kafka of
//! its own. A test program of its own, so that nothing else keeps the machine busy meanwhile.

use std::process::Command;

#[test]
fn a_dependency_that_is_away_for_seconds_does_no_harm() {
    let mut prove = Command::new(env!("CARGO_BIN_EXE_ramen"));
    prove.args(["prove", "faults", "--hold", "3"]);
    for cell in ["postgres:refuse", "kafka:reset", "stripe:lose-reply"] {
        prove.args(["--only", cell]);
    }
    let output = prove.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("{said}");
    for line in said.lines().filter(|line| line.contains("not run: ")) {
        eprintln!("{}", line.trim_start());
    }
    let on_the_way = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{on_the_way}");
}
