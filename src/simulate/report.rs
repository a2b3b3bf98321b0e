//! The report of a played day, for people.

use super::day::Day;
use super::play::Played;
use crate::client::{Api, MishapCounts, Quantiles};
use crate::console;
use crate::demo::paper::{Paper, millis};

/// Rows of the data that are told one by one; more are only counted.
const FAULTS_TOLD: usize = 10;
/// How the names of latencies begin that end on the guest's screen.
const SEEN: &str = "seen: ";
/// How those begin that end where everybody reads what can be had.
const HEARD: &str = "heard: ";
/// How those begin that are the report's own.
const OWN: &str = "ops: ";

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

/// Prints outcomes, what went wrong on the way, latencies and lag, and the orders that strayed.
pub(crate) fn report(played: &Played, speed: u32, api: &Api) {
    let paper = Paper::new();
    let seconds = played.took.as_secs_f64();
    paper.heading(format!(
        "What became of {} orders ({seconds:.0} s of real time)",
        played.tally.all()
    ));
    if played.late_s > 0 {
        Paper::line(format!(
            "the day began {} min late: opening the shops took long",
            played.late_s / 60
        ));
    }
    played.tally.lines().into_iter().for_each(Paper::line);
    if let Some(recording) = api.recording() {
        Paper::line(told(recording.counts()));
    }
    let all = api.latencies().all();
    let (seen, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|(name, _)| name.starts_with(SEEN));
    let (heard, called): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|(name, _)| name.starts_with(HEARD));
    paper.heading("Until the guest's screen shows it, in real time");
    table("change", "times", &seen);
    paper.heading(
        "From a shop's tap until everybody reads that a dish is sold out or back, in real time",
    );
    table("change", "times", &heard);
    probed(&played.probe_faults);
    paper.heading("Until the API has answered, in real time");
    table("call", "calls", &called);
    console::line("");
    Paper::line(format!(
        "largest lag of a view behind the events: {} events",
        played.lag_events
    ));
    strayed(&paper, played, speed);
}

/// What went wrong while availability was measured.
fn probed(faults: &[String]) {
    if let Some(first) = faults.first() {
        let count = faults.len();
        Paper::line(format!("{count} measurements failed, the first: {first}"));
    }
}

fn told(counts: MishapCounts) -> String {
    format!(
        "bad networks: of {} writes {} were sent again after their answer, {} were sent twice at \
         once, and {} were cut off before it; each key must count once (I2, I13)",
        counts.writes, counts.again, counts.twice, counts.lost
    )
}

fn table(what: &str, count: &str, rows: &[(&'static str, Quantiles)]) {
    Paper::line(format!(
        "{what:<24} {count:>7} {:>9} {:>9} {:>9} {:>9}",
        "p50", "p95", "p99", "longest"
    ));
    for (name, all) in rows.iter().filter(|(name, _)| !name.starts_with(OWN)) {
        Paper::line(format!(
            "{:<24} {:>7} {:>9} {:>9} {:>9} {:>9}",
            name.trim_start_matches(SEEN).trim_start_matches(HEARD),
            all.count,
            millis(all.p50),
            millis(all.p95),
            millis(all.p99),
            millis(all.longest),
        ));
    }
}

/// The orders that did not end as they were meant to.
fn strayed(paper: &Paper, played: &Played, speed: u32) {
    let (all, told) = (played.tally.strayed(), played.tally.stories());
    if all == 0 {
        return;
    }
    paper.heading(format!("{all} orders did not end as they were meant to"));
    told.iter().for_each(Paper::line);
    if all > told.len() {
        Paper::line(format!("… and {} more", all - told.len()));
    }
    Paper::line(format!(
        "Timers ran {speed} times as fast as by day: a machine that cannot keep up lets them run out, \
         and a lower --speed shows whether it was that."
    ));
}
