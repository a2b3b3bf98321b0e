//! `ramen redrive`: parked events are folded into their views again, stream by stream and in order.

use anyhow::Context as _;
use async_trait::async_trait;
use clap::Args;
use command_api::{ParkedName, Redrive, RedriveError};
use infra::applied::AppliedHub;
use infra::config::Config;
use infra::event_store::StreamId;
use infra::postgres::{self, Role};
use projector::redrive::{ParkedStream, Redriven, Redriver};
use projector::{ProjectorError, VIEWS};
use uuid::Uuid;

use crate::{console, door};

/// What to redrive.
#[derive(Args, Clone, Debug)]
pub(crate) struct RedriveArgs {
    /// The view that could not fold the events
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    view: Option<String>,
    /// Only this stream of it
    stream: Option<Uuid>,
    /// Everything that is parked
    #[arg(long)]
    all: bool,
}

/// Redrives, and says of each stream what became of it.
///
/// # Errors
/// When a view is unknown or cannot be reached, and when something stays parked.
pub(crate) async fn run(args: RedriveArgs) -> anyhow::Result<()> {
    let redriver = redriver(&door::config()?)?;
    let mut tally = Tally::default();
    match (&args.view, args.stream) {
        (Some(view), Some(id)) => {
            let stream = one(view, id)?;
            tally.redrive(&redriver, &stream).await?;
        }
        (view, _) => every(&redriver, view.as_deref(), &mut tally).await?,
    }
    console::line(format!(
        "{} events of {} streams folded, {} streams stay parked",
        tally.folded, tally.streams, tally.stuck
    ));
    anyhow::ensure!(tally.stuck == 0, "something still cannot be folded");
    Ok(())
}

fn redriver(config: &Config) -> anyhow::Result<Redriver> {
    let url = config
        .postgres
        .views
        .as_ref()
        .or(config.postgres.events.as_ref());
    let url = url.context("no marketplace runs here: set DATABASE_URL")?;
    let pool = postgres::pool(postgres::options(url.expose())?, Role::Projector, 1);
    Ok(Redriver::new(pool, AppliedHub::new()))
}

/// A stream of a view, whose kind the view says.
fn one(view: &str, id: Uuid) -> anyhow::Result<ParkedStream> {
    let known = VIEWS.iter().find(|known| known.name == view);
    let known = known.with_context(|| format!("there is no view {view}"))?;
    let kind = known.follows;
    Ok(ParkedStream {
        view: view.to_owned(),
        stream: StreamId { kind, id },
    })
}

async fn every(redriver: &Redriver, view: Option<&str>, tally: &mut Tally) -> anyhow::Result<()> {
    if let Some(view) = view {
        one(view, Uuid::nil())?;
    }
    let mut after = None;
    loop {
        let page = redriver.parked(view, after.as_ref()).await?;
        for stream in &page {
            tally.redrive(redriver, stream).await?;
        }
        after = page.into_iter().last();
        if after.is_none() {
            return Ok(());
        }
    }
}

/// What became of all streams.
#[derive(Default)]
struct Tally {
    streams: usize,
    folded: usize,
    stuck: usize,
}

impl Tally {
    async fn redrive(&mut self, redriver: &Redriver, stream: &ParkedStream) -> anyhow::Result<()> {
        let Redriven {
            folded,
            parked,
            error,
        } = redriver.redrive(stream).await?;
        self.streams += 1;
        self.folded += folded;
        self.stuck += usize::from(parked > 0);
        let stays = match error {
            Some(error) => format!(", {parked} stay parked: {error}"),
            None => String::new(),
        };
        console::line(format!(
            "{:<16} {}  {folded} folded{stays}",
            stream.view, stream.stream
        ));
        Ok(())
    }
}

/// The projector's redriver as the write side knows it.
pub struct Redrives(pub Redriver);

#[async_trait]
impl Redrive for Redrives {
    async fn redrive(&self, parked: &ParkedName) -> Result<command_api::Redriven, RedriveError> {
        let stream = ParkedStream {
            view: parked.view.clone(),
            stream: parked.stream,
        };
        match self.0.redrive(&stream).await {
            Ok(done) => Ok(command_api::Redriven {
                folded: done.folded,
                parked: done.parked,
                error: done.error,
            }),
            Err(ProjectorError::NoView(_)) => Err(RedriveError::NoView),
            Err(error) => Err(RedriveError::Unreachable(error.into())),
        }
    }
}
