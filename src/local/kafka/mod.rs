//! A private Apache Kafka: one node (KRaft), started from Maven's jars with the machine's Java.
//!
//! It runs as the user who started us, listens on loopback alone.

mod config;
mod jars;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::Signal;
use tokio::process::Command;

pub(crate) use self::config::Proxied;
use self::jars::Runtime;
use super::child::{self, POLL, Running};
use super::{Purpose, place, port};

/// The ports that kept data is served on when nobody else has them.
const USUAL_PORT: u16 = 29_092;
const USUAL_CONTROLLER_PORT: u16 = 29_093;
const READY_WITHIN: Duration = Duration::from_mins(2);
/// Includes writing the start-up archive at the end of the first run.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// The broker writes this line once it takes requests.
const READY_LINE: &str = "Kafka Server started";
const LOGGING: &str = include_str!("log4j2.properties");

/// A running private broker.
#[derive(Debug)]
pub(super) struct Kafka {
    process: Running,
    folder: PathBuf,
    archive: Option<Archive>,
    purpose: Purpose,
    /// `127.0.0.1:port`.
    pub(super) brokers: String,
}

/// What came of asking for a broker.
#[derive(Debug)]
pub(super) enum Broker {
    /// It runs.
    Running(Box<Kafka>),
    /// It cannot be had on this machine, for the reason given in one line.
    Unavailable(String),
}

/// Java's archive of loaded classes, which halves the start; the first run writes it.
#[derive(Debug)]
struct Archive {
    part: PathBuf,
    whole: PathBuf,
}

impl Kafka {
    /// Formats the storage when it is new, starts the broker and waits until it takes requests.
    ///
    /// # Errors
    /// When the broker could be had but does not come up.
    pub(super) async fn start(
        dir: &Path,
        cache: &Path,
        purpose: Purpose,
        proxied: Option<Proxied>,
    ) -> anyhow::Result<Broker> {
        let dir = place::absolute(dir)?;
        let cache = place::absolute(cache)?;
        let runtime = match Runtime::find(&cache, &dir.join("log/maven.log")).await {
            Ok(runtime) => runtime,
            Err(reason) => return Ok(Broker::Unavailable(reason)),
        };
        let folder = place::absolute(&dir.join("kafka"))?;
        let properties = folder.join("server.properties");
        child::end_leftover(&folder.join("pid"), &properties, Signal::TERM, STOP_WITHIN).await?;
        let broker_port = port::choose(USUAL_PORT, purpose)?;
        let controller_port = port::choose(USUAL_CONTROLLER_PORT, purpose)?;
        let data = folder.join("data");
        write(
            &properties,
            &config::server_properties(&data, broker_port, controller_port, proxied),
        )?;
        write(&folder.join("log4j2.properties"), LOGGING)?;
        let log = dir.join("log/kafka.log");
        let output = dir.join("log/kafka-output.log");
        if !data.join("meta.properties").exists() {
            format_storage(
                &runtime,
                &folder,
                &dir.join("log/kafka-format.log"),
                &output,
            )
            .await?;
        }
        let archive = Archive::of(&runtime);
        let mut command = java(&runtime, &folder, &log, purpose);
        if let Some(archive) = &archive {
            command.arg(format!(
                "-XX:ArchiveClassesAtExit={}",
                archive.part.display()
            ));
        }
        command.arg("kafka.Kafka").arg(&properties);
        start_log_afresh(&log)?;
        let mut process = Running::start("kafka", &mut command, &output)?;
        write(
            &folder.join("pid"),
            &process.id().unwrap_or_default().to_string(),
        )?;
        ready(&mut process, &log).await?;
        let brokers = format!("127.0.0.1:{broker_port}");
        Ok(Broker::Running(Box::new(Self {
            process,
            folder,
            archive,
            purpose,
            brokers,
        })))
    }

