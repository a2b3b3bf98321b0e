//! One connection: two pumps, each of which does to what it carries what the fault says at that moment.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;

use super::fault::{Fault, Way};
use super::proxy::Passed;

/// Read at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// A slow connection gets its share so often in a second.
const TICKS: u32 = 10;

/// How a connection, or one direction of it, ends.
enum End {
    /// As its sides have ended it.
    Closed,
    /// Reset to both sides.
    Struck,
    /// Closed to the far side alone.
    HalfOpen,
}

/// A connection to be served.
pub(super) struct Connection {
    pub(super) to: SocketAddr,
    pub(super) seed: u64,
    pub(super) faults: watch::Receiver<Fault>,
    pub(super) passed: Arc<Passed>,
}

impl Connection {
    /// Passes everything on until one side ends it or a fault does.
    pub(super) async fn run(self, client: TcpStream) {
        let Ok(server) = TcpStream::connect(self.to).await else {
            strike(&client);
            return;
        };
        // What is sliced must leave in slices. A socket that is gone needs no option.
        client.set_nodelay(true).ok();
        server.set_nodelay(true).ok();
        let ((from_client, to_client), (from_server, to_server)) =
            (client.into_split(), server.into_split());
        let mut requests = self.pump(Way::Request, from_client, to_server);
        let mut replies = self.pump(Way::Reply, from_server, to_client);
        match both(&mut requests, &mut replies).await {
            End::Closed => {}
            End::Struck => {
                self.passed.struck.fetch_add(1, Ordering::Relaxed);
                for half in [requests.to, replies.to] {
                    strike(half.as_ref());
                    // Or it would end its direction in good order first.
                    half.forget();
                }
            }
            End::HalfOpen => {
                self.passed.struck.fetch_add(1, Ordering::Relaxed);
                let Pump {
                    from: mut client,
                    to: server,
                    ..
                } = requests;
                let Pump {
                    from: _,
                    to: client_too,
                    ..
                } = replies;
                drop(server);
                // What the client says goes nowhere, until it gives up.
                tokio::io::copy(&mut client, &mut tokio::io::sink())
                    .await
                    .ok();
                drop(client_too);
            }
        }
    }

    fn pump(&self, way: Way, from: OwnedReadHalf, to: OwnedWriteHalf) -> Pump {
        Pump {
            way,
            from,
            to,
            twin: None,
            server: self.to,
            faults: self.faults.clone(),
            draws: StdRng::seed_from_u64(
                self.seed
                    .wrapping_mul(2)
                    .wrapping_add(u64::from(way == Way::Reply)),
            ),
            carried: 0,
            passed: Arc::clone(&self.passed),
        }
    }
}

/// Runs both directions, until both are closed or one ends the connection.
async fn both(requests: &mut Pump, replies: &mut Pump) -> End {
    let (mut there, mut back) = (pin!(requests.run()), pin!(replies.run()));
    let (mut goes_there, mut comes_back) = (true, true);
    while goes_there || comes_back {
        let end = tokio::select! {
            end = &mut there, if goes_there => {
                goes_there = false;
                end
            }
            end = &mut back, if comes_back => {
                comes_back = false;
                end
            }
        };
        match end {
            Ok(End::Closed) => {}
            Ok(end) => return end,
            // One side was reset: so is the other.
            Err(_) => return End::Struck,
        }
    }
    End::Closed
}

/// Ends a socket with a reset.
fn strike(socket: &TcpStream) {
    // A socket that is gone already needs none.
    socket.set_zero_linger().ok();
}

/// One direction.
struct Pump {
    way: Way,
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    /// The connection over which everything is sent a second time.
    twin: Option<TcpStream>,
    server: SocketAddr,
    faults: watch::Receiver<Fault>,
    draws: StdRng,
    /// Bytes since the connection began.
    carried: usize,
    passed: Arc<Passed>,
}

