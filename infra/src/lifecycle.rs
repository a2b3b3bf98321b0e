//! Starting, running and stopping background work: the only place that spawns tasks.
//!
//! Tokens stop everything. *Soft*: finish what is in hand, take nothing new. *Hard*, its parent:
//! leave now. The first SIGTERM or SIGINT is soft, the second, or a deadline, hard. Between them is
//! *last*, for the services that others need to finish what they hold, such as the event store: it
//! comes when all others have ended. A service task that ends by itself stops the process with a
//! failure, since nobody would do its work.
//!
//! A [`Loop`] is work done in steps. The runner adds what all loops need: a doorbell that wakes it, an
//! idle pause that grows, backoff with full jitter after failures, metrics, and stopping between
//! steps. Tests call `step` themselves.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::limits;

/// The stop signals, shared by everything that runs.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    hard: CancellationToken,
    soft: CancellationToken,
    last: CancellationToken,
}

impl Stop {
    /// Tokens that nobody has pulled.
    pub fn new() -> Self {
        let hard = CancellationToken::new();
        let soft = hard.child_token();
        let last = hard.child_token();
        Self { hard, soft, last }
    }

    /// Completes when nothing new is to be taken.
    pub async fn soft(&self) {
        self.soft.cancelled().await;
    }

    /// As [`Stop::soft`], for a value that is not kept.
    pub async fn soft_owned(self) {
        self.soft.cancelled_owned().await;
    }

    /// Completes when everything is to be left at once.
    pub async fn hard(&self) {
        self.hard.cancelled().await;
    }

    /// Whether nothing new is to be taken.
    pub fn is_stopping(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Whether everything is to be left at once.
    pub fn is_hurried(&self) -> bool {
        self.hard.is_cancelled()
    }

    /// Asks everything to finish what it holds.
    pub fn begin(&self) {
        self.soft.cancel();
    }

    /// Asks everything to leave at once.
    pub fn hurry(&self) {
        self.hard.cancel();
    }

    /// Cancelled when every task has ended but those that [`Tasks::last`] runs.
    pub fn last_token(&self) -> CancellationToken {
        self.last.clone()
    }

    /// The soft token, for libraries that take one.
    pub fn soft_token(&self) -> CancellationToken {
        self.soft.clone()
    }
}

/// Why a process ends with a failure code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A service task ended by itself.
    #[error("task {task} ended by itself: {reason}")]
    Ended {
        /// Its name.
        task: &'static str,
        /// What it returned, or its panic.
        reason: String,
    },
    /// Tasks were still running after the last wait.
    #[error("{left} tasks did not stop in time")]
    Stuck {
        /// How many.
        left: usize,
    },
    /// The operating system does not let us hear its signals.
    #[error("cannot listen for signals: {0}")]
    Signals(String),
}

/// Spawns and counts the tasks of a process. Clones share them.
#[derive(Clone)]
pub struct Tasks {
    stop: Stop,
    tracker: TaskTracker,
    /// Those that stop after the others.
    last: TaskTracker,
    failure: Arc<Mutex<Option<Failure>>>,
    clock: Clock,
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks")
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}

impl Tasks {
    /// An empty set of tasks. The clock gives backoff its jitter.
    pub fn new(clock: Clock) -> Self {
        Self {
            stop: Stop::new(),
            tracker: TaskTracker::new(),
            last: TaskTracker::new(),
            failure: Arc::default(),
            clock,
        }
    }

    /// The stop signals of these tasks.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Runs a task for the life of the process. When it ends before anybody asked it to, in whatever
    /// way, the process stops with a failure.
    pub fn service<F, E>(&self, name: &'static str, work: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        self.watched(&self.tracker, name, work);
    }

    /// As [`Tasks::service`], for what the others need until they have ended: it is asked to stop,
    /// by [`Stop::last_token`], only then.
    pub fn last<F, E>(&self, name: &'static str, work: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        self.watched(&self.last, name, work);
    }

