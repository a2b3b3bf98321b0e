//! A piece of work: what is decided, and nothing of what makes it safe to repeat.

use std::borrow::Cow;
use std::future::Future;

use domain::aggregates::Kind;
use domain::decider::Decider;
use infra::event_store::StreamId;
use uuid::Uuid;

use super::answer::Reply;
use super::error::ExecuteError;
use super::unit::Unit;

/// A decision over loaded aggregates. It may be run more than once and must not act on the world.
pub trait Work: Sync {
    /// What is asked, `context.aggregate.command`, in traces and metrics: a closed set.
    fn name(&self) -> Cow<'static, str>;

    /// Loads what it needs through `unit`, decides, and writes through `unit`.
    fn run(&self, unit: &mut Unit<'_>) -> impl Future<Output = Result<Reply, ExecuteError>> + Send;

    /// Busy streams that every such command writes: commands of this process queue for them instead
    /// of running into each other's versions.
    fn queue_for(&self) -> Vec<StreamId> {
        Vec::new()
    }

    /// The streams it will load, so that the cold ones cost one query together.
    fn streams(&self) -> Vec<StreamId> {
        Vec::new()
    }
}

/// The name of a command on one aggregate.
pub(crate) fn name_of<A: Decider>(command: &A::Command) -> Cow<'static, str> {
    let command: &'static str = A::CommandKind::from(command).into();
    format!("{}.{command}", A::KIND).into()
}

/// One command on one aggregate, for those whom `allow` lets.
pub struct Single<A: Decider, F> {
    /// The aggregate's id.
    pub id: Uuid,
    /// The command.
    pub command: A::Command,
    /// `If-Match`.
    pub expected: Option<i64>,
    /// Whether the caller may touch this aggregate; a stranger is told that it does not exist.
    pub allow: F,
    /// What is answered.
    pub reply: Reply,
}

impl<A, F> Work for Single<A, F>
where
    A: Decider,
    F: Fn(&A) -> bool + Sync,
{
    fn name(&self) -> Cow<'static, str> {
        name_of::<A>(&self.command)
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let loaded = unit.load::<A>(self.id).await?;
        if !(self.allow)(&loaded.state) {
            return Err(ExecuteError::NotTheirs);
        }
        unit.expect_version(&loaded, self.expected)?;
        unit.decide(&loaded, self.command.clone())?;
        Ok(self.reply.clone().tagged(loaded.stream))
    }

    fn queue_for(&self) -> Vec<StreamId> {
        busy_stream::<A>(self.id).into_iter().collect()
    }
}

/// The stream to queue for when `A` is the stock of a shop, which every order of the shop writes, or a
/// promotion, which every order that uses it writes.
pub(crate) fn busy_stream<A: Decider>(id: Uuid) -> Option<StreamId> {
    let busy = [Kind::Inventory, Kind::Promotion];
    let kind = busy.into_iter().find(|kind| A::KIND == kind.as_str())?;
    Some(StreamId { kind, id })
}
