//! Starting, running and stopping background work: the only place that spawns tasks.
//!
//! Tokens stop everything. *Soft*: finish what is in hand, take nothing new. *Hard*, its parent:
//! leave now. The first SIGTERM or SIGINT is soft, the second, or a deadline, hard. Between them is
//! *last*, for the services that others need to finish what they hold, such as the event store: it
//! comes when all others have ended. A service task that ends by itself stops the process with a
//! failure, since nobody would do its work.
//!
//! A [`Loop`] is work done in steps. The runner adds what all loops need: a doorbell that wakes it, an
//! idle pause that grows, backoff with full jitter after failures, metrics, and stopping between
//! steps. Tests call `step` themselves.

mod loops;
mod pace;
mod stop;
mod tasks;

pub use loops::{Loop, Progress};
pub use pace::{Doorbell, Pace};
pub use stop::Stop;
pub use tasks::{Failure, Tasks};

#[cfg(test)]
mod tests;
