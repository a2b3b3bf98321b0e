//! The limit: pgbench with the least statement that does the work, on our table.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use tokio::process::Command;

use crate::bench::arm::{Arm, Work};
use crate::bench::meter::SqlMeter;
use crate::bench::server::{Database, Server};
use crate::bench::verify;
use crate::bench::workload::Workload;

/// pgbench with one script.
pub(in crate::bench) struct Pgbench {
    name: &'static str,
    command: Command,
    folder: tempfile::TempDir,
    script: PathBuf,
    clients: usize,
    /// Events that one transaction writes.
    events: u64,
    database: Database,
    sql: SqlMeter,
    written: u64,
}

/// What the script writes in one statement.
#[derive(Clone, Copy, Debug)]
pub(in crate::bench) enum Rows {
    /// So many events of one new stream.
    OfOneStream(usize),
    /// One event each of so many new streams.
    OfStreams(usize),
}

impl Pgbench {
    /// Writes the script for `rows` of `workload`.
    ///
    /// # Errors
    /// When pgbench is not there or the script cannot be written.
    pub(in crate::bench) fn new(
        name: &'static str,
        (rows, clients): (Rows, usize),
        workload: &Workload,
        server: &Server,
        database: Database,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("ramen-pgbench.")
            .tempdir()?;
        let script = folder.path().join("script.sql");
        std::fs::write(&script, statement(rows, workload)?)?;
        let count = match rows {
            Rows::OfOneStream(count) | Rows::OfStreams(count) => count,
        };
        Ok(Self {
            name,
            command: server.program("pgbench")?,
            folder,
            script,
            clients,
            events: u64::try_from(count)?,
            sql: server.sql_meter(&database),
            database,
            written: 0,
        })
    }
}

/// One statement with everything in it, so that nothing is sent or planned twice.
fn statement(rows: Rows, workload: &Workload) -> anyhow::Result<String> {
    let event = workload.events.first().context("a command has an event")?;
    let payload = serde_json::to_string(event)?.replace('\'', "''");
    let metadata = serde_json::to_string(&workload.metadata)?;
    let row = |stream: &str, sequence: usize| {
        format!(
            "('{}', {stream}, {sequence}, 'line_added', '1', '{payload}', '{metadata}', \
             gen_random_uuid(), now())",
            Workload::kind()
        )
    };
    let (begin, values): (&str, Vec<String>) = match rows {
        Rows::OfOneStream(count) => (
            "\\set high random(0, 1152921504606846975)\n\\set low random(0, 1152921504606846975)\n",
            (1..=count)
                .map(|sequence| row("'bench-' || :high || '-' || :low", sequence))
                .collect(),
        ),
        Rows::OfStreams(count) => (
            "",
            (0..count)
                .map(|_| row("gen_random_uuid()::text", 1))
                .collect(),
        ),
    };
    Ok(format!(
        "{begin}INSERT INTO es.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
         metadata, event_id, recorded_at) VALUES {};\n",
        values.join(", ")
    ))
}

#[async_trait]
impl Arm for Pgbench {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn block(&mut self, span: Duration) -> anyhow::Result<Work> {
        let log = self.folder.path().join("log");
        let program = self.command.as_std();
        let mut command = Command::new(program.get_program());
        for (name, value) in program.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        let output = command
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--log"])
            .arg(format!("--client={}", self.clients))
            .arg(format!("--time={}", span.as_secs().max(1)))
            .arg(format!("--log-prefix={}", log.display()))
            .arg("--file")
            .arg(&self.script)
            .arg(&self.database.url)
            .stdin(Stdio::null())
            .output()
            .await
            .context("pgbench cannot be run")?;
        anyhow::ensure!(
            output.status.success(),
            "pgbench: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let mut work = Work::none();
        for latency in taken(self.folder.path())? {
            work.add(self.events, latency);
        }
        self.written += work.operations;
        Ok(work)
    }

    async fn verify(&mut self) -> anyhow::Result<()> {
        verify::stored_once(&self.database, "es.events", self.written).await
    }

    fn sql(&self) -> Option<SqlMeter> {
        Some(self.sql.clone())
    }

    async fn stop(self: Box<Self>) -> anyhow::Result<()> {
        self.folder.close()?;
        Ok(())
    }
}

/// The latencies of pgbench's logs, which are removed. Third column of a line: microseconds.
fn taken(folder: &Path) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if !name.is_some_and(|name| name.starts_with("log")) {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        for line in text.lines() {
            let column = line.split(' ').nth(2).context("a short line of pgbench")?;
            latencies.push(Duration::from_micros(column.parse()?));
        }
        std::fs::remove_file(&path)?;
    }
    Ok(latencies)
}
