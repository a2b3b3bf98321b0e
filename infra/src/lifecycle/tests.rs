//! Loops and tasks, run and stopped.

use std::time::Duration;

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

#[tokio::test(start_paused = true)]
async fn a_step_that_hangs_is_given_up_and_done_again() {
    struct HangsOnce(mpsc::UnboundedSender<()>, bool);
    impl Loop for HangsOnce {
        const NAME: &'static str = "hangs once";
        type Error = Scripted;
        async fn step(&mut self) -> Result<Progress, Scripted> {
            self.0.send(()).map_err(|_| Scripted)?;
            if !std::mem::replace(&mut self.1, true) {
                std::future::pending::<()>().await;
            }
            Ok(Progress::Idle)
        }
    }
    let (steps, mut seen) = mpsc::unbounded_channel();
    let tasks = tasks();
    let began = tokio::time::Instant::now();
    tasks.run(HangsOnce(steps, false), Doorbell::new(), Pace::default());
    seen.recv().await.unwrap();
    seen.recv().await.unwrap();
    assert!(began.elapsed() >= crate::limits::STEP_MAX);
    tasks.shut_down().await.unwrap();
}
