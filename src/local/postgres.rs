//! A private Postgres with PostGIS, from server binaries of this machine.
//!
//! The cluster listens on loopback alone, asks for a generated password, and runs as an
//! unprivileged user when we are root. Its settings are given on the command line at each start,
//! so a newer binary brings newer settings to old data.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::Signal;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::process::Command;

use super::child::{self, POLL, Running};
use super::place::Place;
use super::port;
use super::{Purpose, ServiceArgs};
use crate::console;

/// The port that kept data is served on when nobody else has it.
const USUAL_PORT: u16 = 25_432;
const SUPERUSER: &str = "postgres";
const DATABASE: &str = "ramen";
/// Recovery after a power cut replays at most `max_wal_size` (4 GB): minutes on a slow disk.
const READY_WITHIN: Duration = Duration::from_mins(5);
/// A fast shutdown writes all dirty pages first.
const STOP_WITHIN: Duration = Duration::from_mins(1);

/// A running private cluster.
#[derive(Debug)]
pub(super) struct Postgres {
    process: Running,
    place: Place,
    purpose: Purpose,
    /// Where to connect, as superuser, to the database `ramen`; holds the password.
    pub(super) url: String,
    /// The port on 127.0.0.1.
    pub(super) port: u16,
}

impl Postgres {
    /// Creates the cluster when it is not there, starts it, and waits until it answers.
    ///
    /// # Errors
    /// When there are no server binaries with PostGIS, or the cluster does not come up.
    pub(super) async fn start(dir: &Path, cache: &Path, purpose: Purpose) -> anyhow::Result<Self> {
        let binaries = Binaries::find(cache)?;
        let place = Place::prepare(dir, "postgres")?;
        if place.is_outside() && purpose.keeps() {
            let path = place.path.display();
            console::progress(format!(
                "postgres   keeps its data in {path}: others than root cannot reach the checkout"
            ));
        }
        let log = super::place::absolute(dir)?.join("log/postgres.log");
        let data = place.path.join("data");
        let pid_file = data.join("postmaster.pid");
        child::end_leftover(&pid_file, &data, Signal::INT, STOP_WITHIN).await?;
        if !data.join("PG_VERSION").exists() {
            create(&binaries, &place, purpose, &log).await?;
        }
        binaries.check_version(&data)?;
        let password = std::fs::read_to_string(place.path.join("password"))
            .context("the password of the private Postgres is gone")?;
        let port = port::choose(USUAL_PORT, purpose)?;
        let mut command = binaries.command("postgres");
        place
            .run_as_user(&mut command)
            .arg("-D")
            .arg(&data)
            .args(settings(port, purpose));
        let mut process = Running::start("postgres", &mut command, &log)?;
        let options = PgConnectOptions::new()
            .host("127.0.0.1")
            .port(port)
            .username(SUPERUSER)
            .password(password.trim())
            .ssl_mode(PgSslMode::Disable);
        make_database(&mut process, &options).await?;
        let url = format!(
            "postgres://{SUPERUSER}:{}@127.0.0.1:{port}/{DATABASE}",
            password.trim()
        );
        Ok(Self {
            process,
            place,
            purpose,
            url,
            port,
        })
    }

    /// The postmaster's process id.
    pub(super) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Waits for an end that nobody asked for.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        self.process.died().await
    }

    /// Stops the cluster; throwaway data is removed.
    ///
    /// # Errors
    /// When it had to be killed, or data cannot be removed.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        // SIGINT is Postgres's fast shutdown: transactions end, then a last checkpoint.
        let stopped = self.process.stop(Signal::INT, STOP_WITHIN).await;
        if !self.purpose.keeps() {
            self.place.remove()?;
        }
        stopped
    }
}

/// A program that comes with the server, of the version that would be started.
///
/// # Errors
/// When there are no server binaries.
pub(crate) fn program(args: &ServiceArgs, name: &str) -> anyhow::Result<Command> {
    Ok(Binaries::find(&args.cache_dir())?.command(name))
}

