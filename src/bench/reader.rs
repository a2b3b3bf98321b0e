//! The query API in a process of its own, over a marketplace that was filled and has stopped: nothing
//! else is at work, and what it costs is told apart from whoever asks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::marketplace::Marketplace;
use super::scenarios::Stage;
use super::server::{Database, Server};
use crate::rig::{Member, Part, Tool};

/// How long a start may take.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How often it is looked whether a tool has said where it listens.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// Requests of one caller a minute: all come from one address.
const RATE_QUOTA: &str = "100000000";

/// Shops in views and index, and nobody at work.
pub(super) struct Filled {
    database: Database,
    folder: PathBuf,
    /// Their ids.
    pub(super) shops: Vec<String>,
}

impl Filled {
    /// Opens the shops of a marketplace, waits until views and index have them, and stops it.
    ///
    /// # Errors
    /// When it does not start, fill or stop.
    pub(super) async fn open(stage: &Stage<'_>, name: &str) -> anyhow::Result<Self> {
        let database = stage.server.migrated(name).await?;
        let folder = stage.server.folder().join(name);
        let marketplace = Marketplace::open(stage.server, database.clone(), &folder).await?;
        let shops = marketplace.shops();
        marketplace.stop().await?;
        Ok(Self {
            database,
            folder,
            shops,
        })
    }

    /// The query API over it, not yet started.
    ///
    /// # Errors
    /// When no port is free.
    pub(super) fn reader(&self) -> anyhow::Result<Member> {
        let mut reader = Member::new(Part::QueryApi, 0, &self.folder)?;
        reader.set("DATABASE_URL", &self.database.url);
        reader.set("RAMEN_DIR", &self.folder.display().to_string());
        reader.set("RAMEN_RATE_QUOTA", RATE_QUOTA);
        Ok(reader)
    }

    /// The same, started and ready.
    ///
    /// # Errors
    /// When it is not ready in time.
    pub(super) async fn serving(&self) -> anyhow::Result<Member> {
        let mut reader = self.reader()?;
        reader.start()?;
        reader.ready(READY_WITHIN).await?;
        Ok(reader)
    }

    /// A folder for files of an arm.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives the database up.
    ///
    /// # Errors
    /// When the server does not.
    pub(super) async fn close(self, server: &Server) -> anyhow::Result<()> {
        server.drop(&self.database).await
    }
}

/// Starts the least that answers over HTTP, with the answers in `folder`. It and where it listens.
///
/// # Errors
/// When it does not start.
pub(super) async fn responder(beside: &Member, folder: &Path) -> anyhow::Result<(Tool, String)> {
    let folder = folder.to_str().context("a folder whose name is no text")?;
    let mut tool = beside.tool(&["bench-responder", folder], None)?;
    loop {
        if let Some(line) = tool.said().lines().find(|line| line.starts_with("http://")) {
            return Ok((tool, line.to_owned()));
        }
        let ended = tool.ended()?;
        anyhow::ensure!(ended.is_none(), "the responder ended: {}", tool.said());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
