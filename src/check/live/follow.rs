//! One round: a batch of the log in one snapshot, every event judged, then some rows of the views.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::kept::Kept;
use super::money::Money;
use super::outage::is_outage;
use super::samples::Samples;
use super::unnumbered::Unnumbered;
use super::{note_the_rest, reads};
use crate::check::chain::{Hash, SEED};
use crate::check::checkpoints::{self, Verifier};
use crate::check::log::Walk;
use crate::check::report::{Invariant, Report, Verdict};
use crate::check::store::Store;
use crate::check::views::Comparison;
use crate::check::{CheckArgs, open_views};

/// A round that takes longer waits for a database that will not answer any more: the longest stream is folded within it.
const ROUND_MAX: Duration = Duration::from_mins(2);

/// Whether there is more to read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::check) enum Progress {
    /// The log goes on.
    More,
    /// Everything was read, or the database is away.
    Idle,
}

/// The checker as it follows the log.
pub(in crate::check) struct Live {
    args: CheckArgs,
    verifiers: Vec<Verifier>,
    /// None while the database is away.
    databases: Option<Databases>,
    news: Option<String>,
    /// How long a round may take.
    pub(in crate::check) patience: Duration,
    known: Known,
    report: Report,
}

/// Events and views.
struct Databases {
    events: Store,
    views: Comparison,
}

/// What is remembered of the log so far.
struct Known {
    walk: Walk,
    kept: Kept,
    money: Money,
    unnumbered: Unnumbered,
    samples: Samples,
    /// The last signed checkpoint.
    noted: i64,
}

impl Live {
    /// Begins after the position that the arguments name.
    ///
    /// # Errors
    /// When a database does not answer, or the log ends before that position.
    pub(in crate::check) async fn begin(args: &CheckArgs) -> anyhow::Result<Self> {
        let mut databases = Databases::open(args).await?;
        let after = args.live.after;
        let from = match after {
            0 => SEED,
            _ => reads::hash_at(&mut databases.events, after)
                .await?
                .with_context(|| format!("the log has no position {after} to begin after"))?,
        };
        Ok(Self {
            args: args.clone(),
            verifiers: checkpoints::parse(&args.verifiers)?,
            databases: Some(databases),
            news: None,
            patience: ROUND_MAX,
            known: Known::after(after, from),
            report: Report::telling(),
        })
    }

    /// Reads and judges the next of the log. A database that is away is waited for: the round is repeated.
    ///
    /// # Errors
    /// When it cannot be read for any other reason.
    pub(in crate::check) async fn advance(&mut self) -> anyhow::Result<Progress> {
        let why = match tokio::time::timeout(self.patience, self.round()).await {
            Ok(Err(error)) if is_outage(&error) => error,
            Ok(outcome) => return outcome,
            Err(_) => anyhow!("it does not answer"),
        };
        if self.databases.take().is_some() {
            self.news = Some(format!("waits for Postgres: {why:#}"));
        }
        Ok(Progress::Idle)
    }

    async fn round(&mut self) -> anyhow::Result<Progress> {
        let databases = match &mut self.databases {
            Some(databases) => databases,
            away => {
                let back = Databases::open(&self.args).await?;
                self.news = Some("Postgres is back".to_owned());
                away.insert(back)
            }
        };
        databases.events.renew().await?;
        let (known, report) = (&mut self.known, &mut self.report);
        let read = known.read(&mut databases.events, report).await?;
        known
            .see_checkpoints(&mut databases.events, &self.verifiers, report)
            .await?;
        if read < reads::BATCH_EVENTS {
            known.walk.check_head(&mut databases.events, report).await?;
            known.unnumbered.look(&mut databases.events, report).await?;
        }
        let Known { samples, kept, .. } = known;
        samples
            .take(&mut databases.events, &mut databases.views, kept, report)
            .await?;
        Ok(if read < reads::BATCH_EVENTS {
            Progress::Idle
        } else {
            Progress::More
        })
    }

