//! `ramen import`: shops from public registers and maps, through the public API.
//!
//! Reading order: `rows` (what a file becomes), `openstreetmap` and `korean_register` (the files),
//! `opening_hours`, then `plan` (a row as a shop to open) and this file (sending and reporting).
//! Everything up to `plan` is pure.

mod korean_register;
mod opening_hours;
mod opening_hours_tokens;
mod openstreetmap;
mod plan;
mod records;
mod report;
mod rows;
mod week;

use std::fs::File;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use futures::{StreamExt as _, future, stream};
use indicatif::{ProgressBar, ProgressStyle};

use crate::client::{CallError, Door};
use crate::demo::market::{KOREA, Market, TAIWAN};
use crate::demo::open_shop::{Opened, ShopPlan, open};

pub(crate) use plan::plans;
pub(crate) use records::{Record, for_each_record};
use report::Report;
pub(crate) use rows::Parsed;
use rows::RefusedRow;
pub(crate) use week::Week;

/// Shops opened at once. More would only queue behind each other in the store.
const SHOPS_AT_ONCE: usize = 8;

/// Arguments of `import`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ImportArgs {
    /// The file: an Overpass extract (JSON) or its CSV, or the Korean register (CSV)
    file: PathBuf,
    /// What the file is
    #[arg(long)]
    format: Format,
    /// Where the API is
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    base: String,
    /// Hours of shops whose source has none, in OpenStreetMap's syntax
    #[arg(long, default_value = "Mo-Su 11:00-21:00")]
    hours: String,
    /// Only read and report; send nothing
    #[arg(long)]
    dry_run: bool,
}

impl ImportArgs {
    /// Where the API is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }
}

/// The files that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// `OpenStreetMap`
    Osm,
    /// The Korean government's register of restaurants
    Seoul,
}

impl Format {
    pub(crate) fn parse(self, file: impl std::io::Read) -> anyhow::Result<Parsed> {
        match self {
            Self::Osm => openstreetmap::parse(file),
            Self::Seoul => korean_register::parse(file),
        }
    }

    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::Osm => openstreetmap::SOURCE,
            Self::Seoul => korean_register::SOURCE,
        }
    }

    pub(crate) fn market(self) -> &'static Market {
        match self {
            Self::Osm => &TAIWAN,
            Self::Seoul => &KOREA,
        }
    }
}

/// Reads the file, opens the good shops and reports every row that stayed out.
///
/// # Errors
/// When the file is not of the format, or the API cannot be reached.
pub(crate) async fn run(args: ImportArgs, door: &Door) -> anyhow::Result<()> {
    let name = args.file.display().to_string();
    let file = File::open(&args.file).with_context(|| format!("cannot open {name}"))?;
    let parsed = args
        .format
        .parse(file)
        .with_context(|| format!("cannot read {name}"))?;
    let default_hours = default_hours(&args.hours)?;
    let mut report = Report::new(&name, &parsed, !args.dry_run);
    if !args.dry_run {
        let plans = plans(args.format, &parsed, &default_hours);
        let rows = parsed
            .shops
            .iter()
            .map(|shop| (shop.row, shop.source_id.clone()));
        send(door, rows.zip(plans).collect(), &mut report).await?;
    }
    report.print();
    Ok(())
}

/// Hours for shops whose source has none, from the command line's text.
///
/// # Errors
/// When the text cannot be read.
pub(crate) fn default_hours(text: &str) -> anyhow::Result<Week> {
    Ok(opening_hours::read(text)
        .with_context(|| format!("--hours \"{text}\""))?
        .week)
}

type Row = ((usize, String), ShopPlan);

async fn send(door: &Door, rows: Vec<Row>, report: &mut Report) -> anyhow::Result<()> {
    // One desk of staff may approve some ten shops a second; several share the work.
    let desks = future::try_join_all((0..SHOPS_AT_ONCE).map(|desk| door.ops(desk))).await?;
    let desks = &desks;
    let bar = progress(u64::try_from(rows.len())?, "shops");
    let opened = stream::iter(rows)
        .map(|(row, plan)| async move {
            let desk = &desks[row.0 % desks.len()];
            (row, open(door, desk, &plan).await)
        })
        .buffer_unordered(SHOPS_AT_ONCE);
    let mut opened = std::pin::pin!(opened);
    while let Some((row, outcome)) = opened.next().await {
        bar.inc(1);
        note(report, row, outcome)?;
    }
    bar.finish_and_clear();
    Ok(())
}

/// Takes down the outcome of one shop: what the API refused is a refused row, all else ends the run.
fn note(
    report: &mut Report,
    (row, source_id): (usize, String),
    outcome: anyhow::Result<Opened>,
) -> anyhow::Result<()> {
    let fault = match outcome {
        Ok(opened) => {
            report.opened(opened);
            return Ok(());
        }
        Err(fault) => fault,
    };
    match fault.downcast_ref::<CallError>() {
        Some(CallError::Refused { call, problem }) => {
            let reasons = vec![format!("{call}: {problem}")];
            report.refused(RefusedRow {
                row,
                source_id: Some(source_id),
                reasons,
            });
            Ok(())
        }
        Some(CallError::Unreachable { .. } | CallError::Unexpected(_)) | None => {
            Err(fault.context(format!("row {row} ({source_id})")))
        }
    }
}

/// A bar on standard error, invisible when that is no terminal.
pub(crate) fn progress(length: u64, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} {msg}  {elapsed_precise}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length)
        .with_style(style)
        .with_message(what.to_owned())
}
