//! The report of a played day, for people.

use super::day::Day;
use super::play::Played;
use crate::client::Latencies;
use crate::console;
use crate::demo::paper::millis;

/// Rows of the data that are told one by one; more are only counted.
const FAULTS_TOLD: usize = 10;

/// Says what is played, with what was wrong in the data.
pub(crate) fn announce(day: &Day, speed: u32) {
    let Day {
        orders,
        shops,
        couriers,
        ..
    } = day;
    console::line(format!(
        "{}: {} orders from {} shops, {} couriers; {speed} times as fast as the day",
        day.name,
        orders.len(),
        shops.len(),
        couriers.len(),
    ));
    for fault in day.faults.iter().take(FAULTS_TOLD) {
        console::line(format!("  left out: {} {}", fault.place, fault.reason));
    }
    if day.faults.len() > FAULTS_TOLD {
        console::line(format!("  … {} rows left out in all", day.faults.len()));
    }
    day.mended
        .iter()
        .for_each(|mended| console::line(format!("  mended: {mended}")));
}

/// Prints outcomes, latencies and lag.
pub(crate) fn report(played: &Played, latencies: &Latencies) {
    let (ended, failed) = played.tally.sums();
    let seconds = played.took.as_secs_f64();
    console::line(format!("{} orders in {seconds:.0} s", ended + failed));
    if played.late_s > 0 {
        console::line(format!(
            "the day began {} min late: opening the shops took long",
            played.late_s / 60
        ));
    }
    played
        .tally
        .lines()
        .into_iter()
        .for_each(|line| console::line(format!("  {line}")));
    console::line("");
    console::line(format!(
        "{:<24} {:>7} {:>9} {:>9} {:>9} {:>9}",
        "latency (real time)", "calls", "p50", "p95", "p99", "longest"
    ));
    for (name, all) in latencies.all() {
        console::line(format!(
            "{name:<24} {:>7} {:>9} {:>9} {:>9} {:>9}",
            all.count,
            millis(all.p50),
            millis(all.p95),
            millis(all.p99),
            millis(all.longest),
        ));
    }
    console::line(format!(
        "largest lag of a view: {} events",
        played.lag_events
    ));
}
