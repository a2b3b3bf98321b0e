//! `ramen rebuild`: views made anew beside those that are served, compared with the checker's folds, and
//! swapped; and the way back. The search index likewise, in `index`.

mod index;

use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use clap::{Args, Subcommand};
use infra::applied::AppliedHub;
use infra::config::Config;
use infra::event_store::EventLog;
use infra::postgres::{self, Role};
use projector::VIEWS;
use projector::rebuild::{
    Asked, BATCH_EVENTS, Compared, IndependentFold, Old, Progress, Rebuild, RebuildParts, Swapped,
    views_named,
};

use crate::check::{Rebuilt, Rows};
use crate::{console, door};

/// Lines about progress are at least so far apart.
const SAY_EVERY: Duration = Duration::from_secs(1);

/// What to rebuild.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RebuildArgs {
    #[command(subcommand)]
    back: Option<Back>,
    /// Names of views, `all` of them, or `index`, the search index
    #[arg(required = true)]
    views: Vec<String>,
    /// Drop the tables that are served now instead of keeping them for `rebuild rollback`
    #[arg(long)]
    drop_old: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// The way back.
#[derive(Subcommand, Clone, Debug)]
enum Back {
    /// Serves the version again that the last rebuild has replaced
    Rollback {
        /// Names of views, `all` of them, or `index`
        #[arg(required = true)]
        views: Vec<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Rebuilds, or goes back, and says what is served then.
///
/// # Errors
/// When nothing was swapped: the reason. What is served is what was served.
pub(crate) async fn run(args: RebuildArgs) -> anyhow::Result<()> {
    let config = door::config()?;
    let (names, back, yes) = match args.back {
        Some(Back::Rollback { views, yes }) => (views, true, yes),
        None => (args.views, false, args.yes),
    };
    if names == [index::NAME] {
        return index::run(&config, back, yes).await;
    }
    let views = views_named(&every(names))?;
    let list: Vec<&str> = views.iter().map(|view| view.name).collect();
    let list = list.join(", ");
    let what = if back {
        "go back to the kept version of"
    } else {
        "rebuild"
    };
    agree(yes, &format!("{what} {list}"))?;
    let (parts, mut fold) = parts(&config)?;
    let rebuild = Rebuild::begin(parts, views).await?;
    let mut teller = Teller::of("events");
    let mut tell = |progress: &Progress| teller.tell(progress);
    let swapped = if back {
        rebuild.roll_back(&mut fold, &mut tell).await?
    } else {
        let old = if args.drop_old { Old::Drop } else { Old::Keep };
        rebuild.run(&mut fold, old, &mut tell).await?
    };
    report(&swapped, back);
    Ok(())
}

/// `all` as the names of all views.
fn every(names: Vec<String>) -> Vec<String> {
    if names.iter().any(|name| name == "all") {
        VIEWS.iter().map(|view| view.name.to_owned()).collect()
    } else {
        names
    }
}

/// Asks on the terminal, unless that was answered already.
fn agree(yes: bool, what: &str) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    anyhow::ensure!(
        std::io::stdin().is_terminal(),
        "to {what} replaces what is served: say --yes"
    );
    console::progress(format!(
        "{what}? What is served is replaced at the end. [y/N]"
    ));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    anyhow::ensure!(answer.trim().eq_ignore_ascii_case("y"), "nothing was done");
    Ok(())
}

/// What a rebuild needs, with the checker's folds beside it.
///
/// # Errors
/// When the settings name no database.
pub(crate) fn parts(config: &Config) -> anyhow::Result<(RebuildParts, CheckersFold)> {
    let events = config.postgres.events.as_ref();
    let events = events.context("no marketplace runs here: set DATABASE_URL")?;
    let views = config.postgres.views.as_ref().unwrap_or(events);
    let views_options = postgres::options(views.expose())?;
    let log_pool = postgres::pool(postgres::options(events.expose())?, Role::Projector, 2);
    let parts = RebuildParts {
        pool: postgres::pool(views_options.clone(), Role::Projector, 2),
        owner: views_options,
        log: EventLog::new(log_pool),
        hub: AppliedHub::new(),
        clock: config.clock.clock(),
        batch: BATCH_EVENTS,
    };
    let fold = CheckersFold {
        events: events.expose().clone(),
        views: views.expose().clone(),
    };
    Ok((parts, fold))
}

/// The folds of `ramen check`, which share nothing with the projector's.
pub(crate) struct CheckersFold {
    events: String,
    views: String,
}

#[async_trait]
impl IndependentFold for CheckersFold {
    async fn compare(
        &mut self,
        asked: Asked<'_>,
    ) -> Result<Compared, Box<dyn std::error::Error + Send + Sync>> {
        let views: Vec<&str> = asked.views.iter().map(|view| view.name).collect();
        let streams: Option<Vec<_>> = asked.streams.map(|streams| {
            let named = streams.iter();
            named
                .map(|stream| (stream.kind.as_str().to_owned(), stream.id))
                .collect()
        });
        let rows = Rows {
            schema: asked.schema,
            views: &views,
            up_to: asked.up_to,
            streams: streams.as_deref(),
        };
        if streams.is_none() {
            console::progress(format!(
                "compare    every row with an independent fold of the events up to {}",
                asked.up_to
            ));
        }
        let found = Rebuilt::compare(&self.events, &self.views, rows).await?;
        Ok(Compared {
            rows: found.rows,
            differing: found.differing,
            examples: found.examples,
        })
    }
}

/// Says now and then how far it is.
struct Teller {
    /// What is counted.
    of: &'static str,
    said: Option<Duration>,
}

impl Teller {
    fn of(of: &'static str) -> Self {
        Self { of, said: None }
    }

