//! One process of a rig: started, signalled, awaited, started again.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, ChildStdin, Command};

use super::part::Part;
use super::ports;

/// How often a condition outside is looked at.
const POLL: Duration = Duration::from_millis(20);
/// Longest answer of a health endpoint that is there.
const HEALTH_WITHIN: Duration = Duration::from_secs(2);
/// An orderly end: open requests finish first.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// How members find programs of the system: `kill`, by which a kill point acts.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// The variable that plans faults.
const FAULT: &str = "RAMEN_FAULT";

/// One process, running or not.
pub(crate) struct Member {
    part: Part,
    number: usize,
    listen: SocketAddr,
    health: SocketAddr,
    vendor: SocketAddr,
    variables: BTreeMap<String, String>,
    log: PathBuf,
    /// Where the log of the present run begins.
    begun: u64,
    process: Option<Process>,
}

impl Member {
    /// A member that does not run yet; `folder` holds its log.
    ///
    /// # Errors
    /// When no port is free.
    pub(crate) fn new(part: Part, number: usize, folder: &Path) -> anyhow::Result<Self> {
        let (listen, health, vendor) = (ports::free()?, ports::free()?, ports::free()?);
        let mut member = Self {
            part,
            number,
            listen,
            health,
            vendor,
            variables: BTreeMap::new(),
            log: folder.join(format!("log/{}-{number}.log", part.name())),
            begun: 0,
            process: None,
        };
        member.set("RAMEN_LISTEN", &listen.to_string());
        member.set("RAMEN_HEALTH_LISTEN", &health.to_string());
        member.set("RAMEN_SANDBOX_LISTEN", &vendor.to_string());
        Ok(member)
    }

    /// What it is.
    pub(crate) fn part(&self) -> Part {
        self.part
    }

    /// Which of its part, from 0.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// Origin of its public listener.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Its process, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.as_ref()?.child.id()
    }

    /// Origin of the vendors that it plays: the sandbox's alone.
    pub(super) fn vendor(&self) -> String {
        format!("http://{}", self.vendor)
    }

    /// Gives a variable to its next start, in place of what that had.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Plans faults for its next start, as `RAMEN_FAULT` is written; none takes the plan away.
    pub(crate) fn plan(&mut self, faults: Option<&str>) {
        match faults {
            Some(faults) => self.set(FAULT, faults),
            None => {
                self.variables.remove(FAULT);
            }
        }
    }

    /// Starts it; does not wait for it.
    ///
    /// # Errors
    /// When it runs already, or the executable cannot be started.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        if self.process.is_some() {
            bail!("{} runs already", self.label());
        }
        let variables = self.variables.iter();
        let variables = variables.map(|(name, value)| (name.as_str(), value.as_str()));
        self.begun = std::fs::metadata(&self.log).map_or(0, |log| log.len());
        self.process = Some(Process::start(self.part.arguments(), variables, &self.log)?);
        Ok(())
    }

    /// Waits until it says that it is ready.
    ///
    /// # Errors
    /// When it ends before, or is not ready within `patience`.
    pub(crate) async fn ready(&mut self, patience: Duration) -> anyhow::Result<()> {
        let client = reqwest::Client::builder()
            .timeout(HEALTH_WITHIN)
            .no_proxy()
            .build()?;
        let address = format!("http://{}/readyz", self.health);
        let asked = async {
            loop {
                if let Some(status) = self.ended()? {
                    bail!("{} ended ({status})", self.label());
                }
                let answer = client.get(&address).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return Ok(());
                }
                tokio::time::sleep(POLL).await;
            }
        };
        let ready = tokio::time::timeout(patience, asked).await;
        let ready = ready.unwrap_or_else(|_| Err(anyhow::anyhow!("not ready in time")));
        ready.with_context(|| {
            format!(
                "{} does not serve; its log is {}",
                self.label(),
                self.log.display()
            )
        })
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system does not say.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        let Some(process) = &mut self.process else {
            return Ok(None);
        };
        process.ended()
    }

    /// Waits for its end, in whatever way it comes, and takes it down as not running.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) async fn died(&mut self) -> anyhow::Result<ExitStatus> {
        let process = self.process.as_mut().context("it does not run")?;
        let status = process.died().await?;
        self.process = None;
        Ok(status)
    }

    /// SIGKILL, and its end.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::KILL)?;
        self.died().await?;
        Ok(())
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) fn resume(&self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Whether it is stopped, by us or by itself. Systems without `/proc` say no.
    pub(crate) fn is_paused(&self) -> bool {
        self.process.as_ref().is_some_and(Process::is_paused)
    }

    /// SIGTERM, and an orderly end. One that does not run is left alone.
    ///
    /// # Errors
    /// When it does not end in time, and was killed, or ends with a failure.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        if self.process.is_none() {
            return Ok(());
        }
        self.signal(Signal::TERM)?;
        let Ok(status) = tokio::time::timeout(STOP_WITHIN, self.died()).await else {
            self.kill().await?;
            bail!("{} did not stop in time and was killed", self.label());
        };
        let status = status?;
        if !status.success() {
            bail!(
                "{} ended badly ({status}); its log is {}",
                self.label(),
                self.log.display()
            );
        }
        Ok(())
    }

    /// A tool of this executable beside this member: with its variables and its data, and a log of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn tool(&self, arguments: &[&str], faults: Option<&str>) -> anyhow::Result<Tool> {
        let name = arguments.first().copied().unwrap_or("tool");
        let log = self.log.with_file_name(format!("{name}.log"));
        let begun = std::fs::metadata(&log).map_or(0, |log| log.len());
        let variables = self.variables.iter();
        let variables = variables
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| *name != FAULT)
            .chain(faults.map(|faults| (FAULT, faults)));
        let process = Process::start(arguments, variables, &log)?;
        Ok(Tool {
            process,
            log,
            begun,
        })
    }

    /// What it has written since its last start.
    pub(crate) fn said(&self) -> String {
        said(&self.log, self.begun)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let process = self.process.as_ref();
        let process = process.with_context(|| format!("{} does not run", self.label()))?;
        process.send(signal);
        Ok(())
    }

    fn label(&self) -> String {
        format!("{} {}", self.part.name(), self.number)
    }
}

