//! Whose turn it is to fold: of all projectors of one database of views, the one that holds an advisory
//! lock. For economy alone; what keeps two from spoiling each other's work are the checkpoints.

use std::time::Duration;

use infra::clock::{Clock, Stopwatch};
use infra::limits::DATABASE_DEADLINE;
use infra::postgres::in_time;
use sqlx::{PgConnection, PgPool};

/// The advisory lock: "ramen", "prj" in ASCII, nothing else uses it.
const TURN_LOCK: i64 = 0x7261_6d65_6e70_726a;
/// Between two questions, for who waits for the lock; and between two looks whether the connection
/// that holds it is alive.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// A projector's claim.
#[derive(Default)]
pub(crate) struct Turn {
    session: Option<Session>,
}

/// The connection that holds the lock or waits for it. It does nothing else.
struct Session {
    connection: PgConnection,
    mine: bool,
    asked: Option<Stopwatch>,
}

impl Turn {
    /// Whether this projector folds now. Asks the database once a second at most.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(crate) async fn is_mine(
        &mut self,
        pool: &PgPool,
        clock: &Clock,
    ) -> Result<bool, sqlx::Error> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => Session {
                connection: pool.acquire().await?.detach(),
                mine: false,
                asked: None,
            },
        };
        if session
            .asked
            .as_ref()
            .is_none_or(|asked| asked.elapsed() >= ASK_EVERY)
        {
            // A session whose connection fails is not kept, and with it goes the lock.
            session.mine = in_time(DATABASE_DEADLINE, session.ask()).await?;
            session.asked = Some(clock.stopwatch());
        }
        let mine = session.mine;
        self.session = Some(session);
        Ok(mine)
    }

    /// Another one was seen at work: the lock may be lost, ask anew.
    pub(crate) fn over(&mut self) {
        self.session = None;
    }
}

impl Session {
    /// Takes the lock, or sees that it still has it.
    async fn ask(&mut self) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar!(
            r#"SELECT ($2 OR pg_try_advisory_lock($1)) AS "mine!""#,
            TURN_LOCK,
            self.mine
        )
        .fetch_one(&mut self.connection)
        .await
    }
}
