//! The proxy: listens, and gives each connection the fault as it stands.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection::Connection;
use super::fault::Fault;

/// Between two tries to have the port back.
const REBIND_PAUSE: Duration = Duration::from_millis(20);

/// What has passed.
#[derive(Debug, Default)]
pub(super) struct Passed {
    connections: AtomicU64,
    pub(super) struck: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) replies: AtomicU64,
}

/// A proxy before one address. It ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    passed: Arc<Passed>,
    _listening: JoinSet<()>,
}

impl Proxy {
    /// A proxy that listens on `listen` (port 0 for a free one), leads to `to` and breaks nothing yet.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub(crate) async fn start(
        listen: SocketAddr,
        to: SocketAddr,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("listening on {listen}"))?;
        let address = listener.local_addr()?;
        let (fault, faults) = watch::channel(Fault::None);
        let passed = Arc::new(Passed::default());
        let listening = Listening {
            address,
            to,
            seed,
            faults,
            passed: Arc::clone(&passed),
            connections: JoinSet::new(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(listening.run(listener));
        Ok(Self {
            address,
            fault,
            passed,
            _listening: tasks,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks the network in this way from now on.
    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// What has passed so far, in words.
    pub(crate) fn passed(&self) -> impl fmt::Display + '_ {
        &*self.passed
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        write!(
            f,
            "{} connections, {} struck, {} bytes of requests, {} of replies",
            count(&self.connections),
            count(&self.struck),
            count(&self.requests),
            count(&self.replies)
        )
    }
}

struct Listening {
    address: SocketAddr,
    to: SocketAddr,
    seed: u64,
    faults: watch::Receiver<Fault>,
    passed: Arc<Passed>,
    connections: JoinSet<()>,
}

impl Listening {
    async fn run(mut self, mut listener: TcpListener) {
        loop {
            if self.faults.borrow_and_update().refuses() {
                drop(listener);
                match self.again().await {
                    Some(bound) => listener = bound,
                    None => return,
                }
            }
            tokio::select! {
                changed = self.faults.changed() => if changed.is_err() { return },
                Some(_) = self.connections.join_next() => {}
                // What cannot be accepted has gone already.
                Ok((client, _)) = listener.accept() => self.serve(client),
            }
        }
    }

    /// Waits until somebody is to listen again, and then for the port.
    async fn again(&mut self) -> Option<TcpListener> {
        self.faults.wait_for(|fault| !fault.refuses()).await.ok()?;
        loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => return Some(listener),
                Err(_) => tokio::time::sleep(REBIND_PAUSE).await,
            }
        }
    }

    fn serve(&mut self, client: tokio::net::TcpStream) {
        let nth = self.passed.connections.fetch_add(1, Ordering::Relaxed);
        let connection = Connection {
            to: self.to,
            seed: self.seed.wrapping_add(nth),
            faults: self.faults.clone(),
            passed: Arc::clone(&self.passed),
        };
        self.connections.spawn(connection.run(client));
    }
}