/// The server programs of one version.
struct Binaries {
    folder: PathBuf,
    /// Unpacked packages find their libraries and map projections only when told.
    unpacked_root: Option<PathBuf>,
}

impl Binaries {
    fn find(cache: &Path) -> anyhow::Result<Self> {
        let unpacked = cache.join("packages");
        let mut found: Vec<(u32, Self)> = Vec::new();
        // Of equal versions the last one is taken: what is installed, rather than unpacked.
        for root in [unpacked.as_path(), Path::new("/")] {
            for (version, folder) in versions(&root.join("usr/lib/postgresql")) {
                let postgis = root.join(format!(
                    "usr/share/postgresql/{version}/extension/postgis.control"
                ));
                if folder.join("postgres").exists() && postgis.exists() {
                    let unpacked_root = (root != Path::new("/")).then(|| root.to_owned());
                    found.push((
                        version,
                        Self {
                            folder,
                            unpacked_root,
                        },
                    ));
                }
            }
        }
        if let Some((_, newest)) = found.into_iter().max_by_key(|(version, _)| *version) {
            return Ok(newest);
        }
        match on_path() {
            Some(folder) => Ok(Self {
                folder,
                unpacked_root: None,
            }),
            None => bail!(
                "no Postgres server with PostGIS on this machine: install postgresql and \
                 postgresql-<version>-postgis-3, or set DATABASE_URL"
            ),
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join(program));
        if let Some(root) = &self.unpacked_root {
            command.env("LD_LIBRARY_PATH", library_path(root));
            command.env("PROJ_DATA", root.join("usr/share/proj"));
            command.env("PROJ_LIB", root.join("usr/share/proj"));
        }
        command
    }

    /// Data of another major version is not touched.
    fn check_version(&self, data: &Path) -> anyhow::Result<()> {
        let file = data.join("PG_VERSION");
        let written = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let Some(ours) = major_of(&self.folder.join("postgres")) else {
            return Ok(());
        };
        if written.trim() != ours {
            bail!(
                "the data in {} was written by Postgres {}, and {ours} is installed: dump it with \
                 the old version, or remove the folder to start afresh",
                data.display(),
                written.trim(),
            );
        }
        Ok(())
    }
}

/// Folders `<major>/bin` below `folder`, as Debian lays them out.
fn versions(folder: &Path) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect()
}

/// The folder of the server programs that `pg_config` of the search path names, if PostGIS is there.
fn on_path() -> Option<PathBuf> {
    let folder = ask("pg_config", "--bindir")?;
    let share = ask("pg_config", "--sharedir")?;
    Path::new(&share)
        .join("extension/postgis.control")
        .exists()
        .then(|| PathBuf::from(folder))
}

