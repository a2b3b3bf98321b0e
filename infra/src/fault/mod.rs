//! Kill points: named places where tests make a process die, fail or hang, to show that nothing is
//! lost there. Without the feature `faults` a point costs nothing; production refuses a build with it.
//!
//! `RAMEN_FAULT=append.sent:3:kill` acts the third time that the point is reached; several plans are
//! separated by commas. The actions: `kill` (SIGKILL), `stop` (SIGSTOP, until somebody sends SIGCONT),
//! `panic`, `sleep` (blocks the thread for two seconds, as a long pause of the machine does), `error`
//! (only at points that can fail, see [`try_point`]). A plan that acts says so on standard error first.
//!
//! [`POINTS`] names every point. `ramen prove kill` runs over it.

#[cfg(feature = "faults")]
mod amid;
mod points;

pub use points::{Needs, Owner, POINTS, Point};

/// Whether this build has its kill points.
pub const COMPILED: bool = cfg!(feature = "faults");

/// The failure that a plan asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("injected fault at {0}")]
pub struct Injected(pub &'static str);

/// A place where a process may be made to die or hang. At such a point `error` panics.
#[inline]
pub fn point(name: &'static str) {
    if let Err(injected) = try_point(name) {
        std::panic::panic_any(injected.to_string());
    }
}

/// A place where a process may be made to die, hang or fail.
///
/// # Errors
/// [`Injected`] when the plan says `error`.
#[cfg(not(feature = "faults"))]
#[inline]
pub fn try_point(_name: &'static str) -> Result<(), Injected> {
    Ok(())
}

/// A place in the middle of an answer: its first half is on the wire, the second is not.
#[cfg(not(feature = "faults"))]
#[inline]
pub fn point_amid(
    _name: &'static str,
    response: axum::response::Response,
) -> axum::response::Response {
    response
}

#[cfg(feature = "faults")]
pub use amid::point_amid;
#[cfg(feature = "faults")]
pub use planned::try_point;

#[cfg(feature = "faults")]
mod planned {
    use super::Injected;
    use std::process::Command;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    static PLANS: LazyLock<Vec<Plan>> = LazyLock::new(|| {
        crate::config::fault_plan()
            .map(|text| parse(&text))
            .unwrap_or_default()
    });

    #[derive(Debug)]
    pub(super) struct Plan {
        pub(super) point: String,
        pub(super) nth: u64,
        pub(super) action: Action,
        seen: AtomicU64,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) enum Action {
        Kill,
        Stop,
        Panic,
        Sleep,
        Error,
    }

    /// Reads plans. A word that is no plan stops the process: a test that injects nothing proves
    /// nothing.
    pub(super) fn parse(text: &str) -> Vec<Plan> {
        let plan = |word: &str| {
            let mut parts = word.split(':');
            let (point, nth, action) = (parts.next()?, parts.next()?, parts.next()?);
            let action = match action {
                "kill" => Action::Kill,
                "stop" => Action::Stop,
                "panic" => Action::Panic,
                "sleep" => Action::Sleep,
                "error" => Action::Error,
                _ => return None,
            };
            let nth = nth.parse().ok().filter(|nth| *nth > 0)?;
            parts.next().is_none().then(|| Plan {
                point: point.to_owned(),
                nth,
                action,
                seen: AtomicU64::new(0),
            })
        };
        text.split(',')
            .map(|word| plan(word.trim()).unwrap_or_else(|| panic!("RAMEN_FAULT: no plan: {word}")))
            .collect()
    }

    /// See the feature-less twin.
    ///
    /// # Errors
    /// [`Injected`] when the plan says `error`.
    pub fn try_point(name: &'static str) -> Result<(), Injected> {
        PLANS
            .iter()
            .filter(|plan| plan.point == name)
            .try_for_each(|plan| plan.reach(name))
    }

    /// Whether anything is planned for a point.
    pub(super) fn is_planned(name: &str) -> bool {
        PLANS.iter().any(|plan| plan.point == name)
    }

    impl Plan {
        pub(super) fn reach(&self, name: &'static str) -> Result<(), Injected> {
            if self.seen.fetch_add(1, Ordering::SeqCst) + 1 != self.nth {
                return Ok(());
            }
            announce(name, self.action);
            match self.action {
                Action::Kill => {
                    signal("-KILL");
                    // The signal ends the process; without `kill`, this does.
                    std::process::abort();
                }
                Action::Stop => signal("-STOP"),
                Action::Panic => panic!("injected panic at {name}"),
                Action::Sleep => std::thread::sleep(Duration::from_secs(2)),
                Action::Error => return Err(Injected(name)),
            }
            Ok(())
        }
    }

    /// Writes it past the log, which a process that dies here may not write out. Who listens knows then
    /// that the point was reached.
    fn announce(name: &str, action: Action) {
        use std::io::Write as _;
        let line = format!("fault {name}: {action:?}\n");
        // Without anybody to read it, it acts all the same.
        std::io::stderr().lock().write_all(line.as_bytes()).ok();
    }

    /// Sends this process a signal by the system's `kill`, as `unsafe` is forbidden here.
    fn signal(name: &str) {
        let pid = std::process::id().to_string();
        if let Err(error) = Command::new("kill").args([name, &pid]).status() {
            tracing::error!(%error, "cannot send {name}");
        }
    }
}

#[cfg(all(test, feature = "faults"))]
mod tests {
    use super::planned::{Action, parse};

    #[test]
    fn a_plan_acts_the_nth_time_only() {
        let plans = parse("append.sent:2:error");
        assert_eq!(plans[0].action, Action::Error);
        let reached: Vec<_> = (0..3)
            .map(|_| plans[0].reach("append.sent").is_err())
            .collect();
        assert_eq!(reached, [false, true, false]);
    }

    #[test]
    #[should_panic(expected = "no plan")]
    fn a_word_that_is_no_plan_stops_the_process() {
        parse("append.sent:kill");
    }

    #[test]
    #[should_panic(expected = "injected panic at append.sent")]
    fn a_planned_panic_panics() {
        parse("append.sent:1:panic")[0]
            .reach("append.sent")
            .unwrap();
    }
}
