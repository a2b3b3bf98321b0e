//! Opens the files of a day.

use std::fs::File;
use std::path::Path;

use anyhow::Context as _;

/// Opens a file of a folder.
///
/// # Errors
/// When it cannot be opened, with its path.
pub(super) fn open(folder: &Path, name: &str) -> anyhow::Result<File> {
    let path = folder.join(name);
    File::open(&path).with_context(|| format!("cannot open {}", path.display()))
}
