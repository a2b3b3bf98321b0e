//! `ramen import-menu`: a menu from somebody else's file, through the public API.
//!
//! Reading order: `draft` (what a file becomes), `open_delivery` and `table` (the files), then this file (checking,
//! publishing, reporting). Everything but the publishing is pure. A file with a fault is not published at all.

mod draft;
mod open_delivery;
mod table;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use domain::kernel::collect::collect;
use domain::kernel::fault::Faults;
use domain::kernel::money::Currency;
use domain::kernel::text::Language;
use domain::restaurant::menu::{MenuDocument, check_document};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Door, Person};
use crate::console;
use draft::Draft;

/// The condition that there is no menu yet.
const NO_MENU: &str = "\"0\"";

/// Arguments of `import-menu`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ImportMenuArgs {
    /// The file: an Open Delivery merchant (JSON) or a table of dishes (CSV)
    file: PathBuf,
    /// What the file is
    #[arg(long)]
    format: Format,
    /// The shop whose menu it becomes
    #[arg(long)]
    restaurant: Uuid,
    /// What its prices are in
    #[arg(long, value_parser = currency)]
    currency: Currency,
    /// The language of its names
    #[arg(long, default_value = "en", value_parser = language)]
    language: Language,
    /// Where the API is
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    base: String,
    /// Only read and report; send nothing
    #[arg(long)]
    dry_run: bool,
}

/// The files that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The merchant document of Open Delivery
    Opendelivery,
    /// A table with `item, category, description, price`
    Csv,
}

fn currency(code: &str) -> Result<Currency, String> {
    Currency::parse(code).map_err(|error| error.to_string())
}

fn language(tag: &str) -> Result<Language, String> {
    Language::parse(tag).map_err(|error| error.to_string())
}

impl ImportMenuArgs {
    /// Where the API is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Whether there is nothing to send.
    pub(crate) fn is_dry(&self) -> bool {
        self.dry_run
    }
}

/// A file that is a menu, ready to be sent.
pub(crate) struct Imported {
    restaurant: Uuid,
    document: Value,
    off: Vec<String>,
}

/// Reads the file and says what became of it.
///
/// # Errors
/// When it cannot be read or anything in it cannot be mapped; every such place is printed.
pub(crate) fn read(args: &ImportMenuArgs) -> anyhow::Result<Imported> {
    let name = args.file.display().to_string();
    let text =
        std::fs::read_to_string(&args.file).with_context(|| format!("cannot open {name}"))?;
    let language = args.language.as_str();
    let draft = match args.format {
        Format::Opendelivery => open_delivery::parse(&text, args.currency, language),
        Format::Csv => table::parse(&text, args.currency, language),
    };
    let draft = draft.with_context(|| format!("cannot read {name}"))?;
    let document = draft.document(args.currency, language);
    let faults = against(&draft, &document);
    for note in &draft.notes {
        console::line(format!("{name}  note: {note}"));
    }
    for fault in &faults.0 {
        console::line(format!(
            "{name}{}  refused: {} ({})",
            fault.pointer, fault.detail, fault.code
        ));
    }
    if !faults.is_empty() {
        bail!(
            "{} places of {name} cannot be mapped; nothing was sent",
            faults.0.len()
        );
    }
    let count = |list: &[Value]| list.len();
    let items: usize = draft
        .sections
        .iter()
        .filter_map(|section| section["items"].as_array())
        .map(Vec::len)
        .sum();
    console::line(format!(
        "{} sections, {items} items, {} option groups",
        count(&draft.sections),
        count(&draft.option_groups)
    ));
    Ok(Imported {
        restaurant: args.restaurant,
        document,
        off: draft.off,
    })
}

/// What stands against a draft: its own faults, else those of the menu that it makes.
fn against(draft: &Draft, document: &Value) -> Faults {
    if !draft.faults.is_empty() {
        return draft.faults.clone();
    }
    let checked = collect::<MenuDocument>(document).and_then(|menu| check_document(&menu));
    checked.err().unwrap_or_default()
}

/// Publishes the menu in place of the one that is there, and takes off what the file says is not to be had.
///
/// # Errors
/// The first refusal of the API.
pub(crate) async fn publish(imported: &Imported, door: &Door) -> anyhow::Result<()> {
    let Imported {
        restaurant,
        document,
        off,
    } = imported;
    let owner = door.open(&Person::owner_of(*restaurant)).await?;
    let path = format!("/v1/restaurants/{restaurant}/menu");
    let known = match owner.get("menu: read", &path).await {
        Ok(found) => found.version,
        Err(fault) if fault.status() == Some(404) => Some(NO_MENU.to_owned()),
        Err(fault) => return Err(fault.into()),
    };
    owner
        .put("menu: publish", &path, document, known.as_deref())
        .await?;
    for part in off {
        let body = json!({ "available": false });
        owner
            .patch("menu: off", &format!("{path}/{part}"), &body)
            .await?;
    }
    console::line(format!("published; {} switched off", off.len()));
    Ok(())
}
