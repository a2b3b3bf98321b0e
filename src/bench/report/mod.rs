//! Results: a folder for each run with JSON, a table, histograms and plots.

mod compare;
mod plots;
mod table;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use infra::clock::Clock;
use serde::Serialize;

use super::goal::Verdict;
use super::rounds::Measured;
use super::server::Setting;
use super::{BenchArgs, Outcome};

pub(super) use compare::compare;

/// Of `result.json`; raised when a reader of the one before could misread it.
const SCHEMA_VERSION: u32 = 1;
/// The folder of the profile that figures are published from.
const PROFILE: &str = "release";
/// The scenario that tells how far the machine can be believed.
const SAME: &str = "A/A";

/// Where a run's results go.
pub(super) struct Report {
    folder: PathBuf,
}

/// A run, whole.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    schema_version: u32,
    commit: String,
    profile: String,
    seed: u64,
    cores: usize,
    kernel: String,
    settings: Vec<Setting>,
    /// Whether the same arm twice came out the same, by the wall clock.
    wall_clock_is_believed: Option<bool>,
    measured: Vec<Measured>,
}

impl Report {
    /// Makes the folder of this run: its time and commit.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn begin(out: &Path, clock: &Clock) -> anyhow::Result<Self> {
        let time = clock.now().format("%Y%m%dT%H%M%SZ");
        let folder = out.join(format!("{time}-{}", commit()));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        Ok(Self { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes all files.
    ///
    /// # Errors
    /// When one cannot be written.
    pub(super) fn write(&self, run: &Run) -> anyhow::Result<()> {
        let json = serde_json::to_string_pretty(run)?;
        fs::write(self.folder.join("result.json"), json + "\n")?;
        fs::write(self.folder.join("table.md"), run.table())?;
        fs::write(self.folder.join("statements.md"), table::statements(run))?;
        self.write_latencies(run)?;
        plots::draw(&run.measured, &self.folder.join("plots"))
    }

    fn write_latencies(&self, run: &Run) -> anyhow::Result<()> {
        let folder = self.folder.join("latency");
        fs::create_dir_all(&folder)?;
        for (nth, measured) in run.measured.iter().enumerate() {
            for arm in &measured.arms {
                let name = file_name(&format!("{nth:02} {} {}", measured.id, arm.name));
                let mut text = String::from("value_us\tpercentile\tcount\n");
                for step in arm.latencies.iter_quantiles(5) {
                    writeln!(
                        text,
                        "{}\t{:.6}\t{}",
                        step.value_iterated_to(),
                        step.percentile(),
                        step.count_since_last_iteration()
                    )?;
                }
                fs::write(folder.join(name + ".hgrm"), text)?;
            }
        }
        Ok(())
    }
}

impl Run {
    /// A run as it ended. What noise or the profile has spoiled is void.
    pub(super) fn new(args: &BenchArgs, settings: Vec<Setting>, measured: Vec<Measured>) -> Self {
        let same = measured.iter().find(|measured| measured.id == SAME);
        let wall_clock_is_believed = same.map(|same| {
            let mut of_wall_clock = same
                .goals
                .iter()
                .filter(|judged| judged.goal.metric.is_of_the_wall_clock());
            of_wall_clock.all(|judged| judged.verdict == Verdict::Met)
        });
        let mut run = Self {
            schema_version: SCHEMA_VERSION,
            commit: commit(),
            profile: profile(),
            seed: args.seed,
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .map(|text| text.trim().to_owned())
                .unwrap_or_default(),
            settings,
            wall_clock_is_believed,
            measured,
        };
        run.reject();
        run
    }

    fn reject(&mut self) {
        let is_draft = self.profile != PROFILE;
        let wall_clock_lies = self.wall_clock_is_believed == Some(false);
        let goals = self
            .measured
            .iter_mut()
            .flat_map(|measured| &mut measured.goals);
        for judged in goals {
            if is_draft || (wall_clock_lies && judged.goal.metric.is_of_the_wall_clock()) {
                judged.verdict = Verdict::Void;
            }
        }
    }

    /// Gates decide; what only has an extraordinary figure does not fail a run.
    pub(super) fn outcome(&self) -> Outcome {
        let gated = self
            .measured
            .iter()
            .flat_map(|measured| &measured.goals)
            .filter(|judged| judged.goal.gate.is_some())
            .map(|judged| judged.verdict);
        Outcome::of(gated)
    }

    /// The results as Markdown.
    pub(super) fn table(&self) -> String {
        table::table(self)
    }
}

/// The commit of the checkout that is measured, where there is one.
fn commit() -> String {
    let output = Command::new("git")
        .args(["rev-parse", "--short=10", "HEAD"])
        .output();
    let text = output
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|| "unknown".to_owned())
}

/// The profile of this binary: the name of the folder that cargo put it in.
fn profile() -> String {
    let path = std::env::current_exe().ok();
    let name = path
        .as_deref()
        .and_then(Path::parent)
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());
    name.unwrap_or("unknown").to_owned()
}

/// Letters, digits and hyphens of `text`.
fn file_name(text: &str) -> String {
    let plain = text.chars().map(|letter| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '-'
        }
    });
    plain.collect()
}
