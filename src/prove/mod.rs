//! `ramen prove`: the promises of `docs/reliability.md` put to the proof on a marketplace of real processes
//! (`rig`), with real traffic (`simulate`), and judged by the checker (`check`).

mod kill;
mod load;

use clap::Subcommand;

/// What is to be proved.
#[derive(Subcommand, Clone, Debug)]
pub(crate) enum ProveArgs {
    /// Processes killed, stopped and made to panic at every kill point lose nothing and come back
    Kill(kill::KillArgs),
    /// The same request many times at once, to two command APIs, is executed once
    Load(load::LoadArgs),
}

/// Proves it, and prints a report.
///
/// # Errors
/// When something is not as promised, or could not be tried.
pub(crate) async fn run(args: ProveArgs) -> anyhow::Result<()> {
    match args {
        ProveArgs::Kill(args) => kill::run(args).await,
        ProveArgs::Load(args) => load::run(args).await,
    }
}
