//! CSV records by column name, tolerant of what real files contain: a byte order mark, ragged rows,
//! bytes that are no UTF-8.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::Context as _;

/// One record; fields are found by their column's name.
pub(crate) struct Record<'file> {
    places: &'file BTreeMap<&'static str, usize>,
    fields: Vec<String>,
}

impl Record<'_> {
    /// The trimmed text of a column; empty when the row is too short or the column unknown.
    pub(crate) fn field(&self, column: &str) -> &str {
        let place = self.places.get(column);
        place
            .and_then(|place| self.fields.get(*place))
            .map_or("", |text| text.trim())
    }
}

/// Calls `each` with the 1-based number of every record after the header.
///
/// Bytes that are no UTF-8 become the replacement character, which later checks see as text.
///
/// # Errors
/// When the file cannot be read or its header lacks one of `columns`.
pub(crate) fn for_each_record(
    file: impl Read,
    columns: &[&'static str],
    mut each: impl FnMut(usize, &Record<'_>),
) -> anyhow::Result<()> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let places = places(
        reader.byte_headers().context("the header cannot be read")?,
        columns,
    )?;
    for (index, record) in reader.byte_records().enumerate() {
        let row = index + 1;
        let record = record.with_context(|| format!("row {row} cannot be read"))?;
        let fields = record.iter().map(text).collect();
        each(
            row,
            &Record {
                places: &places,
                fields,
            },
        );
    }
    Ok(())
}

fn places(
    header: &csv::ByteRecord,
    columns: &[&'static str],
) -> anyhow::Result<BTreeMap<&'static str, usize>> {
    let names: Vec<String> = header.iter().map(text).collect();
    let place = |column: &str| names.iter().position(|name| bare(name) == column);
    let found: BTreeMap<&'static str, usize> = columns
        .iter()
        .filter_map(|column| Some((*column, place(column)?)))
        .collect();
    let missing: Vec<&str> = columns
        .iter()
        .filter(|column| !found.contains_key(*column))
        .copied()
        .collect();
    anyhow::ensure!(
        missing.is_empty(),
        "the header lacks {}",
        missing.join(", ")
    );
    Ok(found)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A header's name without the byte order mark that some programs write first.
fn bare(name: &str) -> &str {
    name.trim_start_matches('\u{feff}').trim()
}