    fn watched<F, E>(&self, tracker: &TaskTracker, name: &'static str, work: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        let stop = self.stop.clone();
        let failure = Arc::clone(&self.failure);
        let task = spawn(tracker, work);
        // A second task sees the first one's end, a panic included.
        let watch = async move {
            let reason = match task.await {
                Ok(Ok(())) => "it returned".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            if !stop.is_stopping() {
                tracing::error!(task.name = name, reason, "task {name} ended by itself");
                failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(Failure::Ended { task: name, reason });
                stop.begin();
            }
        };
        spawn(tracker, watch);
    }

    /// Runs a piece of work to its end even when its caller goes away: appends and effects, whose
    /// outcome must be known. The process waits for it when stopping.
    pub fn detached<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawn(&self.tracker, work)
    }

    /// Runs a loop for the life of the process, woken by `doorbell`.
    pub fn run<L: Loop>(&self, mut work: L, doorbell: Doorbell, pace: Pace) {
        let stop = self.stop.clone();
        let clock = self.clock.clone();
        self.service(L::NAME, async move {
            run_loop(&mut work, &doorbell, &pace, &stop, &clock).await;
            Ok::<_, std::convert::Infallible>(())
        });
    }

    fn running(&self) -> usize {
        self.tracker.len() + self.last.len()
    }

    /// Waits for a signal, or for a task's failure, then stops everything in order.
    ///
    /// # Errors
    /// [`Failure`] when a task ended by itself, would not stop, or signals cannot be heard.
    pub async fn run_until_stopped(&self) -> Result<(), Failure> {
        let mut signals = Signals::listen().map_err(|error| Failure::Signals(error.to_string()))?;
        tokio::select! {
            name = signals.next() => tracing::info!(signal = name, "stopping on {name}"),
            () = self.stop.soft() => {}
        }
        self.stop.begin();
        let second = async {
            let name = signals.next().await;
            tracing::warn!(signal = name, "stopping at once on a second {name}");
        };
        self.finish(second).await
    }

    /// Stops everything in order, without waiting for a signal: for tests and for the end of `main`.
    ///
    /// # Errors
    /// [`Failure`] when a task had ended by itself or would not stop.
    pub async fn shut_down(&self) -> Result<(), Failure> {
        self.stop.begin();
        self.finish(std::future::pending()).await
    }

    async fn finish(&self, hurried: impl Future<Output = ()>) -> Result<(), Failure> {
        self.tracker.close();
        self.last.close();
        let in_order = async {
            self.tracker.wait().await;
            self.stop.last.cancel();
            self.last.wait().await;
        };
        tokio::select! {
            () = in_order => {}
            () = hurried => {}
            () = self.stop.hard() => {}
            () = tokio::time::sleep(limits::SOFT_STOP_MAX) => {
                tracing::warn!(tasks = self.running(), "tasks are slow to finish, leaving now");
            }
        }
        self.stop.hurry();
        let all = futures::future::join(self.tracker.wait(), self.last.wait());
        let waited = tokio::time::timeout(limits::HARD_STOP_MAX, all).await;
        let failure = self
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match (failure, waited) {
            (Some(failure), _) => Err(failure),
            (None, Err(_)) => Err(Failure::Stuck {
                left: self.running(),
            }),
            (None, Ok(_)) => Ok(()),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that spawns tasks")]
fn spawn<F>(tracker: &TaskTracker, work: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(tracker.track_future(work))
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// What a step has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many things: there may be more, step again at once.
    Did(usize),
    /// Nothing to do: wait for the doorbell or the poll.
    Idle,
}

impl Progress {
    /// `Did(count)`, or `Idle` for nothing.
    pub fn of(count: usize) -> Self {
        if count == 0 {
            Self::Idle
        } else {
            Self::Did(count)
        }
    }
}

/// Work done in steps. A step finishes what it takes; between steps the loop may be stopped. A step
/// may be dropped half way on the hard stop, so it must be safe to repeat.
pub trait Loop: Send + 'static {
    /// Its name in logs and metrics.
    const NAME: &'static str;
    /// What a step fails with. Every failure is retried, with backoff.
    type Error: std::error::Error + Send + 'static;

    /// Does the next piece of work.
    ///
    /// # Errors
    /// Whatever kept the work from being done; the same work is tried again later.
    fn step(&mut self) -> impl Future<Output = Result<Progress, Self::Error>> + Send;
}

/// Wakes a loop. Rings while it works are remembered as one.
#[derive(Clone, Debug, Default)]
pub struct Doorbell(Arc<Notify>);

impl Doorbell {
    /// A doorbell that nobody has rung.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the loop, or keeps it awake.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Completes after the next ring.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}

/// How long a loop pauses. The defaults are those of [`limits`].
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// First pause when idle, doubled up to `idle_max`.
    pub idle_min: Duration,
    /// Longest pause when idle.
    pub idle_max: Duration,
    /// First backoff after a failure, doubled up to `backoff_max`; each is drawn with full jitter.
    pub backoff_min: Duration,
    /// Longest backoff.
    pub backoff_max: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            idle_min: limits::IDLE_POLL_MIN,
            idle_max: limits::IDLE_POLL_MAX,
            backoff_min: limits::BACKOFF_MIN,
            backoff_max: limits::BACKOFF_MAX,
        }
    }
}

