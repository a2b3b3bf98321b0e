//! One program that we started: its log file, its end, and what an earlier run left behind.
//!
//! Every child has a process group of its own, so that Ctrl-C in the terminal reaches only us and
//! the services stop before the database they write to.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::process::{Child, Command};

/// How often a condition outside (a port, a log line, another process) is looked at.
pub(super) const POLL: Duration = Duration::from_millis(20);

/// A child that runs until [`Running::stop`]. Dropped before that, it is killed.
#[derive(Debug)]
pub(super) struct Running {
    name: &'static str,
    log: PathBuf,
    child: Child,
}

impl Running {
    /// Starts `command` with its output going to the end of the file `log`.
    ///
    /// # Errors
    /// When the log cannot be opened or the program cannot be started.
    pub(super) fn start(
        name: &'static str,
        command: &mut Command,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let out = open_log(log)?;
        let err = out.try_clone().context("cannot share the log file")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .current_dir("/")
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            name,
            log: log.to_owned(),
            child,
        })
    }

    /// The process id while it runs.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Fails when the child has ended by itself, naming its log.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait().context("cannot look after a child")? {
            Some(status) => Err(self.ended(status)),
            None => Ok(()),
        }
    }

    /// Waits for an end that nobody asked for, and says how it came.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        match self.child.wait().await {
            Ok(status) => self.ended(status),
            Err(error) => anyhow::Error::new(error).context("cannot look after a child"),
        }
    }

    /// Asks the child to end with `signal`, and kills it when it has not after `patience`.
    ///
    /// # Errors
    /// When it had to be killed.
    pub(super) async fn stop(mut self, signal: Signal, patience: Duration) -> anyhow::Result<()> {
        if let Some(pid) = self.id().and_then(as_pid) {
            // It may have ended in this moment; the wait below sees that.
            kill_process(pid, signal).ok();
        }
        match tokio::time::timeout(patience, self.child.wait()).await {
            Ok(status) => {
                status.with_context(|| format!("cannot wait for {}", self.name))?;
                Ok(())
            }
            Err(_elapsed) => {
                self.child
                    .kill()
                    .await
                    .with_context(|| format!("cannot kill {}", self.name))?;
                bail!(
                    "{} did not stop within {} s and was killed",
                    self.name,
                    patience.as_secs()
                )
            }
        }
    }

    fn ended(&self, status: ExitStatus) -> anyhow::Error {
        anyhow::anyhow!(
            "{} ended ({status}); its log is {}",
            self.name,
            self.log.display()
        )
    }
}

/// Runs a program to its end, with its output going to the file `log`.
///
/// # Errors
/// When it cannot be started or fails; the message names the log.
pub(super) async fn run(name: &str, command: &mut Command, log: &Path) -> anyhow::Result<()> {
    let out = open_log(log)?;
    let err = out.try_clone().context("cannot share the log file")?;
    let status = command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .current_dir("/")
        .process_group(0)
        .kill_on_drop(true)
        .status()
        .await
        .with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        bail!("{name} failed ({status}); see {}", log.display());
    }
    Ok(())
}

/// Ends a child of an earlier run that was killed and could not clean up.
///
/// Only a living process whose command line holds `marker` (a path of ours) is touched, since the
/// number may have gone to somebody else. Systems without `/proc` are left alone.
///
/// # Errors
/// When the process does not end within `patience`.
pub(super) async fn end_leftover(
    pid_file: &Path,
    marker: &Path,
    signal: Signal,
    patience: Duration,
) -> anyhow::Result<()> {
    let Some(pid) = living(pid_file, marker) else {
        return Ok(());
    };
    kill_process(pid, signal).ok();
    let gone = async {
        while test_kill_process(pid).is_ok() {
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(patience, gone).await.with_context(|| {
        format!(
            "process {} of an earlier run does not stop",
            pid.as_raw_nonzero()
        )
    })
}

fn living(pid_file: &Path, marker: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(pid_file).ok()?;
    let pid: u32 = text.lines().next()?.trim().parse().ok()?;
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let marker = marker.to_str()?.as_bytes();
    line.windows(marker.len())
        .any(|part| part == marker)
        .then_some(())?;
    as_pid(pid)
}

fn as_pid(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}

fn open_log(path: &Path) -> anyhow::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_that_names_a_stranger_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        std::fs::write(&file, format!("{}\n", std::process::id())).unwrap();
        assert!(living(&file, Path::new("/nowhere/of/ours")).is_none());
    }

    #[tokio::test]
    async fn a_child_that_ends_by_itself_is_noticed_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log/true.log");
        let mut child = Running::start("true", &mut Command::new("true"), &log).unwrap();
        let message = child.died().await.to_string();
        assert!(message.contains("true.log"), "{message}");
    }

    #[tokio::test]
    async fn a_child_is_stopped_by_its_signal() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("sleep.log");
        let child = Running::start("sleep", Command::new("sleep").arg("600"), &log).unwrap();
        child
            .stop(Signal::TERM, Duration::from_mins(1))
            .await
            .unwrap();
    }
}
