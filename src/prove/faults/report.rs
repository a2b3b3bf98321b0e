//! What came of all cells: lines for people, JSON for machines.

use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use serde_json::{Value, json};

use super::cell::{Outcome, says};
use super::cells::{Cell, Dependency};
use crate::check::Verdict;
use crate::console;
use crate::demo::paper::Paper;
use crate::simulate::Traffic;

/// One cell and what came of it.
pub(super) struct Suffered {
    pub(super) dependency: Dependency,
    pub(super) name: String,
    pub(super) outcome: Outcome,
}

/// The books after a dependency's cells.
pub(super) struct Checked {
    pub(super) dependency: Dependency,
    pub(super) is_clean: bool,
    verdict: Value,
}

/// Everything that a run has seen.
pub(super) struct Report {
    pub(super) commit: String,
    seed: u64,
    pub(super) suffered: Vec<Suffered>,
    pub(super) checked: Vec<Checked>,
    pub(super) not_run: Vec<String>,
    traffic: Traffic,
    kept: Vec<PathBuf>,
}

impl Report {
    /// An empty one.
    pub(super) fn new(commit: String, seed: u64) -> Self {
        Self {
            commit,
            seed,
            suffered: Vec::new(),
            checked: Vec::new(),
            not_run: Vec::new(),
            traffic: Traffic::default(),
            kept: Vec::new(),
        }
    }

    /// Takes down a cell.
    pub(super) fn suffered(&mut self, cell: &Cell, outcome: Outcome) {
        self.suffered.push(Suffered {
            dependency: cell.dependency,
            name: cell.name(),
            outcome,
        });
    }

    /// The last cell, in a line.
    pub(super) fn last(&self) -> String {
        self.suffered.last().map(line).unwrap_or_default()
    }

    /// Takes down what could not be tried.
    pub(super) fn not_run(&mut self, what: &str) {
        self.not_run.push(what.to_owned());
    }

    /// Takes down what became of the orders.
    pub(super) fn ordered(&mut self, traffic: &Traffic) {
        self.traffic.join(traffic);
    }

    /// Takes down what the checker found.
    pub(super) fn checked(&mut self, dependency: Dependency, verdict: &Verdict) {
        self.checked.push(Checked {
            dependency,
            is_clean: verdict.is_clean(),
            verdict: verdict.json(),
        });
    }

    /// Takes down where the logs are kept.
    pub(super) fn kept(&mut self, folder: PathBuf) {
        self.kept.push(folder);
    }

    /// Whether everything was as promised.
    pub(super) fn is_clean(&self) -> bool {
        let suffered = self.suffered.iter();
        suffered.clone().all(|one| one.outcome.broken.is_empty())
            && self.checked.iter().all(|checked| checked.is_clean)
    }

    /// Prints it.
    pub(super) fn print(&self) {
        let paper = Paper::new();
        paper.heading("Faults, what callers saw, and how soon it was over");
        for one in &self.suffered {
            Paper::line(line(one));
            for broken in &one.outcome.broken {
                Paper::line(format!("    NOT AS PROMISED: {broken}"));
            }
        }
        paper.heading("What became of the orders meanwhile");
        for line in self.traffic.lines() {
            Paper::line(line);
        }
        for checked in self.checked.iter().filter(|checked| !checked.is_clean) {
            Paper::line(format!(
                "{}: THE BOOKS DO NOT AGREE",
                checked.dependency.name()
            ));
        }
        for what in &self.not_run {
            Paper::line(format!("not run: {what}"));
        }
        for folder in &self.kept {
            Paper::line(format!("logs and history are kept in {}", folder.display()));
        }
        console::line("");
        let broken = self.suffered.iter();
        let broken = broken.filter(|one| !one.outcome.broken.is_empty()).count();
        console::line(format!(
            "{} cells, {broken} not as promised; {} checks of the books, {} of them clean",
            self.suffered.len(),
            self.checked.len(),
            self.checked.iter().filter(|c| c.is_clean).count(),
        ));
    }

    /// The same as JSON.
    pub(super) fn json(&self) -> Value {
        let cells: Vec<Value> = self.suffered.iter().map(cell).collect();
        let checks: Vec<Value> = self
            .checked
            .iter()
            .map(|checked| {
                json!({ "dependency": checked.dependency.name(), "verdict": checked.verdict })
            })
            .collect();
        json!({
            "suite": "faults",
            "commit": self.commit,
            "machine": machine(),
            "seed": self.seed,
            "clean": self.is_clean(),
            "cells": cells,
            "not_run": self.not_run,
            "orders": self.traffic.lines(),
            "checks": checks,
        })
    }
}

/// The class of this machine and of this build.
pub(super) fn machine() -> String {
    let cores = available_parallelism().map_or(0, std::num::NonZero::get);
    let build = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    format!(
        "{cores} cores ({}), {build} build, everything on one machine",
        std::env::consts::ARCH
    )
}

/// What callers saw, in words.
pub(super) fn saw(outcome: &Outcome) -> String {
    let answers = outcome.answers.iter();
    let answers: Vec<String> = answers
        .map(|(kind, count)| format!("{count} × {}", says(kind)))
        .collect();
    if answers.is_empty() {
        return "no write was answered".to_owned();
    }
    answers.join(", ")
}

/// A time of recovery, in words.
pub(super) fn after(took: Option<Duration>) -> String {
    took.map_or("never".to_owned(), |took| {
        format!("{:.1} s", took.as_secs_f64())
    })
}

fn line(one: &Suffered) -> String {
    format!(
        "{:<28} first success {:>7}, quiet {:>7}   {}",
        one.name,
        after(one.outcome.success),
        after(one.outcome.quiet),
        saw(&one.outcome)
    )
}

fn cell(one: &Suffered) -> Value {
    let answers = one.outcome.answers.iter();
    let answers: Vec<Value> = answers
        .map(|(kind, count)| {
            json!({
                "status": kind.status,
                "code": kind.code,
                "retry_after": kind.says_when,
                "count": count,
            })
        })
        .collect();
    json!({
        "cell": one.name,
        "held_s": one.outcome.held.as_secs_f64(),
        "answers": answers,
        "proxy": one.outcome.passed,
        "first_success_s": one.outcome.success.map(|took| took.as_secs_f64()),
        "quiet_s": one.outcome.quiet.map(|took| took.as_secs_f64()),
        "broken": one.outcome.broken,
    })
}