fn ask(program: impl AsRef<std::ffi::OsStr>, argument: &str) -> Option<String> {
    let output = std::process::Command::new(program)
        .arg(argument)
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` → `15`.
fn major_of(postgres: &Path) -> Option<String> {
    let answer = ask(postgres, "--version")?;
    let version = answer.split_whitespace().nth(2)?;
    version.split('.').next().map(str::to_owned)
}

fn library_path(root: &Path) -> String {
    let lib = root.join("usr/lib");
    let machine = lib.join(format!("{}-linux-gnu", std::env::consts::ARCH));
    let folders = [
        lib.clone(),
        machine.clone(),
        machine.join("blas"),
        machine.join("lapack"),
    ];
    folders.map(|folder| folder.display().to_string()).join(":")
}

/// Creates the cluster beside its final name and renames it, so that a half-made one is never used.
async fn create(
    binaries: &Binaries,
    place: &Place,
    purpose: Purpose,
    log: &Path,
) -> anyhow::Result<()> {
    console::progress("postgres   creating a private cluster");
    let part = place.path.join("data.part");
    match std::fs::remove_dir_all(&part) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", part.display()));
        }
        _ => {}
    }
    let password = place.write_secret("password", &random_password())?;
    let mut command = binaries.command("initdb");
    place.run_as_user(&mut command);
    command.arg("-D").arg(&part).arg("--pwfile").arg(&password);
    command.args(["-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8"]);
    if purpose.is_durable() {
        command.arg("--auth=scram-sha-256");
    } else {
        // Tests connect thousands of times from unoptimised code, to which SCRAM's hashing is slow.
        command.args(["--auth=password", "--no-sync"]);
    }
    child::run("initdb", &mut command, log).await?;
    std::fs::rename(&part, place.path.join("data")).context("cannot name the new cluster")
}

fn random_password() -> String {
    let bytes: [u8; 24] = rand::random();
    hex::encode(bytes)
}

/// Settings by purpose; reliability.md names those for data that is kept.
fn settings(port: u16, purpose: Purpose) -> Vec<String> {
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        // Everything connects over loopback; a socket's path may be too long for the system.
        "unix_socket_directories=".to_owned(),
        "max_connections=300".to_owned(),
        "shared_buffers=256MB".to_owned(),
        // Short statements gain nothing from compiled code and pay for making it.
        "jit=off".to_owned(),
        "max_wal_size=4GB".to_owned(),
        "checkpoint_timeout=15min".to_owned(),
        "shared_preload_libraries=pg_stat_statements".to_owned(),
        "log_line_prefix=%m [%p] %q%d ".to_owned(),
        "timezone=UTC".to_owned(),
    ];
    let on_disk = if purpose.is_durable() {
        ["fsync=on", "full_page_writes=on"]
    } else {
        // Killed processes still lose nothing; only a power cut would, and the data is thrown away.
        ["fsync=off", "full_page_writes=off"]
    };
    settings.extend(on_disk.map(str::to_owned));
    settings
        .into_iter()
        .flat_map(|setting| ["-c".to_owned(), setting])
        .collect()
}

/// Waits for the first connection, then makes the database and the extensions if they are missing.
async fn make_database(process: &mut Running, server: &PgConnectOptions) -> anyhow::Result<()> {
    let mut connection = connect(process, &server.clone().database("postgres")).await?;
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(DATABASE)
            .fetch_one(&mut connection)
            .await
            .context("cannot read the list of databases")?;
    connection
        .close()
        .await
        .context("cannot leave the server")?;
    if exists {
        return Ok(());
    }
    // New databases, those of single tests too, copy the template and so have PostGIS at once.
    let mut template = connect(process, &server.clone().database("template1")).await?;
    sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS postgis")
        .execute(&mut template)
        .await
        .context("cannot add PostGIS")?;
    template
        .close()
        .await
        .context("cannot leave the template")?;
    let mut connection = connect(process, &server.clone().database("postgres")).await?;
    sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        .execute(&mut connection)
        .await
        .context("cannot add pg_stat_statements")?;
    sqlx::raw_sql("CREATE DATABASE ramen")
        .execute(&mut connection)
        .await
        .context("cannot create the database")?;
    connection.close().await.context("cannot leave the server")
}

async fn connect(
    process: &mut Running,
    options: &PgConnectOptions,
) -> anyhow::Result<PgConnection> {
    let begun = Instant::now();
    loop {
        process.check()?;
        match options.connect().await {
            Ok(connection) => return Ok(connection),
            Err(error) if begun.elapsed() > READY_WITHIN => {
                return Err(error).context("the private Postgres does not answer");
            }
            // Not listening yet, or replaying its log after a crash.
            Err(sqlx::Error::Io(_)) => tokio::time::sleep(POLL).await,
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("57P03") => {
                tokio::time::sleep(POLL).await;
            }
            Err(error) => return Err(error).context("the private Postgres refuses us"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_thrown_away_data_goes_without_fsync() {
        assert!(settings(1, Purpose::Keep).contains(&"fsync=on".to_owned()));
        assert!(settings(1, Purpose::Throwaway).contains(&"fsync=off".to_owned()));
    }

    #[test]
    fn a_machine_without_server_binaries_gets_one_clear_line() {
        let empty = tempfile::tempdir().unwrap();
        assert!(versions(empty.path()).is_empty());
    }
}