impl Pace {
    /// `first · 2^nth`, at most `max`.
    fn doubled(first: Duration, nth: u32, max: Duration) -> Duration {
        first.saturating_mul(2_u32.saturating_pow(nth)).min(max)
    }
}

async fn run_loop<L: Loop>(
    work: &mut L,
    doorbell: &Doorbell,
    pace: &Pace,
    stop: &Stop,
    clock: &Clock,
) {
    let (mut idle, mut failed) = (0_u32, 0_u32);
    while !stop.is_stopping() {
        let watch = clock.stopwatch();
        let outcome = tokio::select! {
            biased;
            () = stop.hard() => return,
            outcome = work.step() => outcome,
        };
        metrics::histogram!("ramen_loop_step_seconds", "loop" => L::NAME).record(watch.seconds());
        let pause = match outcome {
            Ok(Progress::Did(count)) => {
                let count = u64::try_from(count).unwrap_or(u64::MAX);
                metrics::counter!("ramen_loop_items_total", "loop" => L::NAME).increment(count);
                (idle, failed) = (0, 0);
                // A loop that always has work must not keep others from the thread.
                tokio::task::yield_now().await;
                continue;
            }
            Ok(Progress::Idle) => {
                failed = 0;
                idle = idle.saturating_add(1);
                Pace::doubled(pace.idle_min, idle - 1, pace.idle_max)
            }
            Err(error) => {
                metrics::counter!("ramen_loop_failures_total", "loop" => L::NAME).increment(1);
                let span = Pace::doubled(pace.backoff_min, failed, pace.backoff_max);
                failed = failed.saturating_add(1);
                let wait = clock.jitter(span);
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    wait_ms,
                    "loop {} failed, trying again",
                    L::NAME
                );
                wait
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = doorbell.rung(), if failed == 0 => idle = 0,
            () = stop.soft() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;
    use tokio::sync::mpsc;

    fn tasks() -> Tasks {
        Tasks::new(TestClock::at(chrono::DateTime::UNIX_EPOCH, 1).clock())
    }

    #[derive(Debug, thiserror::Error)]
    #[error("scripted failure")]
    struct Scripted;

    struct Script {
        outcomes: Vec<Result<Progress, Scripted>>,
        seen: mpsc::UnboundedSender<usize>,
        steps: usize,
    }

    impl Loop for Script {
        const NAME: &'static str = "script";
        type Error = Scripted;

        async fn step(&mut self) -> Result<Progress, Scripted> {
            self.steps += 1;
            self.seen.send(self.steps).map_err(|_| Scripted)?;
            if self.outcomes.is_empty() {
                Ok(Progress::Idle)
            } else {
                self.outcomes.remove(0)
            }
        }
    }

    fn quick() -> Pace {
        Pace {
            backoff_min: Duration::from_micros(1),
            ..Pace::default()
        }
    }

    #[tokio::test]
    async fn a_loop_goes_on_after_work_and_after_failures() {
        let (seen, mut steps) = mpsc::unbounded_channel();
        let outcomes = vec![Ok(Progress::Did(3)), Err(Scripted), Err(Scripted)];
        let tasks = tasks();
        tasks.run(
            Script {
                outcomes,
                seen,
                steps: 0,
            },
            Doorbell::new(),
            quick(),
        );
        for expected in 1..=4 {
            assert_eq!(steps.recv().await, Some(expected));
        }
        tasks.shut_down().await.unwrap();
    }

    #[tokio::test]
    async fn a_ring_wakes_an_idle_loop() {
        let (seen, mut steps) = mpsc::unbounded_channel();
        let day = Duration::from_hours(24);
        let pace = Pace {
            idle_min: day,
            idle_max: day,
            ..Pace::default()
        };
        let doorbell = Doorbell::new();
        let tasks = tasks();
        tasks.run(
            Script {
                outcomes: vec![],
                seen,
                steps: 0,
            },
            doorbell.clone(),
            pace,
        );
        assert_eq!(steps.recv().await, Some(1));
        doorbell.ring();
        assert_eq!(steps.recv().await, Some(2));
        tasks.shut_down().await.unwrap();
    }

    #[tokio::test]
    async fn a_task_that_ends_by_itself_stops_the_process_with_a_failure() {
        let tasks = tasks();
        tasks.service("relay", async { Err::<(), _>("the broker is gone") });
        let failure = tasks.run_until_stopped().await.unwrap_err();
        assert_eq!(
            failure,
            Failure::Ended {
                task: "relay",
                reason: "the broker is gone".to_owned()
            }
        );
    }

    #[tokio::test]
    async fn a_panic_counts_as_an_end() {
        let tasks = tasks();
        tasks.service("relay", async {
            assert!(std::hint::black_box(false), "planted");
            Ok::<_, Scripted>(())
        });
        let failure = tasks.run_until_stopped().await.unwrap_err();
        assert!(
            matches!(failure, Failure::Ended { task: "relay", reason } if reason.contains("panic"))
        );
    }

    #[tokio::test]
    async fn stopping_lets_detached_work_finish() {
        let tasks = tasks();
        let (release, held) = tokio::sync::oneshot::channel::<()>();
        let work = tasks.detached(async move { held.await.is_ok() });
        let finishing = async {
            tasks.stop().soft().await;
            release.send(()).unwrap();
            work.await.unwrap()
        };
        let (stopped, finished) = tokio::join!(tasks.shut_down(), finishing);
        stopped.unwrap();
        assert!(finished);
    }

    #[tokio::test]
    async fn what_others_need_stops_after_them() {
        let tasks = tasks();
        let (ask, mut asked) = mpsc::channel::<tokio::sync::oneshot::Sender<()>>(1);
        let last = tasks.stop().last_token();
        tasks.last("store", async move {
            loop {
                tokio::select! {
                    biased;
                    () = last.cancelled() => return Ok::<_, Scripted>(()),
                    Some(reply) = asked.recv() => reply.send(()).map_err(|()| Scripted)?,
                }
            }
        });
        let stop = tasks.stop();
        let work = tasks.detached(async move {
            stop.soft().await;
            let (reply, answer) = tokio::sync::oneshot::channel();
            ask.send(reply).await.is_ok() && answer.await.is_ok()
        });
        tasks.shut_down().await.unwrap();
        assert!(
            work.await.unwrap(),
            "the store answered after the soft stop"
        );
    }

    #[tokio::test]
    async fn a_hard_stop_leaves_a_step_that_hangs() {
        struct Hangs(Option<tokio::sync::oneshot::Sender<()>>);
        impl Loop for Hangs {
            const NAME: &'static str = "hangs";
            type Error = Scripted;
            async fn step(&mut self) -> Result<Progress, Scripted> {
                if let Some(started) = self.0.take() {
                    started.send(()).map_err(|()| Scripted)?;
                }
                std::future::pending().await
            }
        }
        let (started, running) = tokio::sync::oneshot::channel();
        let tasks = tasks();
        tasks.run(Hangs(Some(started)), Doorbell::new(), Pace::default());
        running.await.unwrap();
        tasks.stop().hurry();
        tasks.shut_down().await.unwrap();
    }

    #[test]
    fn pauses_double_up_to_their_maximum() {
        let (first, max) = (Duration::from_millis(5), Duration::from_millis(250));
        let pauses: Vec<_> = (0..8)
            .map(|nth| Pace::doubled(first, nth, max).as_millis())
            .collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 250, 250]);
        assert_eq!(Pace::doubled(first, u32::MAX, max), max);
    }

    #[test]
    fn the_hard_stop_is_also_a_soft_one() {
        let stop = Stop::new();
        stop.hurry();
        assert!(stop.is_stopping() && stop.is_hurried());
        let stop = Stop::new();
        stop.begin();
        assert!(stop.is_stopping() && !stop.is_hurried());
    }
}
