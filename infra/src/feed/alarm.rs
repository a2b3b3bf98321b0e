//! What a follower of the log does when the log is not the one it has read: it stops, and says so where
//! people look. It goes on by itself when the right store is back, or once it was begun again.

use std::error::Error;

use crate::event_store::OtherHistory;
use crate::http::health::{Gate, Readiness};

/// One follower's alarm: a metric, a gate of `/readyz`, and one line that says what to do.
#[derive(Debug)]
pub struct HistoryAlarm {
    follower: &'static str,
    remedy: &'static str,
    gate: Gate,
    raised: bool,
}

impl HistoryAlarm {
    /// A silent alarm for `follower`; `remedy` is what a person must do.
    pub fn new(follower: &'static str, remedy: &'static str, readiness: &Readiness) -> Self {
        let mut alarm = Self {
            follower,
            remedy,
            gate: readiness.gate(follower),
            raised: false,
        };
        alarm.set(false);
        alarm
    }

    /// Hears what came of the follower's step: another history raises the alarm, success ends it.
    /// Whether it is raised.
    pub fn hear<T, E: Error + 'static>(&mut self, outcome: &Result<T, E>) -> bool {
        match outcome
            .as_ref()
            .map_err(|error| OtherHistory::beneath(error))
        {
            Ok(_) if self.raised => {
                tracing::info!(follower = self.follower, "{} goes on", self.follower);
                self.set(false);
            }
            Err(Some(other)) if !self.raised => {
                tracing::error!(
                    follower = self.follower,
                    log.position = other.position,
                    log.past_head = other.past_head,
                    "{} has stopped, the event log is not the one that it follows ({other}): {}",
                    self.follower,
                    self.remedy
                );
                self.set(true);
            }
            Ok(_) | Err(_) => {}
        }
        self.raised
    }

    fn set(&mut self, raised: bool) {
        self.raised = raised;
        if raised {
            self.gate.close();
        } else {
            self.gate.open();
        }
        metrics::gauge!("ramen_other_history", "follower" => self.follower).set(if raised {
            1.0
        } else {
            0.0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_store::LogError;

    #[test]
    fn only_another_history_raises_it_and_success_ends_it() {
        let readiness = Readiness::new();
        let mut alarm = HistoryAlarm::new("relay", "look", &readiness);
        assert!(readiness.closed().is_empty());
        let away = || Err::<(), _>(LogError::Database(sqlx::Error::PoolTimedOut));
        assert!(!alarm.hear(&away()));
        let other = OtherHistory {
            position: 7,
            past_head: false,
        };
        assert!(alarm.hear(&Err::<(), _>(LogError::OtherHistory(other))));
        assert!(
            alarm.hear(&away()),
            "a failure of another kind ends nothing"
        );
        assert_eq!(readiness.closed(), ["relay"]);
        assert!(!alarm.hear(&Ok::<_, LogError>(())));
        assert!(readiness.closed().is_empty());
    }
}