    fn tell(&mut self, progress: &Progress) {
        let is_due = self
            .said
            .is_none_or(|said| progress.elapsed >= said + SAY_EVERY);
        if is_due || progress.position == progress.head {
            self.said = Some(progress.elapsed);
            console::progress(line(progress, self.of));
        }
    }
}

/// Share, rate and the time that is left.
#[expect(
    clippy::cast_precision_loss,
    reason = "positions far below 2⁵³, shown with three digits"
)]
fn line(progress: &Progress, of: &str) -> String {
    let seconds = progress.elapsed.as_secs_f64().max(0.001);
    let rate = progress.events as f64 / seconds;
    let share = 100.0 * progress.position as f64 / progress.head.max(1) as f64;
    let left = progress.head.saturating_sub(progress.position) as f64 / rate.max(0.001);
    format!(
        "fold       {} of {}  {share:.1} %  {rate:.0} {of}/s  {left:.0} s left",
        progress.position, progress.head
    )
}

fn report(swapped: &Swapped, back: bool) {
    for served in &swapped.versions {
        let kept = match served.kept {
            Some(kept) => format!("version {kept} is kept"),
            None => "nothing is kept".to_owned(),
        };
        console::line(format!(
            "{:<16} version {} is served, {kept}",
            served.view, served.version
        ));
    }
    console::line(summary(swapped, back));
}

/// What was folded, and whether anybody has looked at the outcome: who goes back does so because what judges the rows
/// may be wrong, so that nothing is compared then.
fn summary(swapped: &Swapped, back: bool) -> String {
    let Swapped {
        events,
        position,
        compared,
        ..
    } = swapped;
    let compared = if back {
        "nothing was compared".to_owned()
    } else {
        format!("{compared} rows compared, none differs")
    };
    format!("{events} events up to position {position}, {compared}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_says_that_nothing_was_compared() {
        let mut swapped = Swapped {
            versions: Vec::new(),
            position: 9,
            events: 4,
            compared: 0,
        };
        let said = summary(&swapped, true);
        assert_eq!(said, "4 events up to position 9, nothing was compared");
        swapped.compared = 3;
        let said = summary(&swapped, false);
        assert!(said.ends_with("3 rows compared, none differs"), "{said}");
    }

    #[test]
    fn progress_says_share_rate_and_rest() {
        let progress = Progress {
            position: 25_000,
            head: 100_000,
            events: 25_000,
            elapsed: Duration::from_secs(5),
        };
        assert_eq!(
            line(&progress, "events"),
            "fold       25000 of 100000  25.0 %  5000 events/s  15 s left"
        );
    }

    #[test]
    fn all_means_every_view() {
        assert_eq!(every(vec!["all".to_owned()]).len(), VIEWS.len());
        assert_eq!(every(vec!["orders".to_owned()]), ["orders"]);
    }
}
