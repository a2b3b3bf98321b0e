//! The *applied* announcement: what the projector has made visible, told after it is visible.
//!
//! Caches, waiting reads and live connections follow this and never the feed, which would race the
//! views. Inside one process it is a channel; to other processes it travels as `pg_notify`. It may
//! be lost (a slow reader, a broken connection): then [`Applied::Unknown`] is heard, which means that
//! anything may have changed.

use std::sync::Arc;

use domain::aggregates::Kind;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::clock::Clock;
use crate::limits::DATABASE_DEADLINE;
use crate::postgres::in_time;
use crate::telemetry::TraceContext;

/// Channel of `pg_notify`.
pub const CHANNEL: &str = "views_applied";
/// Postgres refuses payloads of 8,000 bytes and more.
const PAYLOAD_BYTES_MAX: usize = 7_900;
/// Announcements a slow reader may lag behind before it is told [`Applied::Unknown`].
const BACKLOG_MAX: usize = 4_096;

/// A stream and the last sequence of it that is visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Visible {
    /// The aggregate's kind.
    pub kind: Kind,
    /// The aggregate's id.
    pub id: Uuid,
    /// Every event up to this sequence is visible.
    pub sequence: i64,
    /// The trace of the last of them, when it is recorded.
    pub trace: Option<TraceContext>,
}

/// What became visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// In the views.
    Views(Arc<[Visible]>),
    /// In the search index.
    Index(Arc<[Visible]>),
    /// Announcements were lost: anything may have changed.
    Unknown,
}

/// Where announcements of one process meet. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppliedHub {
    /// Tells this hub's announcements from others'.
    id: Uuid,
    sender: broadcast::Sender<Applied>,
}

impl Default for AppliedHub {
    fn default() -> Self {
        Self::new()
    }
}

impl AppliedHub {
    /// A hub without listeners.
    pub fn new() -> Self {
        Self {
            id: Clock::system().fresh_id(),
            sender: broadcast::Sender::new(BACKLOG_MAX),
        }
    }

    /// Tells all listeners of this process. Nobody listening is no fault.
    pub fn announce(&self, applied: Applied) {
        // The error says only that nobody listens.
        drop(self.sender.send(applied));
    }

    /// What [`AppliedHub::tell_others`] sends on [`CHANNEL`], for a statement that does more.
    pub fn payloads(&self, applied: &Applied) -> Vec<String> {
        encode(self.id, applied)
    }

