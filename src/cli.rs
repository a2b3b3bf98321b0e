//! The commands. One variant each; what it does is in the module that it names.

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use infra::config::Config;

use crate::running::Running;
use crate::stack::Services;
use crate::{
    bench, chaos, check, console, demo, door, import, import_menu, local, prove, published,
    rebuild, redrive, rehearsal, services, simulate, stack, token,
};

/// Sells hot ramen from independent shops and brings it to the door.
#[derive(Parser)]
#[command(name = "ramen", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// End at once when standard input closes, as a program does whose parent has gone
    #[arg(long, hide = true)]
    attended: bool,
}

/// What can be asked of the binary.
#[derive(Subcommand)]
#[expect(
    clippy::enum_variant_names,
    reason = "`command-api` is the service's name"
)]
enum Command {
    /// Starts a private Postgres and Kafka and everything on them, with a demo marketplace
    Up(local::ServiceArgs),
    /// Runs every service in this process; finds or starts Postgres, and needs no broker
    All(local::ServiceArgs),
    /// Runs the write side, and the publisher unless told otherwise
    CommandApi {
        /// Leave numbering, publishing and processes to others
        #[arg(long)]
        no_publisher: bool,
    },
    /// Runs only the publisher: numbers events, sends them to Kafka, runs the processes
    Publisher,
    /// Folds events into the views and the search index
    Projector,
    /// Runs the read side
    QueryApi,
    /// Plays the vendors on loopback
    Sandbox,
    /// Brings the database to this build's version
    Migrate,
    /// Opens shops from a public extract: good rows go in, bad rows are listed
    Import(import::ImportArgs),
    /// Publishes a shop's menu from a file of another system, or says all that keeps it from being one
    ImportMenu(import_menu::ImportMenuArgs),
    /// Brings one bowl from cart to door on a running marketplace, each hop with its latency
    Demo(demo::DemoArgs),
    /// Plays a real day of orders through the public API on a sped-up clock
    Simulate(simulate::SimulateArgs),
    /// Measures what the design promises, in arms that run in turns, and plots it
    Bench(bench::BenchArgs),
    /// Answers every request with the same bytes: what a benchmark holds our servers against
    #[command(hide = true)]
    BenchResponder(bench::ResponderArgs),
    /// Checks the books independently: raw tables, topics, index and the vendors' ledgers
    Check(check::CheckArgs),
    /// Stands between two programs and breaks the network: a TCP proxy for tests and rehearsals
    Chaos(chaos::ChaosArgs),
    /// Puts what is promised to the proof, on a marketplace of its own: kills processes at every point
    #[command(subcommand)]
    Prove(prove::ProveArgs),
    /// Makes views anew from the store beside those that are served, compares, and swaps them
    Rebuild(rebuild::RebuildArgs),
    /// Folds parked events into their views again, in order
    Redrive(redrive::RedriveArgs),
    /// Opens a login and prints its access token
    Token(token::TokenArgs),
    /// Prints the `OpenAPI` document of both APIs
    Openapi,
    /// Prints the `AsyncAPI` document of the topics
    Asyncapi,
    /// Starts a private Postgres and Kafka for another program and prints where they are
    LocalServices(local::LocalServicesArgs),
}

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let Cli { command, attended } = parse();
    if attended {
        end_with_input();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            console::progress(format!("ramen: no runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::progress(format!("ramen: {error:#}"));
            if error.is::<bench::Void>() {
                ExitCode::from(bench::Void::EXIT_CODE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// Reads the command line. A marketplace that runs here is what `check` looks at by default.
fn parse() -> Cli {
    let mut known = Cli::command();
    if let Some(running) = door::found() {
        known = known.mut_subcommand("check", |check| defaults(check, running));
    }
    let matches = known.get_matches();
    match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    }
}

/// Ends this process, however busy it is, when whoever holds the other end of its standard input has
/// gone: a rig's processes must not outlive it.
fn end_with_input() {
    std::thread::spawn(|| {
        // Closed or broken, it is over.
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).ok();
        std::process::abort();
    });
}

fn defaults(check: clap::Command, running: Running) -> clap::Command {
    let given = [
        ("database_url", Some(running.database_url)),
        ("kafka_brokers", running.kafka_brokers),
        ("sandbox_url", Some(running.vendor)),
        ("index", Some(running.index.display().to_string())),
        ("verifiers", Some(running.verifiers.join(","))),
    ];
    given
        .into_iter()
        .fold(check, |check, (name, value)| match value {
            Some(value) => check.mut_arg(name, |arg| {
                arg.required(false)
                    .default_value(value)
                    .hide_default_value(true)
            }),
            None => check,
        })
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(args) => services::up(args).await,
        Command::All(args) => services::all(args).await,
        Command::CommandApi { no_publisher } => {
            let publisher = !no_publisher;
            services::some(Services {
                command_api: true,
                publisher,
                ..Services::default()
            })
            .await
        }
        Command::Publisher => {
            services::some(Services {
                publisher: true,
                ..Services::default()
            })
            .await
        }
        Command::Projector => {
            services::some(Services {
                projector: true,
                ..Services::default()
            })
            .await
        }
        Command::QueryApi => {
            services::some(Services {
                query_api: true,
                ..Services::default()
            })
            .await
        }
        Command::Sandbox => {
            services::some(Services {
                sandbox: true,
                ..Services::default()
            })
            .await
        }
        Command::Migrate => stack::migrate(&door::config()?).await,
        Command::Import(args) => {
            let (door, _) = door::open(args.base()).await?;
            import::run(args, &door).await
        }
        Command::ImportMenu(args) => {
            let imported = import_menu::read(&args)?;
            if args.is_dry() {
                return Ok(());
            }
            let (door, _) = door::open(args.base()).await?;
            import_menu::publish(&imported, &door).await
        }
        Command::Demo(args) => {
            let (door, _) = door::open(args.base()).await?;
            demo::run(args, &door).await
        }
        Command::Simulate(args) => rehearsal::simulate(args).await,
        Command::Bench(args) => bench::run(args).await,
        Command::BenchResponder(args) => bench::respond(&args),
        Command::Check(args) => {
            let verdict = check::run(args).await?;
            anyhow::ensure!(verdict.is_clean(), "the books do not agree");
            Ok(())
        }
        Command::Chaos(args) => chaos::run(args).await,
        Command::Prove(args) => prove::run(args).await,
        Command::Rebuild(args) => rebuild::run(args).await,
        Command::Redrive(args) => redrive::run(args).await,
        Command::Token(args) => token::run(&door::config()?, args).await,
        Command::Openapi => print(&published::openapi()),
        Command::Asyncapi => print(&published::asyncapi()),
        Command::LocalServices(args) => local::local_services(args).await,
    }
}

fn print(document: &impl serde::Serialize) -> anyhow::Result<()> {
    console::line(serde_json::to_string_pretty(document)?);
    Ok(())
}

/// The settings of the environment.
///
/// # Errors
/// Every variable that cannot be used.
pub(crate) fn config_from_environment() -> anyhow::Result<Config> {
    Ok(Config::from_env()?)
}
