//! Free TCP ports on loopback.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context as _;

use super::Purpose;

/// Gives `usual` when data is kept and nobody listens there, else a port that is free now.
///
/// Another program may take the port before it is used; the start then fails and names the port.
///
/// # Errors
/// When the machine has no free port left.
pub(super) fn choose(usual: u16, purpose: Purpose) -> anyhow::Result<u16> {
    if purpose.keeps() && TcpListener::bind((Ipv4Addr::LOCALHOST, usual)).is_ok() {
        return Ok(usual);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener
        .local_addr()
        .context("no address of a bound port")?
        .port())
}
