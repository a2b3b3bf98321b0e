//! `ramen rebuild index`: the index of this host made anew beside the one that is served, compared with the
//! views by the checker, and taken over by the projector that runs here; and the way back.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use infra::config::Config;
use projector::rebuild::{Compared, Progress, ask_for_index};
use projector::{IndexJudge, IndexRebuild, IndexRebuildParts};

use super::{Teller, agree, parts};
use crate::{check, console, door};

/// How it is called among the names of views.
pub(super) const NAME: &str = "index";

/// Rebuilds, or goes back, and says what is served then. A host without an index asks those that have one.
///
/// # Errors
/// When nothing was swapped: the reason.
pub(super) async fn run(config: &Config, back: bool, yes: bool) -> anyhow::Result<()> {
    let (parts, fold) = parts(config)?;
    let Some(directory) = directory(config) else {
        anyhow::ensure!(!back, "no index is served on this host");
        let revision = ask_for_index(&parts.pool).await?;
        console::line(format!(
            "no index here: every other host builds its own anew, as revision {revision}"
        ));
        return Ok(());
    };
    let what = if back {
        "go back to the kept version of"
    } else {
        "rebuild"
    };
    agree(yes, &format!("{what} the index in {}", directory.display()))?;
    let rebuild = IndexRebuild::begin(IndexRebuildParts {
        directory,
        pool: parts.pool,
        log: parts.log,
        clock: parts.clock,
    })?;
    if back {
        let versions = rebuild.roll_back().await?;
        console::line(format!(
            "index            version {} is served, nothing was compared",
            versions.served
        ));
        return Ok(());
    }
    let mut judge = CheckersEyes { views: fold.views };
    let mut teller = Teller::of("shops");
    let mut tell = |progress: &Progress| teller.tell(progress);
    let swapped = rebuild.run(&mut judge, &mut tell).await?;
    let kept = swapped.versions.kept.unwrap_or_default();
    console::line(format!(
        "index            version {} is served, version {kept} is kept",
        swapped.versions.served
    ));
    console::line(format!(
        "{} documents, {} of both versions differ; {} things compared with the views, none differs",
        swapped.documents, swapped.changed, swapped.compared
    ));
    Ok(())
}

/// The index of this host: of the marketplace that runs here, or in the data folder.
fn directory(config: &Config) -> Option<PathBuf> {
    let running = door::running(config).map(|running| running.index);
    let usual = config.data_dir.join("search");
    running.or_else(|| usual.exists().then_some(usual))
}

/// The checker, which reads index and views by itself.
struct CheckersEyes {
    views: String,
}

#[async_trait]
impl IndexJudge for CheckersEyes {
    async fn compare(
        &mut self,
        folder: &Path,
    ) -> Result<Compared, Box<dyn std::error::Error + Send + Sync>> {
        let found = check::index_shows(folder, &self.views).await?;
        Ok(Compared {
            rows: found.rows,
            differing: found.differing,
            examples: found.examples,
        })
    }
}
