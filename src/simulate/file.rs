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

/// What to call a day: the last two parts of its folder, such as `rappi/10`.
pub(super) fn name(folder: &Path) -> String {
    let parts: Vec<_> = folder.iter().map(|part| part.to_string_lossy()).collect();
    parts[parts.len().saturating_sub(2)..].join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_called_by_its_folder() {
        assert_eq!(name(Path::new("/data/rappi/10/")), "rappi/10");
        assert_eq!(name(Path::new("10")), "10");
    }
}