    /// The broker's process id.
    pub(super) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Waits for an end that nobody asked for.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        self.process.died().await
    }

    /// Stops the broker; throwaway data is removed.
    ///
    /// # Errors
    /// When it had to be killed, or data cannot be removed.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        let stopped = self.process.stop(Signal::TERM, STOP_WITHIN).await;
        if let (Ok(()), Some(archive)) = (&stopped, &self.archive) {
            archive.keep();
        }
        if !self.purpose.keeps() {
            std::fs::remove_dir_all(&self.folder).context("cannot remove the broker's data")?;
        }
        stopped
    }
}

impl Archive {
    /// The archive still to be written, or none when it is there.
    fn of(runtime: &Runtime) -> Option<Self> {
        let whole = archive_path(runtime);
        if whole.exists() {
            return None;
        }
        let part = runtime
            .folder
            .join(format!("classes.part-{}", std::process::id()));
        Some(Self { part, whole })
    }

    /// Without the archive everything works, only slower; so a failure here is not one.
    fn keep(&self) {
        std::fs::rename(&self.part, &self.whole).ok();
    }
}

fn archive_path(runtime: &Runtime) -> PathBuf {
    runtime.folder.join("classes.jsa")
}

/// Java with the flags, classes and logging of the broker; the main class is left to the caller.
fn java(runtime: &Runtime, folder: &Path, log: &Path, purpose: Purpose) -> Command {
    let mut command = Command::new(&runtime.java);
    command.args(["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Xshare:auto"]);
    if purpose == Purpose::Throwaway {
        // Tests start often and send little: code that is compiled once, lightly, is quicker.
        command.arg("-XX:TieredStopAtLevel=1");
    }
    let archive = archive_path(runtime);
    if archive.exists() {
        command.arg(format!("-XX:SharedArchiveFile={}", archive.display()));
    }
    command
        .arg(format!("-Dramen.log={}", log.display()))
        .arg(format!(
            "-Dlog4j2.configurationFile={}",
            folder.join("log4j2.properties").display()
        ))
        .arg("-cp")
        .arg(format!("{}/lib/*", runtime.folder.display()));
    command
}

/// Writes the cluster's id into new storage.
async fn format_storage(
    runtime: &Runtime,
    folder: &Path,
    log: &Path,
    output: &Path,
) -> anyhow::Result<()> {
    let mut command = java(runtime, folder, log, Purpose::Throwaway);
    command.args([
        "kafka.tools.StorageTool",
        "format",
        "--ignore-formatted",
        "--cluster-id",
    ]);
    command
        .arg(cluster_id())
        .arg("--config")
        .arg(folder.join("server.properties"));
    child::run("formatting of Kafka's storage", &mut command, output).await
}

/// Sixteen random bytes as Kafka writes them: base64 for URLs, 22 characters without padding.
///
/// The first character is never `-`, which the tool would read as the name of an option.
fn cluster_id() -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let number = rand::random::<u128>() >> 1;
    // 16 bytes are 128 bits: 21 letters of 6 bits, and the last 2 bits padded to a letter.
    let mut id: String = (0..21u32)
        .map(|index| {
            let six = (number >> (122 - 6 * index)) & 0x3f;
            char::from(LETTERS[usize::try_from(six).unwrap_or(0)])
        })
        .collect();
    let last = (number & 0x03) << 4;
    id.push(char::from(LETTERS[usize::try_from(last).unwrap_or(0)]));
    id
}

/// The line that says *ready* must be of this run.
fn start_log_afresh(log: &Path) -> anyhow::Result<()> {
    if log.exists() {
        std::fs::rename(log, log.with_extension("log.1")).context("cannot turn over the log")?;
    }
    Ok(())
}

async fn ready(process: &mut Running, log: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        process.check()?;
        let text = std::fs::read(log).unwrap_or_default();
        if String::from_utf8_lossy(&text).contains(READY_LINE) {
            return Ok(());
        }
        if begun.elapsed() > READY_WITHIN {
            bail!(
                "Kafka was not ready within {} s; see {}",
                READY_WITHIN.as_secs(),
                log.display()
            );
        }
        tokio::time::sleep(POLL).await;
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_ids_have_the_form_that_kafka_reads() {
        let id = cluster_id();
        assert_eq!(id.len(), 22);
        assert!(!id.starts_with('-'));
        assert_ne!(id, cluster_id());
    }
}
