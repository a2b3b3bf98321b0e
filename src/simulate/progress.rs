//! How far the day is, for those who wait: a bar on a terminal, otherwise a line now and then.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::ProgressBar;

use super::world::World;
use crate::console;
use crate::import::progress;

/// Real time between two looks at the clock.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks between two lines where there is no terminal.
const LOOKS_PER_LINE: u32 = 15;

/// Counts the orders that are over and shows it.
pub(super) struct Progress {
    bar: ProgressBar,
    all: u64,
    over: AtomicU64,
}

impl Progress {
    /// Of so many orders none is over.
    pub(super) fn of(orders: usize) -> Self {
        let all = u64::try_from(orders).unwrap_or(u64::MAX);
        Self {
            bar: progress(all, "orders"),
            all,
            over: AtomicU64::new(0),
        }
    }

    /// One more order is over.
    pub(super) fn one_is_over(&self) {
        self.over.fetch_add(1, Ordering::Relaxed);
        self.bar.inc(1);
    }

    /// Shows the day's clock again and again; never ends by itself.
    pub(super) async fn watch(&self, world: &World<'_>) {
        loop {
            for _ in 0..LOOKS_PER_LINE {
                let face = clock_face(world.now_s());
                self.bar.set_message(format!("orders over · {face}"));
                tokio::time::sleep(LOOK_EVERY).await;
            }
            if self.bar.is_hidden() {
                let (over, all) = (self.over.load(Ordering::Relaxed), self.all);
                let face = clock_face(world.now_s());
                console::progress(format!(
                    "{face} of the day: {over} of {all} orders are over"
                ));
            }
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn clock_face(second: i64) -> String {
    format!(
        "{:02}:{:02}",
        second.div_euclid(3_600) % 24,
        second.div_euclid(60) % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_the_day_is_a_clock_face() {
        assert_eq!(clock_face(0), "00:00");
        assert_eq!(clock_face(18 * 3_600 + 61), "18:01");
        assert_eq!(clock_face(25 * 3_600), "01:00");
    }
}
