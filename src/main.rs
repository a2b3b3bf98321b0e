//! The `ramen` binary: every service in one process, or one per process, and the tools around them.
//!
//! One variant of [`Command`] per subcommand; what it does is in the module that it names.

mod console;
mod local;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Sells hot ramen from independent shops and brings it to the door.
#[derive(Parser)]
#[command(name = "ramen", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts a private Postgres and Kafka, and everything on them, until Ctrl-C
    Up(local::ServiceArgs),
    /// Starts a private Postgres and Kafka for another program and prints where they are
    LocalServices(local::LocalServicesArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::progress(format!("ramen: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(args) => {
            local::up(&args, |addresses, stop| async move {
                console::line(format!("postgres   {}", addresses.database_url));
                stop.cancelled().await;
                Ok(())
            })
            .await
        }
        Command::LocalServices(args) => local::local_services(args).await,
    }
}
