//! Java and the broker's jars: found on this machine, or brought by Maven into the cache.

use std::path::{Path, PathBuf};
use std::process::Command as Probe;

use anyhow::Context as _;
use tokio::process::Command;

use crate::console;
use crate::local::child;

/// Which Kafka, with which jars; also the file that a person may hand to Maven.
const POM: &str = include_str!("../../../scripts/kafka/pom.xml");
/// Kafka 4 brokers need Java 17.
const JAVA_MAJOR_MIN: u32 = 17;

/// A Java and the folder with the broker's jars.
#[derive(Debug)]
pub(super) struct Runtime {
    /// The program `java`.
    pub(super) java: PathBuf,
    /// The folder for this version of Kafka in the cache: `lib/`, and a start-up archive.
    pub(super) folder: PathBuf,
}

impl Runtime {
    /// Finds Java and the jars; those that are missing are fetched with Maven.
    ///
    /// `Err` holds the reason in one line: the caller goes on without a broker.
    pub(super) async fn find(cache: &Path, log: &Path) -> Result<Self, String> {
        let java = find_java(cache)
            .ok_or_else(|| format!("Java {JAVA_MAJOR_MIN} or newer is not installed"))?;
        let folder = cache.join("kafka").join(version());
        if !folder.join("lib").is_dir() {
            fetch(&java, cache, &folder, log)
                .await
                .map_err(|error| format!("{error:#}"))?;
        }
        Ok(Self { java, folder })
    }
}

/// The version that the pom names.
fn version() -> &'static str {
    POM.split_once("<kafka.version>")
        .and_then(|(_, rest)| rest.split_once("</kafka.version>"))
        .map_or("unknown", |(version, _)| version)
}

fn find_java(cache: &Path) -> Option<PathBuf> {
    let installed = [
        PathBuf::from("/usr/lib/jvm"),
        cache.join("packages/usr/lib/jvm"),
    ]
    .into_iter()
    .filter_map(|folder| std::fs::read_dir(folder).ok())
    .flatten()
    .filter_map(Result::ok)
    .map(|entry| entry.path().join("bin/java"));
    std::iter::once(PathBuf::from("java"))
        .chain(installed)
        .find(|java| java_major(java).is_some_and(|major| major >= JAVA_MAJOR_MIN))
}

/// Asks a Java for its version: `openjdk version "17.0.15" …` → 17.
fn java_major(java: &Path) -> Option<u32> {
    let answer = Probe::new(java).arg("-version").output().ok()?;
    parse_major(&String::from_utf8_lossy(&answer.stderr))
}

fn parse_major(answer: &str) -> Option<u32> {
    let version = answer.split('"').nth(1)?;
    version.split(['.', '-', '+']).next()?.parse().ok()
}

/// Copies the jars beside their final name and renames them, so that a half copy is never used.
async fn fetch(java: &Path, cache: &Path, folder: &Path, log: &Path) -> anyhow::Result<()> {
    console::progress(format!(
        "kafka      fetching Apache Kafka {} with Maven",
        version()
    ));
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let pom = folder.join("pom.xml");
    std::fs::write(&pom, POM).with_context(|| format!("cannot write {}", pom.display()))?;
    let part = tempfile_beside(folder);
    let unpacked = cache.join("packages/usr/share/maven/bin/mvn");
    let maven = if unpacked.exists() {
        unpacked
    } else {
        PathBuf::from("mvn")
    };
    let mut command = Command::new(maven);
    if let Some(home) = java
        .ancestors()
        .nth(2)
        .filter(|home| home.join("bin/java").exists())
    {
        command.env("JAVA_HOME", home);
    }
    command
        .args(["--batch-mode", "--quiet", "--strict-checksums", "--file"])
        .arg(&pom)
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", part.display()));
    child::run("Maven", &mut command, log).await?;
    match std::fs::rename(&part, folder.join("lib")) {
        // Another run of ours was faster.
        Err(_) if folder.join("lib").is_dir() => Ok(()),
        renamed => renamed.context("cannot name the fetched jars"),
    }
}

fn tempfile_beside(folder: &Path) -> PathBuf {
    folder.join(format!("lib.part-{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pom_names_a_kafka_of_version_4() {
        assert!(version().starts_with("4."), "{}", version());
    }

    #[test]
    fn java_versions_old_and_new_are_read() {
        assert_eq!(
            parse_major("openjdk version \"17.0.15\" 2025-04-15"),
            Some(17)
        );
        assert_eq!(parse_major("openjdk version \"25\" 2025-09-16"), Some(25));
        assert_eq!(parse_major("java version \"1.8.0_402\""), Some(1));
        assert_eq!(parse_major("no such thing"), None);
    }
}
