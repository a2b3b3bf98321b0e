//! What a marketplace that `up` or `all` started leaves for the tools beside it: where it is. Read by
//! `demo`, `import`, `token` and `check` when the environment names no database.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where a running marketplace is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) database_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kafka_brokers: Option<String>,
    pub(crate) base: String,
    pub(crate) vendor: String,
    pub(crate) index: PathBuf,
    #[serde(default)]
    pub(crate) verifiers: Vec<String>,
    pub(crate) started_at: DateTime<Utc>,
}

fn file(dir: &Path) -> PathBuf {
    dir.join("running.json")
}

impl Running {
    /// Writes it where [`Running::find`] looks. Only its owner may read it: it holds a password.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn announce(&self, dir: &Path) -> anyhow::Result<()> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = file(dir);
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(&serde_json::to_vec_pretty(self)?));
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// The marketplace that runs in `dir`, if one does.
    pub(crate) fn find(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(file(dir)).ok()?).ok()
    }

    /// Takes the announcement back.
    pub(crate) fn gone(dir: &Path) {
        if let Err(error) = std::fs::remove_file(file(dir)) {
            tracing::debug!(%error, "nothing to take back");
        }
    }
}
