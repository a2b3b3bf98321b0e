//! Commands that the system gives: by a process, a timer or a webhook.

use aws_lc_rs::digest::{SHA256, digest};
use domain::aggregates::{
    AnyCommand, Cart, Delivery, Driver, Inventory, Menu, Order, Payment, Promotion, PromotionBook,
    Restaurant,
};
use domain::decider::Decider;
use infra::telemetry::TraceContext;
use uuid::Uuid;

use crate::execute::{Answer, ExecuteError, Executor, Key, Reply, Single};
use crate::metadata::Origin;

/// A command of the system's, which has a name of its own.
pub(super) struct Once<'a> {
    /// Who gives it: a process, or the webhooks.
    pub(super) by: &'a str,
    /// Its name: the effect's or the webhook's id.
    pub(super) id: Uuid,
    /// The order that it is for.
    pub(super) order: Uuid,
    /// The event that it follows from; none for a webhook.
    pub(super) cause: Option<Uuid>,
    /// Whether that event belongs to a rehearsal.
    pub(super) test: bool,
    /// The trace that its events go on with.
    pub(super) trace: Option<TraceContext>,
}

/// Executes `command` once for all calls under the same name: the record that commits with its
/// events is the proof that it is done.
///
/// # Errors
/// As [`Executor::execute`]; a refusal is an answer of the aggregate and settles the matter.
pub(super) async fn execute_once(
    executor: &Executor,
    once: &Once<'_>,
    command: AnyCommand,
) -> Result<Answer, ExecuteError> {
    let origin = Origin {
        role: "system".to_owned(),
        request_id: once.id.to_string(),
        traceparent: once.trace.map(|trace| trace.to_string()),
        causation: once.cause,
        correlation: Some(once.order),
        test: once.test,
        ..Origin::default()
    };
    let key = key_of(once.by, once.id);
    match command {
        AnyCommand::Restaurant(to, command) => {
            single::<Restaurant>(executor, &origin, &key, to, command).await
        }
        AnyCommand::Menu(to, command) => single::<Menu>(executor, &origin, &key, to, command).await,
        AnyCommand::Inventory(to, command) => {
            single::<Inventory>(executor, &origin, &key, to, command).await
        }
        AnyCommand::Promotion(to, command) => {
            single::<Promotion>(executor, &origin, &key, to, command).await
        }
        AnyCommand::PromotionBook(to, command) => {
            single::<PromotionBook>(executor, &origin, &key, to, command).await
        }
        AnyCommand::Cart(to, command) => single::<Cart>(executor, &origin, &key, to, command).await,
        AnyCommand::Order(to, command) => {
            single::<Order>(executor, &origin, &key, to, command).await
        }
        AnyCommand::Payment(to, command) => {
            single::<Payment>(executor, &origin, &key, to, command).await
        }
        AnyCommand::Delivery(to, command) => {
            single::<Delivery>(executor, &origin, &key, to, command).await
        }
        AnyCommand::Driver(to, command) => {
            single::<Driver>(executor, &origin, &key, to, command).await
        }
    }
}

async fn single<A: Decider>(
    executor: &Executor,
    origin: &Origin,
    key: &Key,
    id: Uuid,
    command: A::Command,
) -> Result<Answer, ExecuteError> {
    let work = Single {
        id,
        command,
        expected: None,
        allow: |_: &A| true,
        reply: Reply::done(),
    };
    executor.execute(origin, Some(key), &work).await
}

fn key_of(process: &str, id: Uuid) -> Key {
    let hash = digest(&SHA256, format!("effect\n{process}\n{id}").as_bytes());
    let hash: [u8; 32] = hash.as_ref().try_into().unwrap_or_default();
    Key {
        hash,
        fingerprint: hash,
    }
}
