//! Given/When/Then for decisions, and a context whose time and ids are always the same. For tests only.

use chrono::{DateTime, Utc};

use crate::decider::{Context, Decider, replay};

/// The instant at which tests happen unless they say otherwise: Friday 2026-11-20, 19:00 in Tokyo.
pub fn test_now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_168_800, 0).unwrap_or_default()
}

/// A context at `now` with a fixed seed.
pub fn context_at(now: DateTime<Utc>) -> Context {
    Context::new(now, *b"ramen-test")
}

/// A context at [`test_now`].
pub fn context() -> Context {
    context_at(test_now())
}

/// What has happened so far, and when it is now.
#[derive(Debug, Clone)]
pub struct Given<D: Decider> {
    state: D,
    now: DateTime<Utc>,
}

impl<D: Decider> Given<D> {
    /// Nothing has happened.
    pub fn nothing() -> Self {
        Self {
            state: D::default(),
            now: test_now(),
        }
    }

    /// These events have happened, in this order.
    pub fn events(events: impl IntoIterator<Item = D::Event>) -> Self {
        Self::nothing().and(events)
    }

    /// These have happened as well.
    #[must_use]
    pub fn and(mut self, events: impl IntoIterator<Item = D::Event>) -> Self {
        for event in events {
            self.state.evolve(&event);
        }
        self
    }

    /// These commands were carried out, each with all its events.
    ///
    /// # Panics
    /// When one is refused.
    #[must_use]
    pub fn done(mut self, commands: impl IntoIterator<Item = D::Command>) -> Self {
        let context = context_at(self.now);
        for command in commands {
            match self.state.decide(command.clone(), &context) {
                Ok(events) => self = self.and(events),
                Err(rejection) => panic!("{command:?} was refused: {rejection:?}"),
            }
        }
        self
    }

    /// It is now another time.
    #[must_use]
    pub fn at(mut self, now: DateTime<Utc>) -> Self {
        self.now = now;
        self
    }

    /// The state so far.
    pub fn state(&self) -> &D {
        &self.state
    }

    /// Somebody asks for this.
    pub fn when(self, command: D::Command) -> Outcome<D> {
        let decided = self.state.decide(command, &context_at(self.now));
        Outcome {
            before: self,
            decided,
        }
    }
}

/// What a command led to.
#[derive(Debug)]
#[must_use = "an outcome that nobody looks at tests nothing"]
pub struct Outcome<D: Decider> {
    before: Given<D>,
    decided: Result<Vec<D::Event>, D::Rejection>,
}

impl<D: Decider> Outcome<D> {
    /// Exactly these events.
    ///
    /// # Panics
    /// When it is otherwise.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = D::Event>) -> Given<D> {
        let expected: Vec<_> = events.into_iter().collect();
        assert_eq!(self.decided.as_ref(), Ok(&expected));
        self.before.and(expected)
    }

    /// Nothing new: it was done already.
    ///
    /// # Panics
    /// When it is otherwise.
    #[track_caller]
    pub fn then_nothing(self) -> Given<D> {
        self.then([])
    }

    /// Refused for this reason.
    ///
    /// # Panics
    /// When it is otherwise.
    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a test names the rejection in place"
    )]
    pub fn then_refused(self, rejection: D::Rejection) {
        assert_eq!(self.decided.as_ref(), Err(&rejection));
    }

    /// Whatever events came of it, for a closer look.
    ///
    /// # Panics
    /// When it was refused.
    #[track_caller]
    pub fn events(self) -> Vec<D::Event> {
        self.decided
            .unwrap_or_else(|rejection| panic!("refused: {rejection:?}"))
    }

    /// The rejection, for a closer look.
    ///
    /// # Panics
    /// When it was not refused.
    #[track_caller]
    pub fn rejection(self) -> D::Rejection {
        match self.decided {
            Ok(events) => panic!("not refused: {events:?}"),
            Err(rejection) => rejection,
        }
    }
}

/// The state after these events.
pub fn state_of<D: Decider>(events: &[D::Event]) -> D {
    replay(events)
}
