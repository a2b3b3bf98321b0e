//! Where a service keeps its data, and the user that it runs as.
//!
//! Postgres refuses to run as root, so root starts it as an unprivileged user. A checkout under
//! `/root` cannot be reached by that user; the data then lies under `/var/lib/ramen`, and a link
//! in the checkout's `.ramen` says where.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use rustix::process::geteuid;

const SYSTEM_USER: &str = "ramen";
const OUTSIDE: &str = "/var/lib/ramen";

/// A user and group that a program is started as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct User {
    uid: u32,
    gid: u32,
}

/// A folder for one service's data, and who owns and runs it.
#[derive(Debug)]
pub(super) struct Place {
    /// The folder, without links, reachable by `user`.
    pub(super) path: PathBuf,
    /// Whom to run as; none means ourselves.
    pub(super) user: Option<User>,
    link: Option<PathBuf>,
}

impl Place {
    /// Makes ready `dir/name`, or a folder that it links to.
    ///
    /// # Errors
    /// When a folder cannot be made, or as root when no other user can be had.
    pub(super) fn prepare(dir: &Path, name: &str) -> anyhow::Result<Self> {
        let wanted = absolute(dir)?.join(name);
        if !geteuid().is_root() {
            return Self::settle(wanted, None, None);
        }
        let owner = fs::metadata(&wanted).ok().map(|found| User::from(&found));
        let user = match owner {
            Some(user) if user.uid != 0 => user,
            _ => unprivileged()?,
        };
        if wanted.is_symlink() || !reachable(&wanted) {
            let path = outside(&wanted);
            if !wanted.is_symlink() {
                make_folder(Path::new(OUTSIDE), 0o755)?;
                make_folder(path.parent().unwrap_or(&path), 0o755)?;
                make_folder(&path, 0o700)?;
                symlink(&path, &wanted).with_context(|| format!("no link {}", wanted.display()))?;
            }
            let path = fs::canonicalize(&wanted)
                .with_context(|| format!("{} leads nowhere", wanted.display()))?;
            return Self::settle(path, Some(user), Some(wanted));
        }
        Self::settle(wanted, Some(user), None)
    }

    fn settle(path: PathBuf, user: Option<User>, link: Option<PathBuf>) -> anyhow::Result<Self> {
        make_folder(&path, 0o700)?;
        if let Some(user) = user {
            give(&path, user)?;
        }
        Ok(Self { path, user, link })
    }

    /// Lets `command` run as the user of this place.
    pub(super) fn run_as_user<'a>(
        &self,
        command: &'a mut tokio::process::Command,
    ) -> &'a mut tokio::process::Command {
        match self.user {
            Some(user) => command.uid(user.uid).gid(user.gid),
            None => command,
        }
    }

    /// Writes a file that only the user of this place can read.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write_secret(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.path.join(name);
        fs::write(&path, "")
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o600)))
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("cannot write {}", path.display()))?;
        if let Some(user) = self.user {
            give(&path, user)?;
        }
        Ok(path)
    }

    /// Removes the data and the link to it.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub(super) fn remove(&self) -> anyhow::Result<()> {
        if let Some(link) = &self.link {
            fs::remove_file(link).with_context(|| format!("cannot remove {}", link.display()))?;
        }
        fs::remove_dir_all(&self.path)
            .with_context(|| format!("cannot remove {}", self.path.display()))
    }

    /// Whether the data lies outside the folder that was asked for.
    pub(super) fn is_outside(&self) -> bool {
        self.link.is_some()
    }
}

impl From<&fs::Metadata> for User {
    fn from(metadata: &fs::Metadata) -> Self {
        Self {
            uid: metadata.uid(),
            gid: metadata.gid(),
        }
    }
}

/// Makes `dir` if need be and gives its path without links.
///
/// # Errors
/// When it cannot be made or read.
pub(super) fn absolute(dir: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    fs::canonicalize(dir).with_context(|| format!("cannot read {}", dir.display()))
}

/// Whether everybody may pass through all folders above `path`.
fn reachable(path: &Path) -> bool {
    path.ancestors()
        .skip(1)
        .all(|folder| fs::metadata(folder).is_ok_and(|found| found.mode() & 0o001 != 0))
}

/// The folder that stands for `path` outside: `/root/a/.ramen/x` → `/var/lib/ramen/root-a-.ramen/x`.
fn outside(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(path).to_string_lossy();
    let name = path.file_name().unwrap_or_default();
    Path::new(OUTSIDE)
        .join(folder.trim_start_matches('/').replace('/', "-"))
        .join(name)
}

fn unprivileged() -> anyhow::Result<User> {
    if let Some(user) = look_up(SYSTEM_USER) {
        return Ok(user);
    }
    let added = Command::new("useradd")
        .args(["--system", "--no-create-home", "--home-dir", "/nonexistent"])
        .args(["--shell", "/usr/sbin/nologin", SYSTEM_USER])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if added.is_ok_and(|status| status.success())
        && let Some(user) = look_up(SYSTEM_USER)
    {
        return Ok(user);
    }
    match look_up("postgres").or_else(|| look_up("nobody")) {
        Some(user) => Ok(user),
        None => bail!("Postgres does not run as root, and no other user can be made (useradd)"),
    }
}

fn look_up(name: &str) -> Option<User> {
    Some(User {
        uid: id_of(name, "-u")?,
        gid: id_of(name, "-g")?,
    })
}

fn id_of(name: &str, which: &str) -> Option<u32> {
    let output = Command::new("id")
        .args([which, name])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn make_folder(path: &Path, mode: u32) -> anyhow::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir(path)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)))
        .with_context(|| format!("cannot create {}", path.display()))
}

fn give(path: &Path, user: User) -> anyhow::Result<()> {
    chown(path, Some(user.uid), Some(user.gid))
        .with_context(|| format!("cannot give {} to user {}", path.display(), user.uid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_below_a_closed_one_is_not_reachable() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        assert!(!reachable(&folder.path().join("data")));
    }

    #[test]
    fn the_outside_folder_is_named_after_the_checkout() {
        assert_eq!(
            outside(Path::new("/root/ramen/.ramen/postgres")),
            Path::new("/var/lib/ramen/root-ramen-.ramen/postgres"),
        );
    }
}
