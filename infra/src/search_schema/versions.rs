//! Where the versions of an index lie on a host: a folder for each, and a small file that says which is
//! served. Whoever replaces that file serves another, at once and whole; readers follow it.
//!
//! The writer of the served version also takes one over that somebody else has made: it is asked by a
//! second file, since it alone knows what has happened meanwhile.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const SERVED: &str = "served.json";
const WANTED: &str = "wanted.json";
const LOCK: &str = "rebuild.lock";

/// Which versions there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The one that is searched.
    pub served: u32,
    /// The one that was searched before, for going back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<u32>,
}

impl Versions {
    /// The first, with nothing kept.
    pub const FIRST: Self = Self {
        served: 1,
        kept: None,
    };

    /// The number of the next one to be made.
    pub fn next(self) -> u32 {
        self.served.max(self.kept.unwrap_or(0)) + 1
    }

    /// After `version` is served in the place of what is served now.
    #[must_use]
    pub fn moved_to(self, version: u32) -> Self {
        Self {
            served: version,
            kept: Some(self.served),
        }
    }
}

/// The folder of an index. It need not exist yet.
#[derive(Clone, Debug)]
pub struct IndexFolder {
    root: PathBuf,
}

/// Keeps other rebuilds of an index away while it lives.
#[derive(Debug)]
pub struct RebuildLock {
    _file: File,
}

impl IndexFolder {
    /// The index in `root`.
    pub fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Which versions there are; none when nothing was ever served.
    ///
    /// # Errors
    /// When the file cannot be read or makes no sense.
    pub fn versions(&self) -> io::Result<Option<Versions>> {
        read(&self.root.join(SERVED))
    }

    /// The folder of a version.
    pub fn of(&self, version: u32) -> PathBuf {
        self.root.join(version.to_string())
    }

    /// The folder that is searched; none when nothing was ever served.
    ///
    /// # Errors
    /// As [`IndexFolder::versions`].
    pub fn served(&self) -> io::Result<Option<PathBuf>> {
        let versions = self.versions()?;
        Ok(versions.map(|versions| self.of(versions.served)))
    }

    /// Lets these be served and kept from now on, also after a crash.
    ///
    /// # Errors
    /// When the file cannot be written; then nothing has changed.
    pub fn serve(&self, versions: Versions) -> io::Result<()> {
        self.replace(SERVED, &versions)
    }

    /// Serves a first version, that is still to be made, and puts aside whatever else lies in the folder: it
    /// is of a layout that nobody knows any more.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn make_first(&self) -> io::Result<()> {
        let aside = self.root.with_extension("unusable");
        if aside.exists() {
            fs::remove_dir_all(&aside)?;
        }
        if self.root.exists() {
            fs::rename(&self.root, &aside)?;
        }
        self.serve(Versions::FIRST)?;
        if aside.exists() {
            fs::remove_dir_all(&aside)?;
        }
        Ok(())
    }

    /// The version that is to be taken over, if one is.
    ///
    /// # Errors
    /// When the file cannot be read or makes no sense.
    pub fn wanted(&self) -> io::Result<Option<u32>> {
        read(&self.root.join(WANTED))
    }

    /// Asks the writer to take a version over.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn want(&self, version: u32) -> io::Result<()> {
        self.replace(WANTED, &version)
    }

    /// Takes that back, or says that it was done.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn forget_wanted(&self) -> io::Result<()> {
        match fs::remove_file(self.root.join(WANTED)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The right to rebuild; none while somebody else has it. It ends with the process, however that ends.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn lock(&self) -> io::Result<Option<RebuildLock>> {
        fs::create_dir_all(&self.root)?;
        let file = File::create(self.root.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(RebuildLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Removes what rebuilds that died, and versions long replaced, have left. Whoever reads one of them goes
    /// on with what it has opened.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn clean(&self) -> io::Result<()> {
        let versions = self.versions()?;
        let is_used = |number: u32| {
            versions
                .is_some_and(|versions| versions.served == number || versions.kept == Some(number))
        };
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let number = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if number.is_some_and(|number: u32| !is_used(number)) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    fn replace(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        fs::create_dir_all(&self.root)?;
        let beside = self.root.join(format!("{name}.new"));
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        file.sync_all()?;
        fs::rename(&beside, self.root.join(name))?;
        File::open(&self.root)?.sync_all()
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_is_one_file_and_what_is_left_over_goes() {
        let root = tempfile::tempdir().unwrap();
        let folder = IndexFolder::at(&root.path().join("search"));
        assert_eq!(folder.versions().unwrap(), None);
        folder.serve(Versions::FIRST).unwrap();
        assert_eq!(Versions::FIRST.next(), 2);
        let moved = Versions::FIRST.moved_to(2);
        folder.serve(moved).unwrap();
        assert_eq!(folder.versions().unwrap(), Some(moved));
        assert_eq!(folder.served().unwrap(), Some(folder.of(2)));
        assert_eq!(moved.moved_to(1).next(), 3, "after going back, too");
        for version in [1, 2, 7] {
            fs::create_dir(folder.of(version)).unwrap();
        }
        folder.clean().unwrap();
        assert!(folder.of(1).exists() && folder.of(2).exists() && !folder.of(7).exists());
    }

    #[test]
    fn one_rebuild_at_a_time_and_what_is_wanted_is_told_once() {
        let root = tempfile::tempdir().unwrap();
        let folder = IndexFolder::at(root.path());
        let mine = folder.lock().unwrap();
        assert!(mine.is_some() && folder.lock().unwrap().is_none());
        drop(mine);
        assert!(folder.lock().unwrap().is_some());
        folder.want(2).unwrap();
        assert_eq!(folder.wanted().unwrap(), Some(2));
        folder.forget_wanted().unwrap();
        folder.forget_wanted().unwrap();
        assert_eq!(folder.wanted().unwrap(), None);
        fs::write(root.path().join(SERVED), "no json").unwrap();
        assert!(folder.versions().is_err());
    }
}
