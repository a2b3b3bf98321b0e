//! A long run says where it is.

use std::cell::RefCell;

use indicatif::{ProgressBar, ProgressStyle};

use crate::console;

/// The bar of one scenario; lines where there is no terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    id: &'static str,
    step: RefCell<usize>,
    steps: usize,
}

impl Progress {
    /// Announces a scenario of so many blocks.
    pub(super) fn begin(id: &'static str, title: &str, steps: usize) -> Self {
        console::progress(format!("{id:<5} {title}: {steps} blocks"));
        let bar = ProgressBar::new(u64::try_from(steps).unwrap_or(u64::MAX));
        if let Ok(style) = ProgressStyle::with_template("      {bar:40} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            id,
            step: RefCell::new(0),
            steps,
        }
    }

    /// A block begins.
    pub(super) fn step(&self, arm: &'static str) {
        let mut step = self.step.borrow_mut();
        *step += 1;
        self.bar.set_message(arm);
        self.bar.inc(1);
        if self.bar.is_hidden() && step.is_multiple_of(10) {
            console::progress(format!("{:<5} block {step} of {}", self.id, self.steps));
        }
    }

    /// The scenario has ended.
    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}
