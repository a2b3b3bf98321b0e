//! The client's history: one line of JSON for each unsafe request that was sent, with what came back of
//! it, for `ramen check --history`. The checker says what the members mean; bodies, tokens and names of
//! people are not among them.
//!
//! One thread writes, behind a short queue: a slow disk makes callers wait and takes no memory.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tempfile::NamedTempFile;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Lines that may wait for the disk: half a megabyte, a second of a busy day.
const WAITING_MAX: usize = 1_024;

/// One request and its answer.
#[derive(Debug, Serialize)]
pub(super) struct Line<'line> {
    /// The marketplace's time at which it was sent.
    pub(super) at: DateTime<Utc>,
    /// Its `X-Request-Id`.
    pub(super) request_id: &'line str,
    /// Who sent it.
    pub(super) principal: Option<Uuid>,
    /// HTTP method.
    pub(super) method: &'line str,
    /// The route's template, as the API's document spells it.
    pub(super) route: Option<&'line str>,
    /// What was asked for.
    pub(super) path: &'line str,
    /// Its idempotency key.
    pub(super) key: Option<&'line str>,
    /// Hex, equal for equal requests.
    pub(super) fingerprint: String,
    /// HTTP status; none when no answer came.
    pub(super) status: Option<u16>,
    /// The problem's code, of a refusal.
    pub(super) code: Option<String>,
    /// Whether the answer was given before.
    pub(super) replayed: bool,
    /// Which versions the request wrote.
    pub(super) token: Option<String>,
    /// An order that the answer names.
    pub(super) order_id: Option<String>,
    /// Hex of the SHA-256 of the answer's body.
    pub(super) body_sha256: Option<String>,
}

enum Told {
    Line(Vec<u8>),
    End,
}

/// Hands lines to the file.
#[derive(Clone, Debug)]
pub(super) struct Pen(mpsc::Sender<Told>);

impl Pen {
    /// Takes a line down. A file that can no longer be written says so when it is finished.
    pub(super) async fn write(&self, line: &Line<'_>) {
        let Ok(mut text) = serde_json::to_vec(line) else {
            unreachable!("a line has text keys only");
        };
        text.push(b'\n');
        // Nobody listens once the disk has failed; `finish` gives the reason.
        self.0.send(Told::Line(text)).await.ok();
    }
}

/// A history that is being written, under a name of its own until it is finished.
#[derive(Debug)]
pub(crate) struct History {
    pen: Pen,
    writing: JoinHandle<std::io::Result<()>>,
    file: NamedTempFile,
}

impl History {
    /// Begins a history in `folder`. It is removed again unless it is [kept](Written::keep).
    ///
    /// # Errors
    /// When the folder or the file cannot be made.
    pub(crate) fn begin(folder: &Path) -> anyhow::Result<Self> {
        let place = || format!("no history can be written in {}", folder.display());
        std::fs::create_dir_all(folder).with_context(place)?;
        let file = NamedTempFile::new_in(folder).with_context(place)?;
        let out = file.reopen().with_context(place)?;
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        Ok(Self {
            pen: Pen(sender),
            writing: tokio::task::spawn_blocking(move || write_all(out, receiver)),
            file,
        })
    }

    /// Who writes into it.
    pub(super) fn pen(&self) -> Pen {
        self.pen.clone()
    }

    /// Writes out what was taken down.
    ///
    /// # Errors
    /// When something could not be written.
    pub(crate) async fn finish(self) -> anyhow::Result<Written> {
        self.pen.0.send(Told::End).await.ok();
        self.writing.await?.context("writing the history")?;
        Ok(Written(self.file))
    }
}

/// A history with all its lines, removed again unless it is kept.
#[derive(Debug)]
pub(crate) struct Written(NamedTempFile);

impl Written {
    /// Where it is now.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Keeps it as `path`, in place of what was there.
    ///
    /// # Errors
    /// When `path` is on another file system, or cannot be written.
    pub(crate) fn keep(self, path: &Path) -> anyhow::Result<()> {
        let kept = self.0.persist(path);
        kept.with_context(|| format!("keeping the history as {}", path.display()))?;
        Ok(())
    }
}

fn write_all(file: File, mut lines: mpsc::Receiver<Told>) -> std::io::Result<()> {
    let mut out = BufWriter::new(file);
    while let Some(Told::Line(text)) = lines.blocking_recv() {
        out.write_all(&text)?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(request_id: &str) -> Line<'_> {
        Line {
            at: DateTime::UNIX_EPOCH,
            request_id,
            principal: None,
            method: "POST",
            route: Some("/v1/carts"),
            path: "/v1/carts",
            key: Some("k"),
            fingerprint: "f".to_owned(),
            status: None,
            code: None,
            replayed: false,
            token: None,
            order_id: None,
            body_sha256: None,
        }
    }

    #[tokio::test]
    async fn a_finished_history_holds_every_line_and_replaces_the_last_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("simulated/history.jsonl");
        for count in [3, WAITING_MAX * 2] {
            let history = History::begin(path.parent().unwrap()).unwrap();
            let pen = history.pen();
            for number in 0..count {
                pen.write(&line(&number.to_string())).await;
            }
            history.finish().await.unwrap().keep(&path).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            let ids: Vec<serde_json::Value> = text
                .lines()
                .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
                .map(|line| line["request_id"].clone())
                .collect();
            assert_eq!(ids.len(), count);
            assert_eq!(ids[count - 1], (count - 1).to_string());
        }
    }

    #[tokio::test]
    async fn a_history_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::begin(folder.path()).unwrap();
        history.pen().write(&line("1")).await;
        drop(history);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