impl Pump {
    async fn run(&mut self) -> io::Result<End> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let fault = *self.faults.borrow_and_update();
            if matches!(fault, Fault::Refuse | Fault::Reset) {
                return Ok(End::Struck);
            }
            if fault == Fault::HalfOpen {
                return Ok(End::HalfOpen);
            }
            let read = tokio::select! {
                read = self.from.read(&mut chunk) => read?,
                changed = self.faults.changed() => {
                    if changed.is_err() { return Ok(End::Struck) }
                    continue;
                }
            };
            if read == 0 {
                self.to.shutdown().await?;
                return Ok(End::Closed);
            }
            if let Some(end) = self.pass(&chunk[..read]).await? {
                return Ok(end);
            }
        }
    }

    /// Passes a chunk on, as the fault allows, and goes on with what is left of it when the fault changes.
    async fn pass(&mut self, chunk: &[u8]) -> io::Result<Option<End>> {
        let mut left = chunk;
        while !left.is_empty() {
            let fault = *self.faults.borrow_and_update();
            let count = match fault {
                Fault::None => left.len(),
                Fault::Refuse | Fault::Reset => return Ok(Some(End::Struck)),
                Fault::HalfOpen => return Ok(Some(End::HalfOpen)),
                Fault::LoseReply if self.way == Way::Reply => return Ok(Some(End::Struck)),
                Fault::LoseReply => left.len(),
                Fault::BlackHole => {
                    self.faults.changed().await.map_err(io::Error::other)?;
                    continue;
                }
                Fault::Delay { way, by } if way == self.way => {
                    let more = self.draws.random_range(0..=by.as_millis() / 10);
                    let more = Duration::from_millis(u64::try_from(more).unwrap_or(0));
                    if self.is_interrupted(by.saturating_add(more)).await {
                        continue;
                    }
                    left.len()
                }
                Fault::Slow { rate } => {
                    if self.is_interrupted(Duration::from_secs(1) / TICKS).await {
                        continue;
                    }
                    share(rate).min(left.len())
                }
                Fault::Slice { bytes } => self.draws.random_range(1..=bytes.max(1)).min(left.len()),
                Fault::Cut { way, after } if way == self.way => {
                    let Some(rest) = after.checked_sub(self.carried).filter(|rest| *rest > 0)
                    else {
                        return Ok(Some(End::Struck));
                    };
                    rest.min(left.len())
                }
                Fault::Delay { .. } | Fault::Cut { .. } => left.len(),
                Fault::Repeat => {
                    self.repeat(left).await;
                    left.len()
                }
            };
            let (now, later) = left.split_at(count);
            self.to.write_all(now).await?;
            self.to.flush().await?;
            self.count(now.len());
            left = later;
        }
        Ok(None)
    }

    /// Waits, and says whether the fault has changed meanwhile.
    async fn is_interrupted(&mut self, span: Duration) -> bool {
        tokio::select! {
            _ = self.faults.changed() => true,
            () = tokio::time::sleep(span) => false,
        }
    }

    /// Sends the same over another connection. One that fails is no worse than a network that loses the second copy.
    async fn repeat(&mut self, chunk: &[u8]) {
        if self.way == Way::Reply {
            return;
        }
        if self.twin.is_none() {
            self.twin = TcpStream::connect(self.server).await.ok();
        }
        if let Some(twin) = &mut self.twin
            && twin.write_all(chunk).await.is_err()
        {
            self.twin = None;
        }
    }

    fn count(&mut self, bytes: usize) {
        self.carried = self.carried.saturating_add(bytes);
        let counter: &AtomicU64 = match self.way {
            Way::Request => &self.passed.requests,
            Way::Reply => &self.passed.replies,
        };
        counter.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// What may pass at each tick, in bytes.
fn share(rate: u32) -> usize {
    usize::try_from((rate / TICKS).max(1)).unwrap_or(usize::MAX)
}