    /// Violations that were found since the last call.
    pub(in crate::check) fn untold(&mut self) -> Vec<(Invariant, String)> {
        self.report.untold()
    }

    /// What has happened to the database since the last call.
    pub(in crate::check) fn news(&mut self) -> Option<String> {
        self.news.take()
    }

    /// How far it is and what it has found: by invariant, looked at / violated.
    pub(in crate::check) fn line(&self) -> String {
        let (position, _) = self.known.walk.stands_at();
        let latest = self.known.walk.latest();
        let latest =
            latest.map_or_else(String::new, |at| format!(", recorded {}", at.to_rfc3339()));
        let streams = self.known.kept.count();
        format!(
            "live       position {position}{latest}; {streams} streams kept; {}",
            self.report.line()
        )
    }

    /// What was found.
    pub(in crate::check) fn end(mut self) -> Verdict {
        note_the_rest(&self.args, &mut self.report);
        self.report.close()
    }
}

impl Databases {
    async fn open(args: &CheckArgs) -> anyhow::Result<Self> {
        let mut events = Store::open(&args.database_url, None).await?;
        let views = open_views(args, &mut events).await.context("the views")?;
        Ok(Self {
            events,
            views: Comparison::new(views),
        })
    }
}

impl Known {
    fn after(position: i64, hash: Hash) -> Self {
        Self {
            walk: Walk::after(position, hash),
            kept: Kept::default(),
            money: Money::default(),
            unnumbered: Unnumbered::default(),
            samples: Samples::default(),
            noted: position,
        }
    }

    /// Reads a batch and judges it. Everything that can fail for want of a database comes before the first event is
    /// judged, so that a round can be repeated.
    async fn read(&mut self, store: &mut Store, report: &mut Report) -> anyhow::Result<usize> {
        let (head, _) = self.walk.stands_at();
        let mut rows = reads::log_from(store, head).await?;
        if head > 0 && !self.finds_its_place(store, &rows, report).await? {
            return Ok(0);
        }
        // The first row is the one that was read last.
        rows.drain(..rows.len().min(usize::from(head > 0)));
        self.kept.load(store, &rows).await?;
        self.money.load(store, &rows).await?;
        for row in &rows {
            let Some((position, stored)) = self.walk.see(row, report)? else {
                continue;
            };
            self.unnumbered.saw(row.try_get("event_row")?);
            let seen = self.kept.see(stored, position, report)?;
            self.money.see(&seen, report);
        }
        self.kept.shrink();
        Ok(rows.len())
    }

    /// Whether the log still holds, at the last position that was read, the hash that was read there. What was cut or
    /// replaced is a violation once, and then followed from where it ends.
    async fn finds_its_place(
        &mut self,
        store: &mut Store,
        rows: &[PgRow],
        report: &mut Report,
    ) -> anyhow::Result<bool> {
        let (head, hash) = self.walk.stands_at();
        let mut found: Option<Vec<u8>> = None;
        if let Some(row) = rows.first()
            && row.try_get::<i64, _>("position")? == head
        {
            found = Some(row.try_get("hash")?);
        }
        report.expect(Invariant::I5, found.is_some(), || {
            format!("position {head} was read and is no longer there")
        });
        let is_same = found.as_deref() == Some(&hash);
        report.expect(Invariant::I16, is_same, || {
            format!("the hash at position {head} is not the one that was read there")
        });
        if !is_same {
            let (end, hash) = reads::end(store).await?;
            *self = Self::after(end, hash);
        }
        Ok(is_same)
    }

    async fn see_checkpoints(
        &mut self,
        store: &mut Store,
        verifiers: &[Verifier],
        report: &mut Report,
    ) -> anyhow::Result<()> {
        for row in reads::checkpoints_after(store, self.noted).await? {
            checkpoints::look(&row, verifiers, report)?;
            self.noted = row.try_get("position")?;
        }
        Ok(())
    }
}
