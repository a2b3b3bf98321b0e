//! Listeners and the rules of the wire.

use std::net::SocketAddr;

use super::vars::Vars;
use crate::limits;

/// `RAMEN_LISTEN` (the process's public listener; 127.0.0.1:8080),
/// `RAMEN_HEALTH_LISTEN` (127.0.0.1:7072),
/// `RAMEN_SANDBOX_LISTEN` (127.0.0.1:7073), `RAMEN_SANDBOX_WEBHOOKS` (where the sandbox sends
/// them; none: the listener of this process), `RAMEN_TRUSTED_HOPS` (0), `RAMEN_CORS_ORIGINS` (none),
/// `RAMEN_RATE_QUOTA` (requests of one caller a minute; [`limits::RATE_QUOTA`]).
#[derive(Clone, Debug)]
pub struct Http {
    /// The process's public listener.
    pub listen: SocketAddr,
    /// `/livez`, `/readyz`, `/metrics`: not public.
    pub health_listen: SocketAddr,
    /// The vendors' simulators.
    pub sandbox_listen: SocketAddr,
    /// Origin of the API that the simulators send webhooks to; this process when not given.
    pub sandbox_webhooks: Option<String>,
    /// Proxies of ours in front: the client's address is so many places from the right of
    /// `X-Forwarded-For`. 0: the header is ignored.
    pub trusted_hops: usize,
    /// Origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// Requests of one caller in [`limits::RATE_WINDOW`].
    pub rate_quota: u32,
}

impl Http {
    pub(super) fn read(vars: &mut Vars<'_>) -> Self {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            listen: vars.parsed("RAMEN_LISTEN", local(8080)),
            health_listen: vars.parsed("RAMEN_HEALTH_LISTEN", local(7072)),
            sandbox_listen: vars.parsed("RAMEN_SANDBOX_LISTEN", local(7073)),
            sandbox_webhooks: vars.optional("RAMEN_SANDBOX_WEBHOOKS"),
            trusted_hops: vars.number("RAMEN_TRUSTED_HOPS", 0, 0..=8),
            cors_origins: vars.words("RAMEN_CORS_ORIGINS", ""),
            rate_quota: vars.number("RAMEN_RATE_QUOTA", limits::RATE_QUOTA, 1..=100_000_000),
        }
    }
}
