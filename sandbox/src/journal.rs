//! The vendor's memory across restarts: a file of JSON lines, the last one of an object counts.
//!
//! Lines are written by one task, so that no caller waits for the disk. A line that was cut off by
//! a crash is the last one and is ignored.

use std::path::Path;

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
    file: tokio::fs::File,
    lines: mpsc::UnboundedReceiver<Vec<u8>>,
}

impl Writer {
    /// Writes until every `Journal` is gone.
    pub(crate) async fn run(mut self) -> std::io::Result<()> {
        let mut batch = Vec::new();
        while let Some(line) = self.lines.recv().await {
            batch.extend_from_slice(&line);
            while let Ok(line) = self.lines.try_recv() {
                batch.extend_from_slice(&line);
            }
            self.file.write_all(&batch).await?;
            self.file.flush().await?;
            batch.clear();
        }
        Ok(())
    }
}

/// What the file holds, and both halves of its continuation.
///
/// # Errors
/// When the file can be neither read nor created, or a line before the last is no JSON.
pub(crate) async fn open(
    path: &Path,
) -> anyhow::Result<(Vec<Line<serde_json::Value>>, Journal, Writer)> {
    let text = match tokio::fs::read_to_string(path).await {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let lines = text[..whole]
        .lines()
        .enumerate()
        .map(|(at, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("line {} of {}", at + 1, path.display()))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let file = tokio::fs::OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .open(path)
        .await
        .with_context(|| format!("opening {}", path.display()))?;
    let file = positioned(file, u64::try_from(whole)?).await?;
    let (sender, receiver) = mpsc::unbounded_channel();
    Ok((
        lines,
        Journal(Some(sender)),
        Writer {
            file,
            lines: receiver,
        },
    ))
}

/// The file cut off after its last whole line, with the next write there.
async fn positioned(mut file: tokio::fs::File, end: u64) -> anyhow::Result<tokio::fs::File> {
    use tokio::io::AsyncSeekExt;
    file.set_len(end).await?;
    file.seek(std::io::SeekFrom::Start(end)).await?;
    Ok(file)
}
