//! The results as tables of Markdown: what each arm took, and the ratios that are promised.

use std::fmt::Write as _;

use super::Run;
use crate::bench::goal::{Bound, Metric};
use crate::bench::rounds::{ArmResult, Judged, Measured};

pub(super) fn table(run: &Run) -> String {
    let mut text = format!(
        "# Benchmarks of {}\n\nProfile {}, {} cores, kernel {}, seed {}.",
        run.commit, run.profile, run.cores, run.kernel, run.seed
    );
    let settings: Vec<String> = run
        .settings
        .iter()
        .map(|setting| format!("{} {}", setting.name, setting.value))
        .collect();
    text += " Postgres: ";
    text += &settings.join(", ");
    text += ".\n";
    match run.wall_clock_is_believed {
        Some(true) => {}
        Some(false) => {
            text += "\nThe same arm twice came out further apart than 5 %: wall-clock results are void.\n";
        }
        None => {
            text += "\nNo A/A in this run: nothing says how far its wall-clock results can be believed.\n";
        }
    }
    text += "\n## Ratios\n\n";
    text += "| id | what | ratio | median | 95 % interval | gate | extraordinary | verdict |\n";
    text += "| --- | --- | --- | ---: | --- | ---: | ---: | --- |\n";
    for measured in &run.measured {
        for judged in &measured.goals {
            text += &goal_row(measured, judged);
        }
    }
    text += "\n## Arms (medians of the blocks; absolute figures are of this machine, now)\n\n";
    text += "| id | arm | unit | a second | CPU µs | ours + Postgres + broker + other µs | SQL | WAL bytes | p50 µs | p99 µs | \
             p50 in flushes |\n";
    text += "| --- | --- | --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |\n";
    for measured in &run.measured {
        for arm in &measured.arms {
            text += &arm_row(measured, arm);
        }
    }
    text
}

/// Every arm's costliest statements, for whoever looks for what to do without.
#[expect(clippy::cast_precision_loss, reason = "counts of some seconds")]
pub(super) fn statements(run: &Run) -> String {
    let mut text = String::from("# Statements, the costliest first\n");
    for measured in &run.measured {
        for arm in &measured.arms {
            let operations = (arm.operations() as f64).max(1.0);
            writeln!(
                text,
                "\n## {} {}: {}\n\n| calls a {unit} | µs a {unit} | statement |\n| ---: | ---: | --- |",
                measured.id,
                arm.name,
                measured.title,
                unit = measured.unit
            )
            .expect("text takes everything");
            for statement in &arm.statements {
                writeln!(
                    text,
                    "| {:.3} | {:.1} | `{}` |",
                    statement.calls as f64 / operations,
                    statement.millis * 1e3 / operations,
                    statement.text.replace('|', "\\|")
                )
                .expect("text takes everything");
            }
        }
    }
    text
}

fn goal_row(measured: &Measured, judged: &Judged) -> String {
    let goal = &judged.goal;
    let sign = match goal.bound {
        Bound::AtMost => "≤",
        Bound::AtLeast => "≥",
    };
    let figure = |figure: Option<f64>| {
        figure.map_or_else(String::new, |figure| format!("{sign} {figure:.3}"))
    };
    let (median, interval) = judged.ratio.map_or_else(
        || ("–".to_owned(), "–".to_owned()),
        |ratio| {
            (
                format!("{:.3}", ratio.median),
                format!("{:.3} … {:.3}", ratio.low, ratio.high),
            )
        },
    );
    format!(
        "| {} | {} | {} | {median} | {interval} | {} | {} | {} |\n",
        measured.id,
        measured.title,
        goal.title(),
        figure(goal.gate),
        figure(goal.extraordinary),
        judged.verdict.title(),
    )
}

fn arm_row(measured: &Measured, arm: &ArmResult) -> String {
    let mut row = format!("| {} | {} | {} ", measured.id, arm.name, measured.unit);
    let mut cell = |value: Option<f64>, digits: usize| {
        let text = value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"));
        write!(row, "| {text} ").expect("text takes everything");
    };
    cell(arm.median(Metric::Rate), 0);
    cell(arm.median(Metric::Cpu), 1);
    let parts = arm.parts();
    let parts = parts.map_or_else(
        || "–".to_owned(),
        |parts| parts.map(|part| format!("{part:.1}")).join(" + "),
    );
    write!(row, "| {parts} ").expect("text takes everything");
    let mut cell = |value: Option<f64>, digits: usize| {
        let text = value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"));
        write!(row, "| {text} ").expect("text takes everything");
    };
    cell(arm.median(Metric::Statements), 3);
    cell(arm.wal_bytes(), 0);
    cell(arm.median(Metric::P50), 0);
    cell(arm.median(Metric::P99), 0);
    cell(arm.p50_in_flushes(), 1);
    row + "|\n"
}