/// A command of this executable that ends by itself.
pub(crate) struct Tool {
    process: Process,
    log: PathBuf,
    begun: u64,
}

impl Tool {
    /// Its process, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.child.id()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system does not say.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.process.ended()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When the system does not say.
    pub(crate) async fn died(&mut self) -> anyhow::Result<ExitStatus> {
        self.process.died().await
    }

    /// Whether it is stopped.
    pub(crate) fn is_paused(&self) -> bool {
        self.process.is_paused()
    }

    /// SIGCONT.
    pub(crate) fn resume(&self) {
        self.process.send(Signal::CONT);
    }

    /// What it has written.
    pub(crate) fn said(&self) -> String {
        said(&self.log, self.begun)
    }
}

/// What a log holds after its first `begun` bytes. One that is not there yet says nothing.
fn said(log: &Path, begun: u64) -> String {
    let mut text = Vec::new();
    let read = std::fs::File::open(log).and_then(|mut log| {
        log.seek(SeekFrom::Start(begun))?;
        log.read_to_end(&mut text)
    });
    read.map_or_else(
        |_| String::new(),
        |_| String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Runs this executable to its end, which must be a success.
///
/// # Errors
/// When it fails; the message names its log.
pub(super) async fn finish(
    name: &str,
    arguments: &[&str],
    variables: &[(&'static str, String)],
    folder: &Path,
) -> anyhow::Result<()> {
    let log = folder.join(format!("log/{name}.log"));
    let variables = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    let status = Process::start(arguments, variables, &log)?.died().await?;
    if !status.success() {
        bail!("{name} failed ({status}); its log is {}", log.display());
    }
    Ok(())
}

/// A running child and the input that keeps it alive.
struct Process {
    child: Child,
    /// Closed, it ends. Not left to the child's handle, which closes it to wait.
    _input: ChildStdin,
}

impl Process {
    /// Starts this executable with these variables and no others, its output going to the end of `log`.
    fn start<'a>(
        arguments: &[&str],
        variables: impl Iterator<Item = (&'a str, &'a str)>,
        log: &Path,
    ) -> anyhow::Result<Self> {
        if let Some(folder) = log.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let out = OpenOptions::new().create(true).append(true).open(log);
        let out = out.with_context(|| format!("cannot write {}", log.display()))?;
        let err = out.try_clone().context("cannot share the log file")?;
        let mut child = Command::new(std::env::current_exe().context("where is this executable?")?)
            .arg("--attended")
            .args(arguments)
            .env_clear()
            .env("PATH", PATH)
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(err)
            // Ctrl-C reaches the rig alone, which ends its members in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {arguments:?}"))?;
        let input = child.stdin.take().context("no pipe to its input")?;
        Ok(Self {
            child,
            _input: input,
        })
    }

    fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.child.try_wait().context("cannot look after a child")
    }

    async fn died(&mut self) -> anyhow::Result<ExitStatus> {
        self.child.wait().await.context("cannot wait for a child")
    }

    /// Whether it is stopped. Systems without `/proc` say no.
    fn is_paused(&self) -> bool {
        let Some(pid) = self.child.id() else {
            return false;
        };
        // `pid (name) state …`; the name may hold anything, so the last bracket counts.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        after.trim_start().starts_with(['T', 't'])
    }

    /// It may end in this moment; whoever waits for it sees that.
    fn send(&self, signal: Signal) {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            kill_process(pid, signal).ok();
        }
    }
}
