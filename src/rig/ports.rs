//! Ports that a process can have again after it was killed.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Context as _;

/// Below the range from which systems give out ports for outgoing connections: while a member is dead,
/// nobody's connection takes its place.
const FIRST: u16 = 20_000;
/// How many there are to choose from.
const COUNT: u16 = 12_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A loopback address that nobody listens on. Where the search begins differs from process to process.
///
/// # Errors
/// When all are taken.
pub(crate) fn free() -> anyhow::Result<SocketAddr> {
    let start = std::process::id().wrapping_mul(37) % u32::from(COUNT);
    let start = u16::try_from(start).unwrap_or(0);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST + (start + step) % COUNT));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    None.context("no free port for a member of the rig")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_given_once() {
        let first = free().unwrap();
        let second = free().unwrap();
        assert_ne!(first, second);
        assert!((FIRST..FIRST + COUNT).contains(&second.port()));
    }
}
