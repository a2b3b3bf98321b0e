//! What an import did, and every row that stayed out with its place and reasons.

use super::rows::{Parsed, RefusedRow};
use crate::console;
use crate::demo::open_shop::Opened;

/// The outcome of one file.
pub(super) struct Report {
    file: String,
    rows: usize,
    created: usize,
    completed: usize,
    updated: usize,
    unchanged: usize,
    assumed_hours: usize,
    notes: Vec<(usize, String, String)>,
    refused: Vec<RefusedRow>,
    sent: bool,
}

impl Report {
    pub(super) fn new(file: &str, parsed: &Parsed, sent: bool) -> Self {
        let notes = parsed.shops.iter().flat_map(|shop| {
            shop.notes
                .iter()
                .map(|note| (shop.row, shop.source_id.clone(), note.clone()))
        });
        Self {
            file: file.to_owned(),
            rows: parsed.shops.len() + parsed.refused.len(),
            created: 0,
            completed: 0,
            updated: 0,
            unchanged: 0,
            assumed_hours: parsed
                .shops
                .iter()
                .filter(|shop| shop.hours.is_none())
                .count(),
            notes: notes.collect(),
            refused: parsed.refused.clone(),
            sent,
        }
    }

    pub(super) fn opened(&mut self, opened: Opened) {
        match opened {
            Opened::Created => self.created += 1,
            Opened::Completed => self.completed += 1,
            Opened::Updated => self.updated += 1,
            Opened::Unchanged => self.unchanged += 1,
        }
    }

    pub(super) fn refused(&mut self, row: RefusedRow) {
        self.refused.push(row);
    }

    /// Rows in the order of the file, then the sums.
    pub(super) fn print(mut self) {
        self.refused.sort_by_key(|row| row.row);
        for row in &self.refused {
            let id = row.source_id.as_deref().unwrap_or("without id");
            let reasons = row.reasons.join("; ");
            console::line(format!(
                "{}:{}  {id}  refused: {reasons}",
                self.file, row.row
            ));
        }
        for (row, id, note) in &self.notes {
            console::line(format!("{}:{row}  {id}  note: {note}", self.file));
        }
        if !self.sent {
            console::line(format!(
                "{} rows: {} good, {} refused; nothing was sent",
                self.rows,
                self.rows - self.refused.len(),
                self.refused.len(),
            ));
            return;
        }
        let Self {
            rows,
            created,
            completed,
            updated,
            unchanged,
            ..
        } = self;
        console::line(format!(
            "{rows} rows: {created} shops opened, {completed} completed, {updated} updated, \
             {unchanged} already as they should be, {} refused; \
             {} good rows had no hours and take the assumed ones",
            self.refused.len(),
            self.assumed_hours,
        ));
    }
}
