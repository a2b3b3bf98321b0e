//! The vendor's memory across restarts: a file of JSON lines, the last one of an object counts.
//!
//! Lines are written by one task, so that no caller waits for the disk. Each start writes the file
//! anew with what is still known, and replaces the old one only when that is complete. A line that
//! a crash cut off is the last one and is ignored.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

/// One stored fact.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line<T> {
    pub(crate) kind: String,
    pub(crate) value: T,
}

/// The writing end; does nothing when there is no file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal(Option<mpsc::UnboundedSender<Vec<u8>>>);

impl Journal {
    /// Notes `value`; a value that is no JSON cannot occur, since all of them are ours.
    pub(crate) fn note(&self, kind: &str, value: &impl Serialize) {
        let Some(lines) = &self.0 else { return };
        let line = Line {
            kind: kind.to_owned(),
            value,
        };
        let Ok(mut text) = serde_json::to_vec(&line) else {
            return;
        };
        text.push(b'\n');
        if lines.send(text).is_err() {
            tracing::error!(line.kind = kind, "journal is closed, a line is not kept");
        }
    }
}

/// The writing task's half.
#[derive(Debug)]
pub(crate) struct Writer {
    path: PathBuf,
    lines: mpsc::UnboundedReceiver<Vec<u8>>,
}

/// Both halves of a journal that will be kept at `path`.
pub(crate) fn at(path: &Path) -> (Journal, Writer) {
    let (sender, lines) = mpsc::unbounded_channel();
    (
        Journal(Some(sender)),
        Writer {
            path: path.to_owned(),
            lines,
        },
    )
}

impl Writer {
    /// Writes until every `Journal` is gone. What was noted before is the file's new beginning.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let fresh = self.path.with_extension("new");
        let place = || format!("writing {}", fresh.display());
        let mut file = tokio::fs::File::create(&fresh).await.with_context(place)?;
        let batch = self.waiting(Vec::new());
        file.write_all(&batch).await.with_context(place)?;
        file.sync_all().await.with_context(place)?;
        tokio::fs::rename(&fresh, &self.path)
            .await
            .with_context(|| format!("replacing {}", self.path.display()))?;
        while let Some(line) = self.lines.recv().await {
            let batch = self.waiting(line);
            file.write_all(&batch).await.with_context(place)?;
            file.flush().await.with_context(place)?;
        }
        Ok(())
    }

    /// `first` and every line that waits behind it.
    fn waiting(&mut self, first: Vec<u8>) -> Vec<u8> {
        let mut batch = first;
        while let Ok(line) = self.lines.try_recv() {
            batch.extend_from_slice(&line);
        }
        batch
    }
}

/// What the file at `path` holds; nothing when there is none.
///
/// # Errors
/// When the file cannot be read, or a whole line is no JSON.
pub(crate) async fn read(path: &Path) -> anyhow::Result<Vec<Line<serde_json::Value>>> {
    let text = match tokio::fs::read_to_string(path).await {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let lines = text[..whole].lines().enumerate();
    lines
        .map(|(at, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("line {} of {}", at + 1, path.display()))
        })
        .collect()
}
