//! A TCP proxy that breaks the network on demand: it stands before Postgres, a broker or a vendor, passes everything on,
//! and does what its [`Fault`] says from the moment it is set until it is set back. `ramen chaos` runs one by hand.
//!
//! What is held back by a fault goes on its way when the fault ends, as packets do that are sent again; what was closed stays
//! closed. Whatever is drawn comes from a seed. Reading order: `fault`, `proxy`, `connection`.

mod connection;
mod fault;
mod proxy;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use clap::Args;

pub(crate) use fault::{Fault, Way};
pub(crate) use proxy::Proxy;

use crate::console;
use crate::local::StopSignals;

/// Angle brackets are no HTML here, as they would be in a docstring.
const FAULTS: &str = "What goes wrong: none, refuse, reset, black-hole, delay:<request|reply>:<ms>, \
    slow:<bytes a second>, slice:<bytes>, cut:<request|reply>:<bytes>, lose-reply, half-open, repeat";

/// Where to stand, and what to break.
#[derive(Args, Clone, Debug)]
pub(crate) struct ChaosArgs {
    /// Where connections lead (`address:port`)
    to: SocketAddr,
    /// Where to listen; a free port of loopback unless named
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// What goes wrong
    #[arg(long, default_value = "none", help = FAULTS)]
    fault: Fault,
    /// What is drawn is drawn from this
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Stands between until a signal comes, and says what passed.
///
/// # Errors
/// When the address cannot be listened on.
pub(crate) async fn run(args: ChaosArgs) -> anyhow::Result<()> {
    let mut signals = StopSignals::listen()?;
    let proxy = Proxy::start(args.listen, args.to, args.seed).await?;
    proxy.set(args.fault);
    console::line(format!(
        "{} leads to {}, {}",
        proxy.address(),
        args.to,
        args.fault
    ));
    signals.next().await;
    console::line(proxy.passed());
    Ok(())
}