    /// Tells other processes, when the transaction of `connection` commits (at once without one).
    /// Nobody in this process hears it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tell_others(
        &self,
        connection: &mut sqlx::PgConnection,
        applied: &Applied,
    ) -> Result<(), sqlx::Error> {
        for payload in self.payloads(applied) {
            sqlx::query!("SELECT pg_notify($1, $2)", CHANNEL, payload)
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    /// A listener that hears what is announced from now on.
    pub fn subscribe(&self) -> AppliedListener {
        AppliedListener {
            receiver: self.sender.subscribe(),
        }
    }
}

/// One listener of a hub.
#[derive(Debug)]
pub struct AppliedListener {
    receiver: broadcast::Receiver<Applied>,
}

impl AppliedListener {
    /// The next announcement; none when the hub is gone. Safe to drop while waiting.
    pub async fn next(&mut self) -> Option<Applied> {
        match self.receiver.recv().await {
            Ok(applied) => Some(applied),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Applied::Unknown),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// What has been announced already, without waiting.
    pub fn try_next(&mut self) -> Option<Applied> {
        match self.receiver.try_recv() {
            Ok(applied) => Some(applied),
            Err(broadcast::error::TryRecvError::Lagged(_)) => Some(Applied::Unknown),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => {
                None
            }
        }
    }
}

/// Hears other processes and passes it on to the hub of this one.
#[derive(Debug)]
pub struct RemoteApplied {
    pool: PgPool,
    hub: AppliedHub,
    /// None after the connection was lost.
    listener: Option<PgListener>,
}

impl RemoteApplied {
    /// Starts listening. What was announced before is not heard, hence one [`Applied::Unknown`].
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn connect(pool: &PgPool, hub: AppliedHub) -> Result<Self, sqlx::Error> {
        let mut remote = Self {
            pool: pool.clone(),
            hub,
            listener: None,
        };
        remote.listen().await?;
        Ok(remote)
    }

    /// Whether it has a connection that hears. Without one the next [`RemoteApplied::step`] makes
    /// one and should not be dropped half way.
    pub fn is_listening(&self) -> bool {
        self.listener.is_some()
    }

    /// Waits for the next announcement and passes it on, or listens anew after the connection was
    /// lost. Safe to drop while waiting.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn step(&mut self) -> Result<(), sqlx::Error> {
        let Some(listener) = &mut self.listener else {
            return self.listen().await;
        };
        match listener.try_recv().await {
            Ok(Some(heard)) => self.pass_on(heard.payload()),
            Ok(None) => self.listener = None,
            Err(error) => {
                self.listener = None;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Only what is announced once `LISTEN` is through will be heard: anything may have changed
    /// before.
    async fn listen(&mut self) -> Result<(), sqlx::Error> {
        let listening = async {
            let mut listener = PgListener::connect_with(&self.pool).await?;
            listener.eager_reconnect(false);
            listener.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        self.listener = Some(in_time(DATABASE_DEADLINE, listening).await?);
        self.hub.announce(Applied::Unknown);
        Ok(())
    }

    fn pass_on(&self, payload: &str) {
        let (teller, applied) = decode(payload);
        // What this process tells others comes back to it, and it has heard it already.
        if teller != Some(self.hub.id) {
            self.hub.announce(applied);
        }
    }
}

/// A line that says who tells what, then one for each stream: `kind id sequence`, and its trace if any.
fn encode(teller: Uuid, applied: &Applied) -> Vec<String> {
    let (what, streams) = match applied {
        Applied::Views(streams) => ("views", streams),
        Applied::Index(streams) => ("index", streams),
        Applied::Unknown => return vec![format!("unknown {}", teller.simple())],
    };
    let head = format!("{what} {}", teller.simple());
    let mut payloads = Vec::new();
    let mut payload = head.clone();
    for visible in streams.iter() {
        let line = encode_line(visible);
        if payload.len() + line.len() > PAYLOAD_BYTES_MAX {
            payloads.push(std::mem::replace(&mut payload, head.clone()));
        }
        payload.push_str(&line);
    }
    payloads.push(payload);
    payloads
}

fn encode_line(visible: &Visible) -> String {
    let Visible { kind, id, .. } = visible;
    let line = format!("\n{} {} {}", kind.as_str(), id.simple(), visible.sequence);
    match visible.trace {
        Some(trace) => format!("{line} {trace}"),
        None => line,
    }
}

/// The inverse of [`encode`]; what cannot be read may mean anything.
fn decode(payload: &str) -> (Option<Uuid>, Applied) {
    let mut lines = payload.lines();
    let head = lines.next().and_then(|head| head.split_once(' '));
    let (what, teller) = head.unzip();
    let streams: Option<Arc<[Visible]>> = lines.map(decode_line).collect();
    let applied = match (what, streams) {
        (Some("views"), Some(streams)) => Applied::Views(streams),
        (Some("index"), Some(streams)) => Applied::Index(streams),
        _ => Applied::Unknown,
    };
    (teller.and_then(|teller| teller.parse().ok()), applied)
}

fn decode_line(line: &str) -> Option<Visible> {
    let mut parts = line.split(' ');
    let kind = Kind::parse(parts.next()?).ok()?;
    let id = parts.next()?.parse().ok()?;
    let sequence = parts.next()?.parse().ok()?;
    let trace = match parts.next() {
        Some(trace) => Some(trace.parse().ok()?),
        None => None,
    };
    let visible = Visible {
        kind,
        id,
        sequence,
        trace,
    };
    parts.next().is_none().then_some(visible)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn streams(count: u128) -> Arc<[Visible]> {
        (0..count)
            .map(|n| Visible {
                kind: Kind::Order,
                id: Uuid::from_u128(n),
                sequence: 7,
                trace: n.is_multiple_of(2).then(|| TRACE.parse().unwrap()),
            })
            .collect()
    }

    #[test]
    fn what_is_encoded_is_decoded_in_payloads_that_postgres_takes() {
        let teller = Uuid::from_u128(7);
        let payloads = encode(teller, &Applied::Views(streams(1_000)));
        assert!(payloads.iter().all(|payload| payload.len() < 8_000));
        let mut all = Vec::new();
        for payload in payloads {
            let (Some(told_by), Applied::Views(part)) = decode(&payload) else {
                panic!("no view announcement")
            };
            assert_eq!(told_by, teller);
            all.extend(part.iter().copied());
        }
        assert_eq!(all, streams(1_000).to_vec());
    }

    #[test]
    fn nonsense_means_that_anything_may_have_changed() {
        assert_eq!(decode("views\nnothing"), (None, Applied::Unknown));
        assert_eq!(decode(""), (None, Applied::Unknown));
    }

    #[tokio::test]
    async fn a_slow_listener_is_told_that_it_missed_something() {
        let hub = AppliedHub::new();
        let mut listener = hub.subscribe();
        for _ in 0..=BACKLOG_MAX {
            hub.announce(Applied::Views(streams(1)));
        }
        assert_eq!(listener.next().await, Some(Applied::Unknown));
        assert_eq!(listener.next().await, Some(Applied::Views(streams(1))));
    }
}
